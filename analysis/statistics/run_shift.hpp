// analysis/statistics/run_shift.hpp - by how much a ratio changed between runs, with the run as a
// random factor.
//
// Rounds of one run have the state of the machine in common (another clock, a neighbour on the
// core, another placement of everything), so their scatter says nothing about how far two runs of
// one program differ. Values are logarithms, so a shift is the logarithm of a quotient.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "analysis/statistics/order_statistics.hpp"

namespace patchbench::analysis {

/// One run's estimate, with the variance that the rounds alone give it.
struct RunEstimate {
  double value = 0;
  double squared_error = 0;
  double degrees = 0;  // of freedom, of squared_error
};

/// The mean; from kRobustRounds values on the 20 % trimmed mean with its Winsorized standard error
/// (Tukey & McLaughlin 1963; Yuen, "The Two-Sample Trimmed t for Unequal Population Variances",
/// Biometrika 61, 1974), which a few rounds in a slow mode do not move. Empty for n < 2.
[[nodiscard]] std::optional<RunEstimate> run_estimate(std::span<const double> values);

/// The standard deviation between runs of one program in one state of the machine that a comparison
/// always allows for, as a share of a ratio. Provenance: 19 quick runs of one binary within 20
/// minutes on a shared virtual machine, in states whose throughput calibrations differ by a third
/// (results/reference/x86_64-vm-validate). Ratios of sends, executions and misses scattered between
/// runs by 0.4 to 0.9 % (standard deviation, median over ratios), all of which their scatter
/// between rounds explains: the component between runs could not be distinguished from 0, and
/// cannot have been more than the largest of these, which is taken. Machines that scatter more need
/// two runs a side or more, which show it.
inline constexpr double kDefaultBetweenRuns = 0.009;
/// As how many degrees of freedom that counts.
inline constexpr double kDefaultBetweenDegrees = 18;

struct BetweenRuns {
  double variance = kDefaultBetweenRuns * kDefaultBetweenRuns;
  double degrees = kDefaultBetweenDegrees;
  bool measured = false;  // by these runs, and above the default
};

/// From the runs of each side of each of `cells`, which are of one kind (a metric of one workload
/// under one strategy): a state of the machine moves them alike, and other strategies otherwise.
/// Their scatter around the mean of their side, less what their rounds explain, pooled over all
/// cells; never below the default. A run is one observation of its state however many cells it has,
/// so the degrees of freedom are the runs beyond the first of each side.
struct CellEstimates {
  std::vector<RunEstimate> first;
  std::vector<RunEstimate> second;
};
[[nodiscard]] BetweenRuns between_runs(std::span<const CellEstimates> cells);

/// The mean of one side's runs with its interval of kConfidence. `runs` is not empty.
struct RunMean {
  double value = 0;
  Interval interval{};
};
[[nodiscard]] RunMean run_mean(std::span<const RunEstimate> runs, const BetweenRuns& between);

inline constexpr double kDetectingPower = 0.8;

/// How far the mean of `second` lies above that of `first`. Its variance is that between runs over
/// the numbers of runs, plus what the rounds give; its degrees of freedom are Satterthwaite's
/// (Biometrics Bulletin 2, 1946).
class RunShift {
 public:
  /// Neither is empty.
  RunShift(std::span<const RunEstimate> first, std::span<const RunEstimate> second,
           const BetweenRuns& between);

  [[nodiscard]] double estimate() const { return estimate_; }
  [[nodiscard]] Interval interval() const;
  /// The smallest limit that the interval stays below with a probability of kDetectingPower where
  /// nothing changed. Of a difference of logarithms, as the estimate is.
  [[nodiscard]] double detectable() const;
  /// One-sided p-values of "the shift is at most `limit`", small where it lies above, and "at
  /// least", small where it lies below.
  [[nodiscard]] double p_at_most(double limit) const;
  [[nodiscard]] double p_at_least(double limit) const;
  /// The two-sided p-value of "there is no shift".
  [[nodiscard]] double p_none() const;

 private:
  double estimate_ = 0;
  double standard_error_ = 0;
  double degrees_ = 0;
};

/// How many times as many rounds, at least 1, RunShift::detectable() needs to be at most `limit` if
/// they scatter as these do. Empty where not even 1,000 times as many do: then the scatter between
/// runs is too large, and more runs a side help.
[[nodiscard]] std::optional<double> times_the_rounds(std::span<const RunEstimate> first,
                                                     std::span<const RunEstimate> second,
                                                     const BetweenRuns& between, double limit);

/// The same for runs that are still to be measured: rounds of each of `runs` runs a side for a
/// limit of `limit` (a share) on a ratio whose logarithm scatters by `scatter` from round to round.
[[nodiscard]] std::optional<int> rounds_needed(double scatter, double limit, int runs);

}  // namespace patchbench::analysis
