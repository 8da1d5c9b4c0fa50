// analysis/statistics/statistics.hpp - from one value a round to intervals and verdicts.
//
// n is the number of rounds, never of iterations or batches: only fresh processes vary in layout,
// and inside one no repetition averages that out (Kalibera & Jones, "Rigorous Benchmarking in
// Reasonable Time", ISMM 2013). What too few values cannot give is an empty optional: no interval
// from one round, no median from none.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "analysis/statistics/order_statistics.hpp"
#include "results/model.hpp"

namespace patchbench::analysis {

/// Two costs closer than this share are called the same.
inline constexpr double kDefaultDelta = 0.03;
/// What a run's verdicts are for: as recorded, else the default, which was the only one once.
[[nodiscard]] double delta_of(const results::Results& results);

/// The mean of the two middle values where n is even. Empty for n = 0.
[[nodiscard]] std::optional<double> median(std::span<const double> values);

/// The value below which a tenth of them lies, interpolated (Hyndman & Fan's type 7). Empty for n
/// = 0.
[[nodiscard]] std::optional<double> lower_decile(std::span<const double> values);

/// Natural ones, in the same order.
[[nodiscard]] std::vector<double> logarithms(std::span<const double> values);

/// The two-sided Student quantile: P(|T| <= t) = confidence at `degrees` >= 1 degrees of freedom.
[[nodiscard]] double t_quantile(double confidence, int degrees);

struct LogMean {
  double mean = 0;            // of the logarithms
  double standard_error = 0;  // of that mean
};

/// Empty for n < 2 and where a value is not positive.
[[nodiscard]] std::optional<LogMean> log_mean(std::span<const double> values);

/// exp(mean(ln x) -+ t(n-1) * s / sqrt(n)): the textbook t interval for a mean, taken on logarithms
/// and transformed back, so an interval for the geometric mean (for the median too, as far as the
/// logarithms are symmetric). Empty for n < 2 and where a value is not positive.
[[nodiscard]] std::optional<Interval> log_t_interval(std::span<const double> values);

/// A 95 % interval for the median of absolute values: distribution-free from n = 6 on, the first n
/// for which the range covers 95 %; the t interval on logarithms below that, which always holds the
/// sample's median for n <= 5. Empty for n < 2.
[[nodiscard]] std::optional<Interval> median_ci95(std::span<const double> values);

/// From this number of rounds on no interval that decides depends on one value: order statistics,
/// and from kSignedRankRounds on signed ranks (at n = 17 two values may be anywhere).
inline constexpr int kRobustRounds = 9;

inline constexpr int kSignedRankRounds = 12;

struct PairedRatio {
  int n = 0;  // rounds with a ratio
  // Of the ratios; from kSignedRankRounds on the pseudo-median, where zeros do not decide it.
  std::optional<double> median;
  std::optional<Interval> ci95;  // log_t_interval of the ratios
  std::optional<FreeInterval>
      ci_free;                 // median_interval, from kSignedRankRounds on signed_rank_interval
  std::vector<double> values;  // the ratios, in the order of the rounds
};

/// The interval that is shown and that decides: for the pseudo-median by signed ranks from
/// kSignedRankRounds on, for the median by order statistics from kRobustRounds on, the t interval
/// for the geometric mean below. Processes now and then end up in a slow mode of their own for as
/// long as they live, whatever the strategy; a few such rounds move a mean and widen its interval,
/// and hardly move the pseudo-median.
[[nodiscard]] std::optional<Interval> deciding_interval(const PairedRatio& ratio);
[[nodiscard]] std::optional<Interval> deciding_interval(const results::Ratio& ratio);

/// strategy / baseline, round by round. Both have one entry a round; what is missing in either is
/// left out of both. An entry of 0, a difference that was not above that, makes the round's ratio 0
/// or infinite: a round like any other for ranks, and none for the t interval. Two of them say
/// nothing. Where zeros reach so far in that signed ranks have no finite interval, it is that of
/// the median by order statistics, which may begin at 0: the cost is then less than its upper end,
/// and by how much is not known.
[[nodiscard]] PairedRatio paired_ratio(std::span<const std::optional<double>> strategy,
                                       std::span<const std::optional<double>> baseline);

/// By the interval alone: `same` when it lies inside [1 - delta, 1 + delta] (equivalence by
/// inclusion of the interval, Schuirmann 1987), else `faster` when it lies below 1 and `slower`
/// when above, else `inconclusive`. So a difference that is certain but below delta is `same`. No
/// interval: `inconclusive`. What `again` varies in (layout, process, place) is inside every
/// interval, so nothing is held against its own interval: that would hide differences and guard
/// against nothing.
[[nodiscard]] results::Verdict plain_verdict(const std::optional<Interval>& ci95,
                                             double delta = kDefaultDelta);

/// The values that are there.
[[nodiscard]] std::vector<double> present(std::span<const std::optional<double>> samples);

}  // namespace patchbench::analysis
