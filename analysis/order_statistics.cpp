#include "analysis/order_statistics.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

#include <boost/math/distributions/binomial.hpp>

namespace patchbench::analysis {
namespace {

std::vector<double> sorted(std::span<const double> values) {
  std::vector<double> copy(values.begin(), values.end());
  std::sort(copy.begin(), copy.end());
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

}  // namespace patchbench::analysis
