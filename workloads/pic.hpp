// workloads/pic.hpp - polymorphic send sites in steady state, each with a closed PIC.
#pragma once

#include <string_view>
#include <vector>

#include "workloads/parameters.hpp"
#include "workloads/send/receiver_mix.hpp"
#include "workloads/send/steady_state.hpp"
#include "workloads/workload.hpp"

namespace patchbench {

/// Why `unchecked` has no meaning where a site has more than one target.
inline constexpr std::string_view kPolymorphicNeedsCheck =
    "a site with several targets cannot do without comparing classes";

struct Pic : send::SteadyStateWorkload<Pic> {
  static constexpr std::string_view kId = "pic";

  static WorkloadInfo info() {
    return {.id = std::string{kId},
            .summary = "polymorphic sites, linked; every send finds its class in a closed PIC",
            .parameters = {{.name = "degree",
                            .summary = "classes that each site meets, and cases of its PIC",
                            .default_value = "4",
                            .standard_grid = {"2", "4", "6"},
                            .quick_grid = {"4"},
                            .min = 2,
                            .max = send::kMaxPicCases,
                            .choices = {}},
                           {.name = "order",
                            .summary = "receivers' classes in turn, or drawn at random",
                            .default_value = "random",
                            .standard_grid = {"cyclic", "random"},
                            .quick_grid = {"random"},
                            .choices = {"cyclic", "random"}},
                           sites_parameter({"1024"}, {"1024"}),
                           work_parameter()},
            .metrics = {"send"},
            .headline = {{{"send", {{"degree", 4}, {"sites", 1024}}}}}};
  }

  static send::SteadyState describe(const CellRequest& request) {
    constexpr std::uint32_t kClasses = 64;
    const std::uint32_t sites = count_parameter(request, "sites");
    const std::uint32_t degree = count_parameter(request, "degree");
    SeededRandom random{request.seed};

    send::SteadyState state;
    state.plan.arena = map_arena(request.arena, request.zone);
    state.plan.site_shift = send::draw_site_shift(request.seed);
    state.plan.work = count_parameter(request, "work");
    state.plan.heap_classes = kClasses;
    state.plan.closed_pics = true;
    state.plan.sites.resize(sites);
    state.plan.selector_of_site.assign(sites, 0);
    send::give_each_site_its_receiver(state.plan.sites);
    for (std::uint32_t i = 0; i < sites; ++i) {
      state.classes_of_site.push_back(send::some_classes(degree, kClasses, random));
    }
    send::draw_stream(state, word_parameter(request, "order") == "random", random);
    state.seed = random.below(UINT64_MAX);
    return state;
  }

  template <class Strategy>
  static constexpr std::string_view unsupported() {
    return Strategy::kDispatch == Dispatch::unchecked ? kPolymorphicNeedsCheck : std::string_view{};
  }
};

}  // namespace patchbench
