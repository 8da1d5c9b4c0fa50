#include "results/missing_counters.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>
#include <patchbench_catch.hpp>

#include "results/json.hpp"
#include "results/sample_test.hpp"
#include "results/visitors.hpp"

namespace patchbench::results {
namespace {

Counter missing(std::string name, std::string per, std::string reason) {
  Counter counter;
  counter.name = std::move(name);
  counter.source = "hardware";
  counter.scope = "user";
  counter.per = std::move(per);
  counter.set = "icache";
  counter.status = "unavailable";
  counter.reason = std::move(reason);
  return counter;
}

Counter counted(std::string name, std::string per, double value) {
  Counter counter = missing(std::move(name), std::move(per), "");
  counter.status = "ok";
  counter.value = value;
  return counter;
}

/// Two cells, each of which lacks cycles of sends and patches.
Results without_pmu() {
  Results results = sample_results();
  for (Cell& cell : results.cells) {
    cell.counters = {missing("cycles", "send", "no PMU"), missing("cycles", "patch", "no PMU"),
                     missing("smc-clears", "send", "no such event"),
                     counted("page-faults", "send", 2)};
  }
  return results;
}

/// In an order that does not depend on where they stood.
std::vector<std::string> counters_of(const Cell& cell) {
  std::vector<std::string> texts;
  for (const Counter& counter : cell.counters) texts.push_back(to_json(counter).dump());
  std::ranges::sort(texts);
  return texts;
}

void comes_back(const Results& results) {
  const Results read = from_json_text(to_json_text(results), "memory");
  CHECK(read.context.missing_counters.empty());
  REQUIRE(read.cells.size() == results.cells.size());
  for (std::size_t i = 0; i < read.cells.size(); ++i) {
    CHECK(read.cells[i].uncounted.empty());
    CHECK(counters_of(read.cells[i]) == counters_of(results.cells[i]));
  }
  CHECK(to_json_text(read) == to_json_text(results));
}

TEST_CASE("a file says once which counters the machine lacks, and why") {
  Results results = without_pmu();
  fold_missing_counters(results);
  const std::vector<MissingCounter>& folded = results.context.missing_counters;
  REQUIRE(folded.size() == 2);
  CHECK(folded[0].name == "cycles");
  CHECK(folded[0].per == std::vector<std::string>{"patch", "send"});
  CHECK(folded[0].reason == "no PMU");
  CHECK(folded[0].set == "icache");
  CHECK(folded[1].name == "smc-clears");
  CHECK(folded[1].per == std::vector<std::string>{"send"});
  for (const Cell& cell : results.cells) {
    CHECK(cell.uncounted == std::vector<std::string>{"patch", "send"});
    REQUIRE(cell.counters.size() == 1);
    CHECK(cell.counters[0].name == "page-faults");
  }
  comes_back(without_pmu());
}

TEST_CASE("what one cell has, or lacks for a reason of its own, stays in the cells") {
  Results results = without_pmu();
  SECTION("a value") { results.cells[1].counters[0] = counted("cycles", "send", 40); }
  SECTION("a reason") { results.cells[1].counters[0].reason = "the child crashed"; }
  SECTION("a cell that was not counted") {
    results.cells[1].counters.clear();
    results.cells.push_back(results.cells[0]);
    results.cells[2].strategy = "floor";
    results.cells[2].id = cell_id("mic", "floor", results.cells[2].params);
  }
  comes_back(results);
}

TEST_CASE("a counter that was tried and has no value is not one that the machine lacks") {
  Results results = without_pmu();
  for (Cell& cell : results.cells) cell.counters[0].time_enabled = 100;
  fold_missing_counters(results);
  REQUIRE(results.context.missing_counters.size() == 2);
  CHECK(results.context.missing_counters[0].per == std::vector<std::string>{"patch"});
  REQUIRE(results.cells[0].counters.size() == 2);
  CHECK(results.cells[0].counters[0].time_enabled == 100);
}

TEST_CASE("counters without anything to fold leave no member behind") {
  Results results = sample_results();
  results.cells[1].counters.pop_back();
  const std::string text = to_json_text(results);
  CHECK(text.find("missing_counters") == std::string::npos);
  CHECK(text.find("uncounted") == std::string::npos);
}

}  // namespace
}  // namespace patchbench::results
