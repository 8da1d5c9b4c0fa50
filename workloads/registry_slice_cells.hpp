// workloads/registry_slice_cells.hpp - what a slice of the registry consists of; included by the
// files of slices alone (registry_slice.cpp.in).
#pragma once

#include <cstddef>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "strategies/registry.hpp"
#include "workloads/registry.hpp"
#include "workloads/registry_slice.hpp"
#include "workloads/workload.hpp"

namespace patchbench {
namespace slice {

using Strategies =
    decltype(std::tuple_cat(std::declval<StrategyList>(), std::declval<ControlList>()));

template <class Workload, class Strategy>
CellFactory factory() {
  CellFactory cell;
  cell.strategy = Strategy::kId;
  cell.workload = Workload::kId;
  cell.unsupported = Workload::template unsupported<Strategy>();
  if constexpr (Workload::template unsupported<Strategy>().empty()) {
    cell.make = &Workload::template make<Strategy>;
    if constexpr (requires { &Workload::template dump<Strategy>; }) {
      cell.dump = &Workload::template dump<Strategy>;
    }
    if constexpr (requires { &Workload::template unsupported_at<Strategy>; }) {
      cell.unsupported_at = &Workload::template unsupported_at<Strategy>;
    }
  }
  return cell;
}

template <class Workload, class Strategy>
void add_cell(std::vector<CellFactory>& cells) {
  if constexpr (only_workload<Strategy>().empty() || only_workload<Strategy>() == Workload::kId) {
    cells.push_back(factory<Workload, Strategy>());
  }
}

template <class Strategy, class... Workloads>
void add_cells_of(std::vector<CellFactory>& cells, std::type_identity<std::tuple<Workloads...>>) {
  (add_cell<Workloads, Strategy>(cells), ...);
}

template <std::size_t kSlice, std::size_t... kStrategies>
void add_slice(std::vector<CellFactory>& cells, std::index_sequence<kStrategies...>) {
  const auto add = [&cells]<std::size_t kStrategy>(std::integral_constant<std::size_t, kStrategy>) {
    if constexpr (kStrategy % kRegistrySlices == kSlice) {
      add_cells_of<std::tuple_element_t<kStrategy, Strategies>>(cells,
                                                                std::type_identity<WorkloadList>{});
    }
  };
  (add(std::integral_constant<std::size_t, kStrategies>{}), ...);
}

}  // namespace slice

template <std::size_t kSlice>
std::vector<CellFactory> cells_of_slice() {
  std::vector<CellFactory> cells;
  slice::add_slice<kSlice>(cells, std::make_index_sequence<std::tuple_size_v<slice::Strategies>>{});
  return cells;
}

}  // namespace patchbench
