#include "analysis/view/publishing.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <patchbench_catch.hpp>

#include "analysis/counted_results_test.hpp"
#include "analysis/quantity/selection.hpp"
#include "analysis/quantity/summarise.hpp"
#include "analysis/render/markdown.hpp"
#include "analysis/sample_results_test.hpp"
#include "analysis/statistics/significance.hpp"
#include "analysis/statistics/statistics.hpp"
#include "analysis/view/counters.hpp"
#include "analysis/view/lines_test.hpp"
#include "analysis/view/report_document.hpp"
#include "analysis/view/result.hpp"
#include "results/matchers_test.hpp"

namespace patchbench::analysis {
namespace {

using results::Cell;
using results::contains;
using results::starts_with;

/// Beside each cell of relink one whose patches end with `mode`, and cost `factor` times as much,
/// plus a share that grows with the round. It has the guarantee that the other lacks.
void add_mode(results::Results& results, const std::string& mode, double factor) {
  const std::vector<Cell> cells = results.cells;
  for (Cell cell : cells) {
    if (cell.workload != "relink" || publish_mode(cell.params) != "none") continue;
    cell.params.emplace_back("publish", mode);
    cell.id = results::cell_id(cell.workload, cell.strategy, cell.params);
    std::erase(cell.notes, std::string(kNoGuarantee));
    for (results::Metric& metric : cell.metrics) {
      for (std::size_t round = 0; round < metric.samples.size(); ++round) {
        const double share = 1 + 0.001 * static_cast<double>(round);
        if (metric.samples[round]) *metric.samples[round] *= factor * share;
      }
      metric.median = median(present(metric.samples));
    }
    results.cells.push_back(std::move(cell));
  }
}

results::Results run_with_modes() {
  results::Results results = sample_run({.rounds = 9}).results;
  add_mode(results, "cpuid", 7);
  add_mode(results, "membarrier", 2);
  return results;
}

const Cell& cell_of(const results::Results& results, const std::string& workload,
                    const results::Params& params, const std::string& strategy) {
  return *Quantities(results).cell({workload, params}, strategy);
}

bool has_line(const std::string& text, const std::string& part) {
  const auto lines = lines_of(text);
  return std::ranges::any_of(
      lines, [&](const std::string& line) { return line.find(part) != std::string::npos; });
}

TEST_CASE("the headline has a column of patches for each mode, and says which") {
  const results::Results results = run_with_modes();
  std::vector<std::string> columns;
  for (const HeadlineColumn& column : headline_columns(results)) {
    if (column.workload == "relink") columns.push_back(column.metric + " " + column.mode);
    if (column.workload != "relink") CHECK(column.mode.empty());
  }
  CHECK(columns == std::vector<std::string>{"patch none", "patch cpuid", "patch membarrier",
                                            "patch_execute none", "patch_execute cpuid",
                                            "patch_execute membarrier", "miss none"});
  const std::string table = terminal_table(results, {.width = 200});
  CHECK_THAT(table, contains("(sites=1024,") && contains("publish=cpuid)") &&
                        contains("publish=membarrier)") && contains("publish=none)"));
  const std::string page = markdown_page(make_document(results));
  CHECK_THAT(page, contains("relink: patch (burst), ns (sites=1024, batch=1, publish=none)") &&
                       contains("relink: patch (burst), ns (sites=1024, batch=1, publish=cpuid)"));
  for (const HeadlineColumn& column : headline_columns(sample_run({.rounds = 3}).results)) {
    CHECK(column.mode.empty());
  }
}

TEST_CASE("workload publish has a column for each mode, too") {
  results::Results results = run_with_modes();
  std::erase_if(results.cells, [](const Cell& cell) { return cell.workload != "relink"; });
  for (Cell& cell : results.cells) {
    cell.workload = "publish";
    for (results::Metric& metric : cell.metrics) {
      if (metric.name == "miss") metric.name = "publish";
    }
  }
  const auto columns = headline_columns(results);
  CHECK(std::ranges::count_if(
            columns, [](const HeadlineColumn& column) { return column.metric == "publish"; }) == 3);
  CHECK_THAT(terminal_table(results, {.width = 200}),
             contains("What a patch ends with") && contains("publish: patch + execute"));
}

TEST_CASE("a mode's ratio is to none of the same strategy, paired by round") {
  const results::Results results = run_with_modes();
  const std::vector<ModeRatio> ratios = mode_ratios(results);
  for (const char* id : {"memfd-dual", "rwx", "indirect-cell"}) {
    const auto found = std::ranges::find_if(ratios, [&](const ModeRatio& one) {
      return one.strategy == id && one.ratio.metric == "patch" &&
             publish_mode(one.params) == "cpuid";
    });
    REQUIRE(found != ratios.end());
    CHECK(found->ratio.n == 9);
    // Unpaired, the scatter of 2 % would be in them.
    CHECK(*found->ratio.median == Approx(7 * 1.004));
    REQUIRE(found->ratio.ci_free.has_value());
    CHECK((*found->ratio.ci_free)[0] > 7 * 0.9999);
    CHECK((*found->ratio.ci_free)[1] < 7 * 1.0081);
    CHECK(found->ratio.verdict == results::Verdict::slower);
  }
  CHECK(std::ranges::none_of(ratios, [](const ModeRatio& one) {
    return one.strategy == "again" || publish_mode(one.params) == "none";
  }));
  CHECK(mode_ratios(sample_run({.rounds = 9}).results).empty());
}

TEST_CASE("a mode's verdict is that of its ratio to none") {
  results::Results results = sample_run({.rounds = 9}).results;
  add_mode(results, "cpuid", 1.2);
  const auto verdict_of = [&](const results::Results& run) {
    for (const ModeRatio& one : mode_ratios(run)) {
      if (one.strategy == "memfd-dual" && one.ratio.metric == "patch") return one.ratio.verdict;
    }
    return results::Verdict::same;
  };
  CHECK(verdict_of(results) == results::Verdict::slower);
}

TEST_CASE("of many ratios of modes a verdict takes more than of one") {
  results::Results results = sample_run({.rounds = 9}).results;
  add_mode(results, "cpuid", 1.2);
  // Of all but one ratio nothing is left.
  for (Cell& cell : results.cells) {
    if (publish_mode(cell.params) == "none" || cell.strategy == "memfd-dual") continue;
    const Cell& none = cell_of(results, cell.workload, without_mode(cell.params), cell.strategy);
    for (results::Metric& metric : cell.metrics) {
      metric.samples = find_metric(none, metric.name)->samples;
    }
  }
  for (const ModeRatio& one : mode_ratios(results)) {
    if (one.strategy != "memfd-dual") continue;
    const Cell& none = cell_of(results, one.workload, without_mode(one.params), one.strategy);
    const Cell& cell = cell_of(results, one.workload, one.params, one.strategy);
    const auto samples = [&](const Cell& of) { return find_metric(of, one.ratio.metric)->samples; };
    const auto p = p_values(paired_ratio(samples(cell), samples(none)));
    REQUIRE(p.has_value());
    CHECK(*one.ratio.q_differs > 1.5 * p->differs);
  }
}

TEST_CASE("terminal and report show what a mode costs against none") {
  const results::Results results = run_with_modes();
  for (const int width : {80, 120}) {
    const std::string table = terminal_table(results, {.width = width});
    const std::size_t at = table.find("What a patch ends with (--publish)");
    REQUIRE(at != std::string::npos);
    const std::string block = table.substr(at, table.find("\n\nsysv-shm", at) - at);
    CHECK(has_line(block, "rwx"));
    CHECK_THAT(block, !contains("baseline") && !contains("again"));
    CHECK_THAT(block, contains(" 7.03 [7.01,7.05] >") && contains(" 2.01 [2.00,2.01] >"));
    for (const std::string& line : lines_of(table)) {
      CHECK(line.size() <= static_cast<std::size_t>(width));
    }
  }
  const Section section = publishing_section(results);
  REQUIRE(section.table.has_value());
  CHECK(section.table->header == std::vector<std::string>{"workload", "parameters", "metric",
                                                          "strategy", "none", "cpuid",
                                                          "membarrier"});
  const auto row = std::find_if(
      section.table->rows.begin(), section.table->rows.end(),
      [](const auto& cells) { return cells[2].text == "patch (burst)" && cells[3].text == "rwx"; });
  REQUIRE(row != section.table->rows.end());
  CHECK_THAT((*row)[4].text, !contains("\n"));
  CHECK_THAT(text_with_verdict((*row)[5]), contains("\n7.03 [7.01,7.05]\nslower"));
  const Document document = make_document(results);
  CHECK(document.summary.at(2).title == "What a patch ends with");
  CHECK(publishing_details(results).table.has_value());
  CHECK_FALSE(publishing_section(sample_run({.rounds = 3}).results).table.has_value());
  results::Results emulated = results;
  emulated.context.emulated = true;
  CHECK(make_document(emulated).summary.at(1).title != "What a patch ends with");
}

TEST_CASE("a mode that the machine lacks is a reason, and no column") {
  results::Results results = run_with_modes();
  for (Cell& cell : results.cells) {
    if (publish_mode(cell.params) != "cpuid") continue;
    cell.status = results::CellStatus::unsupported;
    cell.reason = "this processor has no such instruction";
    cell.metrics.clear();
    cell.ratios.clear();
  }
  CHECK(missing_modes(results) ==
        std::vector<std::string>{"cpuid: unsupported: this processor has no such instruction"});
  const std::string table = terminal_table(results, {.width = 120});
  CHECK_THAT(table, contains("cpuid: unsupported: this processor has no such") &&
                        !contains("cpuid, sites"));
  CHECK(missing_modes(run_with_modes()).empty());
}

TEST_CASE("rows without architectural guarantee are marked in both result tables") {
  results::Results results = run_with_modes();
  const std::string table = terminal_table(results, {.width = 120});
  CHECK(has_line(table, "memfd-dual* "));
  CHECK_FALSE(has_line(table, "rwx*"));
  CHECK_THAT(table, contains("* no architectural guarantee where a patch ends with none: "));
  const Document document = make_document(results);
  const auto marked = [](const Document& page, const std::string& name) {
    const auto& rows = page.summary.at(1).table->rows;
    return std::ranges::any_of(rows, [&](const auto& row) { return row[0].text == name; });
  };
  CHECK(marked(document, "memfd-dual*"));
  CHECK(marked(document, "rwx"));
  REQUIRE(document.summary.at(1).footnotes.size() == 1);
  CHECK_THAT(document.summary.at(1).footnotes[0], starts_with("* no architectural guarantee"));
  // Columns in which every patch serialises have no mark.
  std::erase_if(results.cells, [](const Cell& cell) {
    return cell.workload != "relink" || publish_mode(cell.params) == "none";
  });
  CHECK_THAT(terminal_table(results), !contains("memfd-dual*") && !contains("guarantee"));
  // By the cell's note, and not by its name.
  for (Cell& cell : results.cells) {
    if (cell.strategy == "rwx") cell.notes.emplace_back(kNoGuarantee);
  }
  CHECK_THAT(terminal_table(results), contains("rwx*") && contains("* no architectural guarantee"));
  CHECK(marked(make_document(results), "rwx*"));
}

TEST_CASE("counters of patches are shown and named in every mode") {
  results::Results results = measured_run();
  add_mode(results, "membarrier", 2);
  for (Cell& cell : results.cells) {
    if (publish_mode(cell.params) != "membarrier") continue;
    for (results::Counter& counter : cell.counters) {
      if (counter.name != "system-calls" || !counter.value) continue;
      counter.value = cell.strategy == "indirect-cell" ? 0 : 1;
      counter.samples = {*counter.value};
    }
  }
  const std::vector<EventSet> sets = event_sets(results);
  const auto vma = std::ranges::find_if(sets, [](const EventSet& set) { return set.id == "vma"; });
  REQUIRE(vma != sets.end());
  std::vector<std::string> shown;
  for (const Operation& operation : chosen_operations(results, *vma)) {
    if (operation.per == "patch") {
      shown.push_back(publish_mode(operation.params) + "," + operation.beside);
    }
  }
  CHECK(shown == std::vector<std::string>{"none,", "none,busy-thread", "membarrier,",
                                          "membarrier,busy-thread"});
  const std::vector<std::string> findings = counter_findings(results, *vma);
  REQUIRE_FALSE(findings.empty());
  CHECK_THAT(findings[0],
             contains(". With publish=membarrier: 0 for indirect-cell; 1 for rwx, memfd-dual, "
                      "mprotect-toggle. With publish=membarrier, beside a busy thread: 0 for"));
}

}  // namespace
}  // namespace patchbench::analysis
