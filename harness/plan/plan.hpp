// harness/plan/plan.hpp - which cases a run has, and in which order each round measures them.
//
// A plan is a pure function of the catalogue, the selection and the seed: the same three give the
// same plan on every machine and with every standard library, so that a published run can be
// repeated case by case.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <regex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/plan/catalogue.hpp"
#include "harness/plan/parameters.hpp"
#include "harness/plan/preset.hpp"
#include "results/model.hpp"
#include "workloads/seeded_random.hpp"

namespace patchbench::harness {

struct Selection {
  std::vector<std::string> strategies;  // empty: all
  std::vector<std::string> workloads;   // empty: all
  std::vector<ParamOverride> overrides;
  std::optional<std::regex> filter;  // searched in the case's id
  const Preset* preset = nullptr;
};

struct PlannedCell {
  std::string id;
  std::string strategy;  // as reported; "again" for the baseline's twin
  std::string runs;      // the strategy that is executed: differs for "again" alone
  std::string workload;
  ParamText params;  // complete
  results::Params shown;
  std::size_t metrics = 0;      // how many it measures
  MakeInstance make = nullptr;  // null: unsupported
  std::string unsupported;      // the reason
  std::string unavailable;      // why this machine has not what it needs; no part of the plan
  bool denied = false;          // because it is refused, not because there is none
  double setup_ms = 0;          // that set-up and checks take beyond the usual (setup_ms())
  int every = 1;                // it is in the rounds whose number this divides
};

/// What set-up and checks of a case take by its parameters (Growth); `toggles`: each patch changes
/// the protection of pages.
[[nodiscard]] double setup_ms(const WorkloadInfo& workload, const ParamText& params, bool toggles);

/// Fills in why this machine cannot have the case's parameters, where it cannot. No part of the
/// plan, which is the same on every machine. What a seccomp filter may kill for is asked in a
/// child.
void find_unavailable(const Catalogue& catalogue, PlannedCell& cell);

/// One round: the same seed and the same place in memory for all of its cases.
struct PlannedRound {
  std::uint64_t seed = 0;
  Arena arena;
  std::vector<std::size_t> order;  // indices of cases, unsupported ones left out
};

/// The cases of a round in groups, those that are compared with each other (one workload, one set
/// of parameters), in the order in which the round has the first of each; inside a group in the
/// round's order.
[[nodiscard]] std::vector<std::vector<std::size_t>> groups_of(const std::vector<PlannedCell>& cells,
                                                              std::span<const std::size_t> order);

/// Throws UsageError for a word that the catalogue does not have, a parameter that no selected
/// workload has, and a value that one of them refuses.
void check_selection(const Catalogue& catalogue, const Selection& selection);

/// Cases in presentation order: by workload, then parameters, then strategy. `baseline` is a
/// strategy's id, or empty on a machine that allows none (then there is no `again` either).
/// Controls and the baseline stand beside every (workload, parameters) of which at least one case
/// was asked for, whatever the selection says. Throws UsageError as check_selection does, and when
/// nothing is left.
[[nodiscard]] std::vector<PlannedCell> plan_cells(const Catalogue& catalogue,
                                                  const Selection& selection,
                                                  std::string_view baseline);

/// Where a rule ends the run, every how many rounds the case is measured (Preset::others_every,
/// controls_every).
[[nodiscard]] int rounds_apart(const Catalogue& catalogue, const Selection& selection,
                               std::string_view baseline, const PlannedCell& cell);

/// `arena` places a round; called once for each with that round's generator
/// (harness/plan/arena.hpp).
using ChooseArena = Arena (*)(SeededRandom& random);

/// The rounds of a run, one after the other, as many as are asked for.
class RoundPlanner {
 public:
  RoundPlanner(const std::vector<PlannedCell>& cells, std::uint64_t seed, ChooseArena choose_arena);
  [[nodiscard]] PlannedRound next();

 private:
  std::vector<std::size_t> made_;  // indices of cases that can be made
  std::mt19937_64 seeds_;
  ChooseArena choose_arena_;
};

}  // namespace patchbench::harness
