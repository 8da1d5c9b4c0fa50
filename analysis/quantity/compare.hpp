// analysis/quantity/compare.hpp - what changed between two runs.
//
// Compared are ratios to the baseline, each taken within its run, round by round: what disturbs a
// whole run (another day, another clock, a warmer processor) hits strategy and baseline alike and
// cancels. What also cancels is a change that makes the baseline slower by the same share.
#pragma once

#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "analysis/statistics/run_shift.hpp"
#include "analysis/statistics/statistics.hpp"
#include "results/model.hpp"

namespace patchbench::analysis {

struct CompareOptions {
  double delta = kDefaultDelta;          // changes below this share are called the same
  std::optional<double> max_regression;  // a share: 0.03
  /// How the processors of the two sides differ (comparable.hpp). Then changes have no verdict, and
  /// none is a regression: nothing became slower, it is another machine.
  std::string other_processors = {};
};

/// One side: one run or several of it, all measured with the same program.
using Runs = std::span<const results::Results>;

/// Why two runs have nothing to compare.
class CompareError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// One side of a change: a ratio to the baseline, or a time.
struct Side {
  int n = 0;     // rounds, of all its runs
  int runs = 0;  // that measured it
  /// Of one run its median with the deciding interval; of several ratios the mean of the runs, with
  /// an interval that has the scatter between runs in it.
  std::optional<double> median;
  std::optional<Interval> interval;
};

/// One metric of one cell in both runs. A change is second / first: below 1 is faster.
struct Change {
  std::string cell;
  std::string workload;
  std::string strategy;
  std::string metric;
  std::string unit;
  results::Params params;
  Side first;
  Side second;
  BetweenRuns between;  // what its interval allows for; of ratios
  std::optional<double> change;
  std::optional<Interval> interval;  // 95 %, of this one change
  results::Verdict verdict = results::Verdict::inconclusive;
  bool twin = false;          // again: cannot change, and is never faster or slower
  double p_none = 1;          // of "nothing changed", after Holm's correction
  double p_apart = 1;         // of "it changed by delta", after Benjamini & Hochberg's
  double p_within_limit = 1;  // of "no regression beyond the limit", after Holm's correction
  bool regression = false;    // beyond the limit
  /// Rounds a run with which "no regression beyond the limit" can be shown with a probability of
  /// 80 % where that is so (run_shift.hpp, times_the_rounds), and whether these runs have them.
  /// Empty where no number of rounds does.
  std::optional<int> rounds_for_limit;
  bool shows_limit = false;
  bool regression_possible = false;  // the limit lies below the end of the interval
};

/// A cell of both sides that has no change, and why.
struct NotCompared {
  std::string cell;
  std::string why;
  bool lost = false;  // the first side measured it
};

struct Comparison {
  std::string baseline;
  std::vector<Change> changes;  // in the order of the first side
  std::vector<NotCompared> not_compared;
  std::vector<std::string> only_first;
  std::vector<std::string> only_second;
  int tested = 0;  // changes that the correction counts: all but twins
  CompareOptions options;
};

/// The ratios of both sides, and how they changed: analysis/statistics/run_shift.hpp on their
/// logarithms, with the run as a random factor. The scatter between runs is that of this project's
/// default, or more where several runs of a side show more for the same strategy and metric.
/// Verdicts:
/// - `same`: the 95 % interval lies within +-delta, and that stands after Benjamini and Hochberg's
///   correction over all changes: of those called the same, at most one in twenty is expected to
///   have changed by more.
/// - `faster`, `slower`: the difference stands after Holm's correction over all changes, so that
///   the probability of even one false one is at most 5 %. Holm's and not the false discovery rate
///   of significance.hpp, because one false regression among hundreds of changes already fails
///   somebody's build.
/// - `inconclusive` otherwise.
///
/// The baseline is the first side's where all runs measured it, else the second's. Throws
/// CompareError when no cell is common, or no baseline is, or a sample is not a positive time.
/// Neither side is empty.
[[nodiscard]] Comparison compare(Runs first, Runs second, const CompareOptions& options);
[[nodiscard]] Comparison compare(const results::Results& first, const results::Results& second,
                                 const CompareOptions& options);

/// The same for times instead of ratios, without verdicts, of all rounds of a side together: times
/// of two runs differ by everything that the machine did meanwhile. In the order of
/// Comparison::changes, the baseline's own included.
[[nodiscard]] std::vector<Change> compare_times(Runs first, Runs second);
[[nodiscard]] std::vector<Change> compare_times(const results::Results& first,
                                                const results::Results& second);

enum class Outcome { none, regression, cannot_tell };

/// Against max_regression. `regression`: at least one change is a regression. `cannot_tell`: else,
/// a change may still be one for all that its 95 % interval says, or a cell that the first run
/// measured was lost in the second. `none`: all are within the limit, each by its own interval; no
/// correction is due, because all of them have to be (Berger, "Multiparameter Hypothesis Testing
/// and Acceptance Sampling", Technometrics 24, 1982). Without a limit `none`.
[[nodiscard]] Outcome outcome(const Comparison& comparison);

}  // namespace patchbench::analysis
