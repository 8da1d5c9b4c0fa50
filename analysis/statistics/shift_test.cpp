#include "analysis/statistics/shift.hpp"

#include <cmath>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include <patchbench_catch.hpp>

#include "results/matchers_test.hpp"

namespace patchbench::analysis {
namespace {

using results::about;

using Draw = std::function<double(std::mt19937_64&)>;

std::vector<double> series(std::size_t n, const Draw& draw, std::mt19937_64& random) {
  std::vector<double> values(n);
  for (double& value : values) value = draw(random);
  return values;
}

double gauss(std::mt19937_64& random) { return std::normal_distribution<double>(0, 0.03)(random); }

double skewed(std::mt19937_64& random) {
  return std::exponential_distribution<double>(1 / 0.03)(random);
}

/// One process in ten is in a slow mode for as long as it lives.
double with_slow_mode(std::mt19937_64& random) {
  return gauss(random) + (std::bernoulli_distribution(0.1)(random) ? 0.4 : 0);
}

double two_modes(std::mt19937_64& random) {
  return gauss(random) / 3 + (std::bernoulli_distribution(0.5)(random) ? 0.06 : 0);
}

TEST_CASE("the rank-sum distribution is Mann and Whitney's") {
  // Of the 10 ways to place 2 of 5 values, 1 each has U = 0, 1, 5, 6 and 2 each U = 2, 3, 4.
  const RankSum small(2, 3);
  CHECK(small.at_most(-1) == 0);
  CHECK(small.at_most(0) == about(0.1));
  CHECK(small.at_most(1) == about(0.2));
  CHECK(small.at_most(2) == about(0.4));
  CHECK(small.at_most(2.5) == about(0.4));
  CHECK(small.at_most(3) == about(0.6));
  CHECK(small.at_most(5) == about(0.9));
  CHECK(small.at_most(6) == 1);
  // Mann & Whitney's table, two-sided 5 %: 17 at 9 and 9, 23 at 10 and 10.
  CHECK(RankSum(9, 9).rank_of_tail(0.025) == 18);
  CHECK(RankSum(10, 10).rank_of_tail(0.025) == 24);
  CHECK(RankSum(2, 2).rank_of_tail(0.025) == 0);
  // Far from the tails the approximation and the recurrence meet.
  const RankSum exact(64, 64);
  const RankSum approximate(64, 65);
  CHECK(exact.at_most(64 * 64 / 2.0 - 400) ==
        about(approximate.at_most(64 * 65 / 2.0 - 400)).epsilon(0.1));
}

TEST_CASE("a shift is found where it is, and its interval holds the estimate") {
  std::mt19937_64 random(1);
  for (const std::size_t n : {5U, 30U}) {
    const auto first = series(n, gauss, random);
    auto second = series(n + 7, gauss, random);
    for (double& value : second) value += 1;
    const Shift shift(first, second);
    CHECK(shift.by_ranks() == (n == 30));
    REQUIRE(shift.estimate());
    CHECK(*shift.estimate() == about(1).epsilon(0.05));
    CHECK((*shift.interval())[0] < *shift.estimate());
    CHECK((*shift.interval())[1] > *shift.estimate());
    CHECK(shift.p_none() < 1e-4);
    CHECK(shift.p_at_most(0.9) < 0.01);
    CHECK(shift.p_at_most(1.1) > 0.99);
    // The other way round it is the same shift, downwards.
    const Shift back(second, first);
    CHECK(*back.estimate() == about(-*shift.estimate()));
    CHECK(back.p_none() == about(shift.p_none()));
    CHECK(back.p_at_most(0) > 0.99);
    for (const double limit : {0.9, 1.0, 1.1}) {
      CHECK(back.p_at_least(-limit) == about(shift.p_at_most(limit)));
      CHECK(shift.p_at_least(limit) == about(back.p_at_most(-limit)));
    }
  }
}

TEST_CASE("too few values have no shift") {
  const std::vector<double> one{1.0};
  const std::vector<double> many{1.0, 2.0, 3.0};
  const Shift shift(one, many);
  CHECK_FALSE(shift.estimate());
  CHECK_FALSE(shift.interval());
  CHECK(shift.p_none() == 1);
  CHECK(shift.p_at_most(-5) == 1);
  CHECK(shift.p_at_least(5) == 1);
}

TEST_CASE("series without any variance are compared as they are") {
  for (const std::size_t n : {3U, 12U}) {
    const std::vector<double> ones(n, 1.0);
    const std::vector<double> twos(n, 2.0);
    CHECK(Shift(ones, ones).p_none() == 1);
    CHECK(*Shift(ones, twos).estimate() == 1);
    CHECK((*Shift(ones, twos).interval())[1] == 1);
    CHECK(Shift(ones, twos).p_none() < 0.001);
    CHECK(Shift(ones, twos).p_at_most(0.5) < 0.001);
  }
}

TEST_CASE("Welch's interval is that of his formula") {
  // By hand: means 2 and 6, squared errors 1/3 and 4/3, variance 5/3, degrees
  // (5/3)^2 / ((1/3)^2/2 + (4/3)^2/2) = 50/17.
  const Shift shift(std::vector<double>{1, 2, 3}, std::vector<double>{4, 6, 8});
  CHECK(*shift.estimate() == about(4));
  // t(0.975; 50/17) lies between those of 2 and 3 degrees, 4.303 and 3.182.
  const double t = ((*shift.interval())[1] - 4) / std::sqrt(5.0 / 3);
  CHECK(t > 3.182);
  CHECK(t < 3.30);
}

struct Coverage {
  double holds = 0;     // share of intervals that hold the true shift
  double detected = 0;  // share of two-sided p-values below 5 %
};

Coverage coverage(std::size_t n, std::size_t m, const Draw& draw) {
  constexpr int kTrials = 2000;
  std::mt19937_64 random(n * 100 + m);
  int holds = 0;
  int detected = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    const Shift shift(series(n, draw, random), series(m, draw, random));
    holds += (*shift.interval())[0] <= 0 && (*shift.interval())[1] >= 0 ? 1 : 0;
    detected += shift.p_none() < 0.05 ? 1 : 0;
  }
  return {1.0 * holds / kTrials, 1.0 * detected / kTrials};
}

TEST_CASE("intervals of equal things hold 0 in 95 of 100 runs, from nine rounds on") {
  const std::vector<std::pair<std::string, Draw>> shapes = {{"normal", gauss},
                                                            {"skewed", skewed},
                                                            {"slow mode", with_slow_mode},
                                                            {"two modes", two_modes}};
  const std::vector<std::pair<std::size_t, std::size_t>> sizes = {{9, 9}, {9, 20}, {20, 20}};
  for (const auto& [name, draw] : shapes) {
    for (const auto& [n, m] : sizes) {
      const Coverage found = coverage(n, m, draw);
      INFO(name << ", " << n << " and " << m << " rounds");
      CHECK(found.holds >= 0.935);
      CHECK(found.holds <= 0.975);
      CHECK(found.detected == about(1 - found.holds));
    }
  }
}

TEST_CASE("below nine rounds they hold it at least as often, except where variance hides") {
  // Slow modes that three or five rounds have not met yet: Welch's interval is wide or misses.
  for (const auto& draw : {Draw(gauss), Draw(skewed), Draw(with_slow_mode)}) {
    CHECK(coverage(5, 5, draw).holds >= 0.935);
    CHECK(coverage(3, 3, draw).holds >= 0.935);
  }
}

TEST_CASE("Holm's correction is his") {
  const std::vector<double> p{0.01, 0.04, 0.03, 0.005};
  const std::vector<double> adjusted = holm_adjusted(p);
  CHECK(adjusted[3] == about(0.02));
  CHECK(adjusted[0] == about(0.03));
  CHECK(adjusted[2] == about(0.06));
  CHECK(adjusted[1] == about(0.06));  // never below one that is smaller before
  CHECK(holm_adjusted(std::vector<double>{0.9, 0.8})[0] == 1);
  CHECK(holm_adjusted({}).empty());
}

}  // namespace
}  // namespace patchbench::analysis
