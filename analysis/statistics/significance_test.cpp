#include "analysis/statistics/significance.hpp"

#include <cmath>
#include <random>
#include <vector>

#include <patchbench_catch.hpp>

#include "results/matchers_test.hpp"

namespace patchbench::analysis {
namespace {

using results::about;
using results::Verdict;

PairedRatio ratio_of(const std::vector<double>& values) {
  const std::vector<std::optional<double>> strategy(values.begin(), values.end());
  const std::vector<std::optional<double>> baseline(values.size(), 1.0);
  return paired_ratio(strategy, baseline);
}

TEST_CASE("adjusted p-values, worked by hand") {
  // Times 5/1, 5/2, 5/3, 5/4, 5/5, and none above the one after it.
  const std::vector<double> adjusted =
      benjamini_hochberg(std::vector{0.04, 0.01, 0.5, 0.02, 0.021});
  REQUIRE(adjusted.size() == 5);
  CHECK(adjusted[1] == about(0.035));
  CHECK(adjusted[3] == about(0.035));
  CHECK(adjusted[4] == about(0.035));
  CHECK(adjusted[0] == about(0.05));
  CHECK(adjusted[2] == about(0.5));
  CHECK(benjamini_hochberg({}).empty());
  CHECK(benjamini_hochberg(std::vector{0.9, 1.0}) == std::vector{1.0, 1.0});
}

TEST_CASE("the interpolated sign test of nine to eleven rounds, worked by hand") {
  // None of ten below 1: 1 / 1024; one: 11 / 1024. 1 lies halfway between the smallest value and
  // the next, which is (1/2) / (9 - 8/2) = a tenth of the way between those probabilities. 1.03
  // lies 47/48 of the way from the largest value to the next, which is (47/48) / (9 - 8 * 47/48) =
  // 47/56.
  const auto p = p_values(ratio_of({1.01, 1.02, 1.01, 1.01, 1.02, 1.01, 1.02, 1.01, 1.5, 0.99}));
  REQUIRE(p.has_value());
  CHECK(p->differs == about(4.0 / 1024));
  CHECK(p->same == about((1 + 10 * 47.0 / 56) / 1024));
  CHECK(p_values(ratio_of(std::vector(10, 1.0)))->differs == 1);
  CHECK(p_values(ratio_of(std::vector(10, 1.0)))->same == about(1.0 / 1024));
  CHECK(p_values(ratio_of(std::vector(10, 0.9)))->same > 0.99);
}

TEST_CASE("the signed rank test of twelve and more rounds, worked by hand") {
  // Of the means of two logarithms six are at most 0: that of 0.99 with itself, and with the five
  // of 1.01. Sets of ranks with a sum of at most 6: 1 + 1 + 1 + 2 + 2 + 3 + 4 = 14 of 4096. At
  // least ln 1.03 are the twelve with 1.5; sums of at most 12: 14 + 5 + 6 + 8 + 10 + 12 + 15 = 70.
  const auto p =
      p_values(ratio_of({1.01, 1.02, 1.01, 1.01, 1.02, 1.01, 1.02, 1.01, 1.5, 0.99, 1.02, 1.02}));
  REQUIRE(p.has_value());
  CHECK(p->differs == about(2 * 14.0 / 4096));
  CHECK(p->same == about(70.0 / 4096));
  CHECK(p_values(ratio_of(std::vector(12, 1.0)))->differs == 1);
  CHECK(p_values(ratio_of(std::vector(12, 1.0)))->same == about(1.0 / 4096));
  CHECK(p_values(ratio_of(std::vector(12, 0.9)))->same == 1);
}

TEST_CASE("the t test of fewer rounds, worked by hand") {
  // Logarithms 0, 0.1, 0.2: t = 0.1 / 0.057735 = 1.7320508 at 2 degrees. With two degrees
  // P(T > t) = (1 - t / sqrt(t^2 + 2)) / 2, so two-sided 1 - sqrt(3 / 5).
  const auto p = p_values(ratio_of({std::exp(0.0), std::exp(0.1), std::exp(0.2)}));
  CHECK(p->differs == about(1 - std::sqrt(0.6)).epsilon(1e-6));
  // 0.1 lies (0.1 - ln 1.03) / 0.057735 = 1.22009 beyond the upper limit: 1 - P(T > 1.22009).
  CHECK(p->same == about((1 + 1.22009 / std::sqrt(1.22009 * 1.22009 + 2)) / 2).epsilon(1e-4));
  CHECK(p_values(ratio_of({2, 2, 2}))->differs == 0);
  CHECK(p_values(ratio_of({1, 1, 1}))->differs == 1);
  CHECK(p_values(ratio_of({1, 1, 1}))->same == 0);
  CHECK_FALSE(p_values(ratio_of({2})).has_value());
  CHECK_FALSE(p_values(ratio_of({})).has_value());
}

TEST_CASE("p-values and the deciding interval say the same") {
  std::mt19937_64 random(31);
  for (const int n : {3, 5, 8, 9, 10, 14, 20, 33}) {
    int apart = 0;
    int inside = 0;
    for (int trial = 0; trial < 300; ++trial) {
      std::normal_distribution<double> noise(0.01 * (trial % 5 - 2), 0.005 * (1 + trial % 7));
      std::vector<double> values(static_cast<std::size_t>(n));
      for (double& value : values) value = std::exp(noise(random));
      const PairedRatio ratio = ratio_of(values);
      const Interval interval = *deciding_interval(ratio);
      const PValues p = *p_values(ratio);
      const bool excludes_one = interval[0] > 1 || interval[1] < 1;
      const bool within = interval[0] >= 1 - kDefaultDelta && interval[1] <= 1 + kDefaultDelta;
      CHECK((p.differs <= 0.05) == excludes_one);
      CHECK((p.same <= 0.025) == within);
      apart += excludes_one ? 1 : 0;
      inside += within ? 1 : 0;
    }
    CHECK(apart > 10);
    CHECK(inside > 10);
  }
}

TEST_CASE("a verdict stands when its own p-value does") {
  CHECK(corrected(Verdict::faster, {0.05, 1}) == Verdict::faster);
  CHECK(corrected(Verdict::faster, {0.051, 0}) == Verdict::inconclusive);
  CHECK(corrected(Verdict::slower, {0.051, 0}) == Verdict::inconclusive);
  CHECK(corrected(Verdict::same, {1, 0.05}) == Verdict::same);
  CHECK(corrected(Verdict::same, {0, 0.06}) == Verdict::inconclusive);
  CHECK(corrected(Verdict::inconclusive, {0, 0}) == Verdict::inconclusive);
}

}  // namespace
}  // namespace patchbench::analysis
