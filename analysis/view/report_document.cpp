#include "analysis/view/report_document.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "analysis/quantity/comparable.hpp"
#include "analysis/quantity/flags.hpp"
#include "analysis/quantity/identical.hpp"
#include "analysis/quantity/repetitions.hpp"
#include "analysis/quantity/selection.hpp"
#include "analysis/render/numbers.hpp"
#include "analysis/render/wrap.hpp"
#include "analysis/statistics/statistics.hpp"
#include "analysis/view/attribution.hpp"
#include "analysis/view/catalogue.hpp"
#include "analysis/view/counters.hpp"
#include "analysis/view/headline.hpp"
#include "analysis/view/how_measured.hpp"
#include "analysis/view/mappings.hpp"
#include "analysis/view/publishing.hpp"
#include "analysis/view/self_test.hpp"
#include "analysis/view/simulated.hpp"
#include "analysis/view/titles.hpp"
#include "analysis/view/translation.hpp"

namespace patchbench::analysis {
namespace {

using results::Cell;
using results::Metric;
using results::Params;
using results::Ratio;
using results::Results;
using results::Verdict;

TextCell number(std::string text) { return {std::move(text), Tone::number}; }
TextCell plain(std::string text) { return {std::move(text), Tone::plain}; }
TextCell name(std::string text) { return {std::move(text), Tone::name}; }
TextCell faint(std::string text) { return {std::move(text), Tone::faint}; }

/// Four significant digits, never an exponent.
std::string full_number(double value) {
  if (value == 0) return "0";
  const double size = std::abs(value);
  if (size >= 9999.5) return grouped(std::llround(value));
  const int digits = 3 - static_cast<int>(std::floor(std::log10(size)));
  return fmt::format("{:.{}f}", value, std::clamp(digits, 0, 6));
}

/// As full_number, but a count is not given decimals that it cannot have.
std::string count_number(double value) {
  if (value == std::floor(value) && std::abs(value) < 1e15) return grouped(std::llround(value));
  return full_number(value);
}

std::string full_interval(const std::optional<Interval>& interval) {
  if (!interval) return "";
  return fmt::format("[{}, {}]", full_number((*interval)[0]), full_number((*interval)[1]));
}

Tone tone_of(Verdict verdict) {
  if (verdict == Verdict::faster) return Tone::faster;
  if (verdict == Verdict::slower) return Tone::slower;
  return verdict == Verdict::unsure ? Tone::faint : Tone::plain;
}

// ---- noise ----

struct Noise {
  int comparisons = 0;
  int differing = 0;            // the interval excludes 1, and is not inside +-delta
  std::vector<double> reaches;  // of the intervals, as factors above 1
};

Noise noise_of(const Results& results) {
  Noise noise;
  for (const Cell& cell : results.cells) {
    if (cell.strategy != "again") continue;
    for (const Ratio& ratio : cell.ratios) {
      const auto interval = deciding_interval(ratio);
      if (!interval) continue;
      ++noise.comparisons;
      if (ratio.verdict == Verdict::faster || ratio.verdict == Verdict::slower) ++noise.differing;
      noise.reaches.push_back(std::max((*interval)[1], 1 / (*interval)[0]));
    }
  }
  return noise;
}

/// At most one in twenty is what 95 % intervals promise; this is where chance stops being a good
/// explanation.
bool suspicious(const Noise& noise) {
  return noise.differing >= 2 && noise.differing * 100 > noise.comparisons * 15;
}

std::string noise_sentence(const Results& results, const Noise& noise) {
  if (noise.comparisons == 0) return "This run has no interval for the baseline against itself.";
  return fmt::format(
      "{} of {} comparisons of {} with itself call it faster or slower; with 95 % intervals at "
      "most "
      "one in twenty does by chance. Half of the intervals reach {:.1f} % or more from 1: a "
      "difference smaller than that is mostly beyond what this run can see.",
      noise.differing, noise.comparisons, results.baseline, 100 * (*median(noise.reaches) - 1));
}

Section noise_section(const Results& results) {
  Section section;
  section.title = "Noise: the baseline against itself";
  section.paragraphs.push_back(noise_sentence(results, noise_of(results)));
  TextTable table{{"workload", "parameters", "metric", "n", "ratio", "95 % interval", "by itself"},
                  {}};
  for (const Cell& cell : results.cells) {
    if (cell.strategy != "again") continue;
    for (const Ratio& ratio : cell.ratios) {
      table.rows.push_back({plain(cell.workload),
                            plain(spaced(cell.params)),
                            plain(metric_title(ratio.metric)),
                            number(std::to_string(ratio.n)),
                            number(ratio.median ? full_number(*ratio.median) : ""),
                            number(full_interval(deciding_interval(ratio))),
                            {std::string(to_string(ratio.verdict)), tone_of(ratio.verdict)}});
    }
  }
  if (!table.rows.empty()) section.table = std::move(table);
  section.detail = true;
  return section;
}

// ---- repetitions ----

Section repetitions_section(const Results& results) {
  Section section;
  section.title = "Scatter: where it comes from, and what it takes to see through it";
  section.paragraphs = repetition_advice(results);
  if (std::string flags = flags_sentence(results); !flags.empty()) {
    section.paragraphs.push_back(
        std::move(flags) +
        " A trend is detected by the test of Mann and Kendall, several modes by Hartigan's dip "
        "test, "
        "both corrected for the number of series; intervals and verdicts take rounds for "
        "independent values of one distribution, and mean less where that is not so.");
  }
  TextTable table{{"cell", "metric", "flags"}, {}};
  for (const Cell& cell : results.cells) {
    for (const Metric& metric : cell.metrics) {
      const auto words = flag_words(metric, find_ratio(cell, metric.name));
      if (!words.empty()) {
        table.rows.push_back(
            {plain(cell.id), plain(metric_title(metric.name)), plain(joined(words))});
      }
    }
  }
  section.detail = table.rows.size() > 20;
  if (!table.rows.empty()) section.table = std::move(table);
  return section;
}

// ---- warnings ----

void warn_of_failures(const Results& results, std::vector<std::string>& warnings) {
  int failed = 0;
  for (const Cell& cell : results.cells) {
    const bool bad = cell.status != results::CellStatus::ok &&
                     cell.status != results::CellStatus::denied &&
                     cell.status != results::CellStatus::unsupported;
    failed += bad ? 1 : 0;
  }
  if (failed > 0) {
    warnings.push_back(
        fmt::format("{} of {} cells failed; their reasons stand in the tables of their workloads.",
                    failed, results.cells.size()));
  }
}

std::vector<std::string> warnings_of(const Results& results) {
  std::vector<std::string> warnings = self_test_alarms(results.context);
  for (std::string& alarm : identical_alarms(results)) warnings.push_back(std::move(alarm));
  if (results.context.emulated) {
    warnings.emplace_back(
        "EMULATED: times mean nothing, and none is shown here: instructions were interpreted or "
        "translated. What this run shows is which cells ran and answered right, what they occupy, "
        "and how many instructions they execute.");
  }
  if (results.run.interrupted) {
    warnings.emplace_back("The run was interrupted: what is missing was not measured.");
  }
  warn_of_failures(results, warnings);
  if (times_mean_something(results.context) && suspicious(noise_of(results))) {
    warnings.push_back("The baseline differs from itself more often than chance explains: " +
                       noise_sentence(results, noise_of(results)) +
                       " Something disturbed this run; do not build on small differences in it.");
  }
  warnings.insert(warnings.end(), results.context.warnings.begin(), results.context.warnings.end());
  return warnings;
}

// ---- summary ----

Section run_section(const Results& results) {
  const auto& run = results.run;
  Section section;
  section.title = "What was run";
  TextTable table{{"", ""}, {}};
  const auto row = [&table](const char* name, std::string value) {
    if (!value.empty()) table.rows.push_back({plain(name), plain(std::move(value))});
  };
  row("run", run.id);
  row("command", run.command);
  row("preset", run.preset);
  row("rounds",
      fmt::format("{}: n of every interval; a round is one fresh process per cell", run.rounds));
  row("ended by", run.ended);
  row("seed", std::to_string(run.seed));
  row("cells", std::to_string(results.cells.size()));
  row("baseline", results.baseline.empty() ? "none was available" : results.baseline);
  row("started, finished",
      run.started + (run.finished.empty() ? ", not finished" : ", " + run.finished));
  row("machine", results.context.cpu.model.value_or("unknown processor") + ", " +
                     results.context.arch +
                     (results.context.virtualization.value_or("none") == "none"
                          ? ""
                          : ", virtual machine (" + *results.context.virtualization + ")"));
  section.table = std::move(table);
  return section;
}

TextCell headline_entry(const Results& results, const std::string& id,
                        const HeadlineColumn& column) {
  const Cell* cell = find_cell(results, column.workload, id, column.params);
  if (cell == nullptr) return {};
  const Metric* metric = usable_metric(cell, column.metric);
  if (metric == nullptr) {
    const bool ok = cell->status == results::CellStatus::ok;
    return faint(ok ? "-" : std::string(to_string(cell->status)));
  }
  const std::string cost = short_number(*metric->median) + " " + metric->unit;
  if (id == results.baseline) return number(cost + "\nbaseline");
  const Ratio* ratio = find_ratio(*cell, column.metric);
  if (ratio == nullptr || !ratio->median) return number(cost);
  std::string text = cost + "\n" + short_number(*ratio->median);
  if (const auto interval = deciding_interval(*ratio)) text += " " + short_interval(*interval);
  if (id == "again") return number(text);
  // Most entries of an honest run are unsure; they are no less worth reading.
  const bool unsure = ratio->verdict == Verdict::unsure;
  return {text + "\n" + std::string(to_string(ratio->verdict)),
          unsure ? Tone::number : tone_of(ratio->verdict)};
}

std::string how_to_read(const Results& results) {
  std::string text = fmt::format(
      "Median over rounds, then the ratio to {} (paired round by round, below 1 is faster) with "
      "its interval (95 %, by ranks; below nine rounds of the geometric mean), and the "
      "verdict: faster or "
      "slower (the interval does not hold 1), same (it lies within {:.3g} % of 1) or unsure. Every "
      "interval holds for itself: of twenty, about one misses.",
      results.baseline.empty() ? "the baseline" : results.baseline, 100 * delta_of(results));
  if (verdicts_corrected(results)) {
    text +=
        " Verdicts are corrected for the number of a workload's ratios (Benjamini & Hochberg "
        "1995): of those other than unsure, at most one in twenty is expected to be wrong.";
  }
  const std::vector<HeadlineColumn> columns = headline_columns(results);
  if (std::any_of(columns.begin(), columns.end(),
                  [](const HeadlineColumn& column) { return !column.mode.empty(); })) {
    text +=
        " Columns that differ in publish differ in what a patch ends with, and their ratios are to "
        "the baseline with the same; what each mode costs stands in the next table.";
  }
  return text;
}

bool has_cell_without_guarantee(const Results& results, const std::string& id,
                                const std::vector<HeadlineColumn>& columns) {
  return std::any_of(columns.begin(), columns.end(), [&](const HeadlineColumn& column) {
    const Cell* cell = find_cell(results, column.workload, id, column.params);
    return usable_metric(cell, column.metric) != nullptr && lacks_guarantee(*cell);
  });
}

Section headline_section(const Results& results) {
  Section section;
  section.title = "The result";
  const std::vector<HeadlineColumn> columns = headline_columns(results);
  if (columns.empty()) {
    section.paragraphs.emplace_back("No cell was measured.");
    return section;
  }
  for (std::string& line : identical_lines(results)) {
    section.paragraphs.push_back(std::move(line) + ".");
  }
  section.paragraphs.push_back(how_to_read(results));
  TextTable table{{"strategy"}, {}};
  for (const HeadlineColumn& column : columns) {
    const bool nameless = column.mode.empty() || without_mode(column.params) != column.params;
    table.header.push_back(fmt::format("{}: {} ({}{})", column.workload,
                                       metric_title(column.metric), spaced(column.params),
                                       nameless ? "" : ", publish=" + column.mode));
  }
  for (const std::string& id : strategies_in_order(results)) {
    std::vector<TextCell> row{plain(id)};
    for (const HeadlineColumn& column : columns) row.push_back(headline_entry(results, id, column));
    const bool any = std::any_of(row.begin() + 1, row.end(), [](const TextCell& cell) {
      return !cell.text.empty() && cell.text != "unsupported";
    });
    if (has_cell_without_guarantee(results, id, columns)) row.front().text += '*';
    if (any) table.rows.push_back(std::move(row));
  }
  section.table = std::move(table);
  if (const std::string note = guarantee_footnote(results, columns); !note.empty()) {
    section.footnotes.push_back("* " + note);
  }
  for (std::string& note : translation_footnotes(results, columns)) {
    section.footnotes.push_back(std::move(note));
  }
  return section;
}

/// In place of the headline, where times mean nothing.
Section status_section(const Results& results) {
  Section section;
  section.title = "Status of each cell";
  section.paragraphs.emplace_back(
      "ok: executed in at least 80 % of the rounds, and checked in each against the oracle.");
  TextTable table{{"workload", "parameters", "strategy", "status", "reason or notes"}, {}};
  for (const Cell& cell : results.cells) {
    const bool ok = cell.status == results::CellStatus::ok;
    table.rows.push_back({plain(cell.workload), plain(spaced(cell.params)), name(cell.strategy),
                          plain(std::string(to_string(cell.status))),
                          faint(ok ? joined(cell.notes) : cell.reason)});
  }
  if (!table.rows.empty()) section.table = std::move(table);
  return section;
}

// ---- strategies ----

Section strategies_section(const Results& results, bool controls) {
  Section section;
  section.title = controls ? "Controls" : "Strategies";
  section.paragraphs.emplace_back(controls ? "No way to change code, but yardsticks: what the "
                                             "ratios of the strategies are held against."
                                           : "What this machine allowed, and what it refused.");
  TextTable table{{"id", "what it is", "status", "reason or choice"}, {}};
  for (const std::string& id : strategies_in_order(results)) {
    if (is_control(results, id) != controls) continue;
    const auto* status = find_strategy(results, id);
    std::string reason;
    std::string word = "available";
    if (status != nullptr) {
      word = to_string(status->status);
      reason = status->status == results::Availability::available
                   ? status->detail
                   : why_missing(results, id, nullptr);
      if (!status->call.empty()) {
        reason += " [" + status->call + (status->error ? ": " + *status->error : "") + "]";
      }
    }
    table.rows.push_back({plain(id), plain(summary_of(results, id)), plain(word), plain(reason)});
  }
  if (!table.rows.empty()) section.table = std::move(table);
  return section;
}

// ---- workloads ----

std::vector<TextCell> metric_row(const Cell& cell, const Metric& metric) {
  const Ratio* ratio = find_ratio(cell, metric.name);
  std::vector<TextCell> row{
      plain(spaced(cell.params)),
      name(cell.strategy),
      plain(metric_title(metric.name)),
      number(std::to_string(present(metric.samples).size())),
      number(metric.median ? full_number(*metric.median) + " " + metric.unit : ""),
      number(full_interval(metric.ci95))};
  if (ratio == nullptr || !ratio->median) {
    row.insert(row.end(), {{}, {}, {}, {}});
  } else {
    std::string free = full_interval(ratio->ci_free);
    if (ratio->ci_free_coverage)
      free += fmt::format(" at {:.1f} %", 100 * *ratio->ci_free_coverage);
    row.insert(row.end(), {number(full_number(*ratio->median)),
                           number(full_interval(ratio->ci95)),
                           number(free),
                           {std::string(to_string(ratio->verdict)), tone_of(ratio->verdict)}});
  }
  std::vector<std::string> notes = flag_words(metric, ratio);
  notes.insert(notes.end(), cell.notes.begin(), cell.notes.end());
  row.push_back(faint(joined(notes)));
  return row;
}

std::vector<TextCell> missing_row(const Cell& cell, std::size_t columns) {
  std::vector<TextCell> row{plain(spaced(cell.params)), name(cell.strategy),
                            faint(std::string(to_string(cell.status)))};
  row.resize(columns);
  row.back() = faint(cell.reason);
  return row;
}

Section workload_section(const Results& results, const std::string& workload) {
  Section section;
  section.title = "Workload " + workload;
  if (workload == "mic") {
    for (Attribution& one : attributions(results))
      section.paragraphs.push_back(std::move(one.text));
  }
  section.detail = true;
  TextTable table{{"parameters", "strategy", "metric", "n", "median", "95 % interval", "ratio",
                   "95 % interval", "by ranks", "verdict", "notes"},
                  {}};
  const std::vector<std::string> order = strategies_in_order(results);
  for (const Params& params : param_sets(results, workload)) {
    for (const std::string& id : order) {
      const Cell* cell = find_cell(results, workload, id, params);
      if (cell == nullptr) continue;
      if (cell->status != results::CellStatus::ok) {
        table.rows.push_back(missing_row(*cell, table.header.size()));
        continue;
      }
      for (const Metric& metric : cell->metrics) table.rows.push_back(metric_row(*cell, metric));
    }
  }
  section.table = std::move(table);
  return section;
}

std::string counter_title(const results::Counter& counter) {
  std::string title = counter.name + " per " + counter.per;
  if (counter.source != "software") title += ", " + counter.source;
  if (counter.scope == "kernel" || counter.scope == "both") title += ", " + counter.scope;
  return title;
}

std::string amount(const std::optional<std::int64_t>& value) {
  return value ? grouped(*value) : "";
}

void add_memory(std::vector<TextCell>& row, const results::Memory& memory) {
  for (const auto& value : {memory.vmas, memory.vmas_open, memory.mapped_kib, memory.rss_kib,
                            memory.page_kib, memory.huge_kib}) {
    row.push_back(number(amount(value)));
  }
  const bool known =
      memory.process_vmas_before && memory.process_vmas_during && memory.process_vmas_after;
  row.push_back(number(known ? fmt::format("{}, {}, {}", *memory.process_vmas_before,
                                           *memory.process_vmas_during, *memory.process_vmas_after)
                             : ""));
}

/// Events have tables of their own, and an emulator's times have none.
bool stands_beside_memory(const Results& results, const results::Counter& counter) {
  return !is_event(counter) &&
         (times_mean_something(results.context) || !counter.name.ends_with("-ns"));
}

/// One row a cell: bytes, counts and memory beside the times.
Section counters_section(const Results& results, const std::string& workload) {
  Section section;
  section.title = "Counters and memory of " + workload;
  section.detail = true;
  std::vector<std::string> titles;
  for (const Cell& cell : results.cells) {
    for (const auto& counter : cell.counters) {
      const std::string title = counter_title(counter);
      const bool known = std::find(titles.begin(), titles.end(), title) != titles.end();
      if (cell.workload == workload && !known && stands_beside_memory(results, counter)) {
        titles.push_back(title);
      }
    }
  }
  TextTable table{{"parameters", "strategy"}, {}};
  table.header.insert(table.header.end(), titles.begin(), titles.end());
  table.header.insert(table.header.end(),
                      {"mappings", "mappings, a patch open", "mapped KiB", "resident KiB",
                       "page KiB", "huge pages KiB", "process' mappings before, during, after"});
  for (const Cell& cell : results.cells) {
    if (cell.workload != workload || cell.status != results::CellStatus::ok) continue;
    std::vector<TextCell> row{plain(spaced(cell.params)), name(cell.strategy)};
    for (const std::string& title : titles) {
      const auto found =
          std::find_if(cell.counters.begin(), cell.counters.end(),
                       [&](const auto& counter) { return counter_title(counter) == title; });
      const bool there = found != cell.counters.end();
      row.push_back(there && found->value ? number(count_number(*found->value))
                                          : faint(there ? found->reason : ""));
    }
    add_memory(row, cell.memory);
    table.rows.push_back(std::move(row));
  }
  if (!table.rows.empty()) section.table = std::move(table);
  return section;
}

// ---- what went wrong, and what to know ----

Section lost_section(const Results& results) {
  Section section;
  section.title = "Lost rounds";
  TextTable table{{"cell", "status", "reason", "rounds"}, {}};
  for (const Cell& cell : results.cells) {
    Grouping rounds;
    for (const auto& lost : cell.lost) {
      rounds.add(std::string(to_string(lost.status)) + '\n' + lost.reason,
                 std::to_string(lost.round));
    }
    for (const auto& [what, members] : rounds.groups()) {
      const std::size_t line = what.find('\n');
      table.rows.push_back({plain(cell.id), plain(what.substr(0, line)),
                            plain(what.substr(line + 1)), plain(joined(members))});
    }
  }
  section.paragraphs.emplace_back(
      table.rows.empty()
          ? "No round was lost."
          : "A cell counts as measured with at least 80 % of its rounds; a lost round is "
            "missing from both sides of a ratio.");
  section.detail = table.rows.size() > 20;
  if (!table.rows.empty()) section.table = std::move(table);
  return section;
}

std::string meaning_of_note(std::string_view note) {
  if (note.starts_with(kNoGuarantee)) {
    return "code is written through another address than it executes at, and no serialising "
           "operation stands between: the processor's manual does not promise that the new bytes "
           "are seen, though they were here";
  }
  if (note.starts_with("serialised after each patch: membarrier")) {
    return "what the processor's manual asks of this thread where code is written through another "
           "address than it executes at, and of other threads wherever it is written";
  }
  if (note.starts_with("serialised after each patch")) {
    return "what the processor's manual asks of this thread where code is written through another "
           "address than it executes at; other threads that execute the code are not notified";
  }
  if (note.starts_with("drift over 5 %")) {
    return "the processor's speed changed between the calibrations before and after these "
           "measurements";
  }
  if (note.starts_with("steal time")) {
    return "the hypervisor gave the processor to others meanwhile";
  }
  return "";
}

/// Workload, strategy, and those parameters that are words: what a note may depend on.
std::string name_without_numbers(const Cell& cell) {
  results::Params words;
  for (const auto& param : cell.params) {
    if (std::holds_alternative<std::string>(param.second)) words.push_back(param);
  }
  return results::cell_id(cell.workload, cell.strategy, words);
}

Section notes_section(const Results& results) {
  Section section;
  section.title = "Notes on cells";
  Grouping notes;
  for (const Cell& cell : results.cells) {
    for (const std::string& note : cell.notes) notes.add(note, name_without_numbers(cell));
  }
  TextTable table{{"note", "what it means", "cells"}, {}};
  for (const auto& [note, cells] : notes.groups()) {
    table.rows.push_back({plain(note), plain(meaning_of_note(note)), plain(joined(cells))});
  }
  if (table.rows.empty()) section.paragraphs.emplace_back("None.");
  if (!table.rows.empty()) section.table = std::move(table);
  return section;
}

/// Facts with their sources, where the results have those.
class ContextTable {
 public:
  explicit ContextTable(const results::Context& context) : sources_(context.sources) {
    if (!sources_.empty()) table_.header.emplace_back("read from");
  }

