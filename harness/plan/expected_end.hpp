// harness/plan/expected_end.hpp - when a run that a rule ends will be there, for the person who
// waits.
#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>

#include "harness/plan/stopping.hpp"

namespace patchbench::harness {

/// The rounds after which every requested ratio will be known, if rounds scatter as those until
/// now: intervals shrink with the square root of their number. Empty while a ratio has no interval.
[[nodiscard]] std::optional<int> rounds_to_know(const StopRule& rule,
                                                const results::Results& so_far,
                                                const std::set<std::string>& requested);

/// What rounds took, and after how many the same cases come again: the first of each has all.
struct RoundTimes {
  std::span<const double> seconds;
  int every = 1;
  double expected_s = 0;  // of a round, while there is none
};

/// What the next round will take, by the last one with the same cases.
[[nodiscard]] double next_round_s(const RoundTimes& times);

/// Seconds of the budget that will have been used when the rule ends the run: the rule begins no
/// round that does not fit. `known_after` as rounds_to_know().
[[nodiscard]] double expected_use(const StopRule& rule, const RoundTimes& times,
                                  std::optional<int> known_after);

}  // namespace patchbench::harness
