#include "analysis/view/titles.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <patchbench_catch.hpp>

#include "analysis/quantity/selection.hpp"
#include "analysis/quantity/summarise.hpp"
#include "analysis/render/document.hpp"
#include "analysis/render/markdown.hpp"
#include "analysis/sample_results_test.hpp"
#include "analysis/view/conclusions.hpp"
#include "analysis/view/figures.hpp"
#include "analysis/view/headline.hpp"
#include "analysis/view/report_document.hpp"
#include "analysis/view/result.hpp"
#include "results/matchers_test.hpp"

namespace patchbench::analysis {
namespace {

using results::contains;
using results::Results;

/// A run with the metrics among hits beside those of every send, and with the control
/// rwx-translated, which costs 1.1 of rwx.
Results with_new_metrics(bool control = true) {
  SampleRun run = sample_run({.rounds = 9});
  Results& results = run.results;
  if (control) {
    const auto rwx = std::ranges::find_if(results.cells, [](const auto& cell) {
      return cell.workload == "relink" && cell.strategy == "rwx";
    });
    results::Cell cell = *rwx;
    cell.strategy = "rwx-translated";
    cell.id = results::cell_id(cell.workload, cell.strategy, cell.params);
    const std::string original = rwx->id;
    results.cells.push_back(cell);
    results::StrategyStatus row;
    row.id = cell.strategy;
    row.role = results::Role::control;
    row.only_workload = "relink";
    results.strategies.push_back(std::move(row));
    const auto lines = run.journal;
    for (results::JournalEntry entry : lines) {
      if (entry.cell != original) continue;
      entry.cell = cell.id;
      for (auto& metric : entry.metrics) metric.median *= 1.1;
      run.journal.push_back(std::move(entry));
    }
  }
  for (auto& entry : run.journal) {
    const auto metrics = entry.metrics;
    for (auto metric : metrics) {
      if (!entry.cell.starts_with("relink") || metric.name == "patch") continue;
      metric.name += "_among_hits";
      entry.metrics.push_back(std::move(metric));
    }
  }
  for (auto& strategy : results.strategies) {
    strategy.second_view = strategy.id.find("-dual") != std::string::npos;
  }
  summarise(results, run.journal);
  return results;
}

std::vector<std::string> metrics_of(const Results& results) {
  std::vector<std::string> names;
  for (const auto& column : headline_columns(results)) names.push_back(column.metric);
  return names;
}

bool has(const std::vector<std::string>& names, const char* name) {
  return std::ranges::find(names, name) != names.end();
}

TEST_CASE("titles are those of the run's catalogue, and of a run without one the ids") {
  Results results = sample_run().results;
  CHECK(metric_title(results, "patch") == "patch (burst)");
  CHECK(metric_title(results, "send") == "send");
  CHECK(metric_title(results, "new") == "new");
  CHECK(among_hits(results, "miss") == "miss_among_hits");
  CHECK(among_hits(results, "patch").empty());
  CHECK(has_a_column_for_each_mode(results, "patch"));
  CHECK_FALSE(has_a_column_for_each_mode(results, "send"));
  results.metrics.clear();
  CHECK(metric_title(results, "patch") == "patch");
  CHECK(among_hits(results, "miss").empty());
  CHECK_FALSE(has_a_column_for_each_mode(results, "patch"));
}

TEST_CASE("the headline has what the run's workloads ask for, in their order") {
  Results results = sample_run().results;
  results.workloads = {{"zone", "", {}, {{"teardown", {}}, {"no-such-metric", {}}}},
                       {"not-run", "", {}, {{"send", {}}}},
                       {"mic", "", {}, {{"send", {{"sites", 16384}}}}}};
  const auto columns = headline_columns(results);
  REQUIRE(columns.size() == 2);
  CHECK(columns[0].workload == "zone");
  CHECK(columns[0].metric == "teardown");
  CHECK(columns[1].workload == "mic");
  CHECK(results::params_text(columns[1].params).starts_with("sites=16384"));
  // Of a run that says nothing, everything at first parameters.
  results.workloads.clear();
  const auto all = headline_columns(results);
  REQUIRE(all.size() > 2);
  CHECK(all.front().workload == "mic");
  CHECK(all.back().metric == "teardown");
}

TEST_CASE("the headline has patches and misses among hits, or else those of every send") {
  const auto older = metrics_of(sample_run().results);
  CHECK(has(older, "patch_execute"));
  CHECK(has(older, "miss"));
  const auto newer = metrics_of(with_new_metrics());
  CHECK(has(newer, "patch_execute_among_hits"));
  CHECK(has(newer, "miss_among_hits"));
  CHECK_FALSE(has(newer, "patch_execute"));
  CHECK_FALSE(has(newer, "miss"));
}

TEST_CASE("tables and figures have titles, and no bare names of metrics") {
  const Results results = with_new_metrics();
  const std::string table = terminal_table(results, {.width = 80, .colour = false});
  CHECK_THAT(table, contains("relink: patch + execute") && contains("(among hits), ns") &&
                        contains("(burst), ns") && !contains("patch_execute"));
  const std::string page = markdown_page(make_document(results));
  CHECK_THAT(page, contains("patch + execute (among hits)") && contains("miss (every send)"));
  CHECK_THAT(page, !contains("| patch |"));
  const FigureSet set = make_figures(results);
  const auto cost =
      std::ranges::find_if(set.figures, [](const Figure& one) { return one.name == "patch-cost"; });
  REQUIRE(cost != set.figures.end());
  CHECK_THAT(cost->script, contains("patch (burst): the change alone") &&
                               contains("patch + execute (among hits): the change and one send"));
}

TEST_CASE("a break-even is between patches among hits where both runs have them") {
  const auto sends_of = [](const Results& first, const Results& second) {
    std::vector<double> sends;
    for (const auto& pair : break_evens(first, second)) {
      if (pair.first.sends) sends.push_back(*pair.first.sends);
    }
    return sends;
  };
  // Cells patch more cheaply; here their sends cost more, so there is a break-even.
  const auto slower_sends = [](Results run) {
    for (auto& cell : run.cells) {
      if (cell.workload != "mic" || cell.strategy != "indirect-cell") continue;
      for (auto& sample : cell.metrics[0].samples) *sample *= 1.5;
    }
    return run;
  };
  Results results = slower_sends(with_new_metrics());
  const auto before = sends_of(results, results);
  REQUIRE_FALSE(before.empty());
  for (auto& cell : results.cells) {
    for (auto& metric : cell.metrics) {
      if (metric.name != "patch_execute_among_hits") continue;
      for (auto& sample : metric.samples) {
        if (sample) *sample *= 2;
      }
    }
  }
  CHECK(sends_of(results, results) != before);
  // An older run on one side: as before.
  const Results older = slower_sends(sample_run({.rounds = 9}).results);
  CHECK(sends_of(results, older) == sends_of(slower_sends(with_new_metrics()), older));
}

TEST_CASE("dual rows say what of them is the translation of addresses, by the run's own ratio") {
  const Results results = with_new_metrics();
  const auto notes = translation_footnotes(results, headline_columns(results));
  REQUIRE(notes.size() == 1);
  CHECK_THAT(notes.front(), contains("memfd-dual") && contains("rwx-translated") &&
                                contains("ratio to rwx is 1.100 [1.100, 1.100]") &&
                                !contains("sysv-shm") && contains("(among hits)"));
  CHECK_THAT(terminal_table(results, {}), contains("translation of the address"));
  CHECK_THAT(markdown_page(make_document(results)), contains("translation of the address"));
  const Results without = with_new_metrics(false);
  CHECK(translation_footnotes(without, headline_columns(without)).empty());
}

}  // namespace
}  // namespace patchbench::analysis
