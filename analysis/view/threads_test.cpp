// What the report says of patches beside executors.
#include "analysis/view/threads.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <patchbench_catch.hpp>

#include "analysis/sample_results_test.hpp"
#include "analysis/view/figures.hpp"
#include "results/matchers_test.hpp"

namespace patchbench::analysis {
namespace {

using results::contains;

results::Metric constant_metric(std::string name, double ns) {
  results::Metric metric;
  metric.name = std::move(name);
  metric.unit = "ns";
  metric.median = ns;
  for (int round = 0; round < 5; ++round) metric.samples.emplace_back(ns + 0.01 * round);
  metric.ci95 = {ns, ns + 0.04};
  return metric;
}

results::Counter counted(std::string name, std::string source, std::string set, std::string per,
                         double value) {
  results::Counter counter;
  counter.name = std::move(name);
  counter.source = std::move(source);
  counter.scope = "both";
  counter.per = std::move(per);
  counter.value = value;
  counter.status = "ok";
  counter.set = std::move(set);
  return counter;
}

/// A patch costs 100 ns, and 1,000 more for each executor, which loses a fifth of its sends.
results::Results run_with_executors(const std::vector<std::int64_t>& numbers) {
  static const results::Results sample = sample_run().results;
  results::Results results = sample;
  results.cells.clear();
  for (const std::int64_t executors : numbers) {
    results::Cell cell;
    cell.workload = "threads";
    cell.strategy = "rwx";
    cell.params = {{"protocol", "membarrier"}, {"executors", executors}};
    cell.id = "threads/rwx/protocol=membarrier,executors=" + std::to_string(executors);
    cell.status = results::CellStatus::ok;
    cell.metrics.push_back(
        constant_metric("patch_beside_executors", 100 + 1000 * static_cast<double>(executors)));
    cell.metrics.push_back(constant_metric("send_undisturbed", 8));
    cell.metrics.push_back(constant_metric("send_beside_patches", 10));
    cell.counters.push_back(
        counted("ipis-to-one", "tracepoint", "vma", "patch_beside_executors", 1));
    cell.counters.push_back(
        counted("ipis-to-many", "tracepoint", "vma", "patch_beside_executors", 2));
    cell.counters.push_back(counted("visible-p99-ns", "software", "", "patch", 4321));
    results.cells.push_back(std::move(cell));
  }
  results.metrics.clear();
  for (const char* id : {"patch_beside_executors", "send_undisturbed", "send_beside_patches"}) {
    results::MetricEntry entry;
    entry.id = entry.title = entry.meaning = id;
    entry.unit = "ns";
    entry.beside_executors = true;
    entry.patches = std::string_view(id) != "send_undisturbed";
    if (std::string_view(id) == "send_beside_patches") entry.undisturbed = "send_undisturbed";
    results.metrics.push_back(entry);
  }
  return results;
}

std::string cell_under(const Section& section, std::string_view title) {
  const auto& header = section.table->header;
  const auto found = std::ranges::find(header, title);
  REQUIRE(found != header.end());
  return section.table->rows.front()[static_cast<std::size_t>(found - header.begin())].text;
}

std::vector<std::string> figures_of_threads(const results::Results& results) {
  std::vector<std::string> names;
  for (const Figure& figure : make_figures(results).figures) {
    if (figure.part == Part::threads) names.push_back(figure.name);
  }
  return names;
}

}  // namespace

TEST_CASE("threads in a report: what a patch costs, and what executors lose") {
  const results::Results results = run_with_executors({1});
  const Section section = threads_section(results);
  REQUIRE(section.table);
  REQUIRE(section.table->rows.size() == 1);
  CHECK_THAT(cell_under(section, "patch_beside_executors"), contains("1100 ns"));
  CHECK_THAT(cell_under(section, "throughput lost"), contains("20.0 %"));
  CHECK(cell_under(section, "interrupts a patch") == "3");
  CHECK(cell_under(section, "TLB flushes a patch") == "not counted");
  CHECK_THAT(cell_under(section, "visible, p99 ns"), contains("4321"));
  CHECK(cell_under(section, "visible, p50 ns").empty());
}

TEST_CASE("threads in a report: a figure over executors, where there are several numbers of them") {
  CHECK(figures_of_threads(run_with_executors({1})).empty());
  const auto names = figures_of_threads(run_with_executors({2, 0, 1}));
  REQUIRE(names == std::vector<std::string>{"threads-patch-beside-executors"});
  const results::Results results = run_with_executors({2, 0, 1});
  const LineChart chart = executors_charts(results).front();
  REQUIRE(chart.panels.size() == 1);
  const Series& series = chart.panels.front().series.front();
  REQUIRE(series.points.size() == 3);
  CHECK(series.points.front().x == 0);
  CHECK(series.points.front().y == 100);
  CHECK(series.points.back().y == 2100);
}

TEST_CASE("threads in a report: nothing where none executed beside") {
  CHECK_FALSE(threads_section(sample_run().results).table.has_value());
}

}  // namespace patchbench::analysis
