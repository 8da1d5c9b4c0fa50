#include "analysis/view/simulated.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "analysis/render/numbers.hpp"
#include "analysis/render/wrap.hpp"
#include "analysis/view/counters.hpp"
#include "analysis/view/headline.hpp"
#include "analysis/view/table.hpp"

namespace patchbench::analysis {
namespace {

using results::kSimulated;
using results::kSimulatedCounters;
using results::Results;

constexpr std::array<std::string_view, kSimulatedCounters.size()> kTitles = {
    "instructions", "data reads", "data writes", "I1 misses", "LL misses"};

bool is_simulated(const Quantity& one) { return one.set == kSimulated; }

bool is_send_or_patch(const Operation& operation) {
  return operation.per == "send" || operation.per == "patch";
}

/// What a strategy executed in an operation: one of kSimulatedCounters.
Quantity count(const Quantities& run, const Key& row, const std::string& strategy,
               std::size_t counter) {
  return run.at(event_key(row, strategy, kSimulated, std::string(kSimulatedCounters[counter]),
                          kScopes.front()));
}

/// What fits a terminal: all of them, or of a larger run those that its headline shows.
std::vector<Operation> for_terminal(const Quantities& run) {
  std::vector<Operation> operations = distinct(run, is_simulated, operation_of);
  std::erase_if(operations, [](const Operation& one) { return !is_send_or_patch(one); });
  constexpr std::size_t kMost = 8;
  if (operations.size() <= kMost) return operations;
  std::vector<Operation> shown;
  for (const HeadlineColumn& column : headline_columns(run)) {
    const Operation operation{column.workload, column.params, column.metric};
    if (std::ranges::find(operations, operation) != operations.end()) shown.push_back(operation);
  }
  return shown.empty() ? operations : shown;
}

/// A row for every cell that was asked for them, a column for what any cell has; none of either
/// where nothing was counted.
void fill_counts(Section& section, const Quantities& run, const std::vector<Operation>& operations,
                 std::vector<Column<Key>> columns) {
  const std::size_t keys = columns.size();
  for (std::size_t i = 0; i < kTitles.size(); ++i) {
    const bool counted = any(run, [&](const Quantity& one) {
      return is_simulated(one) && one.name == kSimulatedCounters[i] && one.value;
    });
    if (!counted) continue;
    columns.push_back({std::string(kTitles[i]), [&run, i](const Key& row) {
                         const auto value = count(run, row, row.strategy, i).value;
                         return number(value ? exact_number(*value) : "-");
                       }});
  }
  if (columns.size() == keys) return;
  fill_table(section,
             rows_of(run, operations,
                     [&](const Key& row, const results::Cell&) {
                       return count(run, row, row.strategy, 0).counter != nullptr;
                     }),
             columns);
}

std::string explanation(const Results& results) {
  return fmt::format(
      "SIMULATED by {}: counts of user code in a fixed number of operations, without set-up and "
      "preparation; not measured, and not times. {} What the kernel executes in a system call is "
      "not in them, and neither is how a processor predicts branches: no model of that is good "
      "enough to be reported.",
      results.context.simulator.value_or("nothing"), how_simulated_counts_repeat(results));
}

/// Why values are missing, and whose: all of a run's strategies have the same reason where there
/// was no simulator at all.
std::vector<std::string> reasons_of(const Quantities& run) {
  Grouping reasons;
  for (const Quantity& one : run.all()) {
    if (!is_simulated(one) || one.value) continue;
    reasons.add(one.counter->status + ": " + one.counter->reason, one.strategy);
  }
  std::vector<std::string> sentences;
  constexpr std::size_t kAFew = 4;
  for (const auto& [why, who] : reasons.groups()) {
    sentences.push_back((who.size() <= kAFew ? joined(who) : "no counts") + ": " + why);
  }
  return sentences;
}

// ---- against the baseline ----

std::string signed_number(double value) {
  const std::string text = exact_number(value);
  return value > 0.005 ? "+" + text : text;
}

/// What a strategy executes more than the baseline; none where one of the two was not counted.
std::optional<double> beyond_baseline(const Quantities& run, const Key& row,
                                      const std::string& strategy, std::size_t counter) {
  const auto own = count(run, row, strategy, counter).value;
  const auto base = count(run, row, run.results().baseline, counter).value;
  return own && base ? std::optional(*own - *base) : std::nullopt;
}

/// "instructions +2.00, data reads +1.00 to +2.00", over sets of parameters.
std::string against_baseline(const Quantities& run, const std::vector<Operation>& operations,
                             const std::string& id) {
  constexpr std::size_t kExact = 3;  // misses depend on the modelled caches
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < kExact; ++i) {
    std::vector<double> more;
    for (const Operation& operation : operations) {
      if (const auto one = beyond_baseline(run, operation, id, i)) more.push_back(*one);
    }
    if (more.empty()) continue;
    const auto [least, most] = std::ranges::minmax_element(more);
    const std::string low = signed_number(*least);
    const std::string high = signed_number(*most);
    parts.push_back(low == high ? fmt::format("{} {}", kTitles[i], low)
                                : fmt::format("{} {} to {}", kTitles[i], low, high));
  }
  return joined(parts);
}

/// One for each workload and operation: what the counts of this run say.
std::vector<std::string> simulated_findings(const Quantities& run) {
  std::vector<std::string> sentences;
  for (const std::string& workload : workloads(run)) {
    for (const char* per : {"send", "patch"}) {
      const std::vector<Operation> operations = distinct(
          run,
          [&](const Quantity& one) {
            return is_simulated(one) && one.workload == workload && one.per == per;
          },
          operation_of);
      Grouping groups;
      for (const std::string& id : run.strategies()) {
        if (id == run.results().baseline || id == results::kAgain) continue;
        const std::string difference = against_baseline(run, operations, id);
        if (!difference.empty()) groups.add(difference, id);
      }
      if (groups.groups().empty()) continue;
      std::vector<std::string> parts;
      for (const auto& [difference, ids] : groups.groups()) {
        parts.push_back(joined(ids) + ": " + difference);
      }
      sentences.push_back(fmt::format(
          "{}, per {}, against {}{}: {}.", workload, per, run.results().baseline,
          operations.size() > 1 ? fmt::format(", {} cases each", operations.size()) : "",
          joined(parts, "; ")));
    }
  }
  return sentences;
}

/// What counted, and why values are missing.
Section section_of_reasons(const Quantities& run) {
  Section section{.title = std::string(kSimulatedTitle), .paragraphs = reasons_of(run)};
  section.paragraphs.insert(section.paragraphs.begin(), explanation(run.results()));
  return section;
}

Column<Key> per_column() {
  return {"per", [](const Key& row) { return plain(row.per); }};
}

// ---- several runs ----

/// The architecture; with the run's id where another run has the same.
std::string run_title(std::span<const Results> runs, const Results& run) {
  const auto same = std::ranges::count_if(
      runs, [&](const Results& other) { return other.context.arch == run.context.arch; });
  // Other builds check what they patch, and are not what a VM would ship.
  const bool shipped = run.context.build_type == "Release";
  const std::string title = run.context.arch + (run.context.emulated ? ", emulated" : "") +
                            (shipped ? "" : ", build type " + run.context.build_type);
  return same > 1 ? title + " (" + run.run.id + ")" : title;
}

/// Instructions, and how many more than the run's baseline executes.
void add_group(const Quantities& run, const std::string& title, std::vector<Column<Key>>& columns) {
  columns.push_back({title + ": instructions", [&run](const Key& row) {
                       const auto value = count(run, row, row.strategy, 0).value;
                       return number(value ? exact_number(*value) : "-");
                     }});
  columns.push_back({"against " + run.results().baseline, [&run](const Key& row) {
                       const auto more = beyond_baseline(run, row, row.strategy, 0);
                       const bool other = row.strategy != run.results().baseline;
                       return number(more && other ? signed_number(*more) : "");
                     }});
}

/// Operations and strategies of all runs, in the order of the first that has them.
std::vector<Key> rows_of_all(const std::vector<Quantities>& runs) {
  std::vector<Operation> operations;
  std::vector<std::string> strategies;
  for (const Quantities& run : runs) {
    for (Operation& one : distinct(run, is_simulated, operation_of)) {
      if (is_send_or_patch(one)) add_once(operations, std::move(one));
    }
    for (const std::string& id : run.strategies()) add_once(strategies, id);
  }
  std::vector<Key> rows;
  for (Operation row : operations) {
    for (const std::string& id : strategies) {
      row.strategy = id;
      const bool asked = std::ranges::any_of(
          runs, [&](const Quantities& run) { return count(run, row, id, 0).counter != nullptr; });
      if (asked) rows.push_back(row);
    }
  }
  return rows;
}

}  // namespace

