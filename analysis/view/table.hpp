// analysis/view/table.hpp - tables as data: the keys of their rows, and what a column says of one.
//
// A column is a title and a function from a row to an entry. Rows are keys (operations,
// strategies), quantities or cells; fill_table() makes the section's table and its footnotes of
// them.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "analysis/quantity/quantities.hpp"
#include "analysis/render/document.hpp"

namespace patchbench::analysis {

/// What stands where a row and a column meet.
struct Entry {
  TextCell cell = {};
  std::string why = {};   // of a value that is missing: a numbered footnote
  std::string star = {};  // what the cell's mark * says: the last footnote
};

[[nodiscard]] Entry plain(std::string text);
[[nodiscard]] Entry name(std::string text);
[[nodiscard]] Entry number(std::string text);
[[nodiscard]] Entry faint(std::string text);
[[nodiscard]] Entry verdict_word(results::Verdict verdict);

template <typename Row>
struct Column {
  std::string title;
  std::function<Entry(const Row&)> entry;

  /// What can be said of a key can be said of a quantity.
  template <typename Derived>
  operator Column<Derived>() const {
    return {title, entry};
  }
};

/// The keys that most tables begin with.
[[nodiscard]] Column<Key> workload_column();
[[nodiscard]] Column<Key> parameters_column();
[[nodiscard]] Column<Key> strategy_column();

/// Marks in a table, and the sentences below it that they stand for, each once.
class Footnotes {
 public:
  [[nodiscard]] TextCell marked(Entry entry);
  [[nodiscard]] std::vector<std::string> take();

 private:
  std::vector<std::string> reasons_;
  std::string star_;
};

template <typename Row>
[[nodiscard]] TextTable table_of(const std::vector<Row>& rows,
                                 const std::vector<Column<Row>>& columns, Footnotes& notes) {
  TextTable table;
  for (const Column<Row>& column : columns) table.header.push_back(column.title);
  for (const Row& row : rows) {
    auto& cells = table.rows.emplace_back();
    for (const Column<Row>& column : columns) cells.push_back(notes.marked(column.entry(row)));
  }
  return table;
}

/// Without rows the section stays without a table.
template <typename Row>
void fill_table(Section& section, const std::vector<Row>& rows,
                const std::vector<Column<Row>>& columns) {
  if (rows.empty()) return;
  Footnotes notes;
  section.table = table_of(rows, columns, notes);
  section.footnotes = notes.take();
}

/// A row for each operation and strategy that has a cell there, and is `shown`.
template <typename Shown>
[[nodiscard]] std::vector<Key> rows_of(const Quantities& run, const std::vector<Key>& operations,
                                       Shown shown) {
  std::vector<Key> rows;
  for (Key row : operations) {
    for (const std::string& id : run.strategies()) {
      row.strategy = id;
      const results::Cell* cell = run.cell(row, id);
      if (cell != nullptr && shown(row, *cell)) rows.push_back(row);
    }
  }
  return rows;
}

/// A row for each case of which one of the metrics was measured.
[[nodiscard]] std::vector<Key> cases_measuring(const Quantities& run,
                                               const std::vector<std::string>& metrics);

/// What a metric costs: its median and `unit`, the ratio with its interval below, and the verdict;
/// where ratios are `to_baseline`, of the baseline's a word. Nothing where the run has no such
/// cell.
[[nodiscard]] Entry cost_entry(const Quantities& run, const Quantity& time,
                               const results::Ratio* ratio, std::string_view unit,
                               bool to_baseline);

}  // namespace patchbench::analysis
