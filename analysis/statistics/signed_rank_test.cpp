#include "analysis/statistics/signed_rank.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include <patchbench_catch.hpp>

#include "results/matchers_test.hpp"

namespace patchbench::analysis {
namespace {

using results::about;

/// exp(0.1), exp(0.2), exp(0.4), ...: no two means of two logarithms are equal.
std::vector<double> powers(int n) {
  std::vector<double> values;
  for (int i = 0; i < n; ++i) values.push_back(std::exp(0.1 * std::pow(2, i)));
  return values;
}

/// P(W <= w), by trying every assignment of signs to the ranks.
double chance_at_most(int n, int w) {
  int count = 0;
  for (std::uint32_t signs = 0; signs < (1U << n); ++signs) {
    int sum = 0;
    for (int rank = 1; rank <= n; ++rank) sum += (signs >> (rank - 1) & 1U) != 0 ? rank : 0;
    count += sum <= w ? 1 : 0;
  }
  return count / std::pow(2.0, n);
}

TEST_CASE("the pseudo-median is the median of all means of two") {
  // Logarithms 0, 1, 5: means 0, 0.5, 1, 2.5, 3, 5, whose median is 1.75.
  CHECK(*pseudo_median(std::vector{1.0, std::exp(5.0), std::exp(1.0)}) == about(std::exp(1.75)));
  CHECK(*pseudo_median(std::vector{3.0}) == about(3.0));
  CHECK_FALSE(pseudo_median(std::vector<double>{}).has_value());
  CHECK_FALSE(pseudo_median(std::vector{1.0, -1.0}).has_value());
}

TEST_CASE("the interval leaves out as many means as tables of the signed rank statistic say") {
  // Largest w with P(W <= w) <= 0.025, as in published tables; none below n = 6.
  struct Row {
    int n;
    int critical;
  };
  for (const auto [n, critical] :
       {Row{6, 0}, Row{7, 2}, Row{8, 3}, Row{9, 5}, Row{10, 8}, Row{12, 13}}) {
    const std::vector<double> values = powers(n);
    std::vector<double> means;
    for (std::size_t i = 0; i < values.size(); ++i) {
      for (std::size_t j = i; j < values.size(); ++j) {
        means.push_back(std::sqrt(values[i] * values[j]));
      }
    }
    std::ranges::sort(means);
    const auto found = signed_rank_interval(values);
    REQUIRE(found.has_value());
    CHECK(found->interval[0] == about(means[static_cast<std::size_t>(critical)]));
    CHECK(found->interval[1] ==
          about(means[means.size() - 1 - static_cast<std::size_t>(critical)]));
    CHECK(found->coverage == about(1 - 2 * chance_at_most(n, critical)));
    CHECK(found->coverage >= kConfidence);
  }
}

TEST_CASE("with five values it is their range, with one there is none") {
  const auto five = signed_rank_interval(powers(5));
  REQUIRE(five.has_value());
  CHECK(five->interval[0] == about(std::exp(0.1)));
  CHECK(five->interval[1] == about(std::exp(1.6)));
  CHECK(five->coverage == 0.9375);
  CHECK_FALSE(signed_rank_interval(std::vector{1.0}).has_value());
  CHECK_FALSE(signed_rank_interval(std::vector{1.0, -1.0}).has_value());
}

TEST_CASE("values of 0 and infinity count as the most extreme, and decide nothing by themselves") {
  std::vector<double> values;
  for (int i = 0; i < 14; ++i) values.push_back(1 + 0.01 * i);
  const auto before = *signed_rank_interval(values);
  values.front() = 0;
  values.back() = std::numeric_limits<double>::infinity();
  const auto after = signed_rank_interval(values);
  REQUIRE(after.has_value());
  CHECK(after->interval[0] <= before.interval[0]);
  CHECK(after->interval[1] >= before.interval[1]);
  CHECK(pseudo_median(values).has_value());
  for (std::size_t i = 0; i < 7; ++i) values[i] = 0;
  CHECK_FALSE(signed_rank_interval(values).has_value());
  std::vector<double> twenty(20, 3.0);  // 105 of whose 210 means have a 0
  for (std::size_t i = 0; i < 6; ++i) twenty[i] = 0;
  CHECK_FALSE(pseudo_median(twenty).has_value());
}

TEST_CASE("p-values are those of the exact test, and agree with the interval") {
  std::mt19937_64 random(7);
  std::normal_distribution<double> normal(0.01, 0.02);
  for (const int n : {6, 9, 14, 61}) {
    for (int trial = 0; trial < 200; ++trial) {
      std::vector<double> values(static_cast<std::size_t>(n));
      for (double& value : values) value = std::exp(normal(random));
      const auto [low, high] = signed_rank_interval(values)->interval;
      CHECK((p_centre_at_most(values, 1) <= 0.025) == (low > 1));
      CHECK((p_centre_at_least(values, 1) <= 0.025) == (high < 1));
    }
  }
  // Of 0.1, 0.2, 0.4, 0.8, 1.6, 3.2 six means lie at or below 0.4.
  CHECK(p_centre_at_most(powers(6), std::exp(0.4000001)) == about(chance_at_most(6, 6)));
  CHECK(p_centre_at_most(powers(6), 1) == about(1.0 / 64));
  CHECK(p_centre_at_least(powers(6), 100) == about(1.0 / 64));
}

TEST_CASE("from where the normal approximation is used, it is close") {
  std::mt19937_64 random(11);
  std::normal_distribution<double> normal(0, 0.02);
  int covers = 0;
  constexpr int kTrials = 2000;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::vector<double> values(61);
    for (double& value : values) value = std::exp(normal(random));
    const auto [low, high] = signed_rank_interval(values)->interval;
    covers += low <= 1 && 1 <= high ? 1 : 0;
  }
  CHECK(covers / double{kTrials} == about(0.95).margin(0.015));  // three standard errors
}

}  // namespace
}  // namespace patchbench::analysis
