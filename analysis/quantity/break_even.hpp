// analysis/quantity/break_even.hpp - from how many sends a patch on a strategy pays.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analysis/quantity/quantities.hpp"
#include "analysis/statistics/statistics.hpp"

namespace patchbench::analysis {

/// What a run says about two strategies of which one may be slower to patch and cheaper to execute.
struct BreakEven {
  enum class Kind {
    one_always,    // `one` patches and executes more cheaply
    other_always,  // `other` does
    at,            // it depends on how often a site is executed between two patches
    inconclusive,  // either difference may be none
  };
  Kind kind = Kind::inconclusive;
  bool one_from_there_on = false;    // of `at`: `one` is the better with more sends than that
  std::optional<double> sends;       // a patch, median over rounds
  std::optional<Interval> interval;  // the deciding one
};

/// Whether it says which of two costs less.
[[nodiscard]] bool is_decided(results::Verdict verdict);

/// A metric of one workload at one parameter set.
struct CostAt {
  std::string workload;
  results::Params params;
  std::string metric;
};

/// nullptr where the strategy has no value there.
[[nodiscard]] const results::Metric* find_cost(const Quantities& run, const CostAt& at,
                                               const std::string& strategy);

/// `faster` where `one` certainly costs less than `other`: the interval of their paired ratio lies
/// beyond 1 (statistics.hpp, plain_verdict with delta 0).
[[nodiscard]] results::Verdict cost_order(const Quantities& run, const CostAt& at,
                                          const std::string& one, const std::string& other);

/// What a patch of one site costs with its first execution: among hits where the baseline has that,
/// else of every send.
[[nodiscard]] CostAt patches_at(const Quantities& run, const results::Params& params);

/// The sends that such a patch has in it: of patches of every send the one right after, none of
/// those among hits.
[[nodiscard]] double sends_in(const CostAt& patches);

/// Sends of `mic`.
[[nodiscard]] CostAt sends_at(const results::Params& params);

/// The parameter sets of `relink` that patch one site at a time, in the run's order.
[[nodiscard]] std::vector<results::Params> single_patches(const Quantities& run);

/// Sends of `mic` that go with such patches: as many sites, and like those in random order where
/// the run has that.
[[nodiscard]] std::optional<CostAt> sends_like(const Quantities& run,
                                               const results::Params& patches);

/// Sends a patch N at which patching and then executing N times costs the same with both:
/// patch_execute + (N - 1) * send, so N = 1 + (patch_execute(one) - patch_execute(other)) /
/// (send(other) - send(one)), round by round. Among hits patch_execute is the excess over a hit,
/// and the 1 falls away. A model: `send` is that of a site in its steady state, `patch_execute`
/// that of the first execution after a patch.
[[nodiscard]] BreakEven break_even(const Quantities& run, const CostAt& patch, const CostAt& send,
                                   const std::string& one, const std::string& other);

}  // namespace patchbench::analysis