  /// `field` is the fact's name in results.json.
  void text(const char* name, std::string_view field, const std::optional<std::string>& value) {
    add(name, value, source_of(field));
  }
  template <typename T>
  void value(const char* name, std::string_view field, const std::optional<T>& value) {
    text(name, field, value ? std::optional(fmt::format("{}", *value)) : std::nullopt);
  }
  /// The source stands beside the first.
  void pairs(const std::string& prefix, std::string_view field,
             const std::vector<std::pair<std::string, std::string>>& pairs) {
    std::string source = source_of(field);
    if (pairs.empty() && !source.empty()) add(prefix, std::nullopt, source);
    for (const auto& [name, value] : pairs) {
      add(fmt::format("{} {}", prefix, name), value, std::exchange(source, ""));
    }
  }
  [[nodiscard]] TextTable take() { return std::move(table_); }

 private:
  [[nodiscard]] std::string source_of(std::string_view field) const {
    const auto found = std::find_if(sources_.begin(), sources_.end(),
                                    [field](const auto& one) { return one.first == field; });
    return found == sources_.end() ? "" : found->second;
  }

  void add(std::string name, const std::optional<std::string>& value, std::string source) {
    std::vector<TextCell> row{plain(std::move(name)), value ? plain(*value) : faint("unknown")};
    if (!sources_.empty()) row.push_back(faint(std::move(source)));
    table_.rows.push_back(std::move(row));
  }

