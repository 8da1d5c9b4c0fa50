#include "analysis/render/page_parts.hpp"

// The names that analysis/CMakeLists.txt gives the first byte and the end of each file.
// NOLINTBEGIN(readability-identifier-naming)
extern "C" {
extern const char patchbench_vega[], patchbench_vega_end[];
extern const char patchbench_vega_lite[], patchbench_vega_lite_end[];
extern const char patchbench_vega_embed[], patchbench_vega_embed_end[];
extern const char patchbench_page_script[], patchbench_page_script_end[];
extern const char patchbench_page_style[], patchbench_page_style_end[];
}
// NOLINTEND(readability-identifier-naming)

namespace patchbench::analysis {
namespace {

/// Without the last line's note of where a source map is: a debugger would ask for that file.
std::string_view script(const char* begin, const char* end) {
  const std::string_view text(begin, end);
  return text.substr(0, text.rfind("//# sourceMappingURL="));
}

}  // namespace

std::string_view page_style() { return {patchbench_page_style, patchbench_page_style_end}; }

std::string_view page_script() { return {patchbench_page_script, patchbench_page_script_end}; }

std::array<std::string_view, 3> chart_scripts() {
  return {script(patchbench_vega, patchbench_vega_end),
          script(patchbench_vega_lite, patchbench_vega_lite_end),
          script(patchbench_vega_embed, patchbench_vega_embed_end)};
}

}  // namespace patchbench::analysis
