// harness/programs/look_up_test.hpp - for tests: looking things up in what a program said and left.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include <patchbench_catch.hpp>

#include "results/model.hpp"

namespace patchbench::harness {

[[nodiscard]] inline bool says(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

[[nodiscard]] inline const results::Cell& cell_of(const results::Results& results,
                                                  std::string_view id) {
  const auto found = std::ranges::find(results.cells, id, &results::Cell::id);
  INFO("looking for " << id);
  REQUIRE(found != results.cells.end());
  return *found;
}

[[nodiscard]] inline const results::StrategyStatus& strategy_of(const results::Results& results,
                                                                std::string_view id) {
  const auto found = std::ranges::find(results.strategies, id, &results::StrategyStatus::id);
  INFO("looking for " << id);
  REQUIRE(found != results.strategies.end());
  return *found;
}

}  // namespace patchbench::harness
