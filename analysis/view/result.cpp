#include "analysis/view/result.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "analysis/quantity/comparable.hpp"
#include "analysis/quantity/flags.hpp"
#include "analysis/quantity/identical.hpp"
#include "analysis/quantity/repetitions.hpp"
#include "analysis/quantity/selection.hpp"
#include "analysis/render/wrap.hpp"
#include "analysis/statistics/statistics.hpp"
#include "analysis/view/answer.hpp"
#include "analysis/view/counters.hpp"
#include "analysis/view/how_measured.hpp"
#include "analysis/view/publishing.hpp"
#include "analysis/view/self_test.hpp"
#include "analysis/view/simulated.hpp"
#include "analysis/view/table.hpp"
#include "analysis/view/titles.hpp"

namespace patchbench::analysis {
namespace {

using results::Cell;
using results::Params;
using results::Results;

// ---- the table ----

/// Strategies and columns of the headline; ratios are those to the baseline, or of modes to none.
class ResultTable {
 public:
  ResultTable(const Quantities& run, std::vector<HeadlineColumn> columns,
              const std::vector<ModeRatio>* to_none = nullptr)
      : run_(run), columns_(std::move(columns)), to_none_(to_none) {}

  /// `brief` titles have the parameters that tell a run's cells apart alone, on a line of their
  /// own.
  void fill(Section& section, bool brief) const {
    std::vector<std::string> rows = run_.strategies();
    std::erase_if(rows, [this](const std::string& id) { return !is_shown(id); });
    const std::string note = guarantee_note();
    std::vector<Column<std::string>> table = {{"strategy", [&](const std::string& id) {
                                                 Entry entry = plain(id);
                                                 if (is_marked(id)) entry.star = note;
                                                 return entry;
                                               }}};
    for (const HeadlineColumn& column : columns_) {
      table.push_back({title_of(column, brief), [&, brief](const std::string& id) {
                         const Quantity time = cost_of(run_, column, id);
                         // Why not stands below the table.
                         if (brief && is_unsupported(time)) return Entry{};
                         return cost_entry(run_, time, ratio_of(column, id), "",
                                           to_none_ == nullptr);
                       }});
    }
    fill_table(section, rows, table);
    const auto control =
        std::ranges::find_if(rows, [this](const auto& id) { return run_.is_control(id); });
    if (control != rows.end()) section.table->rule = control - rows.begin();
  }

