#include "analysis/view/mappings.hpp"

#include <string>
#include <vector>

#include <patchbench_catch.hpp>

#include "analysis/sample_results_test.hpp"
#include "results/matchers_test.hpp"

namespace patchbench::analysis {
namespace {

using results::contains;

/// mprotect-toggle splits its mapping in three while a patch is open.
results::Results counted_mappings() {
  results::Results results = sample_run({.rounds = 3}).results;
  for (results::Cell& cell : results.cells) {
    cell.memory.process_vmas_before = 30;
    cell.memory.process_vmas_during = 32;
    cell.memory.process_vmas_after = 30;
    cell.memory.vmas_open = cell.memory.vmas;
    if (cell.strategy == "mprotect-toggle" && cell.memory.vmas) cell.memory.vmas_open = 4;
  }
  return results;
}

TEST_CASE("mappings stand before, during and after a cell, and while a patch is open") {
  const auto section = mappings_section(counted_mappings());
  REQUIRE(section.has_value());
  REQUIRE(section->table.has_value());
  bool found = false;
  for (const auto& row : section->table->rows) {
    REQUIRE(row.size() == section->table->header.size());
    if (row[0].text != "relink" || row[2].text != "mprotect-toggle") continue;
    found = true;
    const std::vector<std::string> expected = {"2", "4", "30", "32", "30", "1,024", "640"};
    for (std::size_t i = 0; i < expected.size(); ++i) CHECK(row[i + 3].text == expected[i]);
  }
  CHECK(found);
  REQUIRE(section->paragraphs.size() == 2);
  CHECK_THAT(section->paragraphs[0],
             contains("mprotect-toggle: 4 while a patch is open, 2 otherwise (mic sites=1024, ") &&
                 contains(", relink sites=1024, batch=1).") && !contains("memfd-dual"));
  CHECK_THAT(section->paragraphs[1], contains("as many mappings as before"));
}

TEST_CASE("what a cell leaves behind is named, and what is not known is no zero") {
  results::Results results = counted_mappings();
  for (results::Cell& cell : results.cells) {
    if (cell.workload == "mic" && cell.strategy == "memfd-dual") {
      cell.memory.process_vmas_after = 31;
      cell.memory.vmas_open.reset();
    }
  }
  const auto section = mappings_section(results);
  REQUIRE(section.has_value());
  CHECK_THAT(section->paragraphs.at(1), contains("+1 in mic/memfd-dual/") && contains("none in "));
  for (const auto& row : section->table->rows) {
    if (row[0].text == "mic" && row[2].text == "memfd-dual") CHECK(row[4].text == "unknown");
  }
}

TEST_CASE("a file of before has no such table") {
  CHECK_FALSE(mappings_section(sample_run({.rounds = 3}).results).has_value());
}

}  // namespace
}  // namespace patchbench::analysis
