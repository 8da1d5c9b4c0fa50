// What stopping as soon as an interval is narrow does to its coverage. Prints its table.

#include <cmath>
#include <functional>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <patchbench_catch.hpp>

#include "analysis/statistics/significance.hpp"
#include "analysis/statistics/statistics.hpp"
#include "harness/plan/preset.hpp"
#include "harness/plan/stopping.hpp"

namespace patchbench::harness {
namespace {

constexpr int kTrials = 2000;
constexpr int kMostRounds = 40;  // then the budget is used

using Engine = std::mt19937_64;

/// Costs of one process, around 1.
struct Scatter {
  std::string name;
  std::function<double(Engine&)> draw;
};

double normal(Engine& engine, double deviation) {
  return std::normal_distribution<double>(0, deviation)(engine);
}

/// `deviation` on logarithms, and 10 % of processes half as slow again.
Scatter with_slow_modes(double deviation) {
  return {fmt::format("{:.0f} %, slow modes", 100 * deviation), [deviation](Engine& engine) {
            const bool slow = std::uniform_real_distribution<double>()(engine) < 0.1;
            return std::exp(normal(engine, deviation)) * (slow ? 1.5 : 1);
          }};
}

Scatter lognormal(double deviation) {
  return {fmt::format("{:.0f} %", 100 * deviation),
          [deviation](Engine& engine) { return std::exp(normal(engine, deviation)); }};
}

struct Stopped {
  double coverage = 0;
  double rounds = 0;  // on average
  double known = 0;   // share of runs that the rule ended
};

/// Runs of one ratio, looked at after each round.
Stopped stop(const Scatter& scatter, double ratio, const StopRule& rule, Engine& engine) {
  Stopped total;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::vector<std::optional<double>> strategy;
    std::vector<std::optional<double>> baseline;
    results::Ratio seen;
    bool known = false;
    while (!known && strategy.size() < kMostRounds) {
      strategy.emplace_back(ratio * scatter.draw(engine));
      baseline.emplace_back(scatter.draw(engine));
      if (strategy.size() >= static_cast<std::size_t>(kFewestRoundsFarAway)) {
        seen = analysis::plain_ratio(analysis::paired_ratio(strategy, baseline));
        known = is_known(rule, seen);
      }
    }
    const auto [low, high] = *analysis::deciding_interval(seen);
    total.coverage += low <= ratio && ratio <= high ? 1.0 / kTrials : 0;
    total.rounds += static_cast<double>(seen.n) / kTrials;
    total.known += known ? 1.0 / kTrials : 0;
  }
  return total;
}

TEST_CASE("intervals of ratios that end as soon as they are known") {
  std::cout << "\nIntervals that hold the ratio, in %, of runs ended by the rule of `quick`\n"
            << fmt::format("{:<20}{:>7}  {:>8} {:>12} {:>10}\n", "scatter", "ratio", "coverage",
                           "mean rounds", "known");
  const StopRule rule = find_preset("quick")->until;
  Engine engine(20261127);
  for (const Scatter& scatter :
       {lognormal(0.01), lognormal(0.02), lognormal(0.03), with_slow_modes(0.02)}) {
    for (const double ratio : {1.0, 1.05, 1.1, 3.0}) {
      const Stopped seen = stop(scatter, ratio, rule, engine);
      std::cout << fmt::format("{:<20}{:>7}  {:>8.1f} {:>12.1f} {:>10.1f}\n", scatter.name, ratio,
                               100 * seen.coverage, seen.rounds, 100 * seen.known);
      INFO(scatter.name << ", ratio " << ratio);
      CHECK(seen.coverage >= 0.93 - 3 * std::sqrt(0.05 * 0.95 / kTrials));
    }
  }
}

}  // namespace
}  // namespace patchbench::harness
