#include "analysis/view/mappings.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "analysis/render/numbers.hpp"
#include "analysis/render/wrap.hpp"
#include "analysis/view/headline.hpp"
#include "analysis/view/publishing.hpp"
#include "analysis/view/table.hpp"

namespace patchbench::analysis {
namespace {

std::optional<double> memory(const Quantities& run, Key row, const char* member) {
  row.set = kMemory;
  row.name = member;
  return run.at(std::move(row)).value;
}

std::string whole(double value) { return grouped(std::llround(value)); }

Column<Key> mapping_column(const Quantities& run, const char* title, const char* member) {
  return {title, [&run, member](const Key& row) {
            const auto value = memory(run, row, member);
            return value ? number(whole(*value)) : faint("unknown");
          }};
}

/// The headline's cells that are ok, each once, in its order and then in that of strategies. What a
/// patch ends with maps nothing.
std::vector<Key> shown_cells(const Quantities& run) {
  std::vector<Key> operations;
  std::vector<Key> rows;
  std::vector<Key> known;
  for (const HeadlineColumn& column : headline_columns(run)) {
    add_once(operations, Key{column.workload, column.params});
  }
  return rows_of(run, operations, [&](const Key& row, const results::Cell& cell) {
    Key like = row;
    like.params = without_mode(row.params);
    if (!is_ok(&cell) || std::ranges::find(known, like) != known.end()) return false;
    known.push_back(std::move(like));
    return true;
  });
}

/// Those of which a patch makes more mappings, or fewer.
std::string splits(const Quantities& run, const std::vector<Key>& rows) {
  Grouping groups;
  for (const Key& row : rows) {
    const auto closed = memory(run, row, "vmas");
    const auto open = memory(run, row, "vmas_open");
    if (!closed || !open || *closed == *open) continue;
    groups.add(fmt::format("{}: {} while a patch is open, {} otherwise", row.strategy, whole(*open),
                           whole(*closed)),
               row.workload + " " + spaced(row.params));
  }
  std::vector<std::string> parts;
  for (const auto& [what, whose] : groups.groups()) {
    parts.push_back(fmt::format("{} ({})", what, joined(whose)));
  }
  if (parts.empty()) return "";
  return "Mappings of zone and data that differ: " + joined(parts, "; ") + ".";
}

/// Whether anything stays behind.
std::string leftovers(const Quantities& run, const std::vector<Key>& rows) {
  bool known = false;
  Grouping left;
  for (const Key& row : rows) {
    const auto before = memory(run, row, "process_vmas_before");
    const auto after = memory(run, row, "process_vmas_after");
    if (!before || !after) continue;
    known = true;
    if (*before == *after) continue;
    left.add(fmt::format("{:+}", std::llround(*after - *before)), run.cell(row, row.strategy)->id);
  }
  if (!known) return "";
  if (left.groups().empty()) {
    return "After its case every process had as many mappings as before it.";
  }
  std::string text = "Mappings after the case, against before it: ";
  for (const auto& [difference, ids] : left.groups()) {
    text += fmt::format("{} in {}; ", difference, joined(ids));
  }
  return text + "none in the others.";
}

}  // namespace

std::optional<Section> mappings_section(const Quantities& run) {
  const std::vector<Key> rows = shown_cells(run);
  const bool known = std::ranges::any_of(
      rows, [&](const Key& row) { return memory(run, row, "process_vmas_before").has_value(); });
  if (!known) return std::nullopt;
  Section section{.title = "Mappings (VMAs)"};
  for (std::string sentence : {splits(run, rows), leftovers(run, rows)}) {
    if (!sentence.empty()) section.paragraphs.push_back(std::move(sentence));
  }
  fill_table(section, rows,
             {workload_column(), parameters_column(), strategy_column(),
              mapping_column(run, "zone and data", "vmas"),
              mapping_column(run, "while a patch is open", "vmas_open"),
              mapping_column(run, "process before", "process_vmas_before"),
              mapping_column(run, "process during", "process_vmas_during"),
              mapping_column(run, "process after", "process_vmas_after"),
              mapping_column(run, "mapped KiB", "mapped_kib"),
              mapping_column(run, "resident KiB (Rss of every view)", "rss_kib"),
              mapping_column(run, "resident KiB (Pss)", "pss_kib"),
              mapping_column(run, "of it anonymous KiB", "anon_kib")});
  section.detail = rows.size() > 40;
  return section;
}

}  // namespace patchbench::analysis
