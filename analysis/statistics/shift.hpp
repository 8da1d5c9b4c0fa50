// analysis/statistics/shift.hpp - by how much two independent series differ in location.
//
// For what is not paired: the rounds of one run against those of another one, which may have more
// or fewer of them. Values are logarithms here, so a shift is the logarithm of a quotient.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "analysis/statistics/statistics.hpp"

namespace patchbench::analysis {

/// The distribution of the rank-sum statistic U of two series of n and m values when both come from
/// one continuous distribution, whatever that is (Mann & Whitney 1947). Exact up to n * m = 4,096
/// by Mann and Whitney's recurrence, beyond that their normal approximation with a correction for
/// continuity.
class RankSum {
 public:
  RankSum(std::size_t n, std::size_t m);

  /// P(U <= u). U takes whole values; a half one (from ties) counts as the next lower.
  [[nodiscard]] double at_most(double u) const;
  /// The largest k with P(U <= k - 1) <= tail; 0 where even k = 1 has more.
  [[nodiscard]] std::size_t rank_of_tail(double tail) const;

 private:
  std::size_t n_;
  std::size_t m_;
  std::vector<double> cumulative_;  // empty: by approximation
};

/// How far `second` lies above `first`.
///
/// From kRobustRounds values on in both: Hodges & Lehmann's estimate, the median of all differences
/// second - first, with the distribution-free interval of their order statistics that inverts
/// Mann & Whitney's test (Moses; Hollander, Wolfe & Chicken, "Nonparametric Statistical Methods",
/// 3rd ed., sections 4.1 to 4.3 [section numbers unverified]). It supposes that both have one
/// shape, not which: skewed series, and those that now and then have a value from a slow mode, are
/// welcome. Below that, where so few ranks cannot give 95 % or survive a correction for many
/// comparisons: the difference of means with Welch's t interval (Welch 1947), whose degrees of
/// freedom allow for different variances and different n.
class Shift {
 public:
  /// Values are finite.
  Shift(std::span<const double> first, std::span<const double> second);

  /// Empty where either series has fewer than two values.
  [[nodiscard]] std::optional<double> estimate() const { return estimate_; }
  /// Of kConfidence; empty with the estimate.
  [[nodiscard]] const std::optional<Interval>& interval() const { return interval_; }
  [[nodiscard]] bool by_ranks() const { return by_ranks_; }

  /// The one-sided p-values of "the shift is at most `limit`", small where it lies above, and "at
  /// least", small where it lies below. 1 without an estimate.
  [[nodiscard]] double p_at_most(double limit) const;
  [[nodiscard]] double p_at_least(double limit) const;
  /// The two-sided p-value of "there is no shift".
  [[nodiscard]] double p_none() const;

 private:
  void from_ranks(std::span<const double> first, std::span<const double> second);
  void from_means(std::span<const double> first, std::span<const double> second);
  /// How likely a shift of `limit` is to look at least as far above it, or below.
  [[nodiscard]] double tail(double limit, bool above) const;

  bool by_ranks_ = false;
  std::optional<double> estimate_;
  std::optional<Interval> interval_;
  std::vector<double> differences_;  // sorted; of ranks
  std::optional<RankSum> rank_sum_;
  double standard_error_ = 0;  // of means
  double degrees_ = 0;
};

/// p-values after Holm's correction, in the order given: with all those below 0.05 taken for real,
/// the probability that even one of them is not is at most 5 %, however they depend on each other
/// (Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scand. J. Statist. 6, 1979).
[[nodiscard]] std::vector<double> holm_adjusted(std::span<const double> p_values);

}  // namespace patchbench::analysis
