#include "analysis/view/simulated.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "analysis/quantity/selection.hpp"
#include "analysis/render/numbers.hpp"
#include "analysis/render/terminal.hpp"
#include "analysis/render/wrap.hpp"
#include "analysis/view/catalogue.hpp"
#include "analysis/view/counters.hpp"
#include "analysis/view/headline.hpp"

namespace patchbench::analysis {
namespace {

using results::Cell;
using results::Counter;
using results::kSimulatedCounters;
using results::Results;

constexpr std::array<std::string_view, kSimulatedCounters.size()> kColumns = {
    "instructions", "data reads", "data writes", "I1 misses", "LL misses"};
/// In the order of the run.
std::vector<Operation> operations_of(const Results& results) {
  std::vector<Operation> operations;
  for (const Cell& cell : results.cells) {
    for (const Counter& counter : cell.counters) {
      Operation operation{cell.workload, cell.params, counter.per, {}};
      const bool known =
          std::find(operations.begin(), operations.end(), operation) != operations.end();
      if (is_simulated(counter) && !known) operations.push_back(std::move(operation));
    }
  }
  return operations;
}

bool is_send_or_patch(const Operation& operation) {
  return operation.per == "send" || operation.per == "patch";
}

/// What fits a terminal: all of them, or of a larger run those that its headline shows.
std::vector<Operation> for_terminal(const Results& results) {
  std::vector<Operation> operations = operations_of(results);
  std::erase_if(operations,
                [](const Operation& operation) { return !is_send_or_patch(operation); });
  constexpr std::size_t kMost = 8;
  if (operations.size() <= kMost) return operations;
  std::vector<Operation> shown;
  for (const HeadlineColumn& column : headline_columns(results)) {
    const Operation operation{column.workload, column.params, column.metric, {}};
    if (std::find(operations.begin(), operations.end(), operation) != operations.end()) {
      shown.push_back(operation);
    }
  }
  return shown.empty() ? operations : shown;
}

/// Indices of the counters that any cell of the run has a value of.
std::vector<std::size_t> counted(const Results& results) {
  std::vector<std::size_t> indices;
  for (std::size_t i = 0; i < kSimulatedCounters.size(); ++i) {
    const bool any = std::any_of(results.cells.begin(), results.cells.end(), [&](const Cell& cell) {
      return std::any_of(cell.counters.begin(), cell.counters.end(), [&](const Counter& counter) {
        return is_simulated(counter) && counter.name == kSimulatedCounters[i] && counter.value;
      });
    });
    if (any) indices.push_back(i);
  }
  return indices;
}

std::string explanation(const Results& results) {
  return fmt::format(
      "SIMULATED by {}: counts of user code in a fixed number of operations, without set-up and "
      "preparation; not measured, and not times. {} What the kernel executes in a system call is "
      "not in them, and neither is how a processor predicts branches: no model of that is good "
      "enough to be reported.",
      results.context.simulator.value_or("nothing"), how_simulated_counts_repeat(results));
}

/// Why values are missing, and whose.
Grouping reasons_of(const Results& results) {
  Grouping reasons;
  for (const Cell& cell : results.cells) {
    for (const Counter& counter : cell.counters) {
      if (is_simulated(counter) && !counter.value) {
        reasons.add(counter.status + ": " + counter.reason, cell.strategy);
      }
    }
  }
  return reasons;
}

// ---- against the baseline ----

/// Over sets of parameters, rounded as tables show them.
struct Span {
  double low = 0;
  double high = 0;
};

std::string signed_number(double value) {
  const std::string text = exact_number(value);
  return value > 0.005 ? "+" + text : text;
}

std::string span_text(const Span& span) {
  const std::string low = signed_number(span.low);
  const std::string high = signed_number(span.high);
  return low == high ? low : low + " to " + high;
}

/// What a strategy executes more than the baseline: "instructions +2.00, data reads 0.00"; empty
/// where one of the two was not counted.
std::string against_baseline(const Results& results, const std::vector<Operation>& operations,
                             const std::string& id) {
  constexpr std::size_t kExact = 3;  // misses depend on the modelled caches
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < kExact; ++i) {
    std::optional<Span> span;
    for (const Operation& operation : operations) {
      const Cell* cell = find_cell(results, operation.workload, id, operation.params);
      const Cell* base = find_cell(results, operation.workload, results.baseline, operation.params);
      if (cell == nullptr || base == nullptr) continue;
      const Counter* own = find_simulated(*cell, kSimulatedCounters[i], operation.per);
      const Counter* its = find_simulated(*base, kSimulatedCounters[i], operation.per);
      if (own == nullptr || its == nullptr || !own->value || !its->value) continue;
      const double more = *own->value - *its->value;
      if (!span) span = Span{more, more};
      span = Span{std::min(span->low, more), std::max(span->high, more)};
    }
    if (span) parts.push_back(fmt::format("{} {}", kColumns[i], span_text(*span)));
  }
  return joined(parts);
}

/// One for each workload and operation: what the counts of this run say.
std::vector<std::string> simulated_findings(const Results& results) {
  std::vector<std::string> sentences;
  const std::vector<Operation> all = operations_of(results);
  for (const std::string& workload : workloads_in_order(results)) {
    for (const char* per : {"send", "patch"}) {
      std::vector<Operation> operations = all;
      std::erase_if(operations, [&](const Operation& operation) {
        return operation.workload != workload || operation.per != per;
      });
      Grouping groups;
      for (const std::string& id : strategies_in_order(results)) {
        if (id == results.baseline || id == "again") continue;
        const std::string difference = against_baseline(results, operations, id);
        if (!difference.empty()) groups.add(difference, id);
      }
      if (groups.groups().empty()) continue;
      std::string sentence = fmt::format("{}, per {}, against {}", workload, per, results.baseline);
      if (operations.size() > 1) sentence += fmt::format(", {} cells each", operations.size());
      std::string separator = ": ";
      for (const auto& [difference, ids] : groups.groups()) {
        sentence += fmt::format("{}{}: {}", separator, joined(ids), difference);
        separator = "; ";
      }
      sentences.push_back(sentence + ".");
    }
  }
  return sentences;
}

/// All of a run's strategies have the same reason where there was no simulator at all.
std::string whose(const std::vector<std::string>& strategies) {
  constexpr std::size_t kAFew = 4;
  return strategies.size() <= kAFew ? joined(strategies) : "no counts";
}

/// Whether any strategy was asked for it.
bool anyone_has(const Results& results, const std::string& id, const Operation& operation) {
  const Cell* cell = find_cell(results, operation.workload, id, operation.params);
  return cell != nullptr && find_simulated(*cell, kSimulatedCounters.front(), operation.per);
}

/// The cell's counters, one for each of `columns`.
void add_counts(const Cell& cell, const std::string& per, const std::vector<std::size_t>& columns,
                std::vector<TextCell>& row) {
  for (const std::size_t i : columns) {
    const Counter* counter = find_simulated(cell, kSimulatedCounters[i], per);
    const bool there = counter != nullptr && counter->value;
    row.push_back({there ? exact_number(*counter->value) : "-", Tone::number});
  }
}

/// A row for every cell that was asked for them; none where there are no counters.
std::optional<TextTable> table_of(const Results& results,
                                  const std::vector<Operation>& operations) {
  const std::vector<std::size_t> columns = counted(results);
  if (columns.empty()) return std::nullopt;
  TextTable table{{"workload", "parameters", "per", "strategy"}, {}};
  for (const std::size_t i : columns) table.header.emplace_back(kColumns[i]);
  for (const Operation& operation : operations) {
    for (const std::string& id : strategies_in_order(results)) {
      if (!anyone_has(results, id, operation)) continue;
      std::vector<TextCell> row{{operation.workload, Tone::plain},
                                {spaced(operation.params), Tone::plain},
                                {operation.per, Tone::plain},
                                {id, Tone::name}};
      add_counts(*find_cell(results, operation.workload, id, operation.params), operation.per,
                 columns, row);
      table.rows.push_back(std::move(row));
    }
  }
  return table;
}

/// The same of one operation, which is the title.
Section section_of(const Results& results, const Operation& operation,
                   const std::vector<std::size_t>& columns) {
  Section section;
  section.title =
      fmt::format("{}, per {}: {}", operation.workload, operation.per, spaced(operation.params));
  section.table = TextTable{{"strategy"}, {}};
  for (const std::size_t i : columns) section.table->header.emplace_back(kColumns[i]);
  for (const std::string& id : strategies_in_order(results)) {
    if (!anyone_has(results, id, operation)) continue;
    std::vector<TextCell> row{{id, Tone::name}};
    add_counts(*find_cell(results, operation.workload, id, operation.params), operation.per,
               columns, row);
    section.table->rows.push_back(std::move(row));
  }
  return section;
}

/// What counted, and why values are missing.
Section section_of_reasons(const Results& results) {
  Section section;
  section.title = kSimulatedTitle;
  section.paragraphs.push_back(explanation(results));
  const Grouping reasons = reasons_of(results);
  for (const auto& [why, who] : reasons.groups()) {
    section.paragraphs.push_back(whose(who) + ": " + why);
  }
  return section;
}

// ---- several runs ----

/// The architecture; with the run's id where another run has the same.
std::string run_title(std::span<const Results> runs, const Results& run) {
  const auto same = std::count_if(runs.begin(), runs.end(), [&](const Results& other) {
    return other.context.arch == run.context.arch;
  });
  // Other builds check what they patch, and are not what a VM would ship.
  const bool shipped = run.context.build_type == "Release";
  const std::string title = run.context.arch + (run.context.emulated ? ", emulated" : "") +
                            (shipped ? "" : ", build type " + run.context.build_type);
  return same > 1 ? title + " (" + run.run.id + ")" : title;
}

std::optional<double> instructions(const Results& run, const Operation& operation,
                                   const std::string& strategy) {
  const Cell* cell = find_cell(run, operation.workload, strategy, operation.params);
  if (cell == nullptr) return std::nullopt;
  const Counter* counter = find_simulated(*cell, kSimulatedCounters.front(), operation.per);
  return counter == nullptr ? std::nullopt : counter->value;
}

/// Instructions, and how many more than the run's baseline executes.
void add_group(const Results& run, const Operation& operation, const std::string& strategy,
               std::vector<TextCell>& row) {
  const auto value = instructions(run, operation, strategy);
  const auto base = instructions(run, operation, run.baseline);
  row.push_back({value ? exact_number(*value) : "-", Tone::number});
  row.push_back(
      {value && base && strategy != run.baseline
           ? fmt::format("{}{}", *value > *base + 0.005 ? "+" : "", exact_number(*value - *base))
           : "",
       Tone::number});
}

/// Operations and strategies of all runs, in the order of the first that has them.
TextTable side_by_side(std::span<const Results> runs) {
  TextTable table{{"workload", "parameters", "per", "strategy"}, {}};
  std::vector<Operation> operations;
  std::vector<std::string> strategies;
  const auto add = [](auto& all, const auto& one) {
    if (std::find(all.begin(), all.end(), one) == all.end()) all.push_back(one);
  };
  for (const Results& run : runs) {
    table.header.push_back(run_title(runs, run) + ": instructions");
    table.header.push_back("against " + run.baseline);
    for (const Operation& operation : operations_of(run)) {
      if (is_send_or_patch(operation)) add(operations, operation);
    }
    for (const std::string& id : strategies_in_order(run)) add(strategies, id);
  }
  for (const Operation& operation : operations) {
    for (const std::string& id : strategies) {
      if (std::none_of(runs.begin(), runs.end(),
                       [&](const Results& run) { return anyone_has(run, id, operation); })) {
        continue;
      }
      std::vector<TextCell> row{{operation.workload, Tone::plain},
                                {spaced(operation.params), Tone::plain},
                                {operation.per, Tone::plain},
                                {id, Tone::name}};
      for (const Results& run : runs) add_group(run, operation, id, row);
      table.rows.push_back(std::move(row));
    }
  }
  return table;
}

}  // namespace

