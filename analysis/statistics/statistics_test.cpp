#include "analysis/statistics/statistics.hpp"

#include <cmath>
#include <random>
#include <vector>

#include <patchbench_catch.hpp>

#include "results/matchers_test.hpp"

namespace patchbench::analysis {
namespace {

using results::about;

using results::Verdict;

std::vector<std::optional<double>> samples(std::initializer_list<double> values) {
  return {values.begin(), values.end()};
}

TEST_CASE("the median of none, one, odd and even many") {
  CHECK_FALSE(median({}).has_value());
  CHECK(median(std::vector{7.0}) == 7.0);
  CHECK(median(std::vector{9.0, 1.0, 5.0}) == 5.0);
  CHECK(median(std::vector{9.0, 1.0, 5.0, 6.0}) == 5.5);
}

TEST_CASE("t quantiles agree with the published table") {
  CHECK(t_quantile(0.95, 1) == about(12.706).margin(0.0005));
  CHECK(t_quantile(0.95, 2) == about(4.303).margin(0.0005));
  CHECK(t_quantile(0.95, 4) == about(2.776).margin(0.0005));
  CHECK(t_quantile(0.95, 9) == about(2.262).margin(0.0005));
  CHECK(t_quantile(0.95, 29) == about(2.045).margin(0.0005));
  CHECK(t_quantile(0.99, 4) == about(4.604).margin(0.0005));
}

TEST_CASE("the t interval on logarithms, worked by hand") {
  // Logarithms 0, 0.1, 0.2: mean 0.1, s = 0.1, s / sqrt(3) = 0.0577350, t(2) = 4.302653, reach
  // 0.2484137.
  const std::vector values = {std::exp(0.2), 1.0, std::exp(0.1)};
  const auto interval = log_t_interval(values);
  REQUIRE(interval.has_value());
  CHECK((*interval)[0] == about(std::exp(0.1 - 0.2484137)).epsilon(1e-6));
  CHECK((*interval)[1] == about(std::exp(0.1 + 0.2484137)).epsilon(1e-6));
}

TEST_CASE("too few values, or ones without a logarithm, give no t interval") {
  CHECK_FALSE(log_t_interval({}).has_value());
  CHECK_FALSE(log_t_interval(std::vector{3.0}).has_value());
  CHECK(log_t_interval(std::vector{3.0, 4.0}).has_value());
  CHECK_FALSE(log_t_interval(std::vector{3.0, 0.0, 4.0}).has_value());
}

TEST_CASE("the distribution-free interval lies between tabulated pairs of order statistics") {
  const auto check = [](int n, double low, double high, double coverage) {
    std::vector<double> values;
    for (int value = n; value >= 1; --value) values.push_back(value);
    const auto free = median_interval(values);
    REQUIRE(free.has_value());
    CHECK(free->interval[0] == about(low).margin(5e-5));
    CHECK(free->interval[1] == about(high).margin(5e-5));
    CHECK(free->coverage == about(coverage).margin(5e-5));
  };
  check(2, 1, 2, 0.5);
  check(3, 1, 3, 0.75);
  check(5, 1, 5, 0.9375);
  // As scipy.stats.mstats.median_cihs (1.10) has them. The pairs cover 0.9688 and 0.7813 (n = 6),
  // 0.9922 and 0.9297, 0.9609 and 0.8203, 0.9785 and 0.8906, 0.9586 and 0.8847.
  check(6, 1.35714, 5.64286, 0.95);
  check(8, 1.93564, 7.06436, 0.95);
  check(9, 2.22791, 7.77209, 0.95);
  check(10, 2.65766, 8.34234, 0.95);
  check(20, 6.23523, 14.76477, 0.95);
  CHECK_FALSE(median_interval({}).has_value());
  CHECK_FALSE(median_interval(std::vector{1.0}).has_value());
}

TEST_CASE("absolute values take the distribution-free interval as soon as it covers 95 %") {
  const std::vector six = {1.0, 2.0, 3.0, 4.0, 5.0, 90.0};
  CHECK(median_ci95(six) == median_interval(six)->interval);
  const std::vector five = {1.0, 2.0, 3.0, 4.0, 5.0};
  CHECK(median_ci95(five) == log_t_interval(five));
  CHECK_FALSE(median_ci95(std::vector{1.0}).has_value());
  CHECK_FALSE(median_ci95({}).has_value());
}

TEST_CASE("for five values or fewer the t interval holds the median") {
  std::mt19937_64 random(3);
  std::lognormal_distribution<double> skewed(0, 2);
  for (int trial = 0; trial < 500; ++trial) {
    std::vector<double> values(static_cast<std::size_t>(2 + trial % 4));
    for (double& value : values) value = skewed(random);
    const auto interval = log_t_interval(values);
    const auto middle = median(values);
    REQUIRE((interval && middle));
    // The median of an even number is an arithmetic mean, the interval is on logarithms.
    if (values.size() % 2 == 1) CHECK((*interval)[0] <= *middle);
    CHECK(*middle <= (*interval)[1]);
  }
}

TEST_CASE("ratios are paired by round") {
  auto strategy = samples({2, 4, 6, 8});
  auto baseline = samples({1, 2, 3, 4});
  auto ratio = paired_ratio(strategy, baseline);
  CHECK(ratio.n == 4);
  CHECK(ratio.median == 2.0);
  strategy[1].reset();
  baseline[2].reset();
  strategy[3].reset();
  ratio = paired_ratio(strategy, baseline);
  CHECK(ratio.n == 1);
  CHECK(ratio.median == 2.0);
  CHECK_FALSE(ratio.ci95.has_value());
  CHECK_FALSE(ratio.ci_free.has_value());
  CHECK(paired_ratio({}, baseline).n == 0);
  CHECK_FALSE(paired_ratio({}, baseline).median.has_value());
}

TEST_CASE("a difference that is not above 0 is the most extreme ratio, and two are none") {
  auto strategy = samples({2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2});
  auto baseline = strategy;
  strategy[0] = 0;
  baseline[1] = 0;
  strategy[2] = baseline[2] = 0;
  const PairedRatio ratio = paired_ratio(strategy, baseline);
  CHECK(ratio.n == 13);
  CHECK(ratio.values[0] == 0);
  CHECK(std::isinf(ratio.values[1]));
  CHECK(ratio.median == about(1.0));
  CHECK_FALSE(ratio.ci95.has_value());
  REQUIRE(ratio.ci_free.has_value());
  CHECK(ratio.ci_free->interval[0] == about(1.0));
}

TEST_CASE("where many differences are not above 0 the cost is less than something, and faster") {
  const auto baseline = samples({50, 50, 50, 50, 50, 50, 50, 50, 50, 50, 50, 50, 50});
  auto strategy = samples({1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0});
  const PairedRatio some = paired_ratio(strategy, baseline);
  CHECK(some.median == about(0.02));
  REQUIRE(some.ci_free.has_value());
  CHECK(some.ci_free->interval[0] == 0);
  CHECK(some.ci_free->interval[1] == about(0.02));
  CHECK(plain_verdict(deciding_interval(some)) == Verdict::faster);
  // The same in the denominator: more than something, without an end.
  CHECK_FALSE(paired_ratio(baseline, strategy).ci_free.has_value());
}

TEST_CASE("drift that both share leaves a paired ratio alone") {
  const auto ratio = paired_ratio(samples({11, 22, 44, 88}), samples({10, 20, 40, 80}));
  CHECK((*ratio.ci95)[0] == about(1.1));
  CHECK((*ratio.ci95)[1] == about(1.1));
}

TEST_CASE("verdicts of the interval alone") {
  CHECK(plain_verdict(Interval{0.90, 0.95}) == Verdict::faster);
  CHECK(plain_verdict(Interval{1.05, 1.20}) == Verdict::slower);
  CHECK(plain_verdict(Interval{0.98, 1.02}) == Verdict::same);
  CHECK(plain_verdict(Interval{0.97, 1.03}) == Verdict::same);
  CHECK(plain_verdict(Interval{0.96, 1.02}) == Verdict::inconclusive);
  CHECK(plain_verdict(Interval{0.96, 0.99}) == Verdict::faster);
  CHECK(plain_verdict(Interval{1.01, 1.02}) == Verdict::same);
  CHECK(plain_verdict(Interval{1.01, 1.02}, 0.001) == Verdict::slower);
  CHECK(plain_verdict(std::nullopt) == Verdict::inconclusive);
}

TEST_CASE("the lower decile is interpolated") {
  CHECK(lower_decile(std::vector{4.0, 1.0, 2.0, 3.0, 5.0}) == about(1.4));
  CHECK(lower_decile(std::vector{11.0, 1.0, 2.0, 3.0, 5.0, 4.0, 6.0, 7.0, 8.0, 9.0, 10.0}) == 2.0);
  CHECK(lower_decile(std::vector{7.0}) == 7.0);
  CHECK_FALSE(lower_decile(std::vector<double>{}));
}

TEST_CASE("intervals cover what they claim, on seeded data") {
  std::mt19937_64 random(20250101);
  std::normal_distribution<double> normal(0, 0.1);
  constexpr int kTrials = 4000;
  int t_covers = 0;
  int free_covers = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::vector<double> five(5);
    std::vector<double> nine(9);
    for (double& value : five) value = 2 * std::exp(normal(random));
    for (double& value : nine) value = 2 * std::exp(normal(random));
    const auto t = *log_t_interval(five);
    const auto free = *median_interval(nine);
    if (t[0] <= 2 && 2 <= t[1]) ++t_covers;
    if (free.interval[0] <= 2 && 2 <= free.interval[1]) ++free_covers;
  }
  // Standard error of a share near 0.95 over 4,000 trials: 0.0034.
  CHECK(t_covers / double{kTrials} == about(0.95).margin(0.014));
  CHECK(free_covers / double{kTrials} == about(0.95).margin(0.014));
}

}  // namespace
TEST_CASE("one round in a slow mode of nine, or two of twenty, do not undo a verdict") {
  std::vector<std::optional<double>> baseline(20, 1.0);
  std::vector<std::optional<double>> strategy(20);
  for (std::size_t i = 0; i < 20; ++i) strategy[i] = 1.0 + 0.001 * static_cast<double>(i % 5);
  strategy[3] = 1.6;
  strategy[11] = 1.7;
  const PairedRatio ratio = paired_ratio(strategy, baseline);
  CHECK(plain_verdict(ratio.ci95) == Verdict::inconclusive);
  CHECK(deciding_interval(ratio) == ratio.ci_free->interval);
  CHECK(plain_verdict(deciding_interval(ratio)) == Verdict::same);
  const PairedRatio eight =
      paired_ratio(std::span(strategy).first(8), std::span(baseline).first(8));
  CHECK(deciding_interval(eight) == eight.ci95);
  const PairedRatio nine = paired_ratio(std::span(strategy).first(9), std::span(baseline).first(9));
  CHECK(deciding_interval(nine) == nine.ci_free->interval);
  CHECK(plain_verdict(deciding_interval(nine)) == Verdict::same);
  strategy[11] = 1.0;
  const PairedRatio twelve =
      paired_ratio(std::span(strategy).first(12), std::span(baseline).first(12));
  CHECK(plain_verdict(deciding_interval(twelve)) == Verdict::same);
}

}  // namespace patchbench::analysis
