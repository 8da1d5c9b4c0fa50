#include "workloads/registry.hpp"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "strategies/registry.hpp"
#include "workloads/probe.hpp"
#include "workloads/registry_slice.hpp"
#include "workloads/workload.hpp"

namespace patchbench {
namespace {

template <class Strategy>
StrategyEntry entry(StrategyRole role) {
  return {.info = {.id = Strategy::kId,
                   .summary = Strategy::kSummary,
                   .role = role,
                   .patches_code = patched_at_run_time(Strategy::kDispatch) &&
                                   send::never_patched<Strategy>().empty(),
                   .second_view = Strategy::Zone::kAlias == AliasKind::second_view &&
                                  patched_at_run_time(Strategy::kDispatch) &&
                                  role == StrategyRole::strategy,
                   .only_workload = only_workload<Strategy>(),
                   .code = to_string(Strategy::kDispatch),
                   .toggles_protection = toggles_protection<typename Strategy::Zone>(),
                   .writable_and_executable = is_writable_and_executable<typename Strategy::Zone>(),
                   .preferred_baseline = is_preferred_baseline<Strategy>(),
                   .floor = is_floor<Strategy>(),
                   .staged = is_staged<typename Strategy::Zone>(),
                   .opens_whole_zone = opens_whole_zone<typename Strategy::Zone>(),
                   .small_grid = has_small_grid<Strategy>(),
                   .fork = to_string(fork_of<typename Strategy::Zone>()),
                   .refused_by = refusals_of<typename Strategy::Zone>()},
          .probe = &probe_zone<typename Strategy::Zone>};
}

template <class... Strategies, class... Controls>
std::vector<StrategyEntry> all_strategies(std::tuple<Strategies...>*, std::tuple<Controls...>*) {
  return {entry<Strategies>(StrategyRole::strategy)..., entry<Controls>(StrategyRole::control)...};
}

template <class... Workloads>
std::vector<WorkloadInfo> all_workloads(std::tuple<Workloads...>*) {
  return {Workloads::info()...};
}

template <std::size_t... kSlices>
std::vector<CellFactory> cells_of(std::index_sequence<kSlices...>) {
  std::vector<CellFactory> cells;
  (std::ranges::move(cells_of_slice<kSlices>(), std::back_inserter(cells)), ...);
  return cells;
}

std::vector<CellFactory> all_cells() {
  return cells_of(std::make_index_sequence<kRegistrySlices>{});
}

}  // namespace

std::span<const StrategyEntry> strategies() {
  static const std::vector<StrategyEntry> list =
      all_strategies(static_cast<StrategyList*>(nullptr), static_cast<ControlList*>(nullptr));
  return list;
}

std::span<const WorkloadInfo> workloads() {
  static const std::vector<WorkloadInfo> list = all_workloads(static_cast<WorkloadList*>(nullptr));
  return list;
}

const CellFactory* find_cell(std::string_view strategy, std::string_view workload) {
  static const std::vector<CellFactory> cells = all_cells();
  const auto found = std::ranges::find_if(cells, [&](const CellFactory& cell) {
    return cell.strategy == strategy && cell.workload == workload;
  });
  return found == cells.end() ? nullptr : &*found;
}

}  // namespace patchbench
