#include "analysis/statistics/shift.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>

namespace patchbench::analysis {
namespace {

constexpr std::size_t kExactPairs = 4096;

/// P(U = u) for u = 0 .. n*m. Of all n + m values the largest is as likely to be any one of them:
/// if it is one of the second series' m, it lies above all n of the first.
std::vector<double> exact_probabilities(std::size_t n, std::size_t m) {
  // of[j] belongs to i values of the first series and j of the second.
  std::vector<std::vector<double>> of(m + 1, std::vector<double>{1});
  for (std::size_t i = 1; i <= n; ++i) {
    for (std::size_t j = 1; j <= m; ++j) {
      std::vector<double> next(i * j + 1, 0.0);
      const auto all = static_cast<double>(i + j);
      for (std::size_t u = 0; u < of[j].size(); ++u) {
        next[u] += static_cast<double>(i) / all * of[j][u];
      }
      for (std::size_t u = 0; u < of[j - 1].size(); ++u) {
        next[u + i] += static_cast<double>(j) / all * of[j - 1][u];
      }
      of[j] = std::move(next);
    }
  }
  return of[m];
}

struct Moments {
  double mean = 0;
  double squared_error = 0;  // the squared standard error of the mean
};

Moments moments_of(std::span<const double> values) {
  const auto n = static_cast<double>(values.size());
  Moments moments;
  for (const double value : values) moments.mean += value / n;
  for (const double value : values) {
    moments.squared_error += std::pow(value - moments.mean, 2) / (n - 1) / n;
  }
  return moments;
}

}  // namespace

RankSum::RankSum(std::size_t n, std::size_t m) : n_(n), m_(m) {
  if (n * m > kExactPairs) return;
  cumulative_ = exact_probabilities(n, m);
  std::partial_sum(cumulative_.begin(), cumulative_.end(), cumulative_.begin());
}

double RankSum::at_most(double u) const {
  if (u < 0) return 0;
  const auto n = static_cast<double>(n_);
  const auto m = static_cast<double>(m_);
  if (u >= n * m) return 1;
  if (!cumulative_.empty()) return std::min(1.0, cumulative_[static_cast<std::size_t>(u)]);
  const boost::math::normal_distribution<double> approximation(n * m / 2,
                                                               std::sqrt(n * m * (n + m + 1) / 12));
  return boost::math::cdf(approximation, std::floor(u) + 0.5);
}

std::size_t RankSum::rank_of_tail(double tail) const {
  std::size_t k = 0;
  while (2 * (k + 1) <= n_ * m_ && at_most(static_cast<double>(k)) <= tail) ++k;
  return k;
}

Shift::Shift(std::span<const double> first, std::span<const double> second) {
  const std::size_t fewest = std::min(first.size(), second.size());
  if (fewest < 2) return;
  by_ranks_ = fewest >= static_cast<std::size_t>(kRobustRounds);
  if (by_ranks_) {
    from_ranks(first, second);
  } else {
    from_means(first, second);
  }
}

void Shift::from_ranks(std::span<const double> first, std::span<const double> second) {
  rank_sum_.emplace(first.size(), second.size());
  differences_.reserve(first.size() * second.size());
  for (const double value : second) {
    for (const double other : first) differences_.push_back(value - other);
  }
  std::ranges::sort(differences_);
  estimate_ = median(differences_);
  const std::size_t k = std::max<std::size_t>(1, rank_sum_->rank_of_tail((1 - kConfidence) / 2));
  interval_ = Interval{differences_[k - 1], differences_[differences_.size() - k]};
}

void Shift::from_means(std::span<const double> first, std::span<const double> second) {
  const Moments one = moments_of(first);
  const Moments two = moments_of(second);
  estimate_ = two.mean - one.mean;
  const double variance = one.squared_error + two.squared_error;
  standard_error_ = std::sqrt(variance);
  const auto share = [](double part, std::size_t n) {
    return part * part / static_cast<double>(n - 1);
  };
  const double denominator =
      share(one.squared_error, first.size()) + share(two.squared_error, second.size());
  degrees_ = denominator > 0 ? variance * variance / denominator
                             : static_cast<double>(first.size() + second.size() - 2);
  const boost::math::students_t_distribution<double> t(degrees_);
  const double reach = boost::math::quantile(t, (1 + kConfidence) / 2) * standard_error_;
  interval_ = Interval{*estimate_ - reach, *estimate_ + reach};
}

double Shift::tail(double limit, bool above) const {
  if (by_ranks_) {
    const auto begin = std::lower_bound(differences_.begin(), differences_.end(), limit);
    const auto end = std::upper_bound(begin, differences_.end(), limit);
    const double ties = static_cast<double>(end - begin) / 2;
    const auto against = above ? begin - differences_.begin() : differences_.end() - end;
    return rank_sum_->at_most(static_cast<double>(against) + ties);
  }
  const double beyond = above ? *estimate_ - limit : limit - *estimate_;
  if (standard_error_ <= 0) return beyond > 0 ? 0 : 1;
  const boost::math::students_t_distribution<double> t(degrees_);
  return boost::math::cdf(boost::math::complement(t, beyond / standard_error_));
}

double Shift::p_at_most(double limit) const { return estimate_ ? tail(limit, true) : 1; }

double Shift::p_at_least(double limit) const { return estimate_ ? tail(limit, false) : 1; }

double Shift::p_none() const {
  if (!estimate_) return 1;
  if (!by_ranks_) {
    if (standard_error_ <= 0) return *estimate_ == 0 ? 1 : 0;
    const boost::math::students_t_distribution<double> t(degrees_);
    return 2 * boost::math::cdf(boost::math::complement(t, std::abs(*estimate_) / standard_error_));
  }
  const auto below = std::lower_bound(differences_.begin(), differences_.end(), 0.0);
  const auto above = std::upper_bound(differences_.begin(), differences_.end(), 0.0);
  const double ties = static_cast<double>(above - below) / 2;
  const double fewer = ties + std::min(static_cast<double>(below - differences_.begin()),
                                       static_cast<double>(differences_.end() - above));
  return std::min(1.0, 2 * rank_sum_->at_most(fewer));
}

std::vector<double> holm_adjusted(std::span<const double> p_values) {
  std::vector<std::size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order,
                           [&](std::size_t a, std::size_t b) { return p_values[a] < p_values[b]; });
  std::vector<double> adjusted(p_values.size());
  double largest = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const double factor = static_cast<double>(order.size() - i);
    largest = std::max(largest, std::min(1.0, factor * p_values[order[i]]));
    adjusted[order[i]] = largest;
  }
  return adjusted;
}

}  // namespace patchbench::analysis
