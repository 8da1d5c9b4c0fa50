#include "analysis/statistics/run_shift.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include <patchbench_catch.hpp>

#include "analysis/quantity/compare.hpp"
#include "analysis/quantity/machine_state.hpp"
#include "results/matchers_test.hpp"

namespace patchbench::analysis {
namespace {

using results::about;
using results::contains;
using results::Results;
using results::Verdict;

// ---- made-up runs: cell effect + run effect + state of the machine + noise of rounds ----

constexpr std::array<const char*, 6> kStrategies = {"memfd-dual",      "sysv-shm",      "file-dual",
                                                    "mprotect-toggle", "indirect-cell", "tag-cell"};
constexpr int kCells = 5;  // of a strategy: thirty changes in all
constexpr int kRounds = 9;
/// What the second state does to the sends of indirect-cell, and to the calibrations.
constexpr double kStateEffect = 0.09;
constexpr double kStateCalibration = 1.06;

class Machine {
 public:
  explicit Machine(std::uint64_t seed) : random_(seed) {}

  /// `slowdown` is what the third cell of sysv-shm costs beside its usual.
  Results run(bool second_state, double slowdown = 1) {
    Results results;
    results.run.rounds = kRounds;
    results.baseline = "rwx";
    for (int cell = 0; cell < kCells; ++cell) add(results, "rwx", cell, 0, second_state);
    for (const std::string id : kStrategies) {
      const double of_strategy = normal(0.005);
      for (int cell = 0; cell < kCells; ++cell) {
        double effect = 0.1 * cell + of_strategy + normal(0.005);
        if (id == "indirect-cell" && second_state) effect += kStateEffect;
        if (id == "sysv-shm" && cell == 2) effect += std::log(slowdown);
        add(results, id, cell, effect, second_state);
      }
    }
    return results;
  }
  std::vector<Results> runs(int count, double slowdown = 1) {
    std::vector<Results> runs;
    runs.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) runs.push_back(run(random_() % 2 == 0, slowdown));
    return runs;
  }

 private:
  double normal(double scatter) { return scatter * normal_(random_); }

  void add(Results& results, const std::string& id, int number, double effect, bool second_state) {
    results::Cell cell;
    cell.strategy = id;
    cell.workload = "mic";
    cell.params = {{"sites", std::int64_t{number}}};
    cell.id = results::cell_id(cell.workload, id, cell.params);
    results::Metric metric;
    metric.name = "send";
    metric.unit = "ns";
    for (int round = 0; round < kRounds; ++round) {
      metric.samples.emplace_back(std::exp(effect + normal(0.02)));
      metric.latency_ns.emplace_back((second_state ? kStateCalibration : 1) *
                                     std::exp(normal(0.01)));
      metric.throughput_ns.emplace_back(0.07 * std::exp(normal(0.01)));
    }
    metric.median = 1.0;
    cell.metrics.push_back(std::move(metric));
    results.cells.push_back(std::move(cell));
  }

