// analysis/statistics/significance.hpp - how sure a verdict is once many of them stand in one
// table.
//
// A 95 % interval misses one time in twenty, so a table of a hundred equal costs would call five of
// them faster or slower. Verdicts are therefore corrected by the procedure of Benjamini & Hochberg
// ("Controlling the False Discovery Rate", J. R. Statist. Soc. B 57, 1995): of those that a table
// gives, at most one in twenty is expected to be wrong; where all costs are equal, at most one
// table in twenty has one. It holds for discrete tests and for many comparisons with one control
// (Benjamini & Yekutieli, Annals of Statistics 29(4), 2001, name both), which these are. Holm's
// procedure bounds the chance of even one error in the table instead; with hundreds of ratios and
// the few rounds that time allows it would leave almost everything undecided: the smallest p of a
// sign test over nine rounds is 0.004.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "analysis/statistics/statistics.hpp"

namespace patchbench::analysis {

/// A table's verdicts are wrong at most at this rate.
inline constexpr double kFalseDiscoveryRate = 0.05;

struct PValues {
  double differs = 1;  // if the two cost the same, how probable data as far from that are
  double same = 1;     // the same if they differ by delta, with data as close to 1
};

/// By the test that belongs to deciding_interval(): p.differs <= 0.05 exactly where that interval
/// excludes 1, p.same <= 0.025 exactly where it lies inside [1 - delta, 1 + delta]. From
/// kRobustRounds on the interpolated sign test, from kSignedRankRounds on the signed rank test,
/// below the t test on logarithms; for `same` the larger p-value of two one-sided tests (Schuirmann
/// 1987), which is not doubled: only one of the two can be wrong. Empty for n < 2.
[[nodiscard]] std::optional<PValues> p_values(const PairedRatio& ratio,
                                              double delta = kDefaultDelta);

/// Adjusted p-values in the order of `p`: rejecting where the adjusted one is at most r keeps the
/// false discovery rate at r.
[[nodiscard]] std::vector<double> benjamini_hochberg(std::span<const double> p);

/// What is left of a verdict when `adjusted` are its p-values after correction: itself or
/// `inconclusive`.
[[nodiscard]] results::Verdict corrected(results::Verdict verdict, const PValues& adjusted);

/// As results have it: medians and intervals, its verdict, and as q_differs and q_same its
/// p-values, until correct_verdicts() has adjusted them.
[[nodiscard]] results::Ratio judged_ratio(const PairedRatio& paired, double delta);
/// The same without verdict and p-values.
[[nodiscard]] results::Ratio plain_ratio(const PairedRatio& paired);

/// Of ratios that are read together, each with p-values. The share of wrong ones is held among the
/// verdicts that are given.
void correct_verdicts(const std::vector<results::Ratio*>& table);

}  // namespace patchbench::analysis
