#include "analysis/quantity/repetitions.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include <fmt/format.h>

#include "analysis/render/numbers.hpp"
#include "analysis/statistics/statistics.hpp"

namespace patchbench::analysis {
namespace {

using results::Ratio;
using results::Results;
using results::Variance;

/// Nobody measures more rounds than this; a recommendation beyond it means "never".
constexpr int kMostRounds = 1'000'000;

struct Moments {
  double mean = 0;
  double variance = 0;
};

Moments moments(std::span<const double> values) {
  const auto n = static_cast<double>(values.size());
  Moments result;
  for (const double value : values) result.mean += value / n;
  for (const double value : values) {
    result.variance += (value - result.mean) * (value - result.mean) / (n - 1);
  }
  return result;
}

bool usable(const Process& process) {
  return process.batches.size() >= 2 &&
         std::ranges::all_of(process.batches, [](double batch) { return batch > 0; });
}

double reach_of(const Interval& interval) {
  return (std::log(interval[1]) - std::log(interval[0])) / 2;
}

/// The smallest n whose t interval reaches no farther than `goal`.
int rounds_by_t(double deviation, double goal) {
  int n = 2;
  while (n < kMostRounds && t_quantile(kConfidence, n - 1) * deviation / std::sqrt(n) > goal) {
    // Never past the answer: quantiles fall with n and never below that of the normal one.
    const double at_least = std::pow(1.959 * deviation / goal, 2);
    n = std::max(n + 1, static_cast<int>(std::min(at_least, double{kMostRounds})));
  }
  return n;
}

int rounded_up(double rounds) {
  return static_cast<int>(std::ceil(std::min(rounds, double{kMostRounds})));
}

/// The value that a share of the others does not exceed.
int quantile(std::vector<int> values, double share) {
  std::ranges::sort(values);
  const auto last = static_cast<double>(values.size() - 1);
  return values[static_cast<std::size_t>(std::ceil(share * last))];
}

struct Scatter {
  std::vector<double> between;  // shares of the variance of a process' mean
  std::vector<int> batches;     // recommended
  std::vector<double> used;     // batches
};

Scatter scatter_of(const Results& results) {
  Scatter scatter;
  for (const auto& cell : results.cells) {
    for (const auto& metric : cell.metrics) {
      if (!metric.variance || metric.variance->batches <= 0) continue;
      const Variance& variance = *metric.variance;
      const double between = std::max(0.0, variance.between);
      const double sum = between + variance.within / variance.batches;
      if (sum > 0) scatter.between.push_back(between / sum);
      scatter.used.push_back(variance.batches);
      if (const auto batches = recommended_batches(variance)) scatter.batches.push_back(*batches);
    }
  }
  return scatter;
}

std::string batches_sentence(const Scatter& scatter) {
  std::string text = fmt::format(
      "Of the scatter of means of batches {:.0f} % lies between processes (median of {} series",
      100 * *median(scatter.between), scatter.between.size());
  if (!scatter.batches.empty()) {
    text += fmt::format(
        "; best use of time: {} batches in a process, for 90 % of the series up to {}, here {:.0f}",
        quantile(scatter.batches, 0.5), quantile(scatter.batches, 0.9), *median(scatter.used));
  }
  return text + "; Kalibera & Jones 2013).";
}

std::vector<int> rounds_of(const Results& results) {
  std::vector<int> rounds;
  const double delta = delta_of(results);
  for (const auto& cell : results.cells) {
    for (const Ratio& ratio : cell.ratios) {
      if (const auto needed = recommended_rounds(ratio, delta)) rounds.push_back(*needed);
    }
  }
  return rounds;
}

}  // namespace

std::optional<Variance> variance_of(std::span<const Process> processes) {
  std::vector<double> means;
  std::vector<double> variances;
  std::vector<double> counts;
  std::vector<double> batch_ms;
  std::vector<double> process_ms;
  double brought_in = 0;  // S1^2 / r1, summed
  for (const Process& process : processes) {
    if (!usable(process)) continue;
    const auto count = static_cast<double>(process.batches.size());
    const Moments own = moments(logarithms(process.batches));
    means.push_back(own.mean);
    variances.push_back(own.variance);
    counts.push_back(count);
    brought_in += own.variance / count;
    if (process.batches_ms) batch_ms.push_back(*process.batches_ms / count);
    if (process.rest_ms) process_ms.push_back(*process.rest_ms);
  }
  if (means.size() < 2) return std::nullopt;
  Variance variance;
  variance.within = moments(variances).mean;
  variance.between = moments(means).variance - brought_in / static_cast<double>(means.size());
  variance.batches = *median(counts);
  variance.batch_ms = median(batch_ms);
  variance.process_ms = median(process_ms);
  return variance;
}

std::optional<int> recommended_batches(const Variance& variance) {
  if (!variance.batch_ms || !variance.process_ms || *variance.batch_ms <= 0) return std::nullopt;
  if (variance.between <= 0) return std::nullopt;
  const double costs = *variance.process_ms / *variance.batch_ms;
  return std::max(1, rounded_up(std::sqrt(costs * variance.within / variance.between)));
}

std::optional<int> recommended_rounds(const Ratio& ratio, double delta) {
  const auto interval = deciding_interval(ratio);
  if (!interval || (*interval)[0] <= 0) return std::nullopt;
  const double goal = std::log(1 + delta);
  const double reach = reach_of(*interval);
  const double n = ratio.n;
  if (ratio.n >= kRobustRounds) {
    return std::max(kRobustRounds, rounded_up(n * std::pow(reach / goal, 2)));
  }
  const double deviation = reach * std::sqrt(n) / t_quantile(kConfidence, ratio.n - 1);
  const int rounds = rounds_by_t(deviation, goal);
  return rounds < kRobustRounds ? rounds : rounded_up(rounds * std::numbers::pi / 2);
}

std::vector<std::string> repetition_advice(const Results& results) {
  std::vector<std::string> sentences;
  const Scatter scatter = scatter_of(results);
  if (!scatter.between.empty()) sentences.push_back(batches_sentence(scatter));
  const std::vector<int> rounds = rounds_of(results);
  if (!rounds.empty()) {
    sentences.push_back(fmt::format(
        "To know a ratio to within {:.3g} %, half of them need {} rounds, 90 % up to {}; "
        "this run has {}.",
        100 * delta_of(results), grouped(quantile(rounds, 0.5)), grouped(quantile(rounds, 0.9)),
        results.run.rounds));
  }
  return sentences;
}

}  // namespace patchbench::analysis