 private:
  [[nodiscard]] const results::Ratio* ratio_of(const HeadlineColumn& column,
                                               const std::string& id) const {
    const Quantity time = cost_of(run_, column, id);
    return to_none_ == nullptr ? time.ratio : find_mode_ratio(*to_none_, time);
  }
  /// Whether a column can have a value, unlike for a control that belongs to another workload.
  [[nodiscard]] bool is_shown(const std::string& id) const {
    return std::ranges::any_of(columns_, [&](const HeadlineColumn& column) {
      if (to_none_ != nullptr) return ratio_of(column, id) != nullptr;
      const Quantity time = cost_of(run_, column, id);
      return time.cell != nullptr && !is_unsupported(time);
    });
  }
  [[nodiscard]] static bool is_unsupported(const Quantity& time) {
    return time.cell != nullptr && time.cell->status == results::CellStatus::unsupported;
  }
  [[nodiscard]] static bool lacks(const Quantity& time) {
    return time.value && lacks_guarantee(*time.cell);
  }
  [[nodiscard]] bool is_marked(const std::string& id) const {
    return std::ranges::any_of(
        columns_, [&](const HeadlineColumn& column) { return lacks(cost_of(run_, column, id)); });
  }
  /// What the mark says, and where the columns have several modes, of which.
  [[nodiscard]] std::string guarantee_note() const {
    std::vector<std::string> all;
    std::vector<std::string> without;
    for (const HeadlineColumn& column : columns_) {
      for (const std::string& id : run_.strategies()) {
        const Quantity time = cost_of(run_, column, id);
        if (time.value) add_once(all, publish_mode(column.params));
        if (lacks(time)) add_once(without, publish_mode(column.params));
      }
    }
    return fmt::format(
        "{}{}: the code is written through another address than it executes at, and no serialising "
        "operation stands between.",
        kNoGuarantee, all.size() > 1 ? " where a patch ends with " + joined(without) : "");
  }
  /// Those that tell cells of the run apart, and those that a reader asks for.
  [[nodiscard]] Params telling_params(const HeadlineColumn& column) const {
    const std::vector<Params> sets = param_sets(run_, column.workload);
    Params telling = column.params;
    std::erase_if(telling, [&](const auto& param) {
      constexpr std::array<std::string_view, 3> kAlways = {"sites", "degree", "classes"};
      if (std::ranges::find(kAlways, param.first) != kAlways.end()) return false;
      return std::ranges::all_of(sets, [&](const Params& other) {
        const auto* value = find_param(other, param.first);
        return value != nullptr && *value == param.second;
      });
    });
    return telling.empty() ? column.params : telling;
  }
  /// "relink: patch (burst), ns (sites=1024, publish=none)"
  [[nodiscard]] std::string title_of(const HeadlineColumn& column, bool brief) const {
    std::string unit;
    for (const std::string& id : run_.strategies()) {
      const auto* metric = cost_of(run_, column, id).metric;
      if (metric != nullptr && unit.empty()) unit = ", " + metric->unit;
    }
    const bool named = !column.mode.empty() && without_mode(column.params) == column.params;
    return fmt::format("{}: {}{}{}({}{})", column.workload,
                       metric_title(run_.results(), column.metric), unit, brief ? '\n' : ' ',
                       spaced(brief ? telling_params(column) : column.params),
                       named ? ", publish=" + column.mode : "");
  }

