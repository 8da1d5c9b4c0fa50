// analysis/view/titles.hpp - what a metric is called where people read it.
//
// Files, options and ids keep the metric's own name; tables and figures have its title, which says
// what was patched or missed meanwhile.
#pragma once

#include <string>
#include <string_view>

namespace patchbench::analysis {

/// "patch + execute (every send)"; of a metric that needs no other title, its name.
[[nodiscard]] std::string metric_title(std::string_view metric);

/// The metric of the same change among sends that hit, which a predictor cannot learn; empty where
/// there is none of that kind.
[[nodiscard]] std::string_view among_hits(std::string_view metric);

}  // namespace patchbench::analysis
