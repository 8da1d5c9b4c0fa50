// workloads/cell_fixture_test.hpp - requests for cells, small enough for tests.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <patchbench_catch.hpp>

#include "workloads/arena_map.hpp"
#include "workloads/workload.hpp"

namespace patchbench {

[[nodiscard]] inline const WorkloadInfo& workload_info(std::string_view id) {
  for (const WorkloadInfo& info : workloads()) {
    if (info.id == id) return info;
  }
  FAIL("no workload is called " << id);
  throw std::logic_error("not reached");
}

[[nodiscard]] inline const StrategyInfo& strategy_info(std::string_view id) {
  for (const StrategyEntry& entry : strategies()) {
    if (entry.info.id == id) return entry.info;
  }
  FAIL("no strategy is called " << id);
  throw std::logic_error("not reached");
}

/// The workload's defaults, but for few sites, short methods and a small zone, and for `changes`.
[[nodiscard]] inline CellRequest small_request(std::string_view workload, ParamText changes = {},
                                               std::uint64_t seed = 1) {
  const auto given = [&](const std::string& name) -> std::optional<std::string> {
    for (const auto& [key, value] : changes) {
      if (key == name) return value;
    }
    return std::nullopt;
  };
  const ParamText small = {
      {"sites", "50"}, {"work", "3"}, {"kib", "64"}, {"classes", "16"}, {"sends", "1024"}};
  CellRequest request;
  request.seed = seed;
  for (const Parameter& parameter : workload_info(workload).parameters) {
    std::string value = parameter.default_value;
    for (const auto& [name, text] : small) value = name == parameter.name ? text : value;
    request.params.emplace_back(parameter.name, given(parameter.name).value_or(value));
  }
  return request;
}

/// Whether this machine gives the strategy any memory.
[[nodiscard]] inline bool is_allowed(const StrategyEntry& strategy) {
  try {
    static_cast<void>(strategy.probe());
    return true;
  } catch (const std::system_error& refused) {
    WARN(strategy.info.id << " is denied on this machine: " << refused.what());
    return false;
  }
}

/// Each cell that this machine can have: visit(factory).
template <class Visit>
void for_each_cell(Visit visit) {
  for (const StrategyEntry& strategy : strategies()) {
    if (!is_allowed(strategy)) continue;
    for (const WorkloadInfo& workload : workloads()) {
      const CellFactory* cell = find_cell(strategy.info.id, workload.id);
      if (cell != nullptr && cell->make != nullptr) {
        INFO(workload.id << "/" << strategy.info.id);
        visit(*cell);
      }
    }
  }
}

}  // namespace patchbench