  const Quantities& run_;
  std::vector<HeadlineColumn> columns_;
  const std::vector<ModeRatio>* to_none_;
};

constexpr const char* kControl = "rwx-translated";

bool patches_and_executes(const Quantities& run, std::string_view metric) {
  return metric == "patch_execute" || metric == among_hits(run.results(), "patch_execute");
}

std::vector<std::string> dual_rows(const Quantities& run, const HeadlineColumn& column) {
  std::vector<std::string> ids = run.strategies();
  std::erase_if(ids, [&](const std::string& id) {
    const auto* status = run.status(id);
    return status == nullptr || !status->second_view.value_or(false) ||
           !cost_of(run, column, id).value;
  });
  return ids;
}

std::string baseline_of(const Results& results) {
  return results.baseline.empty() ? "the baseline" : results.baseline;
}

std::string how_to_read(const Results& results, const std::vector<HeadlineColumn>& columns) {
  std::string text = fmt::format(
      "Median over rounds, then the ratio to {} (paired round by round, below 1 is faster) with "
      "its interval (95 %, by ranks; below nine rounds of the geometric mean), and the "
      "verdict: faster or slower (the interval does not hold 1), same (it lies within {:.3g} % of "
      "1) or inconclusive. Every interval holds for itself: of twenty, about one misses.",
      baseline_of(results), 100 * delta_of(results));
  if (verdicts_corrected(results)) {
    text +=
        " Verdicts are corrected for the number of a workload's ratios (Benjamini & Hochberg "
        "1995): of those other than inconclusive, at most one in twenty is expected to be wrong.";
  }
  if (std::ranges::any_of(columns,
                          [](const HeadlineColumn& column) { return !column.mode.empty(); })) {
    text +=
        " Columns that differ in the parameter publish differ in what a patch ends with, and their "
        "ratios are to "
        "the baseline with the same; what each mode costs stands in the next table.";
  }
  return text;
}

// ---- the end of a run ----

std::vector<std::string> alarms_of(const Results& results) {
  std::vector<std::string> alarms = self_test_alarms(results.context);
  for (std::string& alarm : identical_alarms(results)) alarms.push_back(std::move(alarm));
  return alarms;
}

std::string run_line(const Results& results) {
  const bool times = times_mean_something(results.context);
  std::string line = times ? "" : "EMULATED: times mean nothing, and none is shown. ";
  line += fmt::format("{} round{}", results.run.rounds, results.run.rounds == 1 ? "" : "s");
  if (!results.baseline.empty() && times) line += ", ratios to " + results.baseline;
  if (results.run.interrupted) line += ", interrupted";
  if (results.context.cpu.model) line += "; " + *results.context.cpu.model;
  return line;
}

/// What went wrong in the cells that are `shown`; what shares a reason shares a line.
template <typename Shown>
std::vector<std::string> reasons(const Quantities& run, Shown shown) {
  Grouping reasons;
  const auto refused = [&](const std::string& id) {
    const auto* status = run.status(id);
    return status != nullptr && status->status != results::Availability::available;
  };
  for (const std::string& id : run.strategies()) {
    if (!refused(id)) continue;
    const std::string word(to_string(run.status(id)->status));
    reasons.add(word + ": " + why_missing(run, id, nullptr), id);
  }
  for (const Quantity& one : run.all()) {
    if (one.set != kCells || is_ok(one.cell) || refused(one.strategy) || !shown(one)) continue;
    reasons.add(why(run, one), one.workload + "/" + one.strategy);
  }
  std::vector<std::string> lines;
  for (const auto& [why, who] : reasons.groups()) lines.push_back(joined(who) + ": " + why);
  return lines;
}

/// What remains of a run whose times mean nothing: which cells ran and were right.
Section statuses(const Quantities& run) {
  std::map<std::string, std::map<results::CellStatus, int>> counts;
  for (const Cell& cell : run.results().cells) ++counts[cell.strategy][cell.status];
  Section section;
  fill_table(section, run.strategies(),
             {{"strategy", [](const std::string& id) { return name(id); }},
              {"cases", [&](const std::string& id) {
                 std::vector<std::string> texts;
                 for (const auto& [status, count] : counts[id]) {
                   texts.push_back(fmt::format("{} {}", count, to_string(status)));
                 }
                 return plain(joined(texts));
               }}});
  section.footnotes = reasons(run, [](const Quantity&) { return true; });
  return section;
}

/// What each mode costs against none.
Section modes_section(const Quantities& run, std::vector<HeadlineColumn> columns) {
  const std::vector<ModeRatio> ratios = mode_ratios(run);
  std::erase_if(columns, [&](const HeadlineColumn& column) {
    return std::ranges::none_of(ratios, [&](const ModeRatio& one) {
      return one.workload == column.workload && one.params == column.params &&
             one.ratio.metric == column.metric;
    });
  });
  Section section{.title =
                      "What a patch ends with (--publish): cost, and its ratio to none of the "
                      "same strategy"};
  ResultTable(run, std::move(columns), &ratios).fill(section, true);
  section.footnotes.clear();  // they are the result's
  return section;
}

std::string legend(const Results& results) {
  return fmt::format(
      "5.13 1.02 [0.98,1.06] = reads: median of the rounds; ratio to {}, below 1 is faster; "
      "interval: 95 %, by ranks (below nine rounds of the geometric mean); < faster, > slower, = "
      "same within {:.3g} %, ? inconclusive.{}",
      baseline_of(results), 100 * delta_of(results),
      verdicts_corrected(results) ? " Verdicts, unlike intervals, are corrected for the number of "
                                    "a workload's ratios."
                                  : "");
}

/// What the run says of itself, and what a longer one would take.
std::vector<std::string> findings(const Results& results) {
  std::vector<std::string> sentences = repetition_advice(results);
  if (std::string flags = flags_sentence(results); !flags.empty()) {
    sentences.insert(sentences.begin(), std::move(flags));
  }
  if (results.run.flagged && results.run.flagged->any > 0) {
    sentences.push_back(flagged_sentence(results));
  }
  return sentences;
}

void add_costs(const Quantities& run, std::vector<Section>& sections) {
  const Results& results = run.results();
  const std::vector<HeadlineColumn> columns = headline_columns(run);
  if (columns.empty()) {
    sections.push_back({.paragraphs = {"No case was measured."}});
  } else {
    ResultTable(run, columns).fill(sections.emplace_back(), true);
    sections.push_back(modes_section(run, columns));
  }
  sections.push_back({.paragraphs = reasons(run, [&](const Quantity& cell) {
                        return std::ranges::any_of(columns, [&](const HeadlineColumn& column) {
                          return column.workload == cell.workload && column.params == cell.params;
                        });
                      })});
  std::vector<std::string> others = translation_footnotes(run, columns);
  for (std::string& mode : missing_modes(run)) others.push_back(std::move(mode));
  sections.push_back({.paragraphs = std::move(others)});
  if (columns.empty()) return;
  sections.push_back(
      {.paragraphs = {
           legend(results),
           fmt::format(
               "floor: a send's bytes, never patched: the best to hope for. "
               "unchecked: without the class check. again: the A/A control, {} once more, so the "
               "noise of this run.",
               baseline_of(results))}});
}

}  // namespace

Section result_section(const Quantities& run) {
  Section section{.title = "The result"};
  const std::vector<HeadlineColumn> columns = headline_columns(run);
  if (columns.empty()) {
    section.paragraphs.emplace_back("No case was measured.");
    return section;
  }
  for (std::string& line : identical_lines(run.results())) {
    section.paragraphs.push_back(std::move(line) + ".");
  }
  section.paragraphs.push_back(how_to_read(run.results(), columns));
  ResultTable(run, columns).fill(section, false);
  for (std::string& note : translation_footnotes(run, columns)) {
    section.footnotes.push_back(std::move(note));
  }
  return section;
}

std::vector<std::string> translation_footnotes(const Quantities& run,
                                               const std::vector<HeadlineColumn>& columns) {
  std::vector<std::string> notes;
  for (const HeadlineColumn& column : columns) {
    if (!patches_and_executes(run, column.metric)) continue;
    const Quantity control = cost_of(run, column, kControl);
    if (!control.value || control.ratio == nullptr || !control.ratio->median) continue;
    const auto interval = deciding_interval(*control.ratio);
    const std::vector<std::string> rows = dual_rows(run, column);
    if (!interval || rows.empty()) continue;
    notes.push_back(fmt::format(
        "{}: of {} at {}, what {} has too is the translation of the address and not the second "
        "view: its ratio to {} is {:.3f} [{:.3f}, {:.3f}].",
        joined(rows), metric_title(run.results(), column.metric),
        results::params_text(column.params), kControl, run.results().baseline,
        *control.ratio->median, (*interval)[0], (*interval)[1]));
  }
  return notes;
}

std::vector<Section> end_of_run(const Quantities& run) {
  const Results& results = run.results();
  std::vector<std::string> first = alarms_of(results);
  first.push_back(run_line(results));
  for (std::string& line : identical_lines(results)) first.push_back(std::move(line));
  std::vector<Section> sections = {{.paragraphs = std::move(first)}};
  if (times_mean_something(results.context)) {
    add_costs(run, sections);
    sections.push_back({.paragraphs = findings(results)});
  } else {
    sections.push_back(statuses(run));
  }
  sections.push_back({.paragraphs = counter_summary(run)});
  for (Section& section : simulated_summary(run)) sections.push_back(std::move(section));
  std::erase_if(sections, [](const Section& section) {
    return !section.table && section.paragraphs.empty() && section.footnotes.empty();
  });
  return sections;
}

std::string terminal_table(const Quantities& run, const TerminalStyle& style) {
  return terminal_text(end_of_run(run), style);
}

}  // namespace patchbench::analysis
