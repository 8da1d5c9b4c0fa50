// workloads/mic.hpp - monomorphic send sites in steady state: every site meets one class, its MIC
// always hits.
#pragma once

#include <algorithm>
#include <numeric>
#include <string_view>
#include <vector>

#include "workloads/parameters.hpp"
#include "workloads/send/receiver_mix.hpp"
#include "workloads/send/steady_state.hpp"
#include "workloads/workload.hpp"

namespace patchbench {

struct Mic : send::SteadyStateWorkload<Mic> {
  static constexpr std::string_view kId = "mic";

  static WorkloadInfo info() {
    return {
        .id = std::string{kId},
        .summary = "monomorphic sites, linked; every send hits its inline cache",
        .parameters = {sites_parameter(
                           {"16", "512", "1024", "4096", "8192", "12288", "16384", "65536"},
                           {"16", "512", "4096", "16384"}),
                       {.name = "order",
                        .summary = "fall through from site to site, or chained by jumps at random, "
                                   "each by itself or in clusters of 64",
                        .default_value = "linear",
                        .standard_grid = {"linear", "shuffled"},
                        .quick_grid = {"linear"},
                        .choices = {"linear", "shuffled", "clustered"}},
                       {.name = "targets",
                        .summary = "64 methods for all sites, or a method for each",
                        .default_value = "64",
                        .standard_grid = {"64", "sites"},
                        .quick_grid = {"64"},
                        .choices = {"64", "sites"}},
                       work_parameter()},
        .metrics = {"send"},
        .headline = {{{"send", {{"sites", 1024}}}, {"send", {{"sites", 16384}}}}},
        .small_grid = {{"sites", "512"}, {"order", "linear"}, {"targets", "64"}},
        .decides = {{{"sites", "512"}, {"order", "linear"}, {"targets", "64"}},
                    {{"sites", "16384"}, {"order", "linear"}, {"targets", "64"}}}};
  }

  static send::SteadyState describe(const CellRequest& request) {
    constexpr std::uint32_t kClasses = 64;
    const std::uint32_t sites = count_parameter(request, "sites");
    const bool target_each = word_parameter(request, "targets") == "sites";
    SeededRandom random{request.seed};

    send::SteadyState state;
    state.plan.arena = map_arena(request.arena, request.zone);
    state.plan.site_shift = send::draw_site_shift(request.seed);
    state.plan.work = count_parameter(request, "work");
    state.plan.heap_classes = kClasses;
    state.plan.selectors = target_each ? (sites + kClasses - 1) / kClasses : 1;
    state.plan.sites.resize(sites);
    state.plan.selector_of_site.resize(sites);
    state.classes_of_site.resize(sites);

    // One target each: a random assignment of (class, selector) pairs, so that the order of methods
    // in memory is unrelated to that of the sites.
    std::vector<std::uint32_t> target(sites);
    std::iota(target.begin(), target.end(), 0U);
    if (target_each) {
      random.shuffle(target);
    } else {
      std::generate(target.begin(), target.end(),
                    [&] { return static_cast<std::uint32_t>(random.below(kClasses)); });
    }
    for (std::uint32_t i = 0; i < sites; ++i) {
      const std::uint32_t class_index = 1 + target[i] % kClasses;
      state.plan.selector_of_site[i] = target[i] / kClasses;
      state.classes_of_site[i] = {class_index};
      state.plan.sites[i].receiver_offset =
          static_cast<std::int32_t>(class_index * sizeof(send::Oop));
    }
    send::set_order(state.plan, word_parameter(request, "order"), random.below(UINT64_MAX));

    // The same frame of one receiver a class for every pass: receivers stay in the first-level
    // cache and what is measured is the send.
    state.class_stream.resize(kClasses + 1);
    std::iota(state.class_stream.begin(), state.class_stream.end(), 0U);
    state.one_receiver_per_class = true;
    state.passes = std::max<std::uint64_t>(1, kSendsPerRun / sites);
    state.seed = random.below(UINT64_MAX);
    return state;
  }

  template <class Strategy>
  static constexpr std::string_view unsupported() {
    return {};
  }
};

}  // namespace patchbench
