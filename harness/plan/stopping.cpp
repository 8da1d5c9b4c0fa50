#include "harness/plan/stopping.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "analysis/statistics/statistics.hpp"

namespace patchbench::harness {
namespace {

/// Of a difference so small that it often is not above 0 no number of rounds makes a logarithm.
bool is_next_to_nothing(const results::Ratio& ratio) {
  constexpr double kFraction = 0.5;
  const auto interval = analysis::deciding_interval(ratio);
  return interval && (*interval)[0] <= 0 && (*interval)[1] < kFraction;
}

/// How far from known: at most 1 for what is known, infinite where there is no interval.
double excess(const StopRule& rule, const results::Ratio& ratio) {
  if (ratio.n >= kFewestRounds && is_next_to_nothing(ratio)) return 0;
  const std::optional<double> found = reach(ratio);
  if (!found) return std::numeric_limits<double>::infinity();
  const double of_distance = rule.of_distance * std::abs(std::log(*ratio.median));
  const bool enough = ratio.n >= kFewestRounds ||
                      (ratio.n >= kFewestRoundsFarAway && of_distance > kFarAway * rule.precision);
  return enough ? *found / std::max(rule.precision, of_distance)
                : std::numeric_limits<double>::infinity();
}

struct Worst {
  std::string name;    // "mic/memfd-dual/sites=16 send"; empty: there is no ratio at all
  double reach = 0;    // infinite where it has no interval
  double excess = -1;  // what it is the worst by
};

Worst worst_known(const StopRule& rule, const results::Results& results,
                  const std::set<std::string>& requested) {
  Worst worst;
  for (const results::Cell& cell : results.cells) {
    if (!requested.contains(cell.id)) continue;
    for (const results::Ratio& ratio : cell.ratios) {
      if (const double found = excess(rule, ratio); found > worst.excess) {
        worst = {.name = fmt::format("{} {}", cell.id, ratio.metric),
                 .reach = reach(ratio).value_or(std::numeric_limits<double>::infinity()),
                 .excess = found};
      }
    }
  }
  return worst;
}

std::string describe(const Worst& worst) {
  if (worst.name.empty()) return "there is no ratio to know";
  return fmt::format("known worst, to {:.2g} %: {}", worst.reach * 100, worst.name);
}

}  // namespace

std::optional<double> reach(const results::Ratio& ratio) {
  const auto interval = analysis::deciding_interval(ratio);
  if (!interval || !ratio.median || *ratio.median <= 0) return std::nullopt;
  const auto [low, high] = *interval;
  return std::max(high / *ratio.median - 1, 1 - low / *ratio.median);
}

bool is_known(const StopRule& rule, const results::Ratio& ratio) {
  return excess(rule, ratio) <= 1;
}

KnownRatios known_ratios(const StopRule& rule, const results::Results& so_far) {
  KnownRatios known;
  for (const results::Cell& cell : so_far.cells) {
    for (const results::Ratio& ratio : cell.ratios) {
      known[cell.id][ratio.metric] = is_known(rule, ratio);
    }
  }
  return known;
}

bool all_known(const KnownRatios& ratios, const std::string& cell) {
  const auto found = ratios.find(cell);
  return found != ratios.end() &&
         std::ranges::all_of(found->second, [](const auto& metric) { return metric.second; });
}

std::optional<std::string> reason_to_stop(const StopRule& rule, const results::Results& so_far,
                                          const std::set<std::string>& requested,
                                          const Standing& standing) {
  const Worst worst = worst_known(rule, so_far, requested);
  if (worst.name.empty() ? standing.rounds >= kFewestRounds : worst.excess <= 1) {
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
