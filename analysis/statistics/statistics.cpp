#include "analysis/statistics/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <boost/math/distributions/students_t.hpp>

#include "analysis/statistics/signed_rank.hpp"

namespace patchbench::analysis {
namespace {

std::vector<double> sorted(std::span<const double> values) {
  std::vector<double> copy(values.begin(), values.end());
  std::ranges::sort(copy);
  return copy;
}

/// Empty where a ratio of 0 or an infinite one decides.
std::optional<double> finite(const std::optional<double>& value) {
  return value && *value > 0 && std::isfinite(*value) ? value : std::nullopt;
}

/// That begins at 0 where ratios of 0 decide its lower end; empty where infinite ones decide.
std::optional<FreeInterval> finite(const std::optional<FreeInterval>& free) {
  const bool usable = free && free->interval[1] > 0 && std::isfinite(free->interval[1]);
  return usable ? free : std::nullopt;
}

bool inside(const Interval& interval, double delta) {
  return interval[0] >= 1 - delta && interval[1] <= 1 + delta;
}

}  // namespace

double delta_of(const results::Results& results) {
  return results.run.delta.value_or(kDefaultDelta);
}

std::optional<double> median(std::span<const double> values) {
  if (values.empty()) return std::nullopt;
  const std::vector<double> ordered = sorted(values);
  const std::size_t middle = ordered.size() / 2;
  if (ordered.size() % 2 == 1) return ordered[middle];
  return ordered[middle - 1] + (ordered[middle] - ordered[middle - 1]) / 2;
}

std::optional<double> lower_decile(std::span<const double> values) {
  if (values.empty()) return std::nullopt;
  const std::vector<double> ordered = sorted(values);
  const double place = static_cast<double>(ordered.size() - 1) / 10;
  const auto below = static_cast<std::size_t>(place);
  const double above = ordered[std::min(below + 1, ordered.size() - 1)];
  return ordered[below] + (place - static_cast<double>(below)) * (above - ordered[below]);
}

std::vector<double> logarithms(std::span<const double> values) {
  std::vector<double> logs;
  logs.reserve(values.size());
  for (const double value : values) logs.push_back(std::log(value));
  return logs;
}

double t_quantile(double confidence, int degrees) {
  const boost::math::students_t_distribution<double> distribution(degrees);
  return boost::math::quantile(distribution, (1 + confidence) / 2);
}

std::optional<LogMean> log_mean(std::span<const double> values) {
  if (values.size() < 2) return std::nullopt;
  if (std::ranges::any_of(values, [](double value) { return !(value > 0) || std::isinf(value); })) {
    return std::nullopt;
  }
  const auto n = static_cast<double>(values.size());
  double mean = 0;
  for (const double value : values) mean += std::log(value) / n;
  double squares = 0;
  for (const double value : values) squares += std::pow(std::log(value) - mean, 2);
  return LogMean{mean, std::sqrt(squares / (n - 1) / n)};
}

std::optional<Interval> log_t_interval(std::span<const double> values) {
  const auto logs = log_mean(values);
  if (!logs) return std::nullopt;
  const double reach =
      t_quantile(kConfidence, static_cast<int>(values.size()) - 1) * logs->standard_error;
  return Interval{std::exp(logs->mean - reach), std::exp(logs->mean + reach)};
}

std::optional<Interval> median_ci95(std::span<const double> values) {
  const auto free = median_interval(values);
  if (free && free->coverage >= kConfidence) return free->interval;
  return log_t_interval(values);
}

PairedRatio paired_ratio(std::span<const std::optional<double>> strategy,
                         std::span<const std::optional<double>> baseline) {
  std::vector<double> ratios;
  for (std::size_t round = 0; round < std::min(strategy.size(), baseline.size()); ++round) {
    if (!strategy[round] || !baseline[round]) continue;
    if (*strategy[round] > 0 || *baseline[round] > 0) {
      ratios.push_back(*strategy[round] / *baseline[round]);
    }
  }
  const int n = static_cast<int>(ratios.size());
  PairedRatio paired;
  paired.n = n;
  paired.ci95 = log_t_interval(ratios);
  if (n >= kSignedRankRounds) paired.ci_free = signed_rank_interval(ratios);
  if (paired.ci_free) {
    paired.median = pseudo_median(ratios);
  } else {
    paired.median = finite(median(ratios));
    paired.ci_free = finite(median_interval(ratios));
  }
  paired.values = std::move(ratios);
  return paired;
}

std::optional<Interval> deciding_interval(const PairedRatio& ratio) {
  return ratio.n >= kRobustRounds && ratio.ci_free ? ratio.ci_free->interval : ratio.ci95;
}

std::optional<Interval> deciding_interval(const results::Ratio& ratio) {
  return ratio.n >= kRobustRounds && ratio.ci_free ? ratio.ci_free : ratio.ci95;
}

results::Verdict plain_verdict(const std::optional<Interval>& ci95, double delta) {
  using results::Verdict;
  if (!ci95) return Verdict::inconclusive;
  if (inside(*ci95, delta)) return Verdict::same;
  if ((*ci95)[1] < 1) return Verdict::faster;
  if ((*ci95)[0] > 1) return Verdict::slower;
  return Verdict::inconclusive;
}

std::vector<double> present(std::span<const std::optional<double>> samples) {
  std::vector<double> values;
  for (const auto& sample : samples) {
    if (sample) values.push_back(*sample);
  }
  return values;
}

}  // namespace patchbench::analysis
