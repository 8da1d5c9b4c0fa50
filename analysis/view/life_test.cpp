// What the report says of the steps of a site's life and of changes of everything.
#include "analysis/view/life.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <patchbench_catch.hpp>

#include "analysis/sample_results_test.hpp"
#include "analysis/view/figures.hpp"
#include "results/matchers_test.hpp"

namespace patchbench::analysis {
namespace {

using results::contains;

results::Metric steady_metric(std::string name, double ns) {
  results::Metric metric;
  metric.name = std::move(name);
  metric.unit = "ns";
  metric.median = ns;
  for (int round = 0; round < 5; ++round) metric.samples.emplace_back(ns * (1 + 0.001 * round));
  metric.ci95 = {ns, ns * 1.004};
  return metric;
}

results::MetricEntry entry_of(std::string id, std::string leads_to, bool in_bulk) {
  results::MetricEntry entry;
  entry.id = entry.title = entry.meaning = std::move(id);
  entry.unit = "ns";
  entry.leads_to = std::move(leads_to);
  entry.in_bulk = in_bulk;
  return entry;
}

results::Cell cell_of(std::string workload, results::Params params,
                      std::vector<results::Metric> metrics) {
  results::Cell cell;
  cell.workload = std::move(workload);
  cell.strategy = "rwx";
  cell.params = std::move(params);
  cell.id = results::cell_id(cell.workload, cell.strategy, cell.params);
  cell.status = results::CellStatus::ok;
  cell.metrics = std::move(metrics);
  return cell;
}

results::Results run_with(std::vector<results::MetricEntry> metrics,
                          std::vector<results::Cell> cells) {
  static const results::Results sample = sample_run().results;
  results::Results results = sample;
  results.metrics = std::move(metrics);
  results.cells = std::move(cells);
  return results;
}

results::Results run_of_two_steps() {
  return run_with({entry_of("to_mic", "MIC", false), entry_of("to_pic_2", "PIC of 2", false)},
                  {cell_of("life", {{"open_pic", "own"}},
                           {steady_metric("to_mic", 120), steady_metric("to_pic_2", 340)})});
}

std::string only_cell_under(const Section& section, std::string_view title) {
  const auto& header = section.table->header;
  const auto found = std::ranges::find(header, title);
  REQUIRE(found != header.end());
  REQUIRE(section.table->rows.size() == 1);
  return section.table->rows.front()[static_cast<std::size_t>(found - header.begin())].text;
}

}  // namespace

TEST_CASE("life in a report: a column for each step") {
  const results::Results results = run_of_two_steps();
  const auto sections = life_sections(results);
  REQUIRE(sections.size() == 1);
  CHECK_THAT(only_cell_under(sections.front(), "to_mic"), contains("120 ns"));
  CHECK_THAT(only_cell_under(sections.front(), "to_pic_2"), contains("340 ns"));
  CHECK_THAT(only_cell_under(sections.front(), "parameters"), contains("open_pic=own"));
}

TEST_CASE("life in a report: a figure whose axis has the states") {
  const auto chart = steps_chart(run_of_two_steps());
  REQUIRE(chart);
  REQUIRE(chart->x_tics.size() == 2);
  CHECK(chart->x_tics[1].label == "PIC of 2");
  REQUIRE(chart->panels.size() == 1);
  const Series& series = chart->panels.front().series.front();
  REQUIRE(series.points.size() == 2);
  CHECK(series.points[1].x == chart->x_tics[1].at);
  CHECK(series.points[1].y == 340);
  const auto figures = make_figures(run_of_two_steps()).figures;
  CHECK(std::ranges::count(figures, "life-of-a-send", &Figure::name) == 1);
}

TEST_CASE("life in a report: changes of everything are a table of their own") {
  const auto results =
      run_with({entry_of("compact", "", true)},
               {cell_of("bulk", {{"per_scope", "all"}}, {steady_metric("compact", 55)})});
  const auto sections = life_sections(results);
  REQUIRE(sections.size() == 1);
  CHECK_THAT(only_cell_under(sections.front(), "compact"), contains("55.0 ns"));
  CHECK_FALSE(steps_chart(results));
}

TEST_CASE("life in a report: the lookup that selectors share, as a ratio to the open PIC") {
  const auto results = run_with(
      {entry_of("send", "", false)},
      {cell_of("open-pic", {{"sites", 64}}, {steady_metric("send", 10)}),
       cell_of("open-pic", {{"sites", 64}, {"lookup", "generic"}}, {steady_metric("send", 15)})});
  const auto sections = life_sections(results);
  REQUIRE(sections.size() == 1);
  CHECK_THAT(only_cell_under(sections.front(), "open PIC"), contains("10"));
  CHECK_THAT(only_cell_under(sections.front(), "shared lookup"), contains("15"));
  CHECK_THAT(only_cell_under(sections.front(), "ratio"), contains("1.5"));
}

TEST_CASE("life in a report: nothing where no step was measured") {
  CHECK(life_sections(sample_run().results).empty());
  CHECK_FALSE(steps_chart(sample_run().results));
}

}  // namespace patchbench::analysis
