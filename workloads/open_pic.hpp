// workloads/open_pic.hpp - megamorphic send sites in steady state: all share their selector's open
// PIC, which probes the method cache.
#pragma once

#include <bit>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "workloads/parameters.hpp"
#include "workloads/pic.hpp"
#include "workloads/send/receiver_mix.hpp"
#include "workloads/send/steady_state.hpp"
#include "workloads/workload.hpp"

namespace patchbench {

struct OpenPic : send::SteadyStateWorkload<OpenPic> {
  static constexpr std::string_view kId = "open-pic";

  static WorkloadInfo info() {
    return {
        .id = std::string{kId},
        .summary = "megamorphic sites; sends probe the method cache, its misses look the method up",
        .parameters = {{.name = "classes",
                        .summary = "classes of the receivers, drawn at random",
                        .default_value = "256",
                        .standard_grid = {"16", "256", "4096"},
                        .quick_grid = {"256"},
                        .min = send::kMaxPicCases + 1,
                        .max = 1 << 16,
                        .choices = {}},
                       cache_entries_parameter({"1024", "8192"}),
                       {.name = "lookup",
                        .summary = "the selector's own open PIC, or code that all selectors share "
                                   "and that finds selector and hash in registers",
                        .default_value = "own",
                        .standard_grid = {"own", "generic"},
                        .quick_grid = {"own", "generic"},
                        .choices = {"own", "generic"},
                        .in_id = false},
                       sites_parameter({"1024"}, {"1024"}),
                       work_parameter()},
        .metrics = {"send"},
        .headline = {{{"send", {{"classes", 256}, {"cache_entries", 1024}}}}}};
  }

  static send::SteadyState describe(const CellRequest& request) {
    const std::uint32_t sites = count_parameter(request, "sites");
    SeededRandom random{request.seed};

    send::SteadyState state;
    state.plan.arena = map_arena(request.arena, request.zone);
    state.plan.site_shift = send::draw_site_shift(request.seed);
    state.plan.work = count_parameter(request, "work");
    state.plan.heap_classes = count_parameter(request, "classes");
    state.plan.cache_entries = count_parameter(request, "cache_entries");
    if (!std::has_single_bit(state.plan.cache_entries)) {
      throw std::invalid_argument("cache_entries must be a power of two");
    }
    state.plan.closed_pics = true;
    state.plan.generic_lookup = word_parameter(request, "lookup") == "generic";
    state.plan.sites.resize(sites);
    state.plan.selector_of_site.assign(sites, 0);
    send::give_each_site_its_receiver(state.plan.sites);

    // Receivers come from all classes; a site is linked by the first seven it meets.
    send::draw_stream_of_all_classes(state, random);
    for (std::uint32_t i = 0; i < sites; ++i) {
      state.classes_of_site.push_back(
          send::some_classes(send::kMaxPicCases + 1, state.plan.heap_classes, random));
    }
    state.seed = random.below(UINT64_MAX);
    return state;
  }

  template <class Strategy>
  static constexpr std::string_view unsupported() {
    return Pic::unsupported<Strategy>();
  }
};

}  // namespace patchbench
