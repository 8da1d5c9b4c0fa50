#include "analysis/significance.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <boost/math/distributions/students_t.hpp>

namespace patchbench::analysis {
namespace {

double two_sided(double one_sided) { return std::min(1.0, 2 * one_sided); }

PValues sign_test(std::span<const double> ratios, double delta) {
  const double not_above = p_median_at_most(ratios, 1);
  const double not_below = p_median_at_least(ratios, 1);
  const double low = p_median_at_most(ratios, 1 - delta);
  const double high = p_median_at_least(ratios, 1 + delta);
  return {two_sided(std::min(not_above, not_below)), two_sided(std::max(low, high))};
}

/// P(T >= distance / standard_error), also where nothing scatters.
double t_tail(double distance, double standard_error, std::size_t n) {
  if (standard_error == 0) return distance > 0 ? 0 : (distance < 0 ? 1 : 0.5);
  const boost::math::students_t_distribution<double> t(static_cast<double>(n) - 1);
  return cdf(complement(t, distance / standard_error));
}

PValues t_test(const LogMean& logs, std::size_t n, double delta) {
  const auto tail = [&](double distance) { return t_tail(distance, logs.standard_error, n); };
  return {two_sided(tail(std::abs(logs.mean))),
          two_sided(std::max(tail(logs.mean - std::log(1 - delta)),
                             tail(std::log(1 + delta) - logs.mean)))};
}

}  // namespace

std::optional<PValues> p_values(const PairedRatio& ratio, double delta) {
  if (ratio.n >= kRobustRounds) return sign_test(ratio.values, delta);
  const auto logs = log_mean(ratio.values);
  if (!logs) return std::nullopt;
  return t_test(*logs, ratio.values.size(), delta);
}

std::vector<double> benjamini_hochberg(std::span<const double> p) {
  std::vector<std::size_t> largest_first(p.size());
  std::iota(largest_first.begin(), largest_first.end(), std::size_t{0});
  std::sort(largest_first.begin(), largest_first.end(),
            [p](std::size_t a, std::size_t b) { return p[a] > p[b]; });
  std::vector<double> adjusted(p.size());
  double smallest = 1;
  std::size_t rank = p.size();
  for (const std::size_t index : largest_first) {
    const double share = static_cast<double>(p.size()) / static_cast<double>(rank--);
    smallest = std::min(smallest, p[index] * share);
    adjusted[index] = smallest;
  }
  return adjusted;
}

results::Verdict corrected(results::Verdict verdict, const PValues& adjusted) {
  using results::Verdict;
  if (verdict == Verdict::unsure) return verdict;
  const double p = verdict == Verdict::same ? adjusted.same : adjusted.differs;
  return p <= kFalseDiscoveryRate ? verdict : Verdict::unsure;
}

}  // namespace patchbench::analysis
