#include "analysis/view/simulated.hpp"

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include <patchbench_catch.hpp>

#include "analysis/render/html.hpp"
#include "analysis/render/markdown.hpp"
#include "analysis/render/numbers.hpp"
#include "analysis/render/terminal.hpp"
#include "analysis/sample_results_test.hpp"
#include "analysis/view/report_document.hpp"
#include "analysis/view/result.hpp"
#include "results/matchers_test.hpp"

namespace patchbench::analysis {
namespace {

using results::contains;

results::Counter counter(const char* name, const std::string& per, std::optional<double> value,
                         const char* status = "ok", const char* reason = "") {
  results::Counter counter;
  counter.name = name;
  counter.source = "simulated";
  counter.scope = "user";
  counter.per = per;
  counter.value = value;
  counter.status = status;
  counter.reason = reason;
  return counter;
}

/// sysv-shm runs, but not under the simulator; every other strategy has counts, indirect-cell two
/// data reads more than the others.
results::Results counted_run(const char* arch = "x86_64", bool emulated = false) {
  results::Results results =
      sample_run({.rounds = 3, .deny_sysv = false, .emulated = emulated}).results;
  results.context.arch = arch;
  results.run.id = std::string("run-on-") + arch;
  results.context.simulator = "a model of 1999";
  for (results::Cell& cell : results.cells) {
    for (const results::Metric& metric : cell.metrics) {
      if (cell.workload == "zone") continue;
      if (cell.strategy == "sysv-shm") {
        cell.counters.push_back(counter("instructions", metric.name, std::nullopt, "unsupported",
                                        "the model knows no System V"));
        continue;
      }
      const bool cells = cell.strategy == "indirect-cell";
      cell.counters.push_back(counter("instructions", metric.name, cells ? 1234.6 : 22.4398));
      if (emulated) continue;
      cell.counters.push_back(counter("data-reads", metric.name, cells ? 6.001 : 4.001));
      cell.counters.push_back(counter("data-writes", metric.name, 1));
      cell.counters.push_back(counter("i1-misses", metric.name, -0.0001));
      cell.counters.push_back(counter("ll-misses", metric.name, 0));
    }
  }
  return results;
}

std::vector<std::string> lines_with(const std::string& text, const std::string& part) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    if (line.find(part) != std::string::npos) lines.push_back(line);
  }
  return lines;
}

std::string summary_of(const results::Results& results) {
  return terminal_text(simulated_summary(results), {.width = 100});
}

TEST_CASE("exact numbers have two decimals and no negative zero") {
  CHECK(exact_number(22.4398) == "22.44");
  CHECK(exact_number(-0.0001) == "0.00");
  CHECK(exact_number(-6) == "-6.00");
  CHECK(exact_number(999.996) == "1,000");
  CHECK(exact_number(12345.6) == "12,346");
}

TEST_CASE("the terminal shows simulated counts in a table of their own, and nothing without them") {
  const results::Results results = counted_run();
  const std::string table = summary_of(results);
  CHECK_THAT(table, contains(std::string(kSimulatedTitle)) && contains("a model of 1999"));
  CHECK_THAT(table, contains("mic, per send: sites=") && contains("relink, per patch: sites="));
  CHECK_THAT(table, !contains("per miss") && !contains(" ns"));
  const auto rows = lines_with(table, "indirect-cell ");
  REQUIRE_FALSE(rows.empty());
  CHECK_THAT(rows[0], contains("1,235        6.00         1.00       0.00       0.00"));
  const auto floor = lines_with(table, "floor");
  REQUIRE_FALSE(floor.empty());
  CHECK_THAT(floor[0], contains("22.44        4.00         1.00       0.00       0.00"));
  CHECK_THAT(table, contains("sysv-shm: unsupported: the model knows no System V"));
  for (const std::string& line : lines_with(table, "")) CHECK(line.size() <= 100);
  CHECK(summary_of(sample_run({.rounds = 3}).results).empty());
  CHECK_THAT(terminal_table(results), contains(table));
}

TEST_CASE("simulated and measured values stand in different tables of a report") {
  const Document document = make_document(counted_run());
  const auto titled = [&](const std::string& title) -> const Section* {
    for (const auto* sections : {&document.summary, &document.rest}) {
      for (const Section& section : *sections) {
        if (section.title == title) return &section;
      }
    }
    return nullptr;
  };
  const Section* simulated = titled(std::string(kSimulatedTitle));
  REQUIRE(simulated != nullptr);
  REQUIRE(simulated->table.has_value());
  const std::vector<std::string> columns = {"workload",    "parameters",   "per",
                                            "strategy",    "instructions", "data reads",
                                            "data writes", "I1 misses",    "LL misses"};
  CHECK(simulated->table->header == columns);
  CHECK_THAT(simulated->paragraphs.at(0), contains("SIMULATED by a model of 1999"));
  CHECK_THAT(simulated->paragraphs.at(1), contains("sysv-shm: unsupported"));
  // One row for each cell and metric that was asked for, misses too.
  const auto per_miss = std::count_if(
      simulated->table->rows.begin(), simulated->table->rows.end(),
      [](const auto& row) { return row[0].text == "relink" && row[2].text == "miss"; });
  CHECK(per_miss == 6);
  const Section* counters = titled("Bytes and memory of every case");
  REQUIRE(counters != nullptr);
  for (const std::string& title : counters->table->header) {
    CHECK_THAT(title, !contains("instructions") && !contains("simulated"));
  }
  CHECK(titled(std::string(kSimulatedTitle)) != nullptr);
  CHECK_FALSE(simulated_section(sample_run({.rounds = 3}).results).table.has_value());
}

