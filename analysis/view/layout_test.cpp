// What the report says of layout: the spread over places within a strategy, beside that between
// strategies.
#include "analysis/view/layout.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <patchbench_catch.hpp>

#include "analysis/sample_results_test.hpp"
#include "analysis/view/report_document.hpp"
#include "results/matchers_test.hpp"

namespace patchbench::analysis {
namespace {

using results::contains;

results::Cell placed_cell(const std::string& strategy, results::ParamValue offset, double ns) {
  results::Cell cell;
  cell.workload = "placed";  // whatever its name is
  cell.strategy = strategy;
  cell.params = {{"offset", std::move(offset)}, {"sites", std::int64_t{16}}};
  cell.id = results::cell_id(cell.workload, strategy, cell.params);
  cell.status = results::CellStatus::ok;
  results::Metric metric;
  metric.name = "send";
  metric.unit = "ns";
  metric.median = ns;
  for (int round = 0; round < 5; ++round) metric.samples.emplace_back(ns);
  metric.ci95 = {ns, ns};
  cell.metrics.push_back(std::move(metric));
  return cell;
}

/// 25 % more at 24 than at 0; memfd-dual 4 % more than rwx at 24, and nothing at 0. What is drawn
/// is no place.
results::Results placed_run(bool two_places = true) {
  static const results::Results sample = sample_run().results;
  results::Results results = sample;
  results.cells = {
      placed_cell("rwx", std::int64_t{0}, 8), placed_cell("memfd-dual", std::int64_t{0}, 8),
      placed_cell("again", std::int64_t{0}, 8), placed_cell("rwx", std::string("drawn"), 100)};
  if (two_places) {
    results.cells.push_back(placed_cell("rwx", std::int64_t{24}, 10));
    results.cells.push_back(placed_cell("memfd-dual", std::int64_t{24}, 10.4));
    results.cells.push_back(placed_cell("again", std::int64_t{24}, 10.1));
  }
  results.baseline = "rwx";
  return results;
}

}  // namespace

TEST_CASE("layout in a report: the spread over places stands beside that between strategies") {
  const results::Results results = placed_run();
  const Section section = layout_section(results);
  REQUIRE(section.table);
  REQUIRE(section.table->rows.size() == 3);
  const auto& row = section.table->rows[0];
  CHECK(row[2].text == "rwx");
  CHECK(row[3].text.starts_with("8.00 ns at 0\n"));
  CHECK(row[4].text.starts_with("10.00 ns at 24\n"));
  CHECK(row[5].text == "25.0 %\n[25.0, 25.0]");
  REQUIRE(section.paragraphs.size() == 2);
  CHECK_THAT(
      section.paragraphs[1],
      contains("placed, sites=16: the place of the sites changes the median of a strategy by "
               "up to 30.0 %") &&
          contains("strategies with the same code differ by up to 4.0 %") &&
          contains("all strategies differ by up to 4.0 %") &&
          contains("the baseline differs from itself by up to 1.0 %"));
}

TEST_CASE("layout in a report: nothing where sites lie at one place") {
  CHECK_FALSE(layout_section(placed_run(false)).table.has_value());
  const auto stands = [](const results::Results& results) {
    const Document document = make_document(results);
    for (const Section* section : in_reading_order(document)) {
      if (section->title == "How much is layout") return section->part == Part::trust;
    }
    return false;
  };
  CHECK(stands(placed_run()));
  CHECK_FALSE(stands(placed_run(false)));
}

}  // namespace patchbench::analysis
