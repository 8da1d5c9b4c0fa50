// harness/plan/catalogue.hpp - the strategies and workloads that a bench-run knows.
//
// A seam: bench_run.cpp fills it from the registries, the tests fill it with cells that crash, hang
// and lie, and everything else in this folder is passed it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "workloads/workload.hpp"

namespace patchbench::harness {

struct Catalogue {
  std::span<const StrategyEntry> strategies;  // strategies first, then controls; without `again`
  std::span<const WorkloadInfo> workloads;
  const CellFactory* (*find_cell)(std::string_view strategy, std::string_view workload) = nullptr;
};

/// The baseline's twin. It is in no registry: it runs whatever the baseline runs.
inline constexpr std::string_view kAgain = "again";
inline constexpr std::string_view kAgainSummary =
    "the baseline measured a second time: the noise of this run";

/// nullptr when there is none of that name.
[[nodiscard]] const StrategyEntry* find_strategy(const Catalogue& catalogue, std::string_view id);
[[nodiscard]] const WorkloadInfo* find_workload(const Catalogue& catalogue, std::string_view id);

/// In presentation order; strategy ids include the controls, without `again`.
[[nodiscard]] std::vector<std::string> strategy_ids(const Catalogue& catalogue);
[[nodiscard]] std::vector<std::string> workload_ids(const Catalogue& catalogue);

/// Of all workloads, those that only execute code; each once.
[[nodiscard]] std::vector<std::string> execute_only_metrics(const Catalogue& catalogue);

}  // namespace patchbench::harness
