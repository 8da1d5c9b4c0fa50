#include "analysis/statistics/signed_rank.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <vector>

#include <boost/math/distributions/normal.hpp>

namespace patchbench::analysis {
namespace {

/// Above this the normal approximation is closer than any interval here is read.
constexpr std::size_t kExactUpTo = 60;

/// P(W <= k) for k = 0 to n (n + 1) / 2, where W is the sum of the ranks 1 to n that got a plus.
std::vector<double> exact_distribution(std::size_t n) {
  std::vector<double> chance(n * (n + 1) / 2 + 1, 0);
  chance[0] = 1;
  for (std::size_t rank = 1; rank <= n; ++rank) {
    for (std::size_t sum = chance.size(); sum-- > 0;) {
      chance[sum] = (chance[sum] + (sum >= rank ? chance[sum - rank] : 0)) / 2;
    }
  }
  double below = 0;
  for (double& share : chance) share = below += share;
  return chance;
}

boost::math::normal normal_distribution(std::size_t n) {
  const auto size = static_cast<double>(n);
  return boost::math::normal(size * (size + 1) / 4,
                             std::sqrt(size * (size + 1) * (2 * size + 1) / 24));
}

const std::vector<double>& known_distribution(std::size_t n) {
  thread_local std::map<std::size_t, std::vector<double>> known;
  std::vector<double>& chance = known[n];
  if (chance.empty()) chance = exact_distribution(n);
  return chance;
}

/// P(W <= sum).
double at_most(std::size_t n, std::size_t sum) {
  if (n <= kExactUpTo) return known_distribution(n)[sum];
  return boost::math::cdf(normal_distribution(n), static_cast<double>(sum) + 0.5);
}

/// The largest sum that W does not exceed with more than `chance`; 0 where there is none.
std::size_t critical_sum(std::size_t n, double chance) {
  std::size_t sum = 0;
  if (n > kExactUpTo) {
    const double approximate = boost::math::quantile(normal_distribution(n), chance) - 0.5;
    sum = static_cast<std::size_t>(approximate);
  }
  while (at_most(n, sum + 1) <= chance) ++sum;
  return sum;
}

/// Stands for the logarithm of 0 and, positive, of what is infinite: further away than any other.
constexpr double kBeyond = 700;

double bounded_log(double value) { return std::clamp(std::log(value), -kBeyond, kBeyond); }

bool none_negative(std::span<const double> values) {
  return std::ranges::all_of(values, [](double value) { return value >= 0; });
}

/// Empty where a value that is 0 or infinite decides.
std::optional<double> exponential(double mean) {
  if (std::abs(mean) > kBeyond / 4) return std::nullopt;
  return std::exp(mean);
}

/// The means of two logarithms (Walsh averages), in no order. As many as the largest W.
std::vector<double> walsh_averages(std::span<const double> values) {
  std::vector<double> logs;
  logs.reserve(values.size());
  for (const double value : values) logs.push_back(bounded_log(value));
  std::vector<double> means;
  means.reserve(logs.size() * (logs.size() + 1) / 2);
  for (std::size_t i = 0; i < logs.size(); ++i) {
    for (std::size_t j = i; j < logs.size(); ++j) means.push_back((logs[i] + logs[j]) / 2);
  }
  return means;
}

double nth_smallest(std::vector<double>& means, std::size_t n) {
  const auto place = means.begin() + static_cast<std::ptrdiff_t>(n);
  std::nth_element(means.begin(), place, means.end());
  return *place;
}

}  // namespace

std::optional<double> pseudo_median(std::span<const double> values) {
  if (values.empty() || !none_negative(values)) return std::nullopt;
  std::vector<double> means = walsh_averages(values);
  const auto lower = exponential(nth_smallest(means, (means.size() - 1) / 2));
  const auto upper = exponential(nth_smallest(means, means.size() / 2));
  if (!lower || !upper) return std::nullopt;
  return std::sqrt(*lower * *upper);
}

std::optional<FreeInterval> signed_rank_interval(std::span<const double> values) {
  if (values.size() < 2 || !none_negative(values)) return std::nullopt;
  std::vector<double> means = walsh_averages(values);
  // The number of means beyond the interval on either side.
  const std::size_t end = critical_sum(values.size(), (1 - kConfidence) / 2);
  const auto low = exponential(nth_smallest(means, end));
  const auto high = exponential(nth_smallest(means, means.size() - 1 - end));
  if (!low || !high) return std::nullopt;
  return FreeInterval{{*low, *high}, 1 - 2 * at_most(values.size(), end)};
}

double p_centre_at_most(std::span<const double> values, double limit) {
  const std::vector<double> means = walsh_averages(values);
  // W is the number of means on one side of the limit, whichever.
  const auto not_above = static_cast<std::size_t>(std::count_if(
      means.begin(), means.end(), [centre = std::log(limit)](double m) { return m <= centre; }));
  return at_most(values.size(), not_above);
}

double p_centre_at_least(std::span<const double> values, double limit) {
  std::vector<double> mirrored;
  mirrored.reserve(values.size());
  for (const double value : values) mirrored.push_back(1 / value);
  return p_centre_at_most(mirrored, 1 / limit);
}

}  // namespace patchbench::analysis