bool is_simulated(const Counter& counter) { return counter.source == results::kSimulated; }

bool has_simulated_counts(const Results& results) {
  return std::any_of(results.cells.begin(), results.cells.end(), [](const Cell& cell) {
    return std::any_of(cell.counters.begin(), cell.counters.end(), is_simulated);
  });
}

const Counter* find_simulated(const Cell& cell, std::string_view name, std::string_view per) {
  const auto found =
      std::find_if(cell.counters.begin(), cell.counters.end(), [&](const Counter& counter) {
        return is_simulated(counter) && counter.name == name && counter.per == per;
      });
  return found == cell.counters.end() ? nullptr : &*found;
}

std::string how_simulated_counts_repeat(const Results& results) {
  if (results.context.emulated) return "Two runs in the emulator agree within 1 %.";
  return "Instructions, reads, writes and I1 misses repeat exactly with this program and C library "
         "on processors of the same features (memcpy, which stores the patches, chooses its code "
         "by "
         "them); LL misses repeat to about one in 100,000.";
}

std::string exact_number(double value) {
  constexpr double kThousand = 1000;
  if (std::abs(value) >= kThousand - 0.005) return grouped(std::llround(value));
  std::string text = fmt::format("{:.2f}", value);
  return text == "-0.00" ? "0.00" : text;
}

