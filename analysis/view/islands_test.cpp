// What the report says of a zone that is many mappings.
#include "analysis/view/islands.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <patchbench_catch.hpp>

#include "analysis/sample_results_test.hpp"
#include "analysis/view/figures.hpp"
#include "analysis/view/report_document.hpp"
#include "results/matchers_test.hpp"

namespace patchbench::analysis {
namespace {

using results::contains;

constexpr std::int64_t kTooMany = 32767;

results::Metric steady_metric(std::string name, double ns) {
  results::Metric metric;
  metric.name = std::move(name);
  metric.unit = "ns";
  metric.median = ns;
  for (int round = 0; round < 5; ++round) metric.samples.emplace_back(ns);
  metric.ci95 = {ns * 0.9, ns * 1.1};
  return metric;
}

results::MetricEntry metric_over(std::string id, std::string on) {
  results::MetricEntry entry;
  entry.id = id;
  entry.title = "title of " + id;
  entry.meaning = id;
  entry.unit = "ns";
  entry.over_islands = std::move(on);
  return entry;
}

/// Closing costs 2 us and 1 us an island; a page 500 ns whatever their number. memfd-dual takes no
/// snapshots.
results::Results run_with_islands(const std::vector<std::int64_t>& numbers) {
  static const results::Results sample = sample_run().results;
  results::Results results = sample;
  results.cells.clear();
  for (const std::int64_t islands : numbers) {
    for (const std::string id : {"rwx", "memfd-dual", "floor"}) {
      results::Cell cell;
      cell.workload = "mapped";  // whatever its name is
      cell.strategy = id;
      cell.params = {{"islands", islands}};
      cell.id = results::cell_id(cell.workload, id, cell.params);
      cell.status =
          islands == kTooMany ? results::CellStatus::unsupported : results::CellStatus::ok;
      if (islands == kTooMany) cell.reason = "vm.max_map_count is 65530";
      if (cell.status == results::CellStatus::ok) {
        cell.metrics.push_back(steady_metric("close", 2000 + 1000 * static_cast<double>(islands)));
        cell.metrics.push_back(steady_metric("page", 500));
        if (id != "memfd-dual") cell.metrics.push_back(steady_metric("go-back", 4e6));
      }
      results.cells.push_back(std::move(cell));
    }
  }
  results.metrics = {metric_over("close", "zone"), metric_over("page", "page"),
                     metric_over("go-back", "snapshot"), metric_over("other", "")};
  results.baseline = "rwx";
  return results;
}

using RowTexts = std::vector<std::string>;

RowTexts texts_of(const std::vector<TextCell>& row) {
  RowTexts all;
  for (const TextCell& cell : row) all.push_back(cell.text);
  return all;
}

}  // namespace

TEST_CASE("islands in a report: operations by their number, and why some cannot be had") {
  const results::Results results = run_with_islands({1000, 0, kTooMany});
  const Section section = islands_section(results);
  REQUIRE(section.table);
  const TextTable& table = *section.table;
  CHECK(table.header == RowTexts{"strategy", "operation", "0", "1,000", "32,767"});
  REQUIRE(table.rows.size() == 5);  // no control; no snapshot of memfd-dual
  CHECK(texts_of(table.rows[0]) == RowTexts{"rwx", "title of close", "2 us\n[1.8 us, 2.2 us]",
                                            "1 ms\n[902 us, 1.1 ms]", "unsupported [1]"});
  CHECK(table.rows[1][3].text.starts_with("500 ns"));
  CHECK(table.rows[2][1].text == "title of go-back");
  CHECK(table.rows[4][0].text == "memfd-dual");
  REQUIRE(section.footnotes.size() == 1);
  CHECK_THAT(section.footnotes[0], contains("vm.max_map_count is 65530"));
  REQUIRE(section.paragraphs.size() == 2);
  CHECK_THAT(section.paragraphs[1],
             contains("under rwx: title of close: 2 us with 0, 1 ms with 1,000 (501x)") &&
                 contains("title of page: 500 ns with 0, 500 ns with 1,000 (1x)"));
}

TEST_CASE("islands in a report: a figure for each kind of operation, where there are several") {
  CHECK(islands_charts(run_with_islands({1000})).empty());
  const results::Results results = run_with_islands({1000, 0, kTooMany});
  const auto charts = islands_charts(results);
  REQUIRE(charts.size() == 3);
  CHECK(charts[0].chart.name == "mapped-zone-by-islands");
  CHECK(charts[1].chart.name == "mapped-page-by-islands");
  CHECK(charts[2].chart.name == "mapped-snapshot-by-islands");
  const LineChart& zone = charts[0].chart;
  CHECK(zone.y_label == "us per operation");
  CHECK(charts[1].chart.y_label == "ns per page");
  // 0 has a place on a logarithmic axis, and what was not measured has none.
  REQUIRE(zone.x_tics.size() == 2);
  CHECK(zone.x_tics[0].label == "0");
  CHECK(zone.x_tics[0].at > 0);
  CHECK(zone.x_tics[0].at < 1);
  CHECK(zone.x_tics[1].label == "1k");
  REQUIRE(zone.panels.size() == 1);
  REQUIRE(zone.panels[0].series.size() == 2);
  const Series& series = zone.panels[0].series[0];
  CHECK(series.id == "rwx");
  REQUIRE(series.points.size() == 2);
  CHECK(series.points[0].y == 2);
  CHECK(series.points[1].x == 1000);
  CHECK(series.points[1].y == 1002);
  REQUIRE(series.points[1].range);
  CHECK((*series.points[1].range)[0] < 1002);
  CHECK(charts[2].chart.panels[0].series.size() == 1);
}

TEST_CASE("islands in a report: figures and table stand among mappings, and nowhere without them") {
  const auto places = [](const results::Results& results) {
    std::vector<std::string> names;
    for (const Figure& figure : make_figures(results).figures) {
      if (figure.part == Part::mappings) names.push_back(figure.name);
    }
    const Document document = make_document(results);
    for (const Section* section : in_reading_order(document)) {
      if (section->title == "A zone of many mappings") {
        CHECK(section->part == Part::mappings);
        names.push_back("table");
      }
    }
    return names;
  };
  CHECK(places(run_with_islands({0, 10})) == RowTexts{"mapped-zone-by-islands",
                                                      "mapped-page-by-islands",
                                                      "mapped-snapshot-by-islands", "table"});
  CHECK(places(sample_run().results).empty());
}

}  // namespace patchbench::analysis
