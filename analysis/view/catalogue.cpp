#include "analysis/view/catalogue.hpp"

#include <algorithm>

#include "analysis/quantity/selection.hpp"
#include "analysis/render/palette.hpp"

namespace patchbench::analysis {

bool is_control(const results::Results& results, std::string_view id) {
  const auto* row = find_strategy(results, id);
  return row != nullptr && row->role ? *row->role == results::Role::control
                                     : appearance(id).control;
}

std::string summary_of(const results::Results& results, std::string_view id) {
  const auto* row = find_strategy(results, id);
  return row != nullptr ? row->summary.value_or("") : "";
}

std::vector<std::string> strategies_in_order(const results::Results& results) {
  std::vector<std::string> ids;
  const auto add = [&ids](const std::string& id) {
    if (std::ranges::find(ids, id) == ids.end()) ids.push_back(id);
  };
  for (const auto& strategy : results.strategies) add(strategy.id);
  for (const auto& cell : results.cells) add(cell.strategy);
  std::stable_partition(ids.begin(), ids.end(),
                        [&](const std::string& id) { return !is_control(results, id); });
  return ids;
}

}  // namespace patchbench::analysis
