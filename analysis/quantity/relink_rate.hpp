// analysis/quantity/relink_rate.hpp - what sends cost by the share of them that relinks, and at
// which share two strategies cost the same.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "analysis/quantity/break_even.hpp"
#include "analysis/quantity/quantities.hpp"

namespace patchbench::analysis {

/// Workload relink-rate at one share of relinking sends.
struct RatePoint {
  double p = 0;  // 0 to 1
  results::Params params;
};

/// All shares that a run measured at the same other parameters.
struct RateCurve {
  results::Params params;         // without p
  std::vector<RatePoint> points;  // ascending
};

/// In the order of the run.
[[nodiscard]] std::vector<RateCurve> rate_curves(const Quantities& run);

[[nodiscard]] CostAt relinking_sends_at(const RatePoint& point);

/// Which of two costs less at each share follows from the interval of their paired ratio: of a
/// strategy and the baseline the run's own verdict, corrected for the number of ratios; of others
/// without such a correction, `same` within run.delta. Where that turns from one share to the next
/// that is decided, a crossing lies between them. It is found in each round: what a send costs is
/// linear in p between two measured shares, as it is where hits and misses cost what they cost, so
/// the difference of the two strategies is, and the crossing is where that is 0. A round whose
/// difference does not change its sign there counts with the nearer end; of one that changes it
/// several times, over shares that are not decided, the middle one counts.
[[nodiscard]] results::RatePair rate_pair(const Quantities& run, const RateCurve& curve,
                                          const std::string& strategy, const std::string& other);

/// The measured shares at which the run does not say which costs less.
[[nodiscard]] int open_rates(const results::RatePair& pair);

/// Every two strategies that were measured, the baseline as `other` where it is one of them.
[[nodiscard]] std::vector<results::RatePair> rate_pairs(const Quantities& run);

/// cost(p) = send + p * relink, by least squares of its relative errors in each round. Of every
/// strategy with three shares or more: through two every such line goes. The error at a share is
/// the median over rounds of model / measured - 1, and the largest by its amount is stated.
[[nodiscard]] std::vector<results::RateModel> rate_models(const Quantities& run);

/// A strategy and the baseline, in sends a patch, which are 1 / p. `pair.other` is the baseline.
[[nodiscard]] results::BreakEvenAnswer measured_break_even(const results::RatePair& pair);

/// "1e-4", "0.0015"
[[nodiscard]] std::string share_in_words(double p);

}  // namespace patchbench::analysis
