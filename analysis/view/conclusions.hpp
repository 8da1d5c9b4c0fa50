// analysis/view/conclusions.hpp - what one would conclude from a run, and whether another one
// agrees.
//
// A conclusion is drawn within each run alone, from its own pairs of rounds; two runs are then
// asked whether they draw the same. That asks less of them than that their numbers agree, and is
// what carries over to other machines, if anything does.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analysis/quantity/break_even.hpp"
#include "analysis/quantity/quantities.hpp"

namespace patchbench::analysis {

/// Whether one strategy costs less than another: holds for a run where the interval of their paired
/// ratio lies beyond 1 (statistics.hpp, plain_verdict with delta 0).
enum class Agreement { holds, reversed, open };

struct PairOrder {
  std::string cheaper;  // in the first run where it is certain there, else in the second
  std::string costlier;
  Agreement agreement = Agreement::open;
};

/// The strategies (no controls) of one metric at one parameter set.
struct StrategyOrder {
  std::string workload;
  std::string metric;
  results::Params params;
  /// From the cheapest on, by both runs' medians together.
  std::vector<std::string> strategies;
  /// Whether strategies[i] is certainly cheaper than strategies[i + 1] in both runs.
  std::vector<bool> certain;
  std::vector<PairOrder> pairs;  // all of them
};

/// For every metric and parameter set that both runs measured with two strategies or more.
[[nodiscard]] std::vector<StrategyOrder> strategy_orders(const Quantities& first,
                                                         const Quantities& second);

struct BreakEvenPair {
  std::string one;
  std::string other;
  results::Params patch_params;  // of workload relink
  results::Params send_params;   // of workload mic
  BreakEven first;
  BreakEven second;
  Agreement agreement = Agreement::open;
};

/// For every two strategies, per number of sites that `relink` (batch=1) and `mic` share in both
/// runs; patch_execute among hits where both runs have it (quantity/break_even.hpp). Agreement
/// `holds` where both runs say the same and their intervals overlap.
[[nodiscard]] std::vector<BreakEvenPair> break_evens(const Quantities& first,
                                                     const Quantities& second);

}  // namespace patchbench::analysis
