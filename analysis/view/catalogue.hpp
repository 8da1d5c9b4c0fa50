// analysis/view/catalogue.hpp - what a run says of the strategies and controls that it had.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "results/model.hpp"

namespace patchbench::analysis {

/// No way to change code, but what those are held against. Files that do not say so are older than
/// controls that palette.hpp does not know.
[[nodiscard]] bool is_control(const results::Results& results, std::string_view id);

/// What it is; empty in older files.
[[nodiscard]] std::string summary_of(const results::Results& results, std::string_view id);

/// In the run's order, strategies before controls; after them what only cells have: every id in
/// results.strategies and results.cells once.
[[nodiscard]] std::vector<std::string> strategies_in_order(const results::Results& results);

}  // namespace patchbench::analysis
