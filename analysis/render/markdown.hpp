// analysis/render/markdown.hpp - a document as Markdown (GitHub's tables), to paste where people
// talk about a run.
#pragma once

#include <string>
#include <string_view>

#include "analysis/render/document.hpp"

namespace patchbench::analysis {

/// Characters that Markdown or HTML inside it would interpret are escaped; line ends become spaces.
[[nodiscard]] std::string escape_markdown(std::string_view text);

[[nodiscard]] std::string markdown_page(const Document& document);

}  // namespace patchbench::analysis