bool has_simulated_counts(const Quantities& run) { return any(run, is_simulated); }

std::string how_simulated_counts_repeat(const Results& results) {
  if (results.context.emulated) return "Two runs in the emulator agree within 1 %.";
  return "Instructions, reads, writes and I1 misses repeat exactly with this program and C library "
         "on processors of the same features (memcpy, which stores the patches, chooses its code "
         "by them); LL misses repeat to about one in 100,000.";
}

std::vector<Section> simulated_summary(const Quantities& run) {
  if (!has_simulated_counts(run)) return {};
  std::vector<Section> sections = {section_of_reasons(run)};
  for (const Operation& one : for_terminal(run)) {
    Section section{.title =
                        fmt::format("{}, per {}: {}", one.workload, one.per, spaced(one.params))};
    fill_counts(section, run, {one}, {strategy_column()});
    if (section.table) sections.push_back(std::move(section));
  }
  return sections;
}

Section simulated_section(const Quantities& run) {
  if (!has_simulated_counts(run)) return {.title = std::string(kSimulatedTitle)};
  Section section = section_of_reasons(run);
  for (std::string& finding : simulated_findings(run)) {
    section.paragraphs.push_back(std::move(finding));
  }
  fill_counts(section, run, distinct(run, is_simulated, operation_of),
              {workload_column(), parameters_column(), per_column(), strategy_column()});
  return section;
}

Document simulated_document(std::span<const Results> runs) {
  Document document{.title = "patchbench: simulated instructions per send and per patch"};
  Section section{.title = "Simulated instructions per send and per patch"};
  std::vector<Quantities> all;
  all.reserve(runs.size());
  std::vector<Column<Key>> columns = {workload_column(), parameters_column(), per_column(),
                                      strategy_column()};
  for (const Results& results : runs) {
    const Quantities& run = all.emplace_back(results);
    const std::string title = run_title(runs, results);
    section.paragraphs.push_back(
        fmt::format("{}, run {}: {}", title, results.run.id, explanation(results)));
    for (const std::string& reason : reasons_of(run)) {
      section.paragraphs.push_back(fmt::format("{}, {}", title, reason));
    }
    add_group(run, title, columns);
  }
  section.paragraphs.emplace_back(
      "Architectures need different numbers of instructions for the same thing: across a row, "
      "compare what a strategy adds to its own baseline. No times of these runs stand here.");
  fill_table(section, rows_of_all(all), columns);
  document.summary.push_back(std::move(section));
  return document;
}

}  // namespace patchbench::analysis
