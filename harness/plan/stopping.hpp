// harness/plan/stopping.hpp - when a run without a fixed number of rounds has enough of them.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "results/model.hpp"

namespace patchbench::harness {

/// --precision and --budget. Rounds go on until every requested ratio is known, or the time is
/// used.
struct StopRule {
  double precision = 0.01;  // a share: no interval reaches further than this from its median
  double budget_s = 3600;
  /// Far from 1 less will do: a ratio is known, too, when its interval reaches no further than this
  /// share of the logarithm of its median. At 0.33 it excludes 1 by twice its own reach.
  double of_distance = 0;
};

/// Below these no interval is trusted to stop a run: intervals by ranks decide from here on.
inline constexpr int kFewestRounds = 9;
/// And of ratios far from 1, by the t interval: those whose distance allows kFarAway times the
/// precision. Nearer ones would stop too early where few rounds happen to agree: of ratios of 1.05
/// the intervals covered 91 % (stopping_coverage_test.cpp).
inline constexpr int kFewestRoundsFarAway = 5;
inline constexpr double kFarAway = 2;

/// Where a run stands after a round.
struct Standing {
  int rounds = 0;      // complete ones
  double used_s = 0;   // of the budget, with what an earlier process used of it
  double round_s = 0;  // what a round takes
};

/// How far the deciding 95 % interval reaches from the ratio's median, to the farther side, as a
/// share of it. Empty where there is no interval.
[[nodiscard]] std::optional<double> reach(const results::Ratio& ratio);

/// Whether a ratio is known well enough. Decided by the width of its interval and, beyond precision
/// / of_distance from 1, by its distance from 1.
[[nodiscard]] bool is_known(const StopRule& rule, const results::Ratio& ratio);

/// Of each case that has ratios: which metrics have one, and whether it is known.
using KnownRatios = std::map<std::string, std::map<std::string, bool>>;
[[nodiscard]] KnownRatios known_ratios(const StopRule& rule, const results::Results& so_far);
/// Whether a case has ratios and each is known.
[[nodiscard]] bool all_known(const KnownRatios& ratios, const std::string& cell);

/// "rounds: ...", "precision: ...", "budget: ...": why the run ends here, with the ratio that is
/// known worst; empty when it goes on. `requested` are the cases whose ratios were asked for; cases
/// that failed have none.
///
/// Looking after each round and stopping by the width of an interval, never by where it lies, keeps
/// its coverage as the precision gets finer (Chow & Robbins, Annals of Mathematical Statistics 36,
/// 1965, for means). With few rounds it is somewhat too narrow; kFewestRounds is there for that.
[[nodiscard]] std::optional<std::string> reason_to_stop(const StopRule& rule,
                                                        const results::Results& so_far,
                                                        const std::set<std::string>& requested,
                                                        const Standing& standing);

}  // namespace patchbench::harness
