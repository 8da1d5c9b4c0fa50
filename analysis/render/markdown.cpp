#include "analysis/render/markdown.hpp"

namespace patchbench::analysis {
namespace {

std::string row_text(const std::vector<std::string>& cells) {
  std::string row = "|";
  for (const std::string& cell : cells) row += " " + cell + " |";
  return row + "\n";
}

std::string table_text(const TextTable& table) {
  std::vector<std::string> header;
  for (const std::string& title : table.header) header.push_back(escape_markdown(title));
  std::string text = row_text(header) + row_text(std::vector<std::string>(header.size(), "---"));
  for (const auto& row : table.rows) {
    std::vector<std::string> cells;
    cells.reserve(row.size());
    for (const TextCell& cell : row) cells.push_back(escape_markdown(text_with_verdict(cell)));
    text += row_text(cells);
  }
  return text + "\n";
}

std::string section_text(const Section& section, bool emulated) {
  std::string text =
      "## " + escape_markdown(section.title) + (emulated ? " (EMULATED)" : "") + "\n\n";
  for (const std::string& paragraph : section.paragraphs)
    text += escape_markdown(paragraph) + "\n\n";
  if (section.table) text += table_text(*section.table);
  for (const std::string& note : section.footnotes) text += escape_markdown(note) + "\n\n";
  return text;
}

}  // namespace

std::string escape_markdown(std::string_view text) {
  constexpr std::string_view kSpecial = "\\`*_[]<>|#&~";
  std::string escaped;
  for (const char c : text) {
    if (kSpecial.find(c) != std::string_view::npos) escaped += '\\';
    escaped += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  }
  return escaped;
}

std::string markdown_page(const Document& document) {
  std::string text =
      "# " + escape_markdown(document.title) + (document.emulated ? " (EMULATED)" : "") + "\n\n";
  for (const std::string& warning : document.warnings) {
    text += "- **Warning:** " + escape_markdown(warning) + "\n";
  }
  if (!document.warnings.empty()) text += "\n";
  for (const Section* section : in_reading_order(document)) {
    text += section_text(*section, document.emulated);
  }
  return text;
}

}  // namespace patchbench::analysis
