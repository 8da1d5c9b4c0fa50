#include "harness/plan/expected_end.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <vector>

namespace patchbench::harness {
namespace {

/// 0 for what is known.
std::optional<double> rounds_for(const StopRule& rule, const results::Ratio& ratio) {
  if (is_known(rule, ratio)) return 0;
  const std::optional<double> found = reach(ratio);
  if (!found) return std::nullopt;
  const double allowed =
      std::max(rule.precision, rule.of_distance * std::abs(std::log(*ratio.median)));
  return std::max<double>(kFewestRounds, ratio.n * std::pow(*found / allowed, 2));
}

}  // namespace

std::optional<int> rounds_to_know(const StopRule& rule, const results::Results& so_far,
                                  const std::set<std::string>& requested) {
  double most = 0;
  for (const results::Cell& cell : so_far.cells) {
    if (!requested.contains(cell.id)) continue;
    for (const results::Ratio& ratio : cell.ratios) {
      const std::optional<double> rounds = rounds_for(rule, ratio);
      if (!rounds) return std::nullopt;
      most = std::max(most, *rounds);
    }
  }
  constexpr double kMost = std::numeric_limits<int>::max() / 2.0;
  return static_cast<int>(std::ceil(std::min(most, kMost)));
}

double next_round_s(const RoundTimes& times) {
  const auto every = static_cast<std::size_t>(std::max(1, times.every));
  const std::span<const double> seconds = times.seconds;
  if (seconds.empty()) return times.expected_s;
  if (seconds.size() >= every) return seconds[seconds.size() - every];
  return seconds.size() == 1 ? 0 : seconds.back();  // the first has all cases, the next has few
}

double expected_use(const StopRule& rule, const RoundTimes& times, std::optional<int> known_after) {
  std::vector<double> seconds(times.seconds.begin(), times.seconds.end());
  double used = std::accumulate(seconds.begin(), seconds.end(), 0.0);
  // Rounds without time, of cases that are all known, would never use the budget.
  constexpr std::size_t kMostRounds = 1'000'000;
  while (seconds.size() < kMostRounds) {
    const auto rounds = static_cast<int>(seconds.size());
    const double next =
        next_round_s({.seconds = seconds, .every = times.every, .expected_s = times.expected_s});
    if (!seconds.empty() && used + next > rule.budget_s) break;
    const std::size_t period =
        std::min<std::size_t>(seconds.size(), static_cast<std::size_t>(std::max(1, times.every)));
    const bool is_idle = std::all_of(seconds.end() - static_cast<std::ptrdiff_t>(period),
                                     seconds.end(), [](double one) { return one <= 0; });
    if (next <= 0 && is_idle) break;
    if (known_after && rounds >= *known_after && rounds > 0) break;
    used += next;
    seconds.push_back(next);
  }
  return used;
}

}  // namespace patchbench::harness
