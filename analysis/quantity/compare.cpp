#include "analysis/quantity/compare.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "analysis/quantity/quantities.hpp"
#include "analysis/statistics/shift.hpp"
#include "analysis/statistics/significance.hpp"

namespace patchbench::analysis {
namespace {

using results::Cell;
using results::CellStatus;
using results::Metric;
using results::Results;
using results::Verdict;

constexpr double kSignificance = 1 - kConfidence;

using SampleView = std::span<const std::optional<double>>;

/// A time of zero or less was not measured, whatever the file says.
void check_samples(const Results& results, const char* which) {
  for (const Cell& cell : results.cells) {
    for (const Metric& metric : cell.metrics) {
      for (std::size_t round = 0; round < metric.samples.size(); ++round) {
        const auto& sample = metric.samples[round];
        if (!sample || *sample > 0) continue;
        throw CompareError(fmt::format("the {} run's sample of {}, metric {}, round {} is {}: {}",
                                       which, cell.id, metric.name, round, *sample,
                                       "not a time that was measured"));
      }
    }
  }
}

bool measured(const Results& results, std::string_view strategy) {
  return std::ranges::any_of(results.cells, [&](const Cell& cell) {
    return cell.strategy == strategy && cell.status == CellStatus::ok && !cell.metrics.empty();
  });
}

bool measured(Runs runs, std::string_view strategy) {
  return std::ranges::all_of(runs, [&](const Results& run) { return measured(run, strategy); });
}

std::string common_baseline(Runs first, Runs second) {
  for (const std::string& candidate : {first.front().baseline, second.front().baseline}) {
    if (!candidate.empty() && measured(first, candidate) && measured(second, candidate)) {
      return candidate;
    }
  }
  const auto name = [](Runs runs) {
    const std::string& baseline = runs.front().baseline;
    if (baseline.empty()) return std::string("has no baseline");
    return "has " + baseline + (measured(runs, baseline) ? "" : ", without a single round");
  };
  throw CompareError(fmt::format(
      "the runs share no baseline that both measured (the first {}, the second {}); measure again "
      "with the same --baseline=ID",
      name(first), name(second)));
}

std::vector<double> log_ratios(SampleView strategy, SampleView baseline) {
  std::vector<double> logs;
  for (std::size_t round = 0; round < std::min(strategy.size(), baseline.size()); ++round) {
    if (strategy[round] && baseline[round]) {
      logs.push_back(std::log(*strategy[round] / *baseline[round]));
    }
  }
  return logs;
}

Interval exponentials(const Interval& interval) {
  return {std::exp(interval[0]), std::exp(interval[1])};
}

Change described(const Cell& cell, const Metric& metric) {
  Change change;
  change.cell = cell.id;
  change.workload = cell.workload;
  change.strategy = cell.strategy;
  change.metric = metric.name;
  change.unit = metric.unit;
  change.params = cell.params;
  change.twin = cell.strategy == results::kAgain;
  return change;
}

void fill(Change& change, const Shift& shift) {
  if (!shift.estimate()) return;
  change.change = std::exp(*shift.estimate());
  change.interval = exponentials(*shift.interval());
}

Side time_side(const std::vector<double>& values, int runs) {
  return {static_cast<int>(values.size()), runs, median(values), median_ci95(values)};
}

/// One run's ratio of a cell and metric.
struct RunRatio {
  RunEstimate estimate;
  PairedRatio paired;
};

/// Empty where the run has no ratio of it, or one round of it.
std::optional<RunRatio> run_ratio(const Quantities& run, const Cell& cell, std::string_view metric,
                                  const std::string& baseline) {
  const Key operation{cell.workload, cell.params};
  const Quantity own = run.time(operation, cell.strategy, metric);
  const Quantity base = run.time(operation, baseline, metric);
  if (!own.value || !base.value) return std::nullopt;
  // A mean of logarithms has no place for differences that were not above 0, and without them it
  // would be too high.
  if (!own.metric->not_above_zero.empty() || !base.metric->not_above_zero.empty()) {
    return std::nullopt;
  }
  const auto& samples = base.metric->samples;
  const auto estimate = run_estimate(log_ratios(own.metric->samples, samples));
  return RunRatio{estimate.value_or(RunEstimate{}), paired_ratio(own.metric->samples, samples)};
}

/// One side's runs, each with an index of its cells.
class SideRuns {
 public:
  SideRuns(Runs runs, const char* which) : runs_(runs), which_(which) {
    for (const Results& run : runs) {
      check_samples(run, which);
      indices_.emplace_back(run);
    }
  }

