#include "analysis/compare.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "analysis/selection.hpp"
#include "analysis/significance.hpp"

namespace patchbench::analysis {
namespace {

using results::Cell;
using results::CellStatus;
using results::Metric;
using results::Results;
using results::Verdict;

constexpr double kSignificance = 1 - kConfidence;

using Samples = std::span<const std::optional<double>>;
using CellIndex = std::map<std::string, const Cell*, std::less<>>;

CellIndex index_of(const Results& results) {
  CellIndex index;
  for (const Cell& cell : results.cells) index.emplace(cell.id, &cell);
  return index;
}

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
  return std::any_of(results.cells.begin(), results.cells.end(), [&](const Cell& cell) {
    return cell.strategy == strategy && cell.status == CellStatus::ok && !cell.metrics.empty();
  });
}

std::string common_baseline(const Results& first, const Results& second) {
  for (const std::string& candidate : {first.baseline, second.baseline}) {
    if (!candidate.empty() && measured(first, candidate) && measured(second, candidate)) {
      return candidate;
    }
  }
  const auto name = [](const Results& results) {
    if (results.baseline.empty()) return std::string("has no baseline");
    return "has " + results.baseline +
           (measured(results, results.baseline) ? "" : ", without a single round");
  };
  throw CompareError(fmt::format(
      "the runs share no baseline that both measured (the first {}, the second {}); measure again "
      "with the same --baseline=ID",
      name(first), name(second)));
}

std::vector<double> log_ratios(Samples strategy, Samples baseline) {
  std::vector<double> logs;
  for (std::size_t round = 0; round < std::min(strategy.size(), baseline.size()); ++round) {
    if (strategy[round] && baseline[round]) {
      logs.push_back(std::log(*strategy[round] / *baseline[round]));
    }
  }
  return logs;
}

std::vector<double> logs_of(Samples samples) {
  std::vector<double> logs;
  for (const double value : present(samples)) logs.push_back(std::log(value));
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
  change.twin = cell.strategy == "again";
  return change;
}

void fill(Change& change, const Shift& shift) {
  if (!shift.estimate()) return;
  change.change = std::exp(*shift.estimate());
  change.interval = exponentials(*shift.interval());
}

Side ratio_side(const Metric& metric, const Metric& baseline) {
  const PairedRatio ratio = paired_ratio(metric.samples, baseline.samples);
  return {ratio.n, ratio.median, deciding_interval(ratio)};
}

Side time_side(const Metric& metric) {
  const std::vector<double> values = present(metric.samples);
  return {static_cast<int>(values.size()), median(values), median_ci95(values)};
}

/// What is wrong with the cell in one of the runs; empty where nothing is.
std::string trouble(const Cell& first, const Cell& second) {
  const auto say = [](const char* which, const Cell& cell) {
    std::string text = fmt::format("{} in the {} run", to_string(cell.status), which);
    return cell.reason.empty() ? text : text + ": " + cell.reason;
  };
  if (first.status != CellStatus::ok) return say("first", first);
  if (second.status != CellStatus::ok) return say("second", second);
  return "";
}

/// Everything that the two runs have in common, cell by cell.
class Pairs {
 public:
  Pairs(const Results& first, const Results& second, const CompareOptions& options)
      : first_(first), second_(second), second_index_(index_of(second)) {
    check_samples(first, "first");
    check_samples(second, "second");
    comparison_.options = options;
    find_lonely();
    comparison_.baseline = common_baseline(first, second);
  }

  [[nodiscard]] Comparison ratios() {
    for (const Cell& cell : first_.cells) {
      const auto found = second_index_.find(cell.id);
      if (found != second_index_.end()) add(cell, *found->second);
    }
    if (comparison_.changes.empty()) {
      throw CompareError("the runs have cells in common, but no ratio to " + comparison_.baseline +
                         " that both measured");
    }
    correct();
    for (Change& change : comparison_.changes) judge(change);
    return std::move(comparison_);
  }

 private:
  void find_lonely() {
    const CellIndex first_index = index_of(first_);
    std::size_t common = 0;
    for (const Cell& cell : first_.cells) {
      const bool both = second_index_.contains(cell.id);
      common += both ? 1 : 0;
      if (!both) comparison_.only_first.push_back(cell.id);
    }
    for (const Cell& cell : second_.cells) {
      if (!first_index.contains(cell.id)) comparison_.only_second.push_back(cell.id);
    }
    if (common > 0) return;
    throw CompareError(
        fmt::format("the runs have no cell in common ({} cells in the first, {} in the second); "
                    "measure the same workloads and parameters in both",
                    first_.cells.size(), second_.cells.size()));
  }