  std::mt19937_64 random_;
  std::normal_distribution<double> normal_;
};

bool any_change(const Comparison& comparison) {
  return std::any_of(
      comparison.changes.begin(), comparison.changes.end(), [](const Change& change) {
        return change.verdict == Verdict::faster || change.verdict == Verdict::slower;
      });
}

struct Tally {
  int refused = 0;
  int wrong = 0;  // comparisons with a change that is none
  int found = 0;  // comparisons that find the one change there is
};

Tally compare_often(int pairs, int runs, double slowdown) {
  Tally tally;
  for (int pair = 0; pair < pairs; ++pair) {
    Machine machine(static_cast<std::uint64_t>(1000 * runs + pair));
    const std::vector<Results> first = machine.runs(runs);
    const std::vector<Results> second = machine.runs(runs, slowdown);
    if (why_states_differ(first, second, "A", "B")) {
      ++tally.refused;
      continue;
    }
    Comparison comparison = compare(first, second, {});
    CHECK(comparison.tested == 30);
    const auto real = [](const Change& change) {
      return change.cell == "mic/sysv-shm/sites=2" && change.verdict == Verdict::slower;
    };
    auto& changes = comparison.changes;
    tally.found += std::ranges::any_of(changes, real) ? 1 : 0;
    if (slowdown > 1) {
      std::erase_if(changes, [](const auto& one) { return one.cell == "mic/sysv-shm/sites=2"; });
    }
    tally.wrong += any_change(comparison) ? 1 : 0;
  }
  return tally;
}

TEST_CASE("two runs of one program, in whatever state, rarely differ", "[trials]") {
  constexpr int kPairs = 200;
  for (const int runs : {1, 2, 3}) {
    CAPTURE(runs);
    const Tally tally = compare_often(kPairs, runs, 1);
    CHECK(tally.wrong <= kPairs / 20);
    CHECK(tally.refused < kPairs * 2 / 3);
    // As often as the sides have met different states alone: 1/2, 1/8 and 1/32.
    CHECK(tally.refused > kPairs / (runs == 1 ? 3 : runs == 2 ? 16 : 100));
  }
}

TEST_CASE("a change of 10 % is found among thirty, more often with two runs a side", "[trials]") {
  constexpr int kPairs = 100;
  const Tally one = compare_often(kPairs, 1, 1.1);
  const Tally two = compare_often(kPairs, 2, 1.1);
  CHECK(100 * one.found > 30 * (kPairs - one.refused));
  CHECK(100 * two.found > 85 * (kPairs - two.refused));
  CHECK(one.wrong <= kPairs / 20);
  CHECK(two.wrong <= kPairs / 20);
}

TEST_CASE("rounds alone would find changes where there are none") {
  // What the random factor is for: with no variance between runs most comparisons are wrong.
  int wrong = 0;
  for (std::uint64_t pair = 0; pair < 40; ++pair) {
    Machine machine(pair + 1);
    const Results first = machine.run(false);
    const Results second = machine.run(true);
    const auto cell = std::ranges::find_if(
        first.cells, [](const auto& one) { return one.strategy == "indirect-cell"; });
    const auto index = static_cast<std::size_t>(cell - first.cells.begin());
    std::vector<RunEstimate> estimates;
    for (const Results* run : {&first, &second}) {
      std::vector<double> logs;
      for (const auto& value : run->cells[index].metrics[0].samples)
        logs.push_back(std::log(*value));
      estimates.push_back(*run_estimate(logs));
    }
    const BetweenRuns none{1e-12, kDefaultBetweenDegrees, false};
    const std::vector<RunEstimate> one = {estimates[0]};
    const std::vector<RunEstimate> other = {estimates[1]};
    const RunShift shift(one, other, none);
    wrong += shift.p_none() < 0.05 / 30 ? 1 : 0;
  }
  CHECK(wrong > 20);
}

// ---- the parts ----

TEST_CASE("a run's estimate is a mean, and from nine rounds on one that outliers do not move") {
  const RunEstimate few = *run_estimate(std::vector<double>{1, 2, 3});
  CHECK(few.value == about(2));
  CHECK(few.squared_error == about(1.0 / 3));
  CHECK(few.degrees == about(2));
  std::vector<double> many = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  const RunEstimate quiet = *run_estimate(many);
  CHECK(quiet.value == about(5.5));
  CHECK(quiet.degrees == about(5));  // of ten, two are trimmed at either end
  // Winsorized: 3 3 3 4 5 6 7 8 8 8, squares 42.5 around 5.5; over 6 * 5.
  CHECK(quiet.squared_error == about(42.5 / 30));
  many.back() = 1000;
  CHECK(run_estimate(many)->value == about(quiet.value));
  CHECK(run_estimate(many)->squared_error == about(quiet.squared_error));
  CHECK_FALSE(run_estimate(std::vector<double>{1}).has_value());
}

/// Of the default and of what exceeds it, known from `own` degrees.
double degrees_of(double variance, double own) {
  const double usual = kDefaultBetweenRuns * kDefaultBetweenRuns;
  return variance * variance /
         (usual * usual / kDefaultBetweenDegrees + (variance - usual) * (variance - usual) / own);
}

TEST_CASE("scatter between runs is pooled over cells, and never below the default") {
  const BetweenRuns alone = between_runs(std::vector<CellEstimates>{{{{0, 0, 8}}, {{1, 0, 8}}}});
  CHECK(alone.variance == about(kDefaultBetweenRuns * kDefaultBetweenRuns));
  CHECK(alone.degrees == about(kDefaultBetweenDegrees));
  CHECK_FALSE(alone.measured);
  // Squares 0.02 and 0 over two degrees of freedom; sides may differ by anything.
  const std::vector<CellEstimates> one = {{{{0.1, 0, 8}, {-0.1, 0, 8}}, {{7, 0, 8}, {7, 0, 8}}}};
  const BetweenRuns apart = between_runs(one);
  CHECK(apart.variance == about(0.01));
  CHECK(apart.degrees == about(degrees_of(0.01, 2)));
  CHECK(apart.degrees < 2.1);
  CHECK(apart.measured);
  // A second cell of the same runs halves the mean and adds no run.
  const std::vector<CellEstimates> two = {one[0], {{{3, 0, 8}, {3, 0, 8}}, {{7, 0, 8}, {7, 0, 8}}}};
  CHECK(between_runs(two).variance == about(0.005));
  CHECK(between_runs(two).degrees == about(degrees_of(0.005, 2)));
  // What rounds explain is none of it.
  const std::vector<CellEstimates> noisy = {
      {{{0.1, 0.004, 8}, {-0.1, 0.004, 8}}, {{7, 0.004, 8}, {7, 0.004, 8}}}};
  CHECK(between_runs(noisy).variance == about(0.006));
}

TEST_CASE("a shift has the variance between runs and that of rounds, over the numbers of runs") {
  const BetweenRuns between{0.0004, 1e9, false};
  const std::vector<RunEstimate> first = {{1, 0.0001, 1e9}};
  const std::vector<RunEstimate> second = {{1.5, 0.0001, 1e9}, {1.7, 0.0001, 1e9}};
  const RunShift shift(first, second, between);
  CHECK(shift.estimate() == about(0.6));
  // 0.0004 * (1 + 1/2) + 0.0001 + 2 * 0.0001 / 4
  const double reach = 1.959964 * std::sqrt(0.00075);
  CHECK(shift.interval()[0] == about(0.6 - reach).epsilon(1e-5));
  CHECK(shift.interval()[1] == about(0.6 + reach).epsilon(1e-5));
  CHECK(shift.p_at_most(shift.interval()[0]) == about(0.025).epsilon(1e-4));
  CHECK(shift.p_at_least(shift.interval()[1]) == about(0.025).epsilon(1e-4));
  CHECK(shift.p_none() < 1e-6);
  CHECK(RunShift(first, first, between).p_none() == about(1));
}

TEST_CASE("fewer degrees of freedom widen a shift") {
  const std::vector<RunEstimate> run = {{1, 1e-9, 8}};
  const RunShift many(run, run, {0.0004, 30, false});
  const RunShift few(run, run, {0.0004, 2, false});
  CHECK(many.interval()[1] == about(2.0423 * std::sqrt(0.0008)).epsilon(1e-3));
  CHECK(few.interval()[1] == about(4.3027 * std::sqrt(0.0008)).epsilon(1e-3));
}

// ---- states ----

std::vector<Results> calibrated(const std::vector<double>& latencies) {
  std::vector<Results> runs;
  for (const double latency : latencies) {
    Machine machine(1);
    runs.push_back(machine.run(false));
    for (auto& cell : runs.back().cells) {
      for (auto& value : cell.metrics[0].latency_ns) value = latency;
    }
  }
  return runs;
}

TEST_CASE("sides whose calibrations lie apart cannot be compared, those that overlap can") {
  const auto why = [](const std::vector<double>& first, const std::vector<double>& second) {
    return why_states_differ(calibrated(first), calibrated(second), "A", "B").value_or("");
  };
  CHECK(why({1}, {1.029}).empty());
  CHECK_THAT(why({1}, {1.04}), contains("1 ns in A and 1.04 ns in B: 4.0 % apart"));
  CHECK_THAT(why({1.04}, {1}), contains("4.0 % apart, where 3 % is allowed"));
  CHECK_THAT(why({1, 1.01}, {1.1, 1.2}), contains("1 to 1.01 ns in A and 1.1 to 1.2 ns in B"));
  CHECK(why({1, 1.2}, {1.1, 1.3}).empty());
  CHECK(why({1, 1.2}, {1.01, 1.01}).empty());
}

TEST_CASE("without calibrations only several runs a side can be compared") {
  std::vector<Results> bare = calibrated({1, 1});
  for (auto& run : bare) {
    for (auto& cell : run.cells) cell.metrics[0].throughput_ns.clear();
  }
  const std::vector<Results> good = calibrated({1, 1});
  const Runs one(bare.data(), 1);
  CHECK_THAT(why_states_differ(one, Runs(good.data(), 1), "A", "B").value_or(""),
             contains("A has no calibrations"));
  CHECK_THAT(why_states_differ(good, one, "A", "B").value_or(""),
             contains("B has no calibrations"));
  CHECK_FALSE(why_states_differ(bare, good, "A", "B").has_value());
}

TEST_CASE("more rounds show smaller limits, until the scatter between runs is all there is") {
  CHECK(rounds_needed(0.05, 0.1, 1) > rounds_needed(0.03, 0.1, 1));
  CHECK(rounds_needed(0.03, 0.05, 1) > rounds_needed(0.03, 0.1, 1));
  CHECK_FALSE(rounds_needed(0.001, 0.03, 1).has_value());
  CHECK(rounds_needed(0.03, 0.03, 2).has_value());
  CHECK(rounds_needed(0.001, 0.05, 1) == 3);
}

TEST_CASE("with as many rounds as needed four of five unchanged runs show that") {
  constexpr double kScatter = 0.04;
  const double limit = std::log1p(0.08);
  const int rounds = rounds_needed(kScatter, 0.08, 1).value();
  std::mt19937_64 random(5);
  std::normal_distribution<double> normal;
  const auto run = [&] {
    const double state = kDefaultBetweenRuns * normal(random);
    std::vector<double> values;
    // Fewer than kRobustRounds: the mean, whose error the number of rounds alone decides.
    for (int i = 0; i < rounds; ++i) values.push_back(state + kScatter * normal(random));
    return run_estimate(values).value();
  };
  REQUIRE(rounds < kRobustRounds);
  int shown = 0;
  constexpr int kTrials = 2000;
  for (int i = 0; i < kTrials; ++i) {
    const std::vector first = {run()};
    const std::vector second = {run()};
    shown += RunShift(first, second, {}).interval()[1] < limit ? 1 : 0;
  }
  CHECK(shown > 0.74 * kTrials);
  CHECK(shown < 0.9 * kTrials);
}

}  // namespace
}  // namespace patchbench::analysis
