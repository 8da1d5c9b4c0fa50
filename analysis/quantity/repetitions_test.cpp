#include "analysis/quantity/repetitions.hpp"

#include <cmath>
#include <random>

#include <patchbench_catch.hpp>

#include "analysis/statistics/statistics.hpp"
#include "results/matchers_test.hpp"

namespace patchbench::analysis {
namespace {

using results::about;
using results::contains;
using results::Variance;

/// Batches whose logarithms are these.
Process process(std::initializer_list<double> logarithms) {
  Process result;
  for (const double value : logarithms) result.batches.push_back(std::exp(value));
  return result;
}

results::Ratio ratio(int n, double low, double high) {
  results::Ratio result;
  result.n = n;
  result.ci95 = {{low, high}};
  result.ci_free = {{low, high}};
  return result;
}

TEST_CASE("variance between and within processes, worked by hand") {
  // Means 1 and 4; variances 1 and 1; S1^2 = 1, S2^2 = 4.5, T2^2 = 4.5 - 1/3.
  const auto variance = variance_of(std::vector{process({0, 1, 2}), process({3, 4, 5})});
  REQUIRE(variance.has_value());
  CHECK(variance->within == about(1));
  CHECK(variance->between == about(4.5 - 1.0 / 3));
  CHECK(variance->batches == 3);
  CHECK_FALSE(variance->batch_ms.has_value());
}

TEST_CASE("processes of different length bring in what they do") {
  // Variances 2 and 1: S1^2 = 1.5; brought in (2 / 2 + 1 / 3) / 2; means 1 and 4.
  const auto variance = variance_of(std::vector{process({0, 2}), process({3, 4, 5})});
  REQUIRE(variance.has_value());
  CHECK(variance->within == about(1.5));
  CHECK(variance->between == about(4.5 - 2.0 / 3));
  CHECK(variance->batches == 2.5);
}

TEST_CASE(
    "processes that differ by less than their batches have a negative variance between them") {
  const auto variance = variance_of(std::vector{process({0, 2}), process({2, 0})});
  REQUIRE(variance.has_value());
  CHECK(variance->between == about(-1));
  CHECK_FALSE(recommended_batches(*variance).has_value());
}

TEST_CASE("what cannot be used is left out") {
  Process with_zero = process({1, 2});
  with_zero.batches[0] = 0;
  const std::vector processes = {process({0, 1, 2}), process({7}), with_zero, process({3, 4, 5})};
  CHECK(variance_of(processes)->between == about(4.5 - 1.0 / 3));
  CHECK_FALSE(variance_of(std::vector{process({0, 1, 2}), with_zero}).has_value());
  CHECK_FALSE(variance_of({}).has_value());
}

TEST_CASE("costs are medians over the processes that know them") {
  std::vector processes = {process({0, 1}), process({0, 1}), process({0, 1})};
  processes[0].batches_ms = 10;
  processes[1].batches_ms = 30;
  processes[0].rest_ms = 25;
  const auto variance = variance_of(processes);
  CHECK(variance->batch_ms == 10.0);
  CHECK(variance->process_ms == 25.0);
}

TEST_CASE("the best number of batches follows costs and variances") {
  const Variance variance{0.01, 0.04, 41, 0.5, 32};
  CHECK(recommended_batches(variance) == 16);  // sqrt(64 * 4)
  CHECK(recommended_batches({0.01, 0.0401, 41, 0.5, 32}) == 17);
  CHECK(recommended_batches({0.01, 0, 41, 0.5, 32}) == 1);
  CHECK_FALSE(recommended_batches({0.01, 0.04, 41, std::nullopt, 32}).has_value());
  CHECK_FALSE(recommended_batches({0.01, 0.04, 41, 0.5, std::nullopt}).has_value());
  CHECK_FALSE(recommended_batches({0, 0.04, 41, 0.5, 32}).has_value());
}

TEST_CASE("rounds follow the interval") {
  const double goal = std::log(1.03);
  // Twice as wide as wanted at 16 rounds: four times as many.
  CHECK(recommended_rounds(ratio(16, std::exp(-1.999 * goal), std::exp(1.999 * goal)), 0.03) == 64);
  CHECK(recommended_rounds(ratio(16, 1.0, 1.0), 0.03) == kRobustRounds);
  // Five rounds of a standard deviation of 3 %: t(n-1) / sqrt(n) <= 0.985 first at n = 7
  // (2.447 / 2.646); six would reach 2.571 / 2.449.
  const double reach = 0.03 * t_quantile(0.95, 4) / std::sqrt(5.0);
  CHECK(recommended_rounds(ratio(5, std::exp(-reach), std::exp(reach)), 0.03) == 7);
  // Of 10 %: 47 by t (2.013 * 0.1 / sqrt(47) = 0.0294, at 46 0.0297), times pi / 2.
  const double wide = 0.1 * t_quantile(0.95, 4) / std::sqrt(5.0);
  CHECK(recommended_rounds(ratio(5, std::exp(-wide), std::exp(wide)), 0.03) == 74);
  CHECK_FALSE(recommended_rounds(results::Ratio{}, 0.03).has_value());
  CHECK(*recommended_rounds(ratio(2, 1e-300, 1e300), 0.03) >= 1'000'000);
}

TEST_CASE("the estimates find variances and costs that are known") {
  std::mt19937_64 random(23);
  std::normal_distribution<double> between(0, 0.03);
  std::normal_distribution<double> within(0, 0.05);
  std::vector<Process> processes(2000);
  for (Process& process : processes) {
    const double own = between(random);
    for (int batch = 0; batch < 10; ++batch)
      process.batches.push_back(std::exp(own + within(random)));
  }
  const auto variance = variance_of(processes);
  CHECK(variance->between == about(0.0009).epsilon(0.1));
  CHECK(variance->within == about(0.0025).epsilon(0.05));
}

TEST_CASE("advice says what the results tell, and nothing where they tell nothing") {
  results::Results results;
  results.run.rounds = 5;
  CHECK(repetition_advice(results).empty());
  results::Cell cell;
  results::Metric metric;
  metric.variance = {0.03, 0.41, 41, 0.5, 32};  // 0.03 against 0.41 / 41
  cell.metrics = {metric};
  results.cells = {cell};
  REQUIRE(repetition_advice(results).size() == 1);
  CHECK_THAT(repetition_advice(results)[0], contains("75 % lies between processes"));
  CHECK_THAT(repetition_advice(results)[0],
             contains("time: 30 batches in a process, for 90 % of the series up to 30"));
  CHECK_THAT(repetition_advice(results)[0], contains("here 41"));
  results.cells[0].ratios = {ratio(16, 1.0, 1.0)};
  REQUIRE(repetition_advice(results).size() == 2);
  CHECK_THAT(repetition_advice(results)[1],
             contains("half of them need 9 rounds, 90 % up to 9; this run has 5"));
}

}  // namespace
}  // namespace patchbench::analysis
