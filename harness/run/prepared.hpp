// harness/run/prepared.hpp - what a run decides before the first child is timed.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/signals.hpp"
#include "harness/plan/catalogue.hpp"
#include "harness/plan/plan.hpp"
#include "harness/process/layouts.hpp"
#include "harness/run/options.hpp"
#include "harness/run/settings.hpp"
#include "results/model.hpp"

namespace patchbench::harness {

/// What this machine says of a strategy, found out before anything is measured.
struct Probed {
  results::StrategyStatus row;
  /// What the strategy's cases are when it is not available: denied, or what happened to the probe.
  results::CellStatus cells = results::CellStatus::ok;
};

struct Prepared {
  std::vector<Probed> probed;
  std::string baseline;
  std::vector<PlannedCell> cells;
  int rounds_apart = 1;              // of the two nearest rounds that have all cases
  std::optional<ChooseArena> arena;  // empty: the kernel chooses addresses
  Layouts layouts;
};

/// Probes the strategies, chooses the one that ratios are to, and plans the cases. The baseline is
/// the one that was asked for, else the first that is available of the preferred ones, else of all;
/// none when this machine allows none. Empty when the run was asked to stop. Throws
/// UsageError as plan_cells() does, when the baseline asked for is not available, and when the
/// policy asked for cannot be set; and as run_child() does.
[[nodiscard]] std::optional<Prepared> prepare(const Catalogue& catalogue, const Options& options,
                                              const Settings& settings, SignalWatch& signals);

/// nullptr when there is none of that name.
[[nodiscard]] const Probed* find_probed(const std::vector<Probed>& probed, std::string_view id);

/// What this machine does not allow is a row with a reason, and is not run.
[[nodiscard]] bool is_allowed(const Prepared& prepared, const PlannedCell& cell);
[[nodiscard]] bool is_run(const Prepared& prepared, const PlannedCell& cell);

/// The cases whose ratios were asked for: those of strategies, not of controls.
[[nodiscard]] std::set<std::string> requested_cells(const Catalogue& catalogue,
                                                    const Prepared& prepared);

/// The results of a run that has measured nothing yet: its context, and a row for every case.
[[nodiscard]] results::Results blank_results(const Catalogue& catalogue, const Options& options,
                                             const Settings& settings, const Prepared& prepared);

}  // namespace patchbench::harness
