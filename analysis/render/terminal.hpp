// analysis/render/terminal.hpp - a section of a document for a terminal.
#pragma once

#include <cstddef>
#include <string>

#include "analysis/render/document.hpp"

namespace patchbench::analysis {

struct TerminalStyle {
  std::size_t width = 100;  // columns; at least kNarrowest are used
  bool colour = false;      // ANSI colours for verdicts
};
inline constexpr std::size_t kNarrowest = 40;

/// Title, paragraphs, table and footnotes, no line longer than the width; ends with a newline.
///
/// Columns before the first one of numbers are keys. Where a table is too wide, the columns of
/// numbers go on in further tables below, each with the keys; where it has none, its last column is
/// broken into lines. A key that repeats the one above it, with all keys before it, is left out.
[[nodiscard]] std::string terminal_text(const Section& section, const TerminalStyle& style);

/// Title and warnings, then its sections; the summary comes last, where a person looks.
[[nodiscard]] std::string terminal_text(const Document& document, const TerminalStyle& style);

}  // namespace patchbench::analysis
