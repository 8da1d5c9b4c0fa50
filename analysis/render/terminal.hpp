// analysis/render/terminal.hpp - documents and their sections for a terminal.
#pragma once

#include <string>
#include <vector>

#include "analysis/render/document.hpp"

namespace patchbench::analysis {

struct TerminalStyle {
  int width = 100;      // columns; at least kNarrowest are used
  bool colour = false;  // ANSI colours for verdicts
};
inline constexpr int kNarrowest = 40;

/// Title, paragraphs, table and footnotes, no line longer than the width; begins with an empty line
/// and ends with a newline.
///
/// Columns before the first one of numbers are keys. Lines of an entry of numbers stand side by
/// side, and a verdict is a sign: < faster, > slower, = same, ? inconclusive. Where a table is too
/// wide, the columns of numbers go on in further tables below, each with the keys of the rows that
/// have something there; where it has none, its last column is broken into lines. A key that
/// repeats the one above it, with all keys before it, is left out.
[[nodiscard]] std::string terminal_text(const Section& section, const TerminalStyle& style);

/// Whether no column of the table has to go on in another table below.
[[nodiscard]] bool stands_in_one_block(const TextTable& table, const TerminalStyle& style);

/// One after the other, without the first empty line.
[[nodiscard]] std::string terminal_text(const std::vector<Section>& sections,
                                        const TerminalStyle& style);

/// Title and warnings, then its sections; the summary comes last, where a person looks.
[[nodiscard]] std::string terminal_text(const Document& document, const TerminalStyle& style);

}  // namespace patchbench::analysis
