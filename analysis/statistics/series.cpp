#include "analysis/statistics/series.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>

#include <boost/math/distributions/normal.hpp>

namespace patchbench::analysis {
namespace {

constexpr std::size_t kLargestExact = 50;
constexpr std::size_t kFewestForNormal = 10;

// ---- trend ----

int sign(double difference) { return (difference > 0 ? 1 : 0) - (difference < 0 ? 1 : 0); }

/// Pairs in rising order less pairs in falling order.
int concordance(std::span<const double> values) {
  int sum = 0;
  for (std::size_t later = 1; later < values.size(); ++later) {
    for (std::size_t earlier = 0; earlier < later; ++earlier) {
      sum += sign(values[later] - values[earlier]);
    }
  }
  return sum;
}

/// Probabilities of 0, 1, ... inversions in a random order of n values: the last one adds 0 to n
/// - 1 of them, each as likely.
std::vector<double> inversions(std::size_t n) {
  std::vector<double> chances = {1};
  for (std::size_t size = 2; size <= n; ++size) {
    std::vector<double> next(chances.size() + size - 1);
    for (std::size_t count = 0; count < chances.size(); ++count) {
      for (std::size_t added = 0; added < size; ++added) {
        next[count + added] += chances[count] / static_cast<double>(size);
      }
    }
    chances = std::move(next);
  }
  return chances;
}

double exact_trend(int concordance, std::size_t n) {
  const std::vector<double> chances = inversions(n);
  const auto pairs = static_cast<int>(chances.size()) - 1;
  const int fewest = (pairs - std::abs(concordance)) / 2;
  double tail = 0;
  for (int count = 0; count <= fewest; ++count) tail += chances[static_cast<std::size_t>(count)];
  return std::min(1.0, 2 * tail);
}

double ordered_pairs_variance(double n) { return n * (n - 1) * (2 * n + 5) / 18; }

double normal_trend(int concordance, std::span<const double> ordered) {
  double variance = ordered_pairs_variance(static_cast<double>(ordered.size()));
  for (auto from = ordered.begin(); from != ordered.end();) {
    const auto to = std::upper_bound(from, ordered.end(), *from);
    variance -= ordered_pairs_variance(static_cast<double>(to - from));
    from = to;
  }
  if (concordance == 0 || variance <= 0) return 1;
  const double z = (std::abs(concordance) - 1) / std::sqrt(variance);
  return std::min(1.0, 2 * cdf(complement(boost::math::normal(), z)));
}

std::vector<double> sorted(std::span<const double> values) {
  std::vector<double> copy(values.begin(), values.end());
  std::ranges::sort(copy);
  return copy;
}

bool has_ties(std::span<const double> ordered) {
  return std::adjacent_find(ordered.begin(), ordered.end()) != ordered.end();
}

// ---- modes ----

/// The empirical distribution between two of its values, and the two curves that the search for the
/// nearest single mode is made of: the greatest convex one below it and the least concave one
/// above. Ranks count from 0, so that the distribution climbs from k to k + 1 at x[k]; heights are
/// in units of 1 / n.
class Curve {
 public:
  enum class Shape { convex, concave };

  Curve(std::span<const double> x, std::size_t low, std::size_t high, Shape shape)
      : x_(x), lift_(shape == Shape::concave ? 1 : 0) {
    for (std::size_t k = low; k <= high; ++k) {
      while (knots_.size() >= 2 && !keeps_shape(k, shape)) knots_.pop_back();
      knots_.push_back(k);
    }
  }

  [[nodiscard]] const std::vector<std::size_t>& knots() const { return knots_; }

  [[nodiscard]] std::size_t knot_at_or_before(std::size_t k) const {
    return *std::prev(std::upper_bound(knots_.begin(), knots_.end(), k));
  }
  [[nodiscard]] std::size_t knot_at_or_after(std::size_t k) const {
    return *std::lower_bound(knots_.begin(), knots_.end(), k);
  }

  [[nodiscard]] double height(std::size_t k) const {
    const std::size_t from = knot_at_or_before(k);
    if (from == k) return static_cast<double>(k) + lift_;
    const std::size_t to = knot_at_or_after(k);
    if (x_[from] == x_[to]) return static_cast<double>(lift_ == 0 ? from : to) + lift_;
    const double part = (x_[k] - x_[from]) / (x_[to] - x_[from]);
    return static_cast<double>(from) + part * static_cast<double>(to - from) + lift_;
  }

