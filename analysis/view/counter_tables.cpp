#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "analysis/quantity/comparable.hpp"
#include "analysis/quantity/selection.hpp"
#include "analysis/render/wrap.hpp"
#include "analysis/view/catalogue.hpp"
#include "analysis/view/counters.hpp"
#include "analysis/view/simulated.hpp"

namespace patchbench::analysis {
namespace {

using results::Cell;
using results::Counter;
using results::Results;

// ---- what is missing ----

/// Marks in a table, and the sentences below it that they stand for.
class Footnotes {
 public:
  /// "[2]"
  std::string mark(const std::string& text) {
    auto found = std::find(texts_.begin(), texts_.end(), text);
    if (found == texts_.end()) found = texts_.insert(texts_.end(), text);
    return fmt::format("[{}]", std::distance(texts_.begin(), found) + 1);
  }
  void add_last(std::string text) { last_ = std::move(text); }

  [[nodiscard]] std::vector<std::string> take() const {
    std::vector<std::string> notes;
    for (const std::string& text : texts_) {
      notes.push_back(fmt::format("[{}] not available: {}", notes.size() + 1, text));
    }
    if (!last_.empty()) notes.push_back(last_);
    return notes;
  }

 private:
  std::vector<std::string> texts_;
  std::string last_;
};

struct Column {
  std::string event;
  std::size_t scope = 0;  // of kScopes
};

std::string title_of(const Column& column) {
  constexpr std::size_t kBoth = 1;  // and so everything
  if (column.scope == kBoth) return column.event;
  return fmt::format("{}, {}", column.event, kScopes[column.scope]);
}

/// A table of some of a set's operations.
class EventTable {
 public:
  EventTable(const Results& results, const EventSet& set, std::vector<Operation> operations)
      : results_(results), set_(set), operations_(std::move(operations)) {
    for (const std::string& event : set.events) {
      for (std::size_t scope = 0; scope < kScopes.size(); ++scope) add_column({event, scope});
    }
  }

  /// Columns that nobody has, each reason once.
  [[nodiscard]] std::vector<std::string> folded() const {
    std::vector<std::string> sentences;
    for (const auto& [reason, columns] : nobodys_.groups()) {
      sentences.push_back(
          fmt::format("Not available for any strategy: {}: {}", listed(columns), reason));
    }
    return sentences;
  }

  [[nodiscard]] std::optional<TextTable> table() {
    if (columns_.empty()) return std::nullopt;
    TextTable table{{"workload", "parameters", "counted", "strategy"}, {}};
    for (const Column& column : columns_) table.header.push_back(title_of(column));
    for (const Operation& operation : operations_) {
      for (const std::string& id : strategies_in_order(results_)) add_row(operation, id, table);
    }
    return table;
  }

  /// After table().
  [[nodiscard]] std::vector<std::string> footnotes() const { return notes_.take(); }

 private:
  [[nodiscard]] static std::string listed(const std::vector<std::string>& columns) {
    std::string text;
    for (const std::string& column : columns) text += (text.empty() ? "" : "; ") + column;
    return text;
  }

  void add_column(Column column) {
    Grouping reasons;
    bool there = false;
    for (const Operation& operation : operations_) {
      for (const Cell& cell : results_.cells) {
        if (cell.workload != operation.workload || cell.params != operation.params) continue;
        const Counter* counter = find_event(cell, set_, column.event, operation)[column.scope];
        if (counter == nullptr) continue;
        there = there || counter->value;
        if (!counter->value) reasons.add(why_not_counted(*counter), cell.strategy);
      }
    }
    if (there) {
      columns_.push_back(std::move(column));
    } else if (!reasons.groups().empty()) {
      nobodys_.add(all_reasons(reasons), title_of(column));
    }
  }

  void add_row(const Operation& operation, const std::string& id, TextTable& table) {
    const Cell* cell = find_cell(results_, operation.workload, id, operation.params);
    if (cell == nullptr || cell->status == results::CellStatus::unsupported) return;
    std::vector<TextCell> row{{operation.workload, Tone::plain},
                              {spaced(operation.params), Tone::plain},
                              {operation_title(operation), Tone::plain},
                              {id, Tone::name}};
    for (const Column& column : columns_) row.push_back(entry(*cell, operation, column));
    table.rows.push_back(std::move(row));
  }

  TextCell entry(const Cell& cell, const Operation& operation, const Column& column) {
    const Counter* counter = find_event(cell, set_, column.event, operation)[column.scope];
    // Beside a busy thread less is counted than alone.
    if (counter == nullptr && !is_asked(operation, column)) return {};
    if (counter == nullptr || !counter->value) {
      return {"- " + notes_.mark(why_not_counted(results_, cell, set_, column.event, operation)),
              Tone::faint};
    }
    std::string text = exact_number(*counter->value);
    const auto [low, high] = std::minmax_element(counter->samples.begin(), counter->samples.end());
    if (low != high && exact_number(*low) != exact_number(*high)) {
      text += fmt::format(" [{}, {}]", exact_number(*low), exact_number(*high));
    }
    if (is_multiplexed(*counter)) {
      text += '*';
      notes_.add_last(
          "* multiplexed: counted only for a part of the time and scaled from that; not exact");
    }
    return {text, Tone::number};
  }

