// analysis/statistics/order_statistics.hpp - what can be said of a median whatever the distribution
// is.
#pragma once

#include <array>
#include <optional>
#include <span>

namespace patchbench::analysis {

using Interval = std::array<double, 2>;  // [low, high]

inline constexpr double kConfidence = 0.95;

struct FreeInterval {
  Interval interval{};
  /// Probability that such an interval holds the median: nominal where it is interpolated, exact
  /// for any continuous distribution where it is the range.
  double coverage = 0;
};

/// Between the order statistics x(d), x(n+1-d), whose coverage is 1 - 2 P(Bin(n, 1/2) <= d - 1)
/// (David & Nagaraja, "Order Statistics", 3rd ed., section 7.1), and the next ones inwards, so that
/// 95 % lies between their coverages (97.9 and 89.1 % at n = 10): interpolated as by Hettmansperger
/// & Sheather ("Confidence intervals based on interpolated order statistics", Statistics &
/// Probability Letters 4(2), 1986). That depends a little on the distribution (coverage_test.cpp):
/// most where the median lies in a gap between two modes, where it covers between those two.
/// Where even the range covers less than 95 %, n < 6, it is the range: 0.9375 at n = 5, 0.75 at n
/// = 3. Empty for n < 2.
[[nodiscard]] std::optional<FreeInterval> median_interval(std::span<const double> values);

/// One-sided p-values of "the median is at most `limit`" and "at least": sign tests, interpolated
/// as the interval is, so that either is at most 2.5 % exactly where median_interval() lies beyond
/// `limit` (n >= 6). At least 2^-n. `values` is not empty.
[[nodiscard]] double p_median_at_most(std::span<const double> values, double limit);
[[nodiscard]] double p_median_at_least(std::span<const double> values, double limit);

}  // namespace patchbench::analysis
