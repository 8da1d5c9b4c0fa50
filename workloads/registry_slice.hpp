// workloads/registry_slice.hpp - the cases of every strategy with every workload, in slices that
// compile side by side.
//
// A slice has every kRegistrySlices-th strategy with all workloads: send machines are instantiated
// for a strategy, so that no slice repeats another's.
#pragma once

#include <cstddef>
#include <vector>

#include "workloads/workload.hpp"

namespace patchbench {

inline constexpr std::size_t kRegistrySlices = 4;  // as many as CMakeLists.txt makes files

/// Instantiated in one file for each slice (registry_slice.cpp.in).
template <std::size_t kSlice>
[[nodiscard]] std::vector<CellFactory> cells_of_slice();

}  // namespace patchbench