  void add(const Cell& first, const Cell& second) {
    if (first.strategy == comparison_.baseline) return;
    const std::string why = trouble(first, second);
    if (!why.empty()) {
      const bool lost = first.status == CellStatus::ok;
      // What neither run could measure is no news.
      if (lost || second.status == CellStatus::ok) {
        comparison_.not_compared.push_back({first.id, why, lost});
      }
      return;
    }
    const Cell* base_first = find_cell(first_, first.workload, comparison_.baseline, first.params);
    const Cell* base_second =
        find_cell(second_, second.workload, comparison_.baseline, second.params);
    for (const Metric& metric : first.metrics) {
      const Metric* other = usable_metric(&second, metric.name);
      const Metric* base = usable_metric(base_first, metric.name);
      const Metric* other_base = usable_metric(base_second, metric.name);
      if (base == nullptr) continue;  // a metric that the baseline does not have has no ratio
      if (other == nullptr || other_base == nullptr) {
        comparison_.not_compared.push_back(
            {first.id, metric.name + " has no ratio in the second run", true});
      } else {
        add(first, metric, *base, *other, *other_base);
      }
    }
  }

  void add(const Cell& cell, const Metric& metric, const Metric& base, const Metric& other,
           const Metric& other_base) {
    Change change = described(cell, metric);
    change.first = ratio_side(metric, base);
    change.second = ratio_side(other, other_base);
    const Shift shift(log_ratios(metric.samples, base.samples),
                      log_ratios(other.samples, other_base.samples));
    fill(change, shift);
    change.p_none = shift.p_none();
    const double delta = comparison_.options.delta;
    // Two one-sided tests, each at 2.5 % as an interval of 95 % has it (Schuirmann 1987).
    change.p_apart = std::min(1.0, 2 * std::max(shift.p_at_most(std::log1p(-delta)),
                                                shift.p_at_least(std::log1p(delta))));
    if (const auto limit = comparison_.options.max_regression) {
      change.p_within_limit = shift.p_at_most(std::log1p(*limit));
    }
    comparison_.changes.push_back(std::move(change));
  }

  void correct() {
    correct(&Change::p_none, holm_adjusted);
    correct(&Change::p_within_limit, holm_adjusted);
    correct(&Change::p_apart, benjamini_hochberg);
    comparison_.tested =
        static_cast<int>(std::count_if(comparison_.changes.begin(), comparison_.changes.end(),
                                       [](const Change& change) { return !change.twin; }));
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

  /// How far from 1 the interval of the baseline's twin reaches; 1 where there is none.
  [[nodiscard]] double noise_for(const Change& change) const {
    for (const Change& twin : comparison_.changes) {
      if (!twin.twin || twin.workload != change.workload || twin.metric != change.metric ||
          twin.params != change.params || !twin.interval) {
        continue;
      }
      return std::max({1.0, (*twin.interval)[1], 1 / (*twin.interval)[0]});
    }
    return 1;
  }

  void judge(Change& change) const {
    if (!change.interval) {
      change.regression_possible = true;
      return;
    }
    const Interval& interval = *change.interval;
    const double delta = comparison_.options.delta;
    const double noise = noise_for(change);
    const bool few = std::min(change.first.n, change.second.n) <= kFewRounds;
    const bool real = !change.twin && change.p_none < kSignificance;
    if (plain_verdict(interval, delta) == Verdict::same) {
      const bool quiet = noise <= 1 + delta && 1 / noise >= 1 - delta;
      const bool stands = change.twin || change.p_apart <= kFalseDiscoveryRate;
      change.verdict = stands && (quiet || !few) ? Verdict::same : Verdict::unsure;
    } else if (real && interval[1] < 1 / noise) {
      change.verdict = Verdict::faster;
    } else if (real && interval[0] > noise) {
      change.verdict = Verdict::slower;
    }
    if (!comparison_.options.max_regression || change.twin) return;
    const double limit = 1 + *comparison_.options.max_regression;
    change.regression = change.p_within_limit < kSignificance && interval[0] > noise;
    change.regression_possible = interval[1] > limit;
  }

  const Results& first_;
  const Results& second_;
  CellIndex second_index_;
  Comparison comparison_;
};

}  // namespace

Comparison compare(const Results& first, const Results& second, const CompareOptions& options) {
  return Pairs(first, second, options).ratios();
}

std::vector<Change> compare_times(const Results& first, const Results& second) {
  const CellIndex index = index_of(second);
  std::vector<Change> changes;
  for (const Cell& cell : first.cells) {
    const auto found = index.find(cell.id);
    if (found == index.end() || cell.status != CellStatus::ok) continue;
    for (const Metric& metric : cell.metrics) {
      const Metric* other = usable_metric(found->second, metric.name);
      if (other == nullptr || other->unit != metric.unit) continue;
      Change change = described(cell, metric);
      change.first = time_side(metric);
      change.second = time_side(*other);
      fill(change, Shift(logs_of(metric.samples), logs_of(other->samples)));
      changes.push_back(std::move(change));
    }
  }
  return changes;
}

Outcome outcome(const Comparison& comparison) {
  if (!comparison.options.max_regression) return Outcome::none;
  const auto& changes = comparison.changes;
  const auto& missing = comparison.not_compared;
  if (std::any_of(changes.begin(), changes.end(),
                  [](const Change& change) { return change.regression; })) {
    return Outcome::regression;
  }
  const bool possible =
      std::any_of(changes.begin(), changes.end(),
                  [](const Change& change) { return change.regression_possible; }) ||
      std::any_of(missing.begin(), missing.end(), [](const NotCompared& one) { return one.lost; });
  return possible ? Outcome::cannot_tell : Outcome::none;
}

}  // namespace patchbench::analysis
