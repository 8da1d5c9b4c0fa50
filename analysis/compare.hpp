// analysis/compare.hpp - what changed between two runs.
//
// Compared are ratios to the baseline, each taken within its run, round by round: what disturbs a
// whole run (another day, another clock, a warmer processor) hits strategy and baseline alike and
// cancels. What also cancels is a change that makes the baseline dearer by the same share.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "analysis/shift.hpp"
#include "results/model.hpp"

namespace patchbench::analysis {

struct CompareOptions {
  double delta = kDefaultDelta;          // changes below this share are called the same
  std::optional<double> max_regression;  // a share: 0.03
};

/// Why two runs have nothing to compare.
class CompareError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// One run's side of a change: a ratio to the baseline, or a time.
struct Side {
  int n = 0;  // rounds
  std::optional<double> median;
  std::optional<Interval> interval;  // the deciding one
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
  std::optional<double> change;
  std::optional<Interval> interval;  // 95 %, of this one change
  results::Verdict verdict = results::Verdict::unsure;
  bool twin = false;                 // again: shows the noise, and is never faster or slower
  double p_none = 1;                 // of "nothing changed", after Holm's correction
  double p_apart = 1;                // of "it changed by delta", after Benjamini & Hochberg's
  double p_within_limit = 1;         // of "no regression beyond the limit", after Holm's correction
  bool regression = false;           // beyond the limit, and beyond the noise
  bool regression_possible = false;  // the limit lies below the end of the interval
};

/// A cell of both runs that has no change, and why.
struct NotCompared {
  std::string cell;
  std::string why;
  bool lost = false;  // the first run measured it
};

struct Comparison {
  std::string baseline;
  std::vector<Change> changes;  // in the order of the first run
  std::vector<NotCompared> not_compared;
  std::vector<std::string> only_first;
  std::vector<std::string> only_second;
  int tested = 0;  // changes that the correction counts: all but twins
  CompareOptions options;
};

/// The ratios of both runs, and how they changed: analysis/shift.hpp on their logarithms, because
/// rounds of two runs are not pairs and their numbers may differ. Verdicts:
/// - `same`: the 95 % interval lies within +-delta, and that stands after Benjamini and Hochberg's
///   correction over all changes: of those called the same, at most one in twenty is expected to
///   have changed by more. With few rounds, that of `again` has to lie there too.
/// - `faster`, `slower`: the difference stands after Holm's correction over all changes, so that
/// the
///   probability of even one false one is at most 5 %; and the whole interval lies beyond that of
///   the change of `again` (with the same workload, parameters and metric), in either direction.
///   Holm's and not the false discovery rate of significance.hpp, because one false regression
///   among hundreds of changes already fails somebody's build.
/// - `unsure` otherwise.
/// The baseline is the first run's where both measured it, else the second's. Throws CompareError
/// when no cell is common, or no baseline is, or a sample is not a positive time.
[[nodiscard]] Comparison compare(const results::Results& first, const results::Results& second,
                                 const CompareOptions& options);

/// The same for times instead of ratios, without verdicts: two runs' times differ by everything
/// that the machine did meanwhile. In the order of Comparison::changes, the baseline's own
/// included.
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