  [[nodiscard]] Runs runs() const { return runs_; }

  [[nodiscard]] const Quantities& index(std::size_t run) const { return indices_[run]; }

  /// Of the same workload, parameters and strategy.
  [[nodiscard]] const Cell* cell(std::size_t run, const Cell& like) const {
    return indices_[run].cell({like.workload, like.params}, like.strategy);
  }

  [[nodiscard]] bool has(const Cell& like) const {
    for (std::size_t run = 0; run < runs_.size(); ++run) {
      if (cell(run, like) != nullptr) return true;
    }
    return false;
  }

  /// In the order of the runs, each once.
  [[nodiscard]] std::vector<const Cell*> cells() const {
    std::vector<const Cell*> cells;
    std::set<std::string> known;
    for (const Results& run : runs_) {
      for (const Cell& cell : run.cells) {
        if (known.insert(cell.id).second) cells.push_back(&cell);
      }
    }
    return cells;
  }

  /// What is wrong with the cell in all runs that have it; empty where one of them measured it.
  [[nodiscard]] std::string trouble(const Cell& like) const {
    const Cell* bad = nullptr;
    for (std::size_t run = 0; run < runs_.size(); ++run) {
      const Cell* found = cell(run, like);
      if (found == nullptr) continue;
      if (found->status == CellStatus::ok) return "";
      bad = found;
    }
    if (bad == nullptr) return "";
    std::string text = fmt::format("{} in the {} run", to_string(bad->status), which_);
    return bad->reason.empty() ? text : text + ": " + bad->reason;
  }

  [[nodiscard]] std::vector<RunRatio> ratios(const Cell& cell, std::string_view metric,
                                             const std::string& baseline) const {
    std::vector<RunRatio> ratios;
    for (const Quantities& run : indices_) {
      auto ratio = run_ratio(run, cell, metric, baseline);
      if (ratio) ratios.push_back(std::move(*ratio));
    }
    return ratios;
  }

 private:
  Runs runs_;
  const char* which_;
  std::vector<Quantities> indices_;
};

std::vector<RunEstimate> estimates_of(const std::vector<RunRatio>& ratios) {
  std::vector<RunEstimate> estimates;
  for (const RunRatio& ratio : ratios) {
    if (ratio.paired.n >= 2) estimates.push_back(ratio.estimate);
  }
  return estimates;
}

Side ratio_side(const std::vector<RunRatio>& ratios, const BetweenRuns& between) {
  Side side;
  side.runs = static_cast<int>(ratios.size());
  for (const RunRatio& ratio : ratios) side.n += ratio.paired.n;
  if (ratios.size() == 1) {
    side.median = ratios.front().paired.median;
    side.interval = deciding_interval(ratios.front().paired);
    return side;
  }
  const std::vector<RunEstimate> estimates = estimates_of(ratios);
  if (estimates.empty()) return side;
  const RunMean mean = run_mean(estimates, between);
  side.median = std::exp(mean.value);
  side.interval = exponentials(mean.interval);
  return side;
}

/// Of the side that has fewer.
double rounds_of_a_run(const Change& change) {
  const auto of = [](const Side& side) { return static_cast<double>(side.n) / side.runs; };
  return std::min(of(change.first), of(change.second));
}

/// What both sides have of one metric of one cell.
struct Found {
  std::vector<RunRatio> first;
  std::vector<RunRatio> second;
  Change change;
};

/// Everything that the two sides have in common, cell by cell.
class Pairs {
 public:
  Pairs(Runs first, Runs second, const CompareOptions& options)
      : first_(first, "first"), second_(second, "second") {
    comparison_.options = options;
    find_lonely();
    comparison_.baseline = common_baseline(first, second);
  }

  [[nodiscard]] Comparison ratios() {
    for (const Cell* cell : first_.cells()) {
      if (second_.has(*cell)) add(*cell);
    }
    if (found_.empty()) {
      throw CompareError("the runs have cases in common, but no ratio to " + comparison_.baseline +
                         " that both measured");
    }
    allow_for_runs();
    for (Found& found : found_) {
      estimate(found);
      comparison_.changes.push_back(std::move(found.change));
    }
    correct();
    for (Change& change : comparison_.changes) judge(change);
    return std::move(comparison_);
  }

