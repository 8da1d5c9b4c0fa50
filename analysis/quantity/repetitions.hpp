// analysis/quantity/repetitions.hpp - where a run's scatter comes from, and how often to repeat
// what.
//
// After Kalibera & Jones ("Rigorous Benchmarking in Reasonable Time", ISMM 2013), with two levels:
// batches within a process, and processes (rounds). Everything is on logarithms, so that cells of
// different cost can be put together and a ratio has the scatter of a difference.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "results/model.hpp"

namespace patchbench::analysis {

/// One process: its batches, and what they and the process cost.
struct Process {
  std::vector<double> batches;
  std::optional<double> batches_ms;  // all batches
  std::optional<double> rest_ms;     // the process without any batches
};

/// The scatter within processes, T1^2, is the mean of the variances of their batches. That between
/// them, T2^2, is the variance of their means less the part that the batches bring into it:
/// S2^2 - S1^2 / r1. It is negative where processes differ less than their own scatter makes one
/// expect. Processes with fewer than two batches, or a batch that is not positive, are left out;
/// empty for fewer than two processes.
///
/// The paper's model is one of means. A sample of ours is the median of its batches, which a few
/// disturbed ones do not move: the scatter within processes weighs less in it than this says.
[[nodiscard]] std::optional<results::Variance> variance_of(std::span<const Process> processes);

/// The number of batches in each process that reaches a given precision in the shortest time:
/// ceil(sqrt(c2 / c1 * T1^2 / T2^2)), c1 and c2 the costs of a batch and of a process. Empty where
/// a cost is not known, and where processes do not differ: then one process would do, with any
/// number of batches.
[[nodiscard]] std::optional<int> recommended_batches(const results::Variance& variance);

/// The number of rounds after which the deciding interval of such a ratio should reach no farther
/// than `delta` from it, if the rounds to come scatter as those that were. From kRobustRounds on
/// intervals shrink with the square root of n; from fewer the standard deviation is taken from the
/// t interval, and a median needs pi / 2 times the rounds that a mean does (its asymptotic relative
/// efficiency for normal logarithms). Empty where the ratio has no interval.
[[nodiscard]] std::optional<int> recommended_rounds(const results::Ratio& ratio, double delta);

/// Two sentences at most for the end of a run: where the scatter comes from, and how many batches
/// and rounds would do. Empty where nothing in the results tells.
[[nodiscard]] std::vector<std::string> repetition_advice(const results::Results& results);

}  // namespace patchbench::analysis