  /// The largest distance of the distribution from this curve at the values from..to.
  [[nodiscard]] double farthest(std::size_t from, std::size_t to) const {
    double distance = 0;
    for (std::size_t k = from; k <= to; ++k) {
      const double beyond = static_cast<double>(k) + (1 - lift_);
      distance = std::max(distance, std::abs(beyond - height(k)));
    }
    return distance;
  }

 private:
  /// Whether the last knot stays one when `k` follows: the slope after it is larger than that
  /// before it (convex), or smaller (concave).
  [[nodiscard]] bool keeps_shape(std::size_t k, Shape shape) const {
    const std::size_t middle = knots_.back();
    const std::size_t first = knots_[knots_.size() - 2];
    const double before = (x_[k] - x_[middle]) * static_cast<double>(middle - first);
    const double after = (x_[middle] - x_[first]) * static_cast<double>(k - middle);
    return shape == Shape::convex ? after > before : after < before;
  }

  std::span<const double> x_;
  double lift_;
  std::vector<std::size_t> knots_;
};

struct Modal {
  std::size_t low = 0;
  std::size_t high = 0;
  double gap = 0;  // the largest distance between the two curves
};

/// Where the curves are farthest apart: the interval that the mode is then looked for in.
Modal narrow(const Curve& below, const Curve& above) {
  Modal modal;
  const auto consider = [&](std::size_t k, std::size_t low, std::size_t high) {
    const double gap = above.height(k) - below.height(k);
    if (gap > modal.gap) modal = {low, high, gap};
  };
  for (const std::size_t k : above.knots()) consider(k, below.knot_at_or_before(k), k);
  for (const std::size_t k : below.knots()) consider(k, k, above.knot_at_or_after(k));
  return modal;
}

/// Of sorted values. P. M. Hartigan's search ("Computation of the Dip Statistic to Test for
/// Unimodality", Applied Statistics 34, 1985, AS 217): the interval of the mode shrinks to where
/// the curves are farthest apart, until what they leave outside of it is farther from the
/// distribution than they are from each other.
double dip_of_sorted(std::span<const double> x) {
  double distance = 1;
  std::size_t low = 0;
  std::size_t high = x.size() - 1;
  while (x[low] < x[high]) {
    const Curve below(x, low, high, Curve::Shape::convex);
    const Curve above(x, low, high, Curve::Shape::concave);
    const Modal modal = narrow(below, above);
    if (modal.gap <= distance) break;
    distance =
        std::max({distance, below.farthest(low, modal.low), above.farthest(modal.high, high)});
    if (modal.low == low && modal.high == high) break;
    low = modal.low;
    high = modal.high;
  }
  return distance / (2 * static_cast<double>(x.size()));
}

/// Sorted values of a uniform distribution, up to their scale, which no dip depends on: sums of
/// exponential ones.
void draw_uniform(std::mt19937_64& random, std::vector<double>& x) {
  constexpr double kUnit = 0x1p-53;
  double sum = 0;
  for (double& value : x) {
    const double open = (static_cast<double>(random() >> 11U) + 0.5) * kUnit;
    sum -= std::log(open);
    value = sum;
  }
}

}  // namespace

std::optional<double> trend_p_value(std::span<const double> values) {
  const std::vector<double> ordered = sorted(values);
  const bool exact = !has_ties(ordered) && values.size() <= kLargestExact;
  if (values.size() < (exact ? kFewestForDrift : kFewestForNormal)) return std::nullopt;
  const int sum = concordance(values);
  return exact ? exact_trend(sum, values.size()) : normal_trend(sum, ordered);
}

std::optional<double> dip(std::span<const double> values) {
  if (values.empty()) return std::nullopt;
  return dip_of_sorted(sorted(values));
}

std::optional<double> DipTest::p_value(std::span<const double> values) {
  if (values.size() < kFewestForModes) return std::nullopt;
  const std::vector<double> ordered = sorted(values);
  if (has_ties(ordered)) return std::nullopt;
  const std::vector<double>& dips = dips_of_uniform(values.size());
  const auto as_large = std::lower_bound(dips.begin(), dips.end(), dip_of_sorted(ordered));
  return static_cast<double>(dips.end() - as_large + 1) / static_cast<double>(dips.size() + 1);
}

const std::vector<double>& DipTest::dips_of_uniform(std::size_t n) {
  const auto [found, fresh] = simulated_.try_emplace(n);
  if (!fresh) return found->second;
  std::mt19937_64 random(n);
  std::vector<double> x(n);
  std::vector<double>& dips = found->second;
  dips.reserve(kTrials);
  while (dips.size() < kTrials) {
    draw_uniform(random, x);
    dips.push_back(dip_of_sorted(x));
  }
  std::ranges::sort(dips);
  return dips;
}

}  // namespace patchbench::analysis