 private:
  void find_lonely() {
    const std::vector<const Cell*> first = first_.cells();
    const std::vector<const Cell*> second = second_.cells();
    std::size_t common = 0;
    for (const Cell* cell : first) {
      const bool both = second_.has(*cell);
      common += both ? 1 : 0;
      if (!both) comparison_.only_first.push_back(cell->id);
    }
    for (const Cell* cell : second) {
      if (!first_.has(*cell)) comparison_.only_second.push_back(cell->id);
    }
    if (common > 0) return;
    throw CompareError(
        fmt::format("the runs have no case in common ({} cases in the first, {} in the second); "
                    "measure the same workloads and parameters in both",
                    first.size(), second.size()));
  }

  void add(const Cell& cell) {
    if (cell.strategy == comparison_.baseline) return;
    const std::string first = first_.trouble(cell);
    const std::string second = second_.trouble(cell);
    if (!first.empty() || !second.empty()) {
      // What neither side could measure is no news.
      if (first.empty() || second.empty()) {
        comparison_.not_compared.push_back(
            {cell.id, first.empty() ? second : first, first.empty()});
      }
      return;
    }
    for (const Metric* metric : metrics_of(cell)) add(cell, *metric);
  }

  /// Of the first of the first side's runs that measured it.
  [[nodiscard]] std::vector<const Metric*> metrics_of(const Cell& like) const {
    std::vector<const Metric*> metrics;
    for (std::size_t run = 0; run < first_.runs().size() && metrics.empty(); ++run) {
      const Cell* cell = first_.cell(run, like);
      if (cell == nullptr || cell->status != CellStatus::ok) continue;
      for (const Metric& metric : cell->metrics) metrics.push_back(&metric);
    }
    return metrics;
  }

  void add(const Cell& cell, const Metric& metric) {
    Found found;
    found.first = first_.ratios(cell, metric.name, comparison_.baseline);
    if (found.first.empty()) return;  // a metric that the baseline does not have has no ratio
    found.second = second_.ratios(cell, metric.name, comparison_.baseline);
    if (found.second.empty()) {
      comparison_.not_compared.push_back(
          {cell.id, metric.name + " has no ratio in the second run", true});
      return;
    }
    found.change = described(cell, metric);
    found_.push_back(std::move(found));
  }

  /// Pools the scatter between runs over the cells of a workload that differ in nothing but their
  /// parameters.
  void allow_for_runs() {
    std::map<std::string, std::vector<Found*>> kinds;
    for (Found& found : found_) {
      const Change& change = found.change;
      kinds[change.workload + '/' + change.strategy + '/' + change.metric].push_back(&found);
    }
    for (const auto& [kind, members] : kinds) {
      std::vector<CellEstimates> cells;
      for (const Found* found : members) {
        cells.push_back({estimates_of(found->first), estimates_of(found->second)});
      }
      const BetweenRuns between = between_runs(cells);
      for (Found* found : members) found->change.between = between;
    }
  }

  void estimate(Found& found) const {
    Change& change = found.change;
    change.first = ratio_side(found.first, change.between);
    change.second = ratio_side(found.second, change.between);
    const std::vector<RunEstimate> first = estimates_of(found.first);
    const std::vector<RunEstimate> second = estimates_of(found.second);
    if (first.empty() || second.empty()) return;
    const RunShift shift(first, second, change.between);
    change.change = std::exp(shift.estimate());
    change.interval = exponentials(shift.interval());
    change.p_none = shift.p_none();
    const double delta = comparison_.options.delta;
    // Two one-sided tests, each at 2.5 % as an interval of 95 % has it (Schuirmann 1987).
    change.p_apart = std::min(1.0, 2 * std::max(shift.p_at_most(std::log1p(-delta)),
                                                shift.p_at_least(std::log1p(delta))));
    if (const auto limit = comparison_.options.max_regression) {
      change.p_within_limit = shift.p_at_most(std::log1p(*limit));
      const auto times = times_the_rounds(first, second, change.between, std::log1p(*limit));
      const double rounds = rounds_of_a_run(change);
      if (times) change.rounds_for_limit = static_cast<int>(std::ceil(*times * rounds));
      change.shows_limit = times && *times <= 1;
    }
  }

