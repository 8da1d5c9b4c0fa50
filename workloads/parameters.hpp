// workloads/parameters.hpp - reading a cell's parameters, and the declarations that several
// workloads share.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "workloads/workload.hpp"

namespace patchbench {

/// The value of a declared parameter. Throws std::invalid_argument when the request lacks it or it
/// is no number.
[[nodiscard]] std::int64_t integer_parameter(const CellRequest& request, std::string_view name);
[[nodiscard]] std::uint32_t count_parameter(const CellRequest& request, std::string_view name);
[[nodiscard]] const std::string& word_parameter(const CellRequest& request, std::string_view name);

[[nodiscard]] Parameter sites_parameter(std::vector<std::string> standard_grid,
                                        std::vector<std::string> quick_grid);
/// Operations of a method body: `work`, 8 by default. Empty leaves exaggerate the price of a send.
[[nodiscard]] Parameter work_parameter();
/// `on_miss`, of which each workload that misses has one policy: stated, not chosen.
[[nodiscard]] Parameter on_miss_parameter(std::string policy);
[[nodiscard]] Parameter cache_entries_parameter(std::vector<std::string> standard_grid);

}  // namespace patchbench
