#include "analysis/view/result.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <patchbench_catch.hpp>

#include "analysis/quantity/selection.hpp"
#include "analysis/render/document.hpp"
#include "analysis/render/markdown.hpp"
#include "analysis/render/numbers.hpp"
#include "analysis/sample_results_test.hpp"
#include "analysis/view/figures.hpp"
#include "analysis/view/headline.hpp"
#include "analysis/view/lines_test.hpp"
#include "analysis/view/report_document.hpp"
#include "results/matchers_test.hpp"

namespace patchbench::analysis {
namespace {

using results::contains;
using results::starts_with;

std::string line_with(const std::string& text, const std::string& start) {
  for (const std::string& line : lines_of(text)) {
    if (line.starts_with(start)) return line;
  }
  return "";
}

TEST_CASE("numbers are short") {
  CHECK(short_number(0) == "0.00");
  CHECK(short_number(0.0204) == ".020");
  CHECK(short_number(0.31) == "0.31");
  CHECK(short_number(1.005) == "1.00");
  CHECK(short_number(9.996) == "10.0");
  CHECK(short_number(99.96) == "100");
  CHECK(short_number(297.4) == "297");
  CHECK(short_number(9999.6) == "10.0k");
  CHECK(short_number(123456) == "123k");
  CHECK(short_number(2.5e6) == "2.5M");
  CHECK(short_interval({0.98, 1.0612}) == "[0.98,1.06]");
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(1024) == "1,024");
  CHECK(grouped(-1234567) == "-1,234,567");
}

TEST_CASE("the headline takes the parameters nearest to the customary ones") {
  const SampleRun run = sample_run({.rounds = 3, .standard = true});
  const auto columns = headline_columns(run.results);
  REQUIRE(columns.size() == 9);
  CHECK(results::params_text(columns[0].params) == "sites=1024,order=linear,targets=64");
  CHECK(results::params_text(columns[1].params) == "sites=16384,order=linear,targets=64");
  CHECK(results::params_text(columns[2].params) == "degree=4,order=cyclic,sites=1024");
  CHECK(results::params_text(columns[3].params) == "classes=256,cache_entries=1024");
  CHECK(columns[6].metric == "patch");
}

TEST_CASE("a run of other workloads has a headline of its own") {
  SampleRun run = sample_run({.rounds = 3});
  std::erase_if(run.results.cells,
                [](const results::Cell& cell) { return cell.workload != "zone"; });
  const auto columns = headline_columns(run.results);
  REQUIRE(columns.size() == 3);
  CHECK(columns[0].metric == "reserve");
  CHECK_THAT(terminal_table(run.results), contains("zone: first_touch"));
}

TEST_CASE("relink at few sites has columns of its own, behind those of many") {
  SampleRun run = sample_run({.rounds = 3});
  std::vector<results::Cell> few;
  for (results::Cell cell : run.results.cells) {
    if (cell.workload != "relink") continue;
    for (auto& [name, value] : cell.params) {
      if (name == "sites") value = std::int64_t{64};
    }
    few.push_back(std::move(cell));
  }
  run.results.cells.insert(run.results.cells.begin(), few.begin(), few.end());
  std::vector<std::int64_t> sites;
  for (const HeadlineColumn& column : headline_columns(run.results)) {
    if (column.metric == "patch") sites.push_back(*integer_param(column.params, "sites"));
  }
  CHECK(sites == std::vector<std::int64_t>{1024, 64});
  const auto figures = make_figures(run.results).figures;
  for (const char* name : {"patch-cost", "patch-cost-64"}) {
    CHECK(std::ranges::count_if(figures,
                                [&](const Figure& figure) { return figure.name == name; }) == 1);
  }
}

TEST_CASE("the table fits its width and says what a reader needs") {
  for (const bool standard : {false, true}) {
    const SampleRun run = sample_run({.rounds = 5, .standard = standard});
    for (const int width : {20, 80, 100, 160}) {
      const std::string text = terminal_table(run.results, {.width = width, .colour = false});
      CHECK(text.ends_with('\n'));
      for (const std::string& line : lines_of(text)) {
        CAPTURE(width, line);
        CHECK(line.size() <= static_cast<std::size_t>(std::max(80, width)));
        CHECK(line.find('\033') == std::string::npos);
      }
    }
  }
  const std::string text = terminal_table(sample_run({.rounds = 5}).results);
  for (const char* id : {"rwx", "memfd-dual", "file-dual", "mprotect-toggle", "indirect-cell",
                         "floor", "unchecked", "again", "tag-cell", "indirect-cell-rwx"}) {
    CHECK_FALSE(line_with(text, id).empty());
  }
  CHECK_THAT(line_with(text, "rwx"), contains("baseline"));
  CHECK_THAT(line_with(text, "sysv-shm "), contains("denied"));
  CHECK_THAT(text, contains("seccomp filter"));
  CHECK_THAT(text, contains("relink/file-dual: crashed: killed by SIGBUS"));
  CHECK_THAT(text, contains("below 1 is faster"));
  CHECK_THAT(text, contains("the noise of this run"));
}

TEST_CASE("costs, ratios and verdicts are those of the results") {
  SampleRun run = sample_run({.rounds = 5});
  for (auto& cell : run.results.cells) {
    if (cell.id != "mic/memfd-dual/sites=1024,order=linear,targets=64") continue;
    cell.metrics[0].median = 7.77;
    cell.ratios[0].median = 0.555;
    cell.ratios[0].ci95 = {{0.444, 0.666}};
    cell.ratios[0].verdict = results::Verdict::faster;
  }
  const std::string text = terminal_table(run.results);
  CHECK_THAT(line_with(text, "memfd-dual"), contains(" 7.77 0.56 [0.44,0.67] <"));
  const std::string coloured = terminal_table(run.results, {.width = 100, .colour = true});
  CHECK_THAT(coloured, contains("\033[32m0.56 [0.44,0.67] <\033[0m"));
}

TEST_CASE("controls have no verdict, strategies do") {
  SampleRun run = sample_run({.rounds = 5});
  for (auto& cell : run.results.cells) {
    for (auto& ratio : cell.ratios) ratio.verdict = results::Verdict::slower;
  }
  const std::string text = terminal_table(run.results);
  CHECK_THAT(line_with(text, "memfd-dual"), contains(">"));
  CHECK_THAT(line_with(text, "floor"), !contains(">"));
  CHECK_THAT(line_with(text, "again"), !contains(">"));
}

TEST_CASE("tables and reports say which difference they call the same") {
  SampleRun run = sample_run({.rounds = 5});
  CHECK_THAT(terminal_table(run.results, {.width = 1000}), contains("same within 3 %"));
  run.results.run.delta = 0.005;
  const std::string table = terminal_table(run.results, {.width = 1000});
  CHECK_THAT(table,
             contains("same within 0.5 %") && contains("to within 0.5 %") && !contains(" 3 %"));
  CHECK_THAT(markdown_page(make_document(run.results)), contains("lies within 0.5 % of 1"));
}

TEST_CASE("what was disturbed is counted, and the verdicts that hang on it are named") {
  SampleRun run = sample_run({.rounds = 5});
  run.results.run.time = {
      .children_s = 190, .batches_s = 95, .between_s = 10, .parent_cpu_s = 0.19};
  run.results.run.flagged = {.samples = 1234, .drifted = 3, .stolen = 2, .any = 4};
  const auto page = [&] { return markdown_page(make_document(run.results)); };
  for (auto& cell : run.results.cells) {
    for (auto& ratio : cell.ratios) ratio.undisturbed.reset();
  }
  CHECK_THAT(page(), contains("took 190.0 s") && contains("50 % of that") &&
                         contains("10.0 s went by, 5.0 % of all") && contains("0.10 % of"));
  CHECK_THAT(page(), contains("Of 1,234 samples 3 drifted") && contains("in 2 the hypervisor") &&
                         contains("These 4 are flagged and not left out") &&
                         contains("every verdict would be the same"));
  auto& ratio = run.results.cells[1].ratios.at(0);
  ratio.verdict = results::Verdict::slower;
  ratio.undisturbed = {4, 1.01, results::Verdict::slower};
  CHECK_THAT(page(), contains("every verdict would be the same"));
  ratio.undisturbed->verdict = results::Verdict::inconclusive;
  CHECK_THAT(page(), contains("1 verdict would be another") && contains("verdict without"));
  CHECK_THAT(terminal_table(run.results, {.width = 1000}), contains("1 verdict would be another"));
  run.results.run.flagged->any = 0;
  CHECK_THAT(terminal_table(run.results, {.width = 1000}), !contains("hypervisor"));
  run.results.run.time.reset();
  run.results.run.flagged.reset();
  CHECK_THAT(page(), !contains("How it was measured"));
}

TEST_CASE("an emulated run's table has statuses and no times") {
  const SampleRun run = sample_run({.rounds = 7, .crash_one = true, .emulated = true});
  const std::string table = terminal_table(run.results);
  CHECK_THAT(table, starts_with("EMULATED: times mean nothing"));
  CHECK_THAT(table, !contains(" ns") && !contains("ratio") && !contains("["));
  CHECK_THAT(table, contains("rwx                8 ok\n"));
  CHECK_THAT(table, contains("file-dual          7 ok, 1 crashed\n"));
  CHECK_THAT(table, contains("relink/file-dual: crashed: killed by SIGBUS"));
}

TEST_CASE("a run with nothing in it has a table that says so") {
  CHECK_THAT(terminal_table(results::Results{}), contains("No case was measured"));
  SampleRun run = sample_run({.rounds = 1});
  CHECK_THAT(terminal_table(run.results), contains("[n<2]"));
}

/// As a program wrote it that knew neither corrections nor flags nor variances.
void forget_what_came_later(results::Results& results) {
  for (auto& cell : results.cells) {
    for (auto& metric : cell.metrics) {
      metric.drifts.reset();
      metric.bimodal.reset();
      metric.variance.reset();
    }
    for (auto& ratio : cell.ratios) {
      ratio.q_differs.reset();
      ratio.q_same.reset();
      ratio.drifts.reset();
      ratio.bimodal.reset();
    }
  }
}

TEST_CASE("the end says what the run says of itself, and of an older one only what it can") {
  SampleRun run = sample_run({.rounds = 6});
  auto& metric = run.results.cells[0].metrics.at(0);
  metric.drifts = true;
  metric.bimodal = true;
  const std::string table = terminal_table(run.results, {.width = 1000});
  CHECK_THAT(table, contains("1 drift with the rounds and 1 has several modes"));
  CHECK_THAT(table, contains("corrected for the number"));
  CHECK_THAT(table, contains("lies between processes"));
  CHECK_THAT(table, contains("To know a ratio to within 3 %"));
  const std::string page = markdown_page(make_document(run.results));
  CHECK_THAT(page, contains("Benjamini") && contains("drifts with the rounds, bimodal"));

  forget_what_came_later(run.results);
  const std::string old = terminal_table(run.results, {.width = 1000});
  CHECK_THAT(old, !contains("drift with") && !contains("corrected") && !contains("processes"));
  CHECK_THAT(markdown_page(make_document(run.results)), !contains("Benjamini"));
}

}  // namespace
}  // namespace patchbench::analysis
