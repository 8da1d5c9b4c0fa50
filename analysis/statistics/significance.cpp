#include "analysis/statistics/significance.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <boost/math/distributions/students_t.hpp>

#include "analysis/statistics/signed_rank.hpp"

namespace patchbench::analysis {
namespace {

double two_sided(double one_sided) { return std::min(1.0, 2 * one_sided); }

/// P("the centre is at most `limit`") or "at least", as a test by ranks gives it.
using OneSided = double(std::span<const double> values, double limit);

PValues rank_test(std::span<const double> ratios, double delta, OneSided* at_most,
                  OneSided* at_least) {
  return {two_sided(std::min(at_most(ratios, 1), at_least(ratios, 1))),
          std::max(at_most(ratios, 1 - delta), at_least(ratios, 1 + delta))};
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
          std::max(tail(logs.mean - std::log(1 - delta)), tail(std::log(1 + delta) - logs.mean))};
}

}  // namespace

std::optional<PValues> p_values(const PairedRatio& ratio, double delta) {
  if (ratio.n >= kSignedRankRounds) {
    return rank_test(ratio.values, delta, p_centre_at_most, p_centre_at_least);
  }
  if (ratio.n >= kRobustRounds) {
    return rank_test(ratio.values, delta, p_median_at_most, p_median_at_least);
  }
  const auto logs = log_mean(ratio.values);
  if (!logs) return std::nullopt;
  return t_test(*logs, ratio.values.size(), delta);
}

std::vector<double> benjamini_hochberg(std::span<const double> p) {
  std::vector<std::size_t> largest_first(p.size());
  std::iota(largest_first.begin(), largest_first.end(), std::size_t{0});
  std::ranges::sort(largest_first, [p](std::size_t a, std::size_t b) { return p[a] > p[b]; });
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
  if (verdict == Verdict::inconclusive) return verdict;
  const double p = verdict == Verdict::same ? adjusted.same : adjusted.differs;
  return p <= kFalseDiscoveryRate ? verdict : Verdict::inconclusive;
}

results::Ratio plain_ratio(const PairedRatio& paired) {
  results::Ratio ratio;
  ratio.median = paired.median;
  ratio.ci95 = paired.ci95;
  if (paired.ci_free) {
    ratio.ci_free = paired.ci_free->interval;
    ratio.ci_free_coverage = paired.ci_free->coverage;
  }
  ratio.n = paired.n;
  return ratio;
}

results::Ratio judged_ratio(const PairedRatio& paired, double delta) {
  results::Ratio ratio = plain_ratio(paired);
  ratio.verdict = plain_verdict(deciding_interval(paired), delta);
  if (const auto p = p_values(paired, delta)) {
    ratio.q_differs = p->differs;
    ratio.q_same = p->same;
  }
  return ratio;
}

void correct_verdicts(const std::vector<results::Ratio*>& table) {
  using results::Verdict;
  const auto adjusted = [&table](auto p_of) {
    std::vector<double> p;
    p.reserve(table.size());
    for (const results::Ratio* ratio : table) p.push_back(p_of(*ratio));
    return benjamini_hochberg(p);
  };
  // Differences that exclude 1 but are called nothing (less than delta, or than the noise) would be
  // correct rejections for free, and let wrong verdicts pass: for the verdicts they count as not
  // rejected.
  const auto if_given = [](bool given, double p) { return given ? p : 1.0; };
  const std::vector<double> if_different = adjusted([&](const results::Ratio& ratio) {
    const bool given = ratio.verdict == Verdict::faster || ratio.verdict == Verdict::slower;
    return if_given(given, *ratio.q_differs);
  });
  const std::vector<double> if_alike = adjusted([&](const results::Ratio& ratio) {
    return if_given(ratio.verdict == Verdict::same, *ratio.q_same);
  });
  const auto differs = adjusted([](const results::Ratio& ratio) { return *ratio.q_differs; });
  const auto same = adjusted([](const results::Ratio& ratio) { return *ratio.q_same; });
  for (std::size_t i = 0; i < table.size(); ++i) {
    table[i]->q_differs = differs[i];
    table[i]->q_same = same[i];
    table[i]->verdict = corrected(table[i]->verdict, {if_different[i], if_alike[i]});
  }
}

}  // namespace patchbench::analysis