  /// Whether anybody was to count the event in the operation.
  [[nodiscard]] bool is_asked(const Operation& operation, const Column& column) const {
    return std::any_of(results_.cells.begin(), results_.cells.end(), [&](const Cell& cell) {
      return cell.workload == operation.workload && cell.params == operation.params &&
             find_event(cell, set_, column.event, operation)[column.scope] != nullptr;
    });
  }

  const Results& results_;
  const EventSet& set_;
  std::vector<Operation> operations_;
  std::vector<Column> columns_;
  Grouping nobodys_;
  Footnotes notes_;
};

// ---- how it was counted ----

/// "hardware: cycles, branches; tracepoint: system-calls"
std::string sources_of(const Results& results, const EventSet& set) {
  Grouping sources;
  for (const Cell& cell : results.cells) {
    for (const Operation& operation : set.operations) {
      if (cell.workload != operation.workload || cell.params != operation.params) continue;
      for (const std::string& event : set.events) {
        for (const Counter* counter : find_event(cell, set, event, operation)) {
          if (counter != nullptr) sources.add(counter->source, event);
        }
      }
    }
  }
  std::string text;
  for (const auto& [source, events] : sources.groups()) {
    text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", source, joined(events));
  }
  return text;
}

std::string reading_of(const results::Counting& counting) {
  std::string text = fmt::format(
      "Counted by perf_event ({}) in {} process{} a cell that were not timed; a value is the "
      "median "
      "of these, in brackets their lowest and highest.",
      counting.library, counting.rounds, counting.rounds == 1 ? "" : "es");
  if (counting.pmu) {
    text += fmt::format(" Hardware: {}", *counting.pmu);
    if (counting.counters) text += fmt::format(", {} counters at a time", *counting.counters);
    text += '.';
  }
  if (counting.read_path) {
    text += fmt::format(" Read by {}", *counting.read_path);
    if (counting.read_ns && *counting.read_ns > 0) {
      text += fmt::format(", {} ns a reading", exact_number(*counting.read_ns));
    }
    text += '.';
  }
  if (!counting.bracket.empty()) {
    text += " Every value is a difference: what a reading itself counts is in none.";
  }
  return text;
}

std::vector<std::string> introduction(const Results& results, const EventSet& set) {
  std::vector<std::string> paragraphs;
  if (!set.question.empty()) paragraphs.emplace_back(set.question);
  if (results.context.emulated) {
    paragraphs.emplace_back(
        "EMULATED: what counted is an emulator's model of a processor, not a processor.");
  }
  std::string how = sources_of(results, set) + ". ";
  if (results.context.counting) how += reading_of(*results.context.counting);
  paragraphs.push_back(std::move(how));
  if (set.id == "vma") {
    paragraphs.emplace_back(
        "The tracepoint tlb:tlb_flush fires more than once for a flush that other processors take "
        "part in. A processor that broadcasts invalidations, and some hypervisors, send no "
        "interrupts for them: none counted does not mean that none was needed.");
  }
  return paragraphs;
}

Section section_of(const Results& results, const EventSet& set,
                   const std::vector<Operation>& operations) {
  Section section;
  section.title = std::string(set.title);
  EventTable table(results, set, operations);
  section.table = table.table();
  section.footnotes = table.footnotes();
  section.paragraphs = table.folded();
  return section;
}

}  // namespace

std::vector<Section> counter_sections(const Results& results) {
  std::vector<Section> sections;
  for (const EventSet& set : event_sets(results)) {
    if (set.id == results::kSimulated) continue;
    Section section = section_of(results, set, chosen_operations(results, set));
    std::vector<std::string> paragraphs = introduction(results, set);
    const std::vector<std::string> findings = counter_findings(results, set);
    paragraphs.insert(paragraphs.end(), findings.begin(), findings.end());
    section.paragraphs.insert(section.paragraphs.begin(), paragraphs.begin(), paragraphs.end());
    sections.push_back(std::move(section));
  }
  return sections;
}

std::vector<Section> counter_details(const Results& results) {
  std::vector<Section> sections;
  for (const EventSet& set : event_sets(results)) {
    const bool simulated = set.id == results::kSimulated;
    if (simulated || chosen_operations(results, set).size() == set.operations.size()) continue;
    Section section = section_of(results, set, set.operations);
    section.title += ", every operation";
    section.detail = true;
    sections.push_back(std::move(section));
  }
  return sections;
}

}  // namespace patchbench::analysis
