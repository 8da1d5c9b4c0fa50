#include "analysis/quantity/state_split.hpp"

#include <algorithm>
#include <cmath>
#include <random>
#include <string>

#include <patchbench_catch.hpp>

#include "analysis/quantity/summarise.hpp"
#include "analysis/sample_results_test.hpp"

namespace patchbench::analysis {
namespace {

constexpr double kQuiet = 0.08;
constexpr double kLatencyNs = 0.8;

/// Rounds of which every other one was measured beside a neighbour.
struct Pair {
  results::Metric strategy;
  results::Metric baseline;
};

/// In the rounds of the neighbour the clock takes `slower_clock` times as long, too.
Pair made_up(double quiet_ratio, double shared_ratio, double sharing = 1.3,
             double slower_clock = 1) {
  std::mt19937_64 random(5);
  std::normal_distribution<double> scatter(0, 0.005);
  Pair pair;
  for (int round = 0; round < 20; ++round) {
    const bool shared = round % 2 == 1;
    const double slow = shared ? sharing : 1.0;
    const double clock = shared ? slower_clock : 1.0;
    pair.baseline.samples.emplace_back(2 * slow * std::exp(scatter(random)));
    pair.strategy.samples.emplace_back(2 * slow * (shared ? shared_ratio : quiet_ratio) *
                                       std::exp(scatter(random)));
    pair.baseline.throughput_ns.emplace_back(kQuiet * kLatencyNs * slow * clock);
    pair.baseline.latency_ns.emplace_back(kLatencyNs * clock);
    pair.strategy.latency_ns.emplace_back(kLatencyNs * clock);
    pair.strategy.throughput_ns.emplace_back(kQuiet * kLatencyNs * slow * clock);
  }
  return pair;
}

TEST_CASE("a ratio that depends on the machine's state is two ratios") {
  const Pair pair = made_up(1.25, 1.54);
  const auto split = split_by_state(pair.strategy, pair.baseline, kQuiet);
  REQUIRE(split.has_value());
  CHECK(split->quiet.n == 10);
  CHECK(split->shared.n == 10);
  CHECK(*split->quiet.median == Approx(1.25).epsilon(0.01));
  CHECK(*split->shared.median == Approx(1.54).epsilon(0.01));
  CHECK(split->p < 0.001);
  const std::string note = state_note("send", *split);
  CHECK(note.starts_with(kStateNote));
  CHECK(note.find("1.25 [") != std::string::npos);
  CHECK(note.find("1.54 [") != std::string::npos);
}

TEST_CASE("a verdict on a ratio that is split is one that holds in both states") {
  const auto verdict = [](double quiet, double shared) {
    const Pair pair = made_up(quiet, shared);
    return verdict_in_both(*split_by_state(pair.strategy, pair.baseline, kQuiet), 0.03);
  };
  CHECK(verdict(1.25, 1.54) == results::Verdict::slower);
  CHECK(verdict(0.8, 0.6) == results::Verdict::faster);
  CHECK(verdict(0.9, 1.2) == results::Verdict::inconclusive);
  CHECK(verdict(1.0, 1.2) == results::Verdict::inconclusive);
}

TEST_CASE("a run's verdict is inconclusive where its two states have two") {
  SampleRun run = sample_run({.rounds = 24});
  const auto changed = [](const results::JournalEntry& entry) {
    return entry.cell.starts_with("mic/indirect-cell/") && entry.round >= 12;
  };
  for (results::JournalEntry& entry : run.journal) {
    for (results::JournalMetric& metric : entry.metrics) {
      metric.latency_ns = 1;
      metric.throughput_ns = entry.round < 12 ? kQuiet : kQuiet * 1.4;
      if (changed(entry)) metric.median *= 3;
    }
  }
  summarise(run.results, run.journal);
  int inconclusive = 0;
  for (const results::Cell& cell : run.results.cells) {
    const bool noted = std::ranges::any_of(
        cell.notes, [](const std::string& note) { return note.starts_with(kStateNote); });
    if (!noted || cell.ratios.empty()) continue;
    const results::Verdict verdict = cell.ratios[0].verdict;
    CHECK((verdict == results::Verdict::slower || verdict == results::Verdict::inconclusive));
    inconclusive += verdict == results::Verdict::inconclusive ? 1 : 0;
  }
  CHECK(inconclusive > 0);
}

TEST_CASE("a ratio that a neighbour leaves alone is not split") {
  const Pair pair = made_up(1.25, 1.25);
  const auto split = split_by_state(pair.strategy, pair.baseline, kQuiet);
  REQUIRE(split.has_value());
  CHECK(split->p > 0.05);
}

TEST_CASE("a machine in one state is not split, whatever its ratios do") {
  const Pair pair = made_up(1.25, 1.54, 1.02);
  CHECK_FALSE(split_by_state(pair.strategy, pair.baseline, kQuiet).has_value());
}

TEST_CASE("a slower clock is no neighbour") {
  const Pair pair = made_up(1.25, 1.54, 1, 1.3);
  CHECK_FALSE(split_by_state(pair.strategy, pair.baseline, kQuiet).has_value());
}

TEST_CASE("too few rounds of a state split nothing") {
  Pair pair = made_up(1.25, 1.54);
  pair.strategy.samples.resize(10);
  CHECK_FALSE(split_by_state(pair.strategy, pair.baseline, kQuiet).has_value());
}

TEST_CASE("the quiet state of a run is that of its fastest tenth") {
  results::Results results;
  CHECK_FALSE(quiet_throughput(results).has_value());
  results.cells.emplace_back();
  results.cells.back().metrics.push_back(made_up(1, 1).baseline);
  CHECK(*quiet_throughput(results) == Approx(kQuiet));
}

}  // namespace
}  // namespace patchbench::analysis
