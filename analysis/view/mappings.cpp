#include "analysis/view/mappings.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "analysis/quantity/selection.hpp"
#include "analysis/render/numbers.hpp"
#include "analysis/render/wrap.hpp"
#include "analysis/view/catalogue.hpp"
#include "analysis/view/headline.hpp"
#include "analysis/view/publishing.hpp"

namespace patchbench::analysis {
namespace {

using results::Cell;
using results::Memory;
using results::Results;

using Amount = std::optional<std::int64_t> Memory::*;

struct Column {
  const char* title;
  Amount amount;
};
constexpr std::array kColumns = {
    Column{"zone and data", &Memory::vmas},
    Column{"while a patch is open", &Memory::vmas_open},
    Column{"process before", &Memory::process_vmas_before},
    Column{"process during", &Memory::process_vmas_during},
    Column{"process after", &Memory::process_vmas_after},
    Column{"mapped KiB", &Memory::mapped_kib},
    Column{"resident KiB", &Memory::rss_kib},
};

/// The headline's cells that are ok, each once, in its order and then in that of strategies.
std::vector<const Cell*> shown_cells(const Results& results) {
  std::vector<const Cell*> cells;
  for (const HeadlineColumn& column : headline_columns(results)) {
    for (const std::string& id : strategies_in_order(results)) {
      const Cell* cell = find_cell(results, column.workload, id, column.params);
      if (cell == nullptr || cell->status != results::CellStatus::ok) continue;
      // What a patch ends with maps nothing.
      const bool shown = std::any_of(cells.begin(), cells.end(), [&](const Cell* other) {
        return other->workload == cell->workload && other->strategy == id &&
               without_mode(other->params) == without_mode(cell->params);
      });
      if (!shown) cells.push_back(cell);
    }
  }
  return cells;
}

/// Those of which a patch makes more mappings, or fewer.
std::string splits(const std::vector<const Cell*>& cells) {
  Grouping groups;
  for (const Cell* cell : cells) {
    const Memory& memory = cell->memory;
    if (!memory.vmas || !memory.vmas_open || *memory.vmas == *memory.vmas_open) continue;
    groups.add(fmt::format("{}: {} while a patch is open, {} otherwise", cell->strategy,
                           grouped(*memory.vmas_open), grouped(*memory.vmas)),
               cell->workload + " " + spaced(cell->params));
  }
  std::string text;
  for (const auto& [what, whose] : groups.groups()) {
    text +=
        fmt::format("{}{} ({})", text.empty() ? "Mappings of zone and data that differ: " : "; ",
                    what, joined(whose));
  }
  return text.empty() ? "" : text + ".";
}

/// Whether anything stays behind.
std::string leftovers(const std::vector<const Cell*>& cells) {
  std::size_t known = 0;
  Grouping left;
  for (const Cell* cell : cells) {
    const auto& before = cell->memory.process_vmas_before;
    const auto& after = cell->memory.process_vmas_after;
    if (!before || !after) continue;
    ++known;
    if (*before != *after) left.add(fmt::format("{:+}", *after - *before), cell->id);
  }
  if (known == 0) return "";
  if (left.groups().empty()) {
    return "After its cell every process had as many mappings as before it.";
  }
  std::string text = "Mappings after the cell, against before it: ";
  for (const auto& [difference, ids] : left.groups()) {
    text += fmt::format("{} in {}; ", difference, joined(ids));
  }
  return text + "none in the others.";
}

}  // namespace

std::optional<Section> mappings_section(const Results& results) {
  const std::vector<const Cell*> cells = shown_cells(results);
  const bool known = std::any_of(cells.begin(), cells.end(), [](const Cell* cell) {
    return cell->memory.process_vmas_before.has_value();
  });
  if (!known) return std::nullopt;
  Section section;
  section.title = "Mappings (VMAs)";
  for (std::string sentence : {splits(cells), leftovers(cells)}) {
    if (!sentence.empty()) section.paragraphs.push_back(std::move(sentence));
  }
  TextTable table{{"workload", "parameters", "strategy"}, {}};
  for (const Column& column : kColumns) table.header.emplace_back(column.title);
  for (const Cell* cell : cells) {
    std::vector<TextCell> row{{cell->workload, Tone::plain},
                              {spaced(cell->params), Tone::plain},
                              {cell->strategy, Tone::name}};
    for (const Column& column : kColumns) {
      const auto& amount = cell->memory.*column.amount;
      row.push_back(amount ? TextCell{grouped(*amount), Tone::number}
                           : TextCell{"unknown", Tone::faint});
    }
    table.rows.push_back(std::move(row));
  }
  section.table = std::move(table);
  section.detail = section.table->rows.size() > 40;
  return section;
}

}  // namespace patchbench::analysis
