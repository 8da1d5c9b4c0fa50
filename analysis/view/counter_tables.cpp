#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "analysis/render/numbers.hpp"
#include "analysis/view/counters.hpp"
#include "analysis/view/table.hpp"

namespace patchbench::analysis {
namespace {

// ---- a table of some of a set's operations ----

std::string title_of(const std::string& event, std::string_view scope) {
  return scope == "both" ? event : fmt::format("{}, {}", event, scope);
}

/// "22.40 [21.73, 23.30]", with a star where it was scaled.
Entry count_entry(const Quantity& one) {
  const results::Counter& counter = *one.counter;
  Entry entry = number(exact_number(*one.value));
  const auto [low, high] = std::ranges::minmax_element(counter.samples);
  if (low != high && exact_number(*low) != exact_number(*high)) {
    entry.cell.text += fmt::format(" [{}, {}]", exact_number(*low), exact_number(*high));
  }
  if (is_multiplexed(counter)) {
    entry.star = "multiplexed: counted only for a part of the time and scaled from that; not exact";
  }
  return entry;
}

/// The column of an event, if anybody has it; else the reasons why nobody does.
void add_column(const Quantities& run, const EventSet& set, const std::vector<Operation>& shown,
                const std::string& event, std::string_view scope, std::vector<Column<Key>>& columns,
                Grouping& nobodys) {
  Grouping reasons;
  bool there = false;
  std::vector<Operation> asked;
  for (const Quantity& one : run.all()) {
    if (one.set != set.id || one.name != event || one.scope != scope) continue;
    Operation operation = operation_of(one);
    if (std::ranges::find(shown, operation) == shown.end()) continue;
    there = there || one.value;
    if (!one.value) reasons.add(why(run, one), one.strategy);
    add_once(asked, std::move(operation));
  }
  if (!there) {
    if (!asked.empty()) nobodys.add(all_reasons(reasons), title_of(event, scope));
    return;
  }
  columns.push_back({title_of(event, scope), [&run, &set, event, scope, asked](const Key& row) {
                       const Quantity one =
                           run.at(event_key(row, row.strategy, set.id, event, scope));
                       if (one.value) return count_entry(one);
                       // Beside a busy thread less is counted than alone.
                       const bool is_asked =
                           std::ranges::find(asked, operation_of(row)) != asked.end();
                       return is_asked ? Entry{{"-", Tone::faint}, why(run, one)} : Entry{};
                     }});
}

Section section_of(const Quantities& run, const EventSet& set,
                   const std::vector<Operation>& operations) {
  Section section;
  section.title = std::string(set.title);
  std::vector<Column<Key>> columns = {
      workload_column(),
      parameters_column(),
      {"counted", [](const Key& row) { return plain(operation_title(row)); }},
      strategy_column()};
  const std::size_t keys = columns.size();
  Grouping nobodys;
  for (const std::string& event : set.events) {
    for (const std::string_view scope : kScopes) {
      add_column(run, set, operations, event, scope, columns, nobodys);
    }
  }
  for (const auto& [reason, events] : nobodys.groups()) {
    section.paragraphs.push_back(
        fmt::format("Not available for any strategy: {}: {}", joined(events, "; "), reason));
  }
  if (columns.size() == keys) return section;
  fill_table(section,
             rows_of(run, operations,
                     [](const Key&, const results::Cell& cell) {
                       return cell.status != results::CellStatus::unsupported;
                     }),
             columns);
  return section;
}

// ---- how it was counted ----

/// "hardware: cycles, branches; tracepoint: system-calls"
std::string sources_of(const Quantities& run, const EventSet& set) {
  Grouping sources;
  for (const Quantity& one : run.all()) {
    if (one.set == set.id) sources.add(one.counter->source, one.name);
  }
  std::string text;
  for (const auto& [source, events] : sources.groups()) {
    text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", source, joined(events));
  }
  return text;
}

std::string reading_of(const results::Counting& counting) {
  std::string text = fmt::format(
      "Counted by perf_event ({}) in {} process{} a case that were not timed; a value is the "
      "median of these, in brackets their lowest and highest.",
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

std::vector<std::string> introduction(const Quantities& run, const EventSet& set) {
  const results::Context& context = run.results().context;
  std::vector<std::string> paragraphs;
  if (!set.question.empty()) paragraphs.emplace_back(set.question);
  if (context.emulated) {
    paragraphs.emplace_back(
        "EMULATED: what counted is an emulator's model of a processor, not a processor.");
  }
  std::string how = sources_of(run, set) + ". ";
  if (context.counting) how += reading_of(*context.counting);
  paragraphs.push_back(std::move(how));
  if (set.id == "vma") {
    paragraphs.emplace_back(
        "The tracepoint tlb:tlb_flush fires more than once for a flush that other processors take "
        "part in. A processor that broadcasts invalidations, and some hypervisors, send no "
        "interrupts for them: none counted does not mean that none was needed.");
  }
  return paragraphs;
}

}  // namespace

std::vector<Section> counter_sections(const Quantities& run) {
  std::vector<Section> sections;
  for (const EventSet& set : event_sets(run)) {
    if (set.id == results::kSimulated) continue;
    Section section = section_of(run, set, chosen_operations(run, set));
    std::vector<std::string> paragraphs = introduction(run, set);
    const std::vector<std::string> findings = counter_findings(run, set);
    paragraphs.insert(paragraphs.end(), findings.begin(), findings.end());
    section.paragraphs.insert(section.paragraphs.begin(), paragraphs.begin(), paragraphs.end());
    sections.push_back(std::move(section));
  }
  return sections;
}

std::vector<Section> counter_details(const Quantities& run) {
  std::vector<Section> sections;
  for (const EventSet& set : event_sets(run)) {
    const bool simulated = set.id == results::kSimulated;
    if (simulated || chosen_operations(run, set).size() == set.operations.size()) continue;
    Section section = section_of(run, set, set.operations);
    section.title += ", every operation";
    section.detail = true;
    sections.push_back(std::move(section));
  }
  return sections;
}

}  // namespace patchbench::analysis
