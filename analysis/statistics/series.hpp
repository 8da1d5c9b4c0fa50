// analysis/statistics/series.hpp - is a series of rounds a sample of one thing?
//
// Intervals and verdicts take the rounds for independent values of one distribution. Two tests say
// where a series looks otherwise: it moves with the rounds, or it has more than one mode. Both are
// given as p-values, because a run has hundreds of series; who flags them corrects for their number
// (analysis/statistics/significance.hpp).
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <vector>

namespace patchbench::analysis {

/// Below this no order of the values has a two-sided probability of 5 %: 2 / 4! = 8.3 %.
inline constexpr std::size_t kFewestForDrift = 5;

/// The two-sided p-value of "no trend" in the order given: Mann ("Nonparametric Tests Against
/// Trend", Econometrica 13, 1945) and Kendall ("Rank Correlation Methods", 4th ed. 1975). Exact
/// where all values differ (up to 50 of them); otherwise by Kendall's normal approximation, its
/// variance corrected for ties and its statistic for continuity, from 10 values on. It sees what
/// goes up or goes down; what goes up and comes back it does not see. Empty where the values are
/// too few.
[[nodiscard]] std::optional<double> trend_p_value(std::span<const double> values);

/// Hartigan & Hartigan's dip ("The Dip Test of Unimodality", Annals of Statistics 13, 1985): the
/// largest distance between the distribution of `values` and the nearest that has one mode. From
/// 1 / 2n to 1 / 4. Empty for n = 0.
[[nodiscard]] std::optional<double> dip(std::span<const double> values);

/// As few as for drift. Two halves far apart, the largest dip there is, have a p-value of 0.0003.
inline constexpr std::size_t kFewestForModes = 5;

/// p-values of the dip, by simulation as its authors have them: against the uniform distribution,
/// which of those with one mode is the one with the largest dip for large n. With few rounds it
/// finds modes of similar weight that are well apart; a mode that holds a tenth of the rounds looks
/// like outliers, and is not found.
///
/// Keeps what it simulated for each n. The same in every run: generator and seed are fixed.
class DipTest {
 public:
  static constexpr std::size_t kTrials = 19'999;

  /// Empty below kFewestForModes, and where values repeat: the steps of a clock look like modes.
  [[nodiscard]] std::optional<double> p_value(std::span<const double> values);

 private:
  const std::vector<double>& dips_of_uniform(std::size_t n);

  std::map<std::size_t, std::vector<double>> simulated_;  // by n, sorted
};

}  // namespace patchbench::analysis