  const std::vector<std::pair<std::string, std::string>>& sources_;
  TextTable table_{{"", ""}, {}};
};

void add_processor(ContextTable& table, const results::Cpu& cpu) {
  table.text("processor", "cpu.model", cpu.model);
  table.text("vendor", "cpu.vendor", cpu.vendor);
  table.value("family", "cpu.family", cpu.family);
  table.value("model", "cpu.model_number", cpu.model_number);
  table.text("microcode", "cpu.microcode", cpu.microcode);
  table.value("logical processors", "cpu.online", cpu.online);
  table.value("cores", "cpu.cores", cpu.cores);
  table.text("pinned to", "cpu.pinned", cpu.pinned);
  table.pairs("cache", "cpu.caches", cpu.caches);
}

std::optional<std::string> sizes_text(const std::optional<std::vector<std::int64_t>>& sizes) {
  if (!sizes) return std::nullopt;
  return sizes->empty() ? "none" : fmt::format("{} bytes", fmt::join(*sizes, ", "));
}

void add_system(ContextTable& table, const results::Context& context) {
  table.text("kernel", "kernel", context.kernel);
  table.text("kernel command line", "kernel_command_line", context.kernel_command_line);
  table.text("virtualisation", "virtualization", context.virtualization);
  table.text("emulated", "emulated", context.emulated ? "yes" : "no");
  table.text("page size", "page_size", std::to_string(context.page_size) + " bytes");
  table.text("larger pages", "huge_page_sizes", sizes_text(context.huge_page_sizes));
  table.text("transparent huge pages", "thp", context.thp);
  table.value("size of those, bytes", "thp_size", context.thp_size);
  table.value("address space randomisation", "aslr", context.aslr);
  table.text("governor", "governor", context.governor);
  table.value("turbo", "turbo", context.turbo);
  table.value("simultaneous multithreading", "smt", context.smt);
  table.value("perf_event_paranoid", "perf_event_paranoid", context.perf_event_paranoid);
  table.value("load at the start", "load_average", context.load_average);
  table.pairs("mitigation", "mitigations", context.mitigations);
}

Section context_section(const Results& results) {
  const results::Context& context = results.context;
  ContextTable table(context);
  table.text("host", "host", context.host);
  table.text("architecture", "arch", context.arch);
  add_processor(table, context.cpu);
  add_system(table, context);
  table.text("compiler", "compiler", context.compiler);
  table.text("flags", "flags", context.flags);
  table.text("build type", "build_type", context.build_type);
  table.text("revision", "git", context.git);
  table.pairs("library", "libraries", context.libraries);
  table.text("self-test", "selftest", self_test_outcome(context));
  return {"Context", {}, table.take(), false, {}};
}

}  // namespace

Document make_document(const Results& results) {
  Document document;
  document.title = "patchbench: " + results.run.id;
  document.emulated = results.context.emulated;
  document.warnings = warnings_of(results);
  const bool times = times_mean_something(results.context);
  document.summary = {times ? headline_section(results) : status_section(results),
                      run_section(results)};
  if (Section modes = publishing_section(results); times && modes.table) {
    document.summary.insert(document.summary.begin() + 1, std::move(modes));
  }
  for (Section& section : counter_sections(results)) document.summary.push_back(std::move(section));
  if (has_simulated_counts(results)) document.summary.push_back(simulated_section(results));
  document.rest = {strategies_section(results, false), strategies_section(results, true)};
  if (Section how = how_measured_section(results); times && !how.paragraphs.empty()) {
    document.rest.push_back(std::move(how));
  }
  if (times && results.context.selftest) {
    document.rest.push_back(self_test_section(*results.context.selftest));
  }
  if (auto mappings = mappings_section(results)) document.rest.push_back(std::move(*mappings));
  if (times) document.rest.push_back(noise_section(results));
  Section scatter = repetitions_section(results);
  if (times && !scatter.paragraphs.empty()) document.rest.push_back(std::move(scatter));
  for (const std::string& workload : workloads_in_order(results)) {
    if (times) document.rest.push_back(workload_section(results, workload));
    Section counters = counters_section(results, workload);
    if (counters.table) document.rest.push_back(std::move(counters));
  }
  if (Section modes = publishing_details(results); times && modes.table) {
    document.rest.push_back(std::move(modes));
  }
  for (Section& section : counter_details(results)) document.rest.push_back(std::move(section));
  document.rest.push_back(lost_section(results));
  document.rest.push_back(notes_section(results));
  document.rest.push_back(context_section(results));
  return document;
}

}  // namespace patchbench::analysis
