// harness/run/probe.hpp - which strategies this machine allows, found out before anything is
// measured.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/signals.hpp"
#include "harness/plan/catalogue.hpp"
#include "results/model.hpp"

namespace patchbench::harness {

struct Probed {
  results::StrategyStatus row;
  /// What the strategy's cells are when it is not available: denied, or what happened to the probe.
  results::CellStatus cells = results::CellStatus::ok;
};

/// One child for each strategy and control, in the catalogue's order. Empty when the run was asked
/// to stop. Throws std::system_error as run_child does.
[[nodiscard]] std::optional<std::vector<Probed>> probe_strategies(const Catalogue& catalogue,
                                                                  std::chrono::milliseconds timeout,
                                                                  SignalWatch& signals);

/// nullptr when there is none of that name.
[[nodiscard]] const Probed* find_probed(const std::vector<Probed>& probed, std::string_view id);

/// The strategy that ratios are to: `wanted`, else the first that is available of rwx, memfd-dual,
/// file-dual, else of all; empty when this machine allows none. Throws UsageError when `wanted` is
/// not available, naming why.
[[nodiscard]] std::string choose_baseline(const Catalogue& catalogue,
                                          const std::vector<Probed>& probed,
                                          const std::optional<std::string>& wanted);

}  // namespace patchbench::harness
