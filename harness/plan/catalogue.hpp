// harness/plan/catalogue.hpp - the strategies and workloads that a bench-run knows.
//
// A seam: bench_run.cpp fills it from the registries, the tests fill it with cases that crash, hang
// and lie, and everything else in this folder is passed it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "results/model.hpp"
#include "workloads/workload.hpp"

namespace patchbench::harness {

struct Catalogue {
  std::span<const StrategyEntry> strategies;  // strategies first, then controls; without `again`
  std::span<const WorkloadInfo> workloads;
  const CellFactory* (*find_cell)(std::string_view strategy, std::string_view workload) = nullptr;
};

/// The baseline's twin. It is in no registry: it runs whatever the baseline runs.
inline constexpr std::string_view kAgain = results::kAgain;
inline constexpr std::string_view kAgainSummary =
    "the baseline measured a second time: the noise of this run";
inline constexpr StrategyInfo kAgainInfo{
    .id = kAgain, .summary = kAgainSummary, .role = StrategyRole::control, .only_workload = {}};

/// nullptr when there is none of that name.
[[nodiscard]] const StrategyEntry* find_strategy(const Catalogue& catalogue, std::string_view id);
[[nodiscard]] const WorkloadInfo* find_workload(const Catalogue& catalogue, std::string_view id);

/// In presentation order; strategy ids include the controls, without `again`.
[[nodiscard]] std::vector<std::string> strategy_ids(const Catalogue& catalogue);
[[nodiscard]] std::vector<std::string> workload_ids(const Catalogue& catalogue);

/// Of all workloads, those that only execute code; each once.
[[nodiscard]] std::vector<std::string> execute_only_metrics(const Catalogue& catalogue);

/// Writes into the results what the catalogue says of strategies, workloads and metrics, where they
/// do not say it themselves, as files of before it was recorded do not. `asked_for`: the workloads
/// that were asked for by name, which have columns in the first table in any case.
void describe(results::Results& results, const Catalogue& catalogue,
              const std::vector<std::string>& asked_for = {});

}  // namespace patchbench::harness
