// workloads/mixed.hpp - sites as programs have them: 90 % monomorphic, 9 % polymorphic, 1 %
// megamorphic.
//
// The shares are those usually quoted for object-oriented programs. Of the sites of the programs
// that we recorded 87 to 98 % are monomorphic, 1 to 12 % polymorphic and 0 to 1.2 % megamorphic
// (docs/trace-format.md).
#pragma once

#include <string_view>
#include <vector>

#include "workloads/parameters.hpp"
#include "workloads/pic.hpp"
#include "workloads/send/receiver_mix.hpp"
#include "workloads/send/steady_state.hpp"
#include "workloads/workload.hpp"

namespace patchbench {

struct Mixed : send::SteadyStateWorkload<Mixed> {
  static constexpr std::string_view kId = "mixed";

  static WorkloadInfo info() {
    return {
        .id = std::string{kId},
        .summary = "90 % monomorphic, 9 % polymorphic (2 to 4 classes), 1 % megamorphic (16) sites",
        .parameters = {sites_parameter({"1024"}, {"1024"}),
                       {.name = "immediates",
                        .summary = "percentage of monomorphic sites that are sent to SmallIntegers",
                        .default_value = "10",
                        .standard_grid = {"10"},
                        .quick_grid = {"10"},
                        .min = 0,
                        .max = 100,
                        .choices = {},
                        .in_id = false},
                       work_parameter()},
        .metrics = {"send"},
        .headline = {{{"send", {{"sites", 1024}}}}}};
  }

  static send::SteadyState describe(const CellRequest& request) {
    constexpr std::uint32_t kClasses = 64;
    constexpr std::uint32_t kSelectors = 16;
    const std::uint32_t sites = count_parameter(request, "sites");
    SeededRandom random{request.seed};

    send::SteadyState state;
    state.plan.arena = map_arena(request.arena, request.zone);
    state.plan.site_shift = send::draw_site_shift(request.seed);
    state.plan.work = count_parameter(request, "work");
    state.plan.heap_classes = kClasses;
    state.plan.selectors = kSelectors;
    state.plan.closed_pics = true;
    state.plan.sites.resize(sites);
    send::give_each_site_its_receiver(state.plan.sites);
    state.classes_of_site =
        classes_met(sites, count_parameter(request, "immediates"), kClasses, random);
    for (std::uint32_t i = 0; i < sites; ++i) {
      state.plan.selector_of_site.push_back(static_cast<std::uint32_t>(random.below(kSelectors)));
    }
    send::draw_stream(state, true, random);
    state.seed = random.below(UINT64_MAX);
    return state;
  }

  template <class Strategy>
  static constexpr std::string_view unsupported() {
    return Pic::unsupported<Strategy>();
  }

 private:
  static std::vector<std::vector<std::uint32_t>> classes_met(std::uint32_t sites,
                                                             std::uint32_t immediates,
                                                             std::uint32_t heap_classes,
                                                             SeededRandom& random) {
    constexpr std::uint32_t kMegamorphicClasses = 16;
    const std::uint32_t polymorphic = (sites * 9 + 50) / 100;
    const std::uint32_t megamorphic = (sites + 50) / 100;
    std::vector<std::vector<std::uint32_t>> classes(sites);
    for (std::uint32_t i = 0; i < sites; ++i) {
      if (i < megamorphic) {
        classes[i] = send::some_classes(kMegamorphicClasses, heap_classes, random);
      } else if (i < megamorphic + polymorphic) {
        const auto degree = static_cast<std::uint32_t>(2 + random.below(3));
        classes[i] = send::some_classes(degree, heap_classes, random);
      } else if (random.below(100) < immediates) {
        classes[i] = {0};
      } else {
        classes[i] = send::some_classes(1, heap_classes, random);
      }
    }
    random.shuffle(classes);
    return classes;
  }
};

}  // namespace patchbench
