// analysis/view/titles.hpp - what a run says of its metrics.
//
// Files, options and ids keep a metric's own name; tables and figures have its title, which says
// what was patched or missed meanwhile.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "results/model.hpp"

namespace patchbench::analysis {

/// "patch + execute (every send)"; of a metric that the run does not describe, its name.
[[nodiscard]] std::string metric_title(const results::Results& results, std::string_view metric);
[[nodiscard]] std::string metric_title(const std::vector<results::MetricEntry>& metrics,
                                       std::string_view metric);

/// Whether tables have a column of it for each mode of --publish.
[[nodiscard]] bool has_a_column_for_each_mode(const results::Results& results,
                                              std::string_view metric);

}  // namespace patchbench::analysis
