#include "analysis/render/csv.hpp"

#include <string_view>

namespace patchbench::analysis {
namespace {

void add_field(std::string& text, std::string_view field, bool first) {
  if (!first) text += ',';
  if (field.find_first_of(",\"\r\n") == std::string_view::npos) {
    text += field;
    return;
  }
  text += '"';
  for (const char c : field) {
    if (c == '"') text += '"';
    text += c;
  }
  text += '"';
}

}  // namespace

std::string csv_text(const TextTable& table) {
  std::string text;
  for (const std::string& title : table.header) {
    add_field(text, title, &title == &table.header.front());
  }
  text += '\n';
  for (const auto& row : table.rows) {
    for (const TextCell& cell : row) add_field(text, cell.text, &cell == &row.front());
    text += '\n';
  }
  return text;
}

}  // namespace patchbench::analysis