std::string simulated_terminal_table(const Results& results, std::size_t width) {
  if (!has_simulated_counts(results)) return "";
  std::string text = terminal_text(section_of_reasons(results), {.width = width});
  const std::vector<std::size_t> columns = counted(results);
  if (columns.empty()) return text;
  for (const Operation& operation : for_terminal(results)) {
    text += terminal_text(section_of(results, operation, columns), {.width = width});
  }
  return text;
}

Section simulated_section(const Results& results) {
  Section section;
  section.title = kSimulatedTitle;
  if (!has_simulated_counts(results)) return section;
  section = section_of_reasons(results);
  for (std::string& finding : simulated_findings(results)) {
    section.paragraphs.push_back(std::move(finding));
  }
  section.table = table_of(results, operations_of(results));
  return section;
}

Document simulated_document(std::span<const Results> runs) {
  Document document;
  document.title = "patchbench: simulated instructions per send and per patch";
  Section section;
  section.title = "Simulated instructions per send and per patch";
  for (const Results& run : runs) {
    section.paragraphs.push_back(run_title(runs, run) + ", run " + run.run.id + ": " +
                                 explanation(run));
    const Grouping reasons = reasons_of(run);
    for (const auto& [why, who] : reasons.groups()) {
      section.paragraphs.push_back(run_title(runs, run) + ", " + whose(who) + ": " + why);
    }
  }
  section.paragraphs.emplace_back(
      "Architectures need different numbers of instructions for the same thing: across a row, "
      "compare what a strategy adds to its own baseline. No times of these runs stand here.");
  section.table = side_by_side(runs);
  document.summary.push_back(std::move(section));
  return document;
}

}  // namespace patchbench::analysis
