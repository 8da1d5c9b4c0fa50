// harness/run/prepared.hpp - what a run decides before the first child is timed.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "harness/base/signals.hpp"
#include "harness/plan/catalogue.hpp"
#include "harness/plan/plan.hpp"
#include "harness/process/layouts.hpp"
#include "harness/run/command_line.hpp"
#include "harness/run/probe.hpp"
#include "harness/run/settings.hpp"
#include "results/model.hpp"

namespace patchbench::harness {

struct Prepared {
  std::vector<Probed> probed;
  std::string baseline;
  std::vector<PlannedCell> cells;
  std::optional<ChooseArena> arena;  // empty: the kernel chooses addresses
  Layouts layouts;
};

/// Probes the strategies and plans the cells. Empty when the run was asked to stop. Throws
/// UsageError as plan_cells() does.
[[nodiscard]] std::optional<Prepared> prepare(const Catalogue& catalogue, const Options& options,
                                              const Settings& settings, SignalWatch& signals);

/// What this machine does not allow is a row with a reason, and is not run.
[[nodiscard]] bool is_allowed(const Prepared& prepared, const PlannedCell& cell);
[[nodiscard]] bool is_run(const Prepared& prepared, const PlannedCell& cell);

/// The cells whose ratios were asked for: those of strategies, not of controls.
[[nodiscard]] std::set<std::string> requested_cells(const Catalogue& catalogue,
                                                    const Prepared& prepared);

/// The results of a run that has measured nothing yet: its context, and a row for every cell.
[[nodiscard]] results::Results blank_results(const Catalogue& catalogue, const Options& options,
                                             const Settings& settings, const Prepared& prepared);

}  // namespace patchbench::harness
