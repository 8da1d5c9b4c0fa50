// From which number of sites on a report says that sends cost more.
#include "analysis/view/knee.hpp"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <patchbench_catch.hpp>

#include "analysis/quantity/summarise.hpp"
#include "results/matchers_test.hpp"

namespace patchbench::analysis {
namespace {

using results::contains;

/// Twelve rounds of exactly these costs, in ns a send, by number of sites; 32 bytes of code a site.
results::Results sends_by_sites(const std::map<std::int64_t, double>& costs) {
  results::Results results;
  results.run.rounds = 12;
  results.baseline = "rwx";
  results.context.cpu.caches = {{"L1d", "16K"}, {"L1i", "32K"}, {"L2", "1M"}};
  std::vector<results::JournalEntry> journal;
  for (const auto& [sites, cost] : costs) {
    results::Cell cell;
    cell.strategy = "rwx";
    cell.workload = "mic";
    cell.params = {{"sites", sites}, {"order", "linear"}};
    cell.id = results::cell_id(cell.workload, cell.strategy, cell.params);
    for (int round = 0; round < results.run.rounds; ++round) {
      results::JournalEntry entry;
      entry.round = round;
      entry.cell = cell.id;
      entry.metrics.resize(1);
      entry.metrics[0].name = "send";
      entry.metrics[0].unit = "ns";
      entry.metrics[0].median = cost * (1 + 0.001 * round);
      journal.push_back(std::move(entry));
    }
    results.cells.push_back(std::move(cell));
  }
  summarise(results, journal);
  for (results::Cell& cell : results.cells) {
    results::Counter& stride = cell.counters.emplace_back();
    stride.name = "site-stride-bytes";
    stride.source = "software";
    stride.per = "site";
    stride.value = 32;
    stride.status = "ok";
  }
  return results;
}

std::string only_row(const Section& section) {
  REQUIRE(section.table);
  REQUIRE(section.table->rows.size() == 1);
  std::string text;
  for (const TextCell& cell : section.table->rows.front()) text += cell.text + "|";
  return text;
}

}  // namespace

TEST_CASE("knee: between two sizes, with the cache that has the size of the code there") {
  // 16 KiB of code at 512 sites, 64 KiB at 2,048: the instruction cache's 32 KiB lie between.
  const std::string row =
      only_row(knee_section(sends_by_sites({{16, 2.0}, {512, 2.1}, {2048, 3.0}, {8192, 3.2}})));
  CHECK_THAT(row,
             contains("512 to 2,048") && contains("1.5") && contains("L1i (32K), by its code"));
  CHECK_THAT(row, !contains("L2") && !contains("L1d"));
}

TEST_CASE("knee: a slow first size is no reason, and a slow rise is seen where it adds up") {
  CHECK_THAT(
      only_row(knee_section(sends_by_sites({{16, 3.0}, {64, 2.0}, {512, 2.2}, {2048, 2.4}}))),
      contains("none up to 2,048"));
  CHECK_THAT(
      only_row(knee_section(sends_by_sites({{16, 2.0}, {64, 2.2}, {512, 2.4}, {2048, 2.6}}))),
      contains("512 to 2,048"));
}

TEST_CASE("knee: nothing is said of few sizes") {
  CHECK_FALSE(knee_section(sends_by_sites({{16, 2.0}, {512, 2.1}, {2048, 3.0}})).table);
}

}  // namespace patchbench::analysis
