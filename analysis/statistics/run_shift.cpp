#include "analysis/statistics/run_shift.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include <boost/math/distributions/students_t.hpp>

#include "analysis/statistics/statistics.hpp"

namespace patchbench::analysis {
namespace {

constexpr double kTrimmed = 0.2;  // at either end

using StudentsT = boost::math::students_t_distribution<double>;

double mean_of(std::span<const double> values) {
  double mean = 0;
  for (const double value : values) mean += value / static_cast<double>(values.size());
  return mean;
}

double squares_around(std::span<const double> values, double mean) {
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return squares;
}

/// A sum of independent estimates of variances, and Satterthwaite's degrees of freedom for it.
class SumOfVariances {
 public:
  void add(double variance, double degrees) {
    sum_ += variance;
    if (degrees > 0) quotient_ += variance * variance / degrees;
  }
  void add_mean(std::span<const RunEstimate> runs, const BetweenRuns& between) {
    const auto n = static_cast<double>(runs.size());
    // One estimate serves both sides, so it enters once: see finish().
    between_share_ += 1 / n;
    between_ = between;
    for (const RunEstimate& run : runs) add(run.squared_error / (n * n), run.degrees);
  }
  /// The variance and its degrees of freedom.
  [[nodiscard]] std::pair<double, double> finish() {
    add(between_share_ * between_.variance, between_.degrees);
    return {sum_, sum_ * sum_ / quotient_};
  }

 private:
  double sum_ = 0;
  double quotient_ = 0;
  double between_share_ = 0;
  BetweenRuns between_;
};

double mean_of_runs(std::span<const RunEstimate> runs) {
  double mean = 0;
  for (const RunEstimate& run : runs) mean += run.value / static_cast<double>(runs.size());
  return mean;
}

Interval around(double value, double standard_error, double degrees) {
  const double reach =
      boost::math::quantile(StudentsT(degrees), (1 + kConfidence) / 2) * standard_error;
  return {value - reach, value + reach};
}

constexpr double kMostTimes = 1000;

/// As they would be with `factor` times as many rounds.
std::vector<RunEstimate> with_rounds(std::span<const RunEstimate> runs, double factor) {
  std::vector<RunEstimate> more(runs.begin(), runs.end());
  for (RunEstimate& run : more) {
    run.squared_error /= factor;
    run.degrees = (run.degrees + 1) * factor - 1;
  }
  return more;
}

struct Scatter {
  double squares = 0;
  double degrees = 0;    // that the squares have
  double explained = 0;  // by rounds, weighted with the degrees

  void add(std::span<const RunEstimate> runs) {
    if (runs.size() < 2) return;
    const double mean = mean_of_runs(runs);
    const auto n = static_cast<double>(runs.size());
    for (const RunEstimate& run : runs) {
      squares += (run.value - mean) * (run.value - mean);
      explained += run.squared_error * (n - 1) / n;
    }
    degrees += n - 1;
  }
};

}  // namespace

std::optional<RunEstimate> run_estimate(std::span<const double> values) {
  if (values.size() < 2) return std::nullopt;
  std::vector<double> sorted(values.begin(), values.end());
  std::ranges::sort(sorted);
  const std::size_t n = sorted.size();
  const bool robust = n >= static_cast<std::size_t>(kRobustRounds);
  const auto cut = robust ? static_cast<std::size_t>(kTrimmed * static_cast<double>(n)) : 0;
  const std::size_t kept = n - 2 * cut;
  const double value = mean_of(std::span(sorted).subspan(cut, kept));
  // Winsorized: what is trimmed takes the value next to it.
  for (std::size_t i = 0; i < cut; ++i) {
    sorted[i] = sorted[cut];
    sorted[n - 1 - i] = sorted[n - 1 - cut];
  }
  const double squares = squares_around(sorted, mean_of(sorted));
  const auto h = static_cast<double>(kept);
  return RunEstimate{value, squares / (h * (h - 1)), h - 1};
}

BetweenRuns between_runs(std::span<const CellEstimates> cells) {
  Scatter scatter;
  std::size_t first = 1;
  std::size_t second = 1;
  for (const CellEstimates& cell : cells) {
    scatter.add(cell.first);
    scatter.add(cell.second);
    first = std::max(first, cell.first.size());
    second = std::max(second, cell.second.size());
  }
  BetweenRuns between;
  if (scatter.degrees <= 0) return between;
  const double variance = (scatter.squares - scatter.explained) / scatter.degrees;
  between.measured = variance > between.variance;
  if (between.measured) {
    // What exceeds the default is known from these few runs alone (Satterthwaite's degrees of a
    // sum).
    const auto own = static_cast<double>(first + second - 2);
    const double excess = variance - between.variance;
    between.degrees =
        variance * variance /
        (between.variance * between.variance / between.degrees + excess * excess / own);
    between.variance = variance;
  }
  return between;
}

RunMean run_mean(std::span<const RunEstimate> runs, const BetweenRuns& between) {
  SumOfVariances sum;
  sum.add_mean(runs, between);
  const auto [variance, degrees] = sum.finish();
  const double value = mean_of_runs(runs);
  return {value, around(value, std::sqrt(variance), degrees)};
}

RunShift::RunShift(std::span<const RunEstimate> first, std::span<const RunEstimate> second,
                   const BetweenRuns& between)
    : estimate_(mean_of_runs(second) - mean_of_runs(first)) {
  SumOfVariances sum;
  sum.add_mean(first, between);
  sum.add_mean(second, between);
  const auto [variance, degrees] = sum.finish();
  standard_error_ = std::sqrt(variance);
  degrees_ = degrees;
}

Interval RunShift::interval() const { return around(estimate_, standard_error_, degrees_); }

double RunShift::detectable() const {
  const StudentsT distribution(degrees_);
  return standard_error_ * (boost::math::quantile(distribution, (1 + kConfidence) / 2) +
                            boost::math::quantile(distribution, kDetectingPower));
}

std::optional<double> times_the_rounds(std::span<const RunEstimate> first,
                                       std::span<const RunEstimate> second,
                                       const BetweenRuns& between, double limit) {
  const auto shown = [&](double factor) {
    return RunShift(with_rounds(first, factor), with_rounds(second, factor), between)
               .detectable() <= limit;
  };
  if (shown(1)) return 1;
  double low = 1;
  double high = kMostTimes;
  if (!shown(high)) return std::nullopt;
  constexpr double kClose = 1.001;
  while (high > low * kClose) {
    const double middle = std::sqrt(low * high);
    (shown(middle) ? high : low) = middle;
  }
  return high;
}

std::optional<int> rounds_needed(double scatter, double limit, int runs) {
  constexpr int kFewest = 3;
  const std::vector<RunEstimate> side(static_cast<std::size_t>(runs),
                                      RunEstimate{0, scatter * scatter / kFewest, kFewest - 1});
  const auto times = times_the_rounds(side, side, {}, std::log1p(limit));
  return times ? std::optional(static_cast<int>(std::ceil(kFewest * *times))) : std::nullopt;
}

double RunShift::p_at_most(double limit) const {
  return boost::math::cdf(
      boost::math::complement(StudentsT(degrees_), (estimate_ - limit) / standard_error_));
}

double RunShift::p_at_least(double limit) const {
  return boost::math::cdf(StudentsT(degrees_), (estimate_ - limit) / standard_error_);
}

double RunShift::p_none() const {
  return 2 * boost::math::cdf(boost::math::complement(StudentsT(degrees_),
                                                      std::abs(estimate_) / standard_error_));
}

}  // namespace patchbench::analysis