TEST_CASE("how far simulated counts repeat is no more than was seen") {
  const auto text = [](const results::Results& results) {
    return simulated_section(results).paragraphs.at(0);
  };
  CHECK_THAT(text(counted_run()), contains("repeat exactly with this program and C library on "
                                           "processors of the same features") &&
                                      contains("LL misses repeat to about one in 100,000") &&
                                      !contains("every machine"));
  CHECK_THAT(text(counted_run("aarch64", true)), contains("agree within 1 %") && !contains("xact"));
}

TEST_CASE("what the counts say is computed from them") {
  results::Results results = counted_run();
  const auto findings = [&] {
    std::string text;
    for (const std::string& paragraph : simulated_section(results).paragraphs) {
      text += paragraph + "\n";
    }
    return text;
  };
  CHECK_THAT(findings(), contains("mic, per send, against rwx, 2 cases each: memfd-dual, "));
  CHECK_THAT(findings(), contains("indirect-cell: instructions +1,212, data reads +2.00, data "
                                  "writes 0.00"));
  CHECK_THAT(findings(), contains("relink, per patch, against rwx: ") && !contains("misses +") &&
                             !contains("misses 0"));
  for (results::Cell& cell : results.cells) {
    for (results::Counter& counter : cell.counters) {
      if (cell.id == "mic/indirect-cell/sites=16384,order=linear,targets=64" && counter.value) {
        *counter.value -= 1;
      }
    }
  }
  CHECK_THAT(findings(), contains("data reads +1.00 to +2.00"));
}

TEST_CASE("an emulated run shows its counts, and only what was counted") {
  const results::Results results = counted_run("aarch64", true);
  const std::string table = terminal_table(results);
  CHECK_THAT(table, contains("instructions") && !contains("reads"));
  CHECK_THAT(markdown_page(make_document(results)), contains("| 1,235 |") && contains("EMULATED"));
}

TEST_CASE("without any simulator there is the reason and no table") {
  results::Results results = sample_run({.rounds = 3}).results;
  for (results::Cell& cell : results.cells) {
    cell.counters = {counter("instructions", "send", std::nullopt, "unavailable", "no valgrind")};
  }
  CHECK_THAT(summary_of(results),
             contains("no counts: unavailable: no valgrind") && !contains("strategy"));
  CHECK_FALSE(simulated_section(results).table.has_value());
  CHECK_THAT(simulated_section(results).paragraphs.at(1), contains("no valgrind"));
}

TEST_CASE("runs of two architectures share one table, a group of columns each, without times") {
  const std::vector<results::Results> runs = {counted_run(), counted_run("aarch64", true)};
  const Document document = simulated_document(runs);
  REQUIRE(document.summary.size() == 1);
  const TextTable& table = *document.summary[0].table;
  const std::vector<std::string> header = {"workload",
                                           "parameters",
                                           "per",
                                           "strategy",
                                           "x86_64: instructions",
                                           "against rwx",
                                           "aarch64, emulated: instructions",
                                           "against rwx"};
  CHECK(table.header == header);
  for (const auto& row : table.rows) {
    REQUIRE(row.size() == header.size());
    CHECK((row[2].text == "send" || row[2].text == "patch"));
    if (row[3].text == "indirect-cell") {
      CHECK(row[4].text == "1,235");
      CHECK(row[5].text == "+1,212");
    }
    if (row[3].text == "sysv-shm") CHECK(row[6].text == "-");
    if (row[3].text == "rwx") CHECK(row[7].text.empty());
    if (row[3].text == "floor") CHECK(row[7].text == "0.00");
  }
  for (const std::string& page : {markdown_page(document), html_page(document, {}, {})}) {
    CHECK_THAT(page, !contains(" ns") && contains("SIMULATED"));
  }
}

TEST_CASE("two runs of one architecture are distinguished") {
  std::vector<results::Results> runs = {counted_run(), counted_run()};
  runs[1].run.id = "another";
  const Document document = simulated_document(runs);
  const TextTable& table = *document.summary[0].table;
  CHECK(table.header[4] == "x86_64 (run-on-x86_64): instructions");
  CHECK(table.header[6] == "x86_64 (another): instructions");
}

}  // namespace
}  // namespace patchbench::analysis
