#include "analysis/statistics/order_statistics.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

#include <boost/math/distributions/binomial.hpp>

namespace patchbench::analysis {
namespace {

std::vector<double> sorted(std::span<const double> values) {
  std::vector<double> copy(values.begin(), values.end());
  std::ranges::sort(copy);
  return copy;
}

/// Of [x(d), x(n+1-d)], d >= 1. Beyond the middle, where these have changed places, negative.
double coverage(std::size_t n, std::size_t d) {
  const boost::math::binomial_distribution<double> below(static_cast<double>(n), 0.5);
  return 1 - 2 * boost::math::cdf(below, static_cast<double>(d - 1));
}

/// Where between x(d) and x(d+1) the interval of `confidence` begins: 0 at x(d), 1 at x(d+1).
double way_inwards(std::size_t n, std::size_t d, double confidence) {
  const double outer = coverage(n, d);
  const double part = (outer - confidence) / (outer - coverage(n, d + 1));
  const auto inner = static_cast<double>(n - d);
  return inner * part / (static_cast<double>(d) + (inner - static_cast<double>(d)) * part);
}

/// Its inverse: the confidence of the interval that begins there.
double confidence_at(std::size_t n, std::size_t d, double way) {
  const auto inner = static_cast<double>(n - d);
  const auto outer = static_cast<double>(d);
  const double part = way * outer / (inner - way * (inner - outer));
  const double widest = coverage(n, d);
  return widest - part * (widest - coverage(n, d + 1));
}

/// How likely the interval lies beyond such a place, `way` from x(d) to x(d+1), 2 d <= n.
double tail(std::size_t n, std::size_t d, double way) {
  return (1 - (d == 0 ? coverage(n, 1) : confidence_at(n, d, way))) / 2;
}

}  // namespace

std::optional<FreeInterval> median_interval(std::span<const double> values) {
  const std::size_t n = values.size();
  if (n < 2) return std::nullopt;
  const std::vector<double> x = sorted(values);
  if (coverage(n, 1) < kConfidence) return FreeInterval{{x.front(), x.back()}, coverage(n, 1)};
  std::size_t d = 1;
  while (coverage(n, d + 1) >= kConfidence) ++d;
  const double way = way_inwards(n, d, kConfidence);
  return FreeInterval{
      {x[d - 1] + way * (x[d] - x[d - 1]), x[n - d] - way * (x[n - d] - x[n - d - 1])},
      kConfidence};
}

double p_median_at_most(std::span<const double> values, double limit) {
  const std::vector<double> x = sorted(values);
  const std::size_t n = x.size();
  const auto d = static_cast<std::size_t>(std::upper_bound(x.begin(), x.end(), limit) - x.begin());
  const bool between = d > 0 && d < n;
  const double way = between ? (limit - x[d - 1]) / (x[d] - x[d - 1]) : 0;
  // Above the median it is the upper end that lies there.
  return 2 * d <= n ? tail(n, d, way) : 1 - tail(n, n - d, 1 - way);
}

double p_median_at_least(std::span<const double> values, double limit) {
  std::vector<double> mirrored(values.begin(), values.end());
  for (double& value : mirrored) value = -value;
  return p_median_at_most(mirrored, -limit);
}

}  // namespace patchbench::analysis
