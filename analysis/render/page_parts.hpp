// analysis/render/page_parts.hpp - the files that a report takes with it as they are.
//
// The linker has put them into the program (analysis/CMakeLists.txt), so that nothing is looked for
// when a report is written.
#pragma once

#include <array>
#include <string_view>

namespace patchbench::analysis {

[[nodiscard]] std::string_view page_style();
[[nodiscard]] std::string_view page_script();
/// Vega, Vega-Lite and Vega-Embed, in the order in which a page loads them (analysis/vendor).
[[nodiscard]] std::array<std::string_view, 3> chart_scripts();

}  // namespace patchbench::analysis
