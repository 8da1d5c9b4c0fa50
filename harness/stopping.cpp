#include "harness/stopping.hpp"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "analysis/statistics.hpp"

namespace patchbench::harness {
namespace {

struct Worst {
  std::string name;  // "mic/memfd-dual/sites=16 send"; empty: there is no ratio at all
  double reach = 0;  // infinite where it has no interval
};

Worst worst_known(const results::Results& results, const std::set<std::string>& requested) {
  Worst worst;
  for (const results::Cell& cell : results.cells) {
    if (!requested.contains(cell.id)) {
      continue;
    }
    for (const results::Ratio& ratio : cell.ratios) {
      const double found = reach(ratio).value_or(std::numeric_limits<double>::infinity());
      if (worst.name.empty() || found > worst.reach) {
        worst = {.name = fmt::format("{} {}", cell.id, ratio.metric), .reach = found};
      }
    }
  }
  return worst;
}

std::string describe(const Worst& worst) {
  if (worst.name.empty()) {
    return "there is no ratio to know";
  }
  return fmt::format("known worst, to {:.2g} %: {}", worst.reach * 100, worst.name);
}

}  // namespace

std::optional<double> reach(const results::Ratio& ratio) {
  const auto interval = analysis::deciding_interval(ratio);
  if (!interval || !ratio.median || *ratio.median <= 0) {
    return std::nullopt;
  }
  const auto [low, high] = *interval;
  return std::max(high / *ratio.median - 1, 1 - low / *ratio.median);
}

std::optional<std::string> reason_to_stop(const StopRule& rule, const results::Results& so_far,
                                          const std::set<std::string>& requested,
                                          const Standing& standing) {
  const Worst worst = worst_known(so_far, requested);
  if (standing.rounds >= kFewestRounds && worst.reach <= rule.precision) {
    return fmt::format("precision: {} rounds; {}", standing.rounds, describe(worst));
  }
  if (standing.used_s + standing.round_s > rule.budget_s) {
    return fmt::format(
        "budget: {:.0f} s for {} rounds, too few to know every ratio to {:.2g} %; {}",
        standing.used_s, standing.rounds, rule.precision * 100, describe(worst));
  }
  return std::nullopt;
}

}  // namespace patchbench::harness
