#include "workloads/send/receiver_mix.hpp"

#include <algorithm>
#include <numeric>

namespace patchbench::send {

std::vector<std::uint32_t> some_classes(std::uint32_t count, std::uint32_t heap_classes,
                                        SeededRandom& random) {
  std::vector<std::uint32_t> chosen;
  chosen.reserve(count);
  while (chosen.size() < std::min(count, heap_classes)) {
    const auto candidate = static_cast<std::uint32_t>(1 + random.below(heap_classes));
    if (std::ranges::find(chosen, candidate) == chosen.end()) chosen.push_back(candidate);
  }
  return chosen;
}

void give_each_site_its_receiver(std::vector<SitePlan>& sites) {
  for (std::size_t i = 0; i < sites.size(); ++i) {
    sites[i].receiver_offset = static_cast<std::int32_t>(i * sizeof(Oop));
  }
}

namespace {

/// Each site reads one receiver a pass. Answers the period after which cyclic receivers begin
/// again.
std::uint64_t choose_passes(SteadyState& state) {
  // A multiple of every degree from 2 to 6, so that cyclic receivers go on where they began; with
  // 1,024 sites a period of 61,440 receivers.
  constexpr std::uint64_t kPasses = 60;
  // Above this many sites fewer passes are as long a period (and cyclic receivers of degree 5 skip
  // once a run).
  constexpr std::size_t kManySites = 16'384;
  const std::size_t sites = state.plan.sites.size();
  state.passes = sites > kManySites ? kPasses / 5 : kPasses;
  state.passes *= std::max<std::uint64_t>(1, kSendsPerRun / (state.passes * sites));
  state.receivers_per_pass = sites;
  state.class_stream.clear();
  state.class_stream.reserve(state.passes * sites);
  return kPasses;
}

}  // namespace

void draw_stream(SteadyState& state, bool random_receivers, SeededRandom& random) {
  const std::uint64_t period = choose_passes(state);
  const auto& classes = state.classes_of_site;
  std::vector<std::uint64_t> phase(classes.size());
  for (std::uint64_t& p : phase) p = random.below(period);
  for (std::uint64_t pass = 0; pass < state.passes; ++pass) {
    for (std::size_t i = 0; i < classes.size(); ++i) {
      const std::uint64_t k = random_receivers ? random.below(classes[i].size())
                                               : (pass + phase[i]) % classes[i].size();
      state.class_stream.push_back(classes[i][k]);
    }
  }
}

void draw_stream_of_all_classes(SteadyState& state, SeededRandom& random) {
  choose_passes(state);
  for (std::uint64_t i = 0; i < state.passes * state.receivers_per_pass; ++i) {
    state.class_stream.push_back(
        static_cast<std::uint32_t>(1 + random.below(state.plan.heap_classes)));
  }
}

void set_order(SendPlan& plan, const std::string& order, std::uint64_t seed) {
  if (order == "linear") return;
  plan.order = SiteOrder::shuffled;
  plan.first_site =
      chain_in_random_order(plan.sites, seed, order == "clustered" ? kSitesOfCluster : 1);
}

}  // namespace patchbench::send
