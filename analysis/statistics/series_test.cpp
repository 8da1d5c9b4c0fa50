#include "analysis/statistics/series.hpp"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include <patchbench_catch.hpp>

#include "results/matchers_test.hpp"

namespace patchbench::analysis {
namespace {

using results::about;

using Values = std::vector<double>;

Values counted_up(std::size_t n) {
  Values values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = static_cast<double>(i);
  return values;
}

/// Two-sided, by trying every order.
double trend_by_enumeration(const Values& values) {
  const auto concordance = [](const Values& order) {
    int sum = 0;
    for (std::size_t i = 0; i < order.size(); ++i) {
      for (std::size_t j = i + 1; j < order.size(); ++j) sum += order[j] > order[i] ? 1 : -1;
    }
    return std::abs(sum);
  };
  Values order = values;
  std::ranges::sort(order);
  int as_extreme = 0;
  int orders = 0;
  do {
    ++orders;
    as_extreme += concordance(order) >= concordance(values) ? 1 : 0;
  } while (std::next_permutation(order.begin(), order.end()));
  return static_cast<double>(as_extreme) / orders;
}

TEST_CASE("the exact probability of a trend is that of the orders") {
  CHECK(*trend_p_value(counted_up(5)) == about(2.0 / 120));
  CHECK(*trend_p_value(counted_up(9)) == about(2.0 / 362880));
  for (const Values& values : {Values{3, 1, 4, 2, 7, 5, 6}, Values{7, 5, 6, 4, 1, 3, 2},
                               Values{2, 7, 1, 6, 3, 5, 4}, Values{1, 3, 2, 5, 4, 6, 8, 7}}) {
    CHECK(*trend_p_value(values) == about(trend_by_enumeration(values)));
  }
}

TEST_CASE("a trend is detected in either direction, and only from enough values on") {
  Values falling = counted_up(12);
  std::ranges::reverse(falling);
  CHECK(*trend_p_value(falling) == *trend_p_value(counted_up(12)));
  CHECK_FALSE(trend_p_value(counted_up(4)).has_value());
  CHECK_FALSE(trend_p_value({}).has_value());
}

TEST_CASE("values that repeat take the normal approximation, worked by hand") {
  // S = 38, n = 10, two ties of two: variance (10 * 9 * 25 - 2 * 2 * 1 * 9) / 18 = 123, z
  // = 37 / sqrt(123) = 3.3361.
  const Values values = {1, 2, 2, 4, 3, 5, 6, 6, 8, 7};
  int sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    for (std::size_t j = i + 1; j < values.size(); ++j) {
      sum += values[j] > values[i] ? 1 : (values[j] < values[i] ? -1 : 0);
    }
  }
  REQUIRE(sum == 39);
  CHECK(*trend_p_value(values) == about(std::erfc(38 / std::sqrt(123.0) / std::sqrt(2.0))));
  CHECK_FALSE(trend_p_value(Values{1, 2, 2, 4, 3, 5, 6, 6, 8}).has_value());
  CHECK(*trend_p_value(Values(20, 3.0)) == 1);
}

TEST_CASE("the exact and the approximate probability meet") {
  std::mt19937_64 random(11);
  Values values = counted_up(40);
  for (int trial = 0; trial < 20; ++trial) {
    std::ranges::shuffle(values, random);
    Values longer = values;
    // One tie is enough for the approximation, and changes next to nothing.
    longer[static_cast<std::size_t>(std::ranges::find(values, 20) - values.begin())] = 21;
    CHECK(*trend_p_value(values) == about(*trend_p_value(longer)).margin(0.02));
  }
}

// The values are those that the R package diptest, a corrected AS 217, gives in its own tests.
TEST_CASE("the dip of published examples") {
  CHECK(*dip(Values{1, 1, 2, 2}) == about(0.25));
  CHECK(*dip(Values{0, 1, 3, 6}) == about(1.0 / 8));
  CHECK(*dip(Values{0, 2, 3, 5, 6}) == about(2.0 / 15));
  CHECK(*dip(Values{0, 1, 3, 4, 6}) == about(2.0 / 15));
  CHECK(*dip(Values{1, 2, 2, 2, 2, 2, 2, 2, 2, 2}) == about(0.05));
  // Hartigan & Hartigan's own: the quality of 63 faculties of statistics.
  const Values faculties = {30, 33, 35, 36, 37, 37, 39, 39, 39, 39, 39, 40, 40, 40, 40, 41,
                            42, 43, 43, 43, 44, 44, 45, 45, 46, 46, 47, 47, 48, 48, 48, 49,
                            50, 50, 51, 52, 52, 53, 53, 53, 53, 53, 54, 54, 57, 57, 59, 60,
                            60, 60, 61, 61, 61, 61, 62, 62, 62, 62, 63, 66, 70, 72, 72};
  CHECK(*dip(faculties) == about(7.5 / 126));
}

TEST_CASE("the dip knows neither order, direction, place nor scale") {
  std::mt19937_64 random(5);
  std::lognormal_distribution<double> skewed(0, 1);
  for (int trial = 0; trial < 200; ++trial) {
    Values values(static_cast<std::size_t>(4 + trial % 40));
    for (double& value : values) value = skewed(random);
    const double expected = *dip(values);
    CHECK(expected >= 0.5 / static_cast<double>(values.size()) - 1e-12);
    CHECK(expected <= 0.25 + 1e-12);
    std::ranges::reverse(values);
    for (double& value : values) value = 7 - 2 * value;
    CHECK(*dip(values) == about(expected).epsilon(1e-9));
  }
}

TEST_CASE("evenly spaced values have the smallest dip, and no value has none") {
  CHECK(*dip(counted_up(50)) == about(0.01));
  CHECK(*dip(Values{3}) == about(0.5));
  CHECK_FALSE(dip({}).has_value());
}

// The 95 % quantiles are those of the R package diptest's table, from a million samples each.
TEST_CASE("dips of uniform values scatter as published") {
  struct Row {
    std::size_t n;
    double quantile;
  };
  std::mt19937_64 random(17);
  std::uniform_real_distribution<double> uniform;
  for (const auto& [n, quantile] : {Row{5, 0.18639}, Row{10, 0.13961}, Row{20, 0.10513}}) {
    constexpr int kTrials = 4000;
    int beyond = 0;
    for (int trial = 0; trial < kTrials; ++trial) {
      Values values(n);
      for (double& value : values) value = uniform(random);
      beyond += *dip(values) > quantile ? 1 : 0;
    }
    CHECK(beyond / double{kTrials} == about(0.05).margin(0.0105));  // three standard errors
  }
}

TEST_CASE("the p-value of a dip counts from the side of many modes, and is never 0") {
  DipTest test;
  CHECK(*test.p_value(counted_up(20)) == 1);
  Values halves = counted_up(20);
  for (std::size_t i = 10; i < 20; ++i) halves[i] += 1000;
  CHECK(*test.p_value(halves) == 1.0 / (DipTest::kTrials + 1));
}

TEST_CASE("too few values and the steps of a clock have no modes to tell") {
  DipTest test;
  CHECK_FALSE(test.p_value(counted_up(4)).has_value());
  Values stepped = counted_up(20);
  stepped[3] = stepped[4];
  CHECK_FALSE(test.p_value(stepped).has_value());
  CHECK(*test.p_value(Values{1, 2, 1001, 1002, 1003}) < 0.001);
}

TEST_CASE("what was simulated once is the same again", "[trials]") {
  const Values values = {1, 2, 3, 4, 5, 6, 17, 18, 19, 20.5, 21, 22};
  DipTest first;
  DipTest second;
  static_cast<void>(second.p_value(counted_up(30)));
  CHECK(first.p_value(values) == second.p_value(values));
}

}  // namespace
}  // namespace patchbench::analysis