  void correct() {
    correct(&Change::p_none, holm_adjusted);
    correct(&Change::p_within_limit, holm_adjusted);
    correct(&Change::p_apart, benjamini_hochberg);
    comparison_.tested = static_cast<int>(std::ranges::count_if(
        comparison_.changes, [](const Change& change) { return !change.twin; }));
  }

  void correct(double Change::*p_value, std::vector<double> (*adjust)(std::span<const double>)) {
    std::vector<double> values;
    for (const Change& change : comparison_.changes) {
      if (!change.twin) values.push_back(change.*p_value);
    }
    const std::vector<double> adjusted = adjust(values);
    auto next = adjusted.begin();
    for (Change& change : comparison_.changes) {
      if (!change.twin) change.*p_value = *next++;
    }
  }

  void judge(Change& change) const {
    if (!comparison_.options.other_processors.empty()) return;
    if (!change.interval) {
      change.regression_possible = true;
      return;
    }
    const Interval& interval = *change.interval;
    const bool real = !change.twin && change.p_none < kSignificance;
    if (plain_verdict(interval, comparison_.options.delta) == Verdict::same) {
      if (change.p_apart <= kFalseDiscoveryRate) change.verdict = Verdict::same;
    } else if (real) {
      change.verdict = *change.change < 1 ? Verdict::faster : Verdict::slower;
    }
    if (!comparison_.options.max_regression || change.twin) return;
    change.regression = change.p_within_limit < kSignificance;
    change.regression_possible = interval[1] > 1 + *comparison_.options.max_regression;
  }

  SideRuns first_;
  SideRuns second_;
  std::vector<Found> found_;
  Comparison comparison_;
};

/// All samples of a side, of the runs that can be used.
struct Times {
  std::vector<double> values;
  int runs = 0;
};

Times times_of(const SideRuns& side, const Cell& cell, const Metric& like) {
  Times times;
  for (std::size_t run = 0; run < side.runs().size(); ++run) {
    const Quantity time =
        side.index(run).time({cell.workload, cell.params}, cell.strategy, like.name);
    if (!time.value || time.metric->unit != like.unit) continue;
    const std::vector<double> more = present(time.metric->samples);
    times.values.insert(times.values.end(), more.begin(), more.end());
    ++times.runs;
  }
  return times;
}

}  // namespace

Comparison compare(Runs first, Runs second, const CompareOptions& options) {
  return Pairs(first, second, options).ratios();
}

Comparison compare(const Results& first, const Results& second, const CompareOptions& options) {
  return compare(Runs(&first, 1), Runs(&second, 1), options);
}

std::vector<Change> compare_times(Runs first, Runs second) {
  const SideRuns one(first, "first");
  const SideRuns two(second, "second");
  std::vector<Change> changes;
  for (const Cell& cell : first.front().cells) {
    if (!two.has(cell) || cell.status != CellStatus::ok) continue;
    for (const Metric& metric : cell.metrics) {
      const Times left = times_of(one, cell, metric);
      const Times right = times_of(two, cell, metric);
      if (left.runs == 0 || right.runs == 0) continue;
      Change change = described(cell, metric);
      change.first = time_side(left.values, left.runs);
      change.second = time_side(right.values, right.runs);
      fill(change, Shift(logarithms(left.values), logarithms(right.values)));
      changes.push_back(std::move(change));
    }
  }
  return changes;
}

std::vector<Change> compare_times(const Results& first, const Results& second) {
  return compare_times(Runs(&first, 1), Runs(&second, 1));
}

Outcome outcome(const Comparison& comparison) {
  if (!comparison.options.max_regression) return Outcome::none;
  const auto& changes = comparison.changes;
  const auto& missing = comparison.not_compared;
  if (std::ranges::any_of(changes, [](const Change& change) { return change.regression; })) {
    return Outcome::regression;
  }
  const bool possible =
      std::ranges::any_of(changes,
                          [](const Change& change) { return change.regression_possible; }) ||
      std::ranges::any_of(missing, [](const NotCompared& one) { return one.lost; });
  return possible ? Outcome::cannot_tell : Outcome::none;
}

}  // namespace patchbench::analysis
