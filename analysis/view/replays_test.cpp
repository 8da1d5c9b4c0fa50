#include "analysis/view/replays.hpp"

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

results::Metric replayed_in(const char* name, double ns) {
  results::Metric metric;
  metric.name = name;
  metric.unit = "ns";
  metric.median = ns;
  for (int round = 0; round < 5; ++round) metric.samples.emplace_back(ns);
  metric.ci95 = {ns, ns};
  return metric;
}

results::Ratio replay_ratio(double ratio) {
  results::Ratio one;
  one.metric = "replayed";
  one.baseline = "rwx";
  one.median = ratio;
  one.ci95 = {ratio, ratio};
  one.n = 5;
  one.verdict = results::Verdict::slower;
  return one;
}

results::Counter replay_fact_of(std::string name, std::string per, double value) {
  results::Counter counter;
  counter.name = std::move(name);
  counter.source = "software";
  counter.scope = "user";
  counter.per = std::move(per);
  counter.value = value;
  counter.status = "ok";
  return counter;
}

/// Of two traces, one of which no strategy but the baseline replays.
results::Results replaying_run() {
  static const results::Results sample = sample_run().results;
  results::Results results = sample;
  results.cells.clear();
  for (const std::string trace : {"one", "two"}) {
    for (const std::string id : {"rwx", "memfd-dual", "floor"}) {
      results::Cell cell;
      cell.strategy = id;
      cell.workload = "programs";  // whatever its name is
      cell.params = {{"trace", trace}};
      cell.id = results::cell_id(cell.workload, id, cell.params);
      cell.status = results::CellStatus::ok;
      if (id == "floor") {
        cell.status = results::CellStatus::unsupported;
        cell.reason = "never patched";
      } else if (trace == "two" && id != "rwx") {
        cell.status = results::CellStatus::failed;
        cell.reason = "two:7: cut short";
      } else {
        cell.metrics = {replayed_in("replayed", id == "rwx" ? 20 : 30),
                        replayed_in("replayed_again", 10)};
        if (id != "rwx") cell.ratios = {replay_ratio(1.5)};
        cell.counters = {replay_fact_of("misses", "send", 0.017),
                         replay_fact_of("method-cache-misses", "send", 0.25),
                         replay_fact_of("linked-to-mic", "site", 0.9),
                         replay_fact_of("linked-to-closed-pic", "site", 0.075),
                         replay_fact_of("linked-to-open-pic", "site", 0.025)};
      }
      results.cells.push_back(std::move(cell));
    }
  }
  results.baseline = "rwx";
  for (const char* id : {"replayed", "replayed_again"}) {
    results::MetricEntry metric;
    metric.id = id;
    metric.title = std::string("title of ") + id;
    metric.unit = "ns";
    metric.replays = true;
    results.metrics.push_back(std::move(metric));
  }
  return results;
}

std::vector<std::string> texts_of_row(const std::vector<TextCell>& row) {
  std::vector<std::string> all;
  for (const TextCell& cell : row) all.push_back(cell.text);
  return all;
}

TEST_CASE("replays: a row for each trace and strategy, with times, ratios, misses and states") {
  const results::Results results = replaying_run();
  const Section section = replays_section(results);
  REQUIRE(section.table.has_value());
  const TextTable& table = *section.table;
  REQUIRE(table.header.size() == 7);
  CHECK(table.header[2] == "title of replayed");
  CHECK(table.header[3] == "title of replayed_again");
  REQUIRE(table.rows.size() == 4);  // what never patches has no row
  const std::string states = "90.0 / 7.5 / 2.5";
  CHECK(texts_of_row(table.rows[0]) ==
        std::vector<std::string>{"trace=one", "rwx", "20.0 ns\nbaseline", "10.0 ns\nbaseline",
                                 "1.70", "25.0", states});
  CHECK(texts_of_row(table.rows[1]) == std::vector<std::string>{"trace=one", "memfd-dual",
                                                                "30.0 ns\n1.50 [1.50,1.50]",
                                                                "10.0 ns", "1.70", "25.0", states});
  CHECK(table.rows[1][2].verdict == results::Verdict::slower);
  CHECK(texts_of_row(table.rows[3]) ==
        std::vector<std::string>{"trace=two", "memfd-dual", "failed", "failed", "", "", ""});
}

TEST_CASE("replays: a run without recorded programs has no such section, and no figure") {
  const results::Results results = sample_run().results;
  const Section section = replays_section(results);
  CHECK_FALSE(section.table.has_value());
  CHECK(section.paragraphs.empty());
  const FigureSet none = make_figures(results);
  CHECK(std::ranges::none_of(none.figures, [](const Figure& figure) {
    return figure.name.find("replay") != std::string::npos;
  }));
}

TEST_CASE("replays: the figure has a panel for each trace, and a bar for each strategy") {
  const results::Results results = replaying_run();
  const FigureSet set = make_figures(results);
  const auto figure = std::ranges::find(set.figures, "programs-replay-ratio", &Figure::name);
  REQUIRE(figure != set.figures.end());
  CHECK(figure->part == Part::life);
  for (const char* shown : {"trace=one", "trace=two", "memfd-dual", "1.50"}) {
    INFO(shown);
    CHECK(figure->script.find(shown) != std::string::npos);
  }
  CHECK(figure->script.find("'floor'") == std::string::npos);
}

}  // namespace
}  // namespace patchbench::analysis
