// analysis/quantity/identical.hpp - the standing check of a run: ratios whose truth is 1.
//
// Strategies whose linked sends are the same bytes cost the same wherever they only execute. Where
// a run says otherwise, it measured something else than the strategies: the layout of the harness'
// code, the kind of pages, a state of the machine.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "results/model.hpp"

namespace patchbench::analysis {

/// From this probability on chance is no explanation.
inline constexpr double kNotByChance = 0.01;

/// The probability that `missing` or more of 95 % intervals miss the truth. `groups` are the
/// numbers of intervals whose ratios have one baseline sample in common, which makes them miss
/// together: inside a group two ratios correlate by 1/2, as those of equal scatter do. With one
/// interval a group this is the binomial distribution's upper tail, exactly.
[[nodiscard]] double chance_of_missing(std::span<const int> groups, int missing);

/// Of a summarised run. Empty where its times mean nothing, and where it has no such interval.
///
/// `code` counts the ratios to the baseline of the strategies with the baseline's code, in the
/// metrics of run.execute_only; `again` those of the baseline's twin, in every metric. `alarm` says
/// that more of the former miss 1 than happens by chance once in a hundred runs, or that one lies
/// beyond run.delta with all of its interval, widened to hold for all of them together
/// (Bonferroni's correction of the interval's own t quantile).
[[nodiscard]] std::optional<results::Identical> identical_costs(const results::Results& results);

/// The alarm, for the top of whatever shows the run's numbers; empty without one.
[[nodiscard]] std::vector<std::string> identical_alarms(const results::Results& results);

/// "code-identical: 2 of 38 intervals miss 1, 1.9 expected; ...", then "A/A: ...": one line each,
/// also when all is well. Empty for a run that was not checked.
[[nodiscard]] std::vector<std::string> identical_lines(const results::Results& results);

}  // namespace patchbench::analysis
