#include "analysis/view/new_code.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <patchbench_catch.hpp>

#include "analysis/sample_results_test.hpp"
#include "analysis/statistics/statistics.hpp"
#include "analysis/view/figures.hpp"
#include "results/matchers_test.hpp"

namespace patchbench::analysis {
namespace {

using results::contains;

results::Metric installed_in(double ns) {
  results::Metric metric;
  metric.name = "install";
  metric.unit = "ns";
  metric.median = ns;
  for (int round = 0; round < 5; ++round) metric.samples.emplace_back(ns);
  metric.ci95 = {ns, ns};
  return metric;
}

results::Ratio three_times_slower() {
  results::Ratio ratio;
  ratio.metric = "install";
  ratio.baseline = "rwx";
  ratio.median = 3;
  ratio.ci95 = {3, 3};
  ratio.n = 5;
  ratio.verdict = results::Verdict::slower;
  return ratio;
}

results::Counter counted_faults(std::string scope, double value) {
  results::Counter counter;
  counter.name = "minor-faults";
  counter.source = "software";
  counter.scope = std::move(scope);
  counter.per = "install";
  counter.value = value;
  counter.status = "ok";
  counter.set = "vma";
  return counter;
}

/// A method costs 20 ns and 100 ns a KiB; in a second view three times as much.
results::Results installing_run(const std::vector<std::int64_t>& sizes) {
  static const results::Results sample = sample_run().results;
  results::Results results = sample;
  results.cells.clear();
  for (const std::int64_t size : sizes) {
    for (const std::string id : {"rwx", "memfd-dual", "floor"}) {
      results::Cell cell;
      cell.strategy = id;
      cell.workload = "new-methods";  // whatever its name is
      cell.params = {{"size", size}, {"memory", std::string("fresh")}};
      cell.id = results::cell_id(cell.workload, id, cell.params);
      cell.status = results::CellStatus::ok;
      if (id == "floor") {
        cell.status = results::CellStatus::unsupported;
        cell.reason = "never patched";
        results.cells.push_back(std::move(cell));
        continue;
      }
      const double factor = id == "rwx" ? 1 : 3;
      cell.metrics = {installed_in(factor * (20 + 100 * static_cast<double>(size) / 1024))};
      if (id != "rwx") {
        cell.ratios = {three_times_slower()};
        cell.counters = {counted_faults("user", 0.5), counted_faults("kernel", 0.25)};
      }
      cell.memory.rss_kib = static_cast<std::int64_t>(factor * 1024);
      cell.memory.page_kib = 4;
      results.cells.push_back(std::move(cell));
    }
  }
  results.baseline = "rwx";
  results::MetricEntry metric;
  metric.id = "install";
  metric.title = "a new method";
  metric.unit = "ns";
  metric.installs = true;
  results.metrics.push_back(std::move(metric));
  return results;
}

using CellTexts = std::vector<std::string>;

CellTexts cell_texts(const std::vector<TextCell>& row) {
  CellTexts all;
  for (const TextCell& cell : row) all.push_back(cell.text);
  return all;
}

TEST_CASE("a method installed has its ratio first, then its time, page faults and memory") {
  const auto sections = new_code_sections(installing_run({1024}));
  REQUIRE(sections.size() == 1);  // one size says nothing of a byte
  REQUIRE(sections[0].table.has_value());
  const TextTable& table = *sections[0].table;
  REQUIRE(table.rows.size() == 2);  // what never patches has no row
  CHECK(table.header == CellTexts{"parameters", "strategy", "a new method", "page faults a method",
                                  "resident KiB (Rss of every view)", "page KiB",
                                  "of it on huge pages, KiB"});
  CHECK(cell_texts(table.rows[0]) == CellTexts{"size=1024, memory=fresh", "rwx", "baseline\n120 ns",
                                               "not counted", "1,024", "4", "unknown"});
  CHECK(cell_texts(table.rows[1]) == CellTexts{"size=1024, memory=fresh", "memfd-dual",
                                               "3.00 [3.00,3.00]\n360 ns", "0.7500", "3,072", "4",
                                               "unknown"});
  CHECK(table.rows[1][2].verdict == results::Verdict::slower);
}

TEST_CASE("a method costs what the line through the sizes has at no bytes, and a KiB its slope") {
  // The smallest and the largest decide, in whatever order they were measured.
  const auto sections = new_code_sections(installing_run({1024, 64, 16384, 4096}));
  REQUIRE(sections.size() == 2);
  REQUIRE(sections[1].table.has_value());
  const auto& rows = sections[1].table->rows;
  REQUIRE(rows.size() == 2);
  CHECK(cell_texts(rows[0]) ==
        CellTexts{"memory=fresh", "rwx", "20.00 [20.00, 20.00]", "100.00 [100.0, 100.0]", ""});
  CHECK(rows[1][2].text.starts_with("60.00 "));
  CHECK(rows[1][3].text.starts_with("300.00 "));
  CHECK(rows[1][4].text == "3.00 [3.00,3.00]");
}

TEST_CASE("a slope that is lost in the noise has no ratio") {
  results::Results results = installing_run({64, 1024});
  for (results::Cell& cell : results.cells) {
    if (cell.metrics.empty() || cell.strategy == "rwx") continue;
    cell.metrics[0].samples[2] = std::get<std::int64_t>(cell.params[0].second) == 64 ? 500 : 400;
  }
  const auto sections = new_code_sections(results);
  REQUIRE(sections.size() == 2);
  CHECK(sections[1].table->rows.at(1)[4].text.empty());
}

TEST_CASE("new code is drawn over its size where there are several, without those that have none") {
  const auto names = [](const FigureSet& set) {
    CellTexts all;
    for (const Figure& figure : set.figures) {
      if (figure.part == Part::new_code) all.push_back(figure.name);
    }
    return all;
  };
  CHECK(names(make_figures(installing_run({1024}))).empty());
  const FigureSet set = make_figures(installing_run({64, 1024}));
  CHECK(names(set) == CellTexts{"new-methods-ratio", "new-methods-by-size"});
  for (const Figure& figure : set.figures) {
    if (figure.part != Part::new_code) continue;
    CHECK_THAT(figure.script, contains("'memory=fresh'") && contains("'memfd-dual'") &&
                                  !contains("never patched"));
  }
}

TEST_CASE("of a run without new code nothing is said") {
  CHECK(new_code_sections(sample_run().results).empty());
}

}  // namespace
}  // namespace patchbench::analysis
