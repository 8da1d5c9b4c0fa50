// bench-run itself, in its layouts.
#include <algorithm>
#include <filesystem>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <patchbench_catch.hpp>

#include "harness/process/layouts.hpp"
#include "harness/programs/subprocess_test.hpp"
#include "harness/programs/temporary_directory_test.hpp"
#include "results/journal.hpp"
#include "results/json.hpp"

namespace patchbench::harness {
namespace {

namespace fs = std::filesystem;

const fs::path kProgram = PATCHBENCH_BENCH_RUN;

struct RealRun {
  RealRun(const fs::path& program, int rounds) {
    const fs::path out = directory / "out";
    Start start;
    start.program = program;
    start.arguments = {"--strategy=rwx", "--workload=zone", "--rounds=" + std::to_string(rounds),
                       "--no-report", "--out=" + out.string()};
    const Finished finished = run_fake(start);
    INFO(finished.errors);
    REQUIRE(finished.exit_code == 0);
    journal = results::read_journal(out / "samples.jsonl");
    results = results::read_results(out);
  }

  [[nodiscard]] bool warns(std::string_view part) const {
    return std::ranges::any_of(results.context.warnings, [part](const std::string& warning) {
      return warning.find(part) != std::string::npos;
    });
  }

  TemporaryDirectory directory;
  std::vector<results::JournalEntry> journal;
  results::Results results;
};

constexpr const char* kOneLayout = "one layout of the executable";

/// What a layout says of itself: its marker, and where the code of each cell stands modulo 64.
struct Announced {
  std::string marker;
  std::map<std::string, int> offsets;
};

Announced announced_by(const fs::path& program) {
  Start start;
  start.program = program;
  start.arguments = {"--layout"};
  std::istringstream text(run_fake(start).output);
  Announced announced;
  std::getline(text, announced.marker);
  std::string cell;
  for (int offset = 0; text >> cell >> offset;) announced.offsets[cell] = offset;
  return announced;
}

}  // namespace

TEST_CASE("rounds rotate over the layouts, and the twin is in another one in each",
          "[everywhere]") {
  const RealRun run(kProgram, kLayouts + 1);
  CHECK_FALSE(run.warns(kOneLayout));
  std::map<int, std::vector<int>> layouts;  // of the baseline and of its twin, by round
  for (const results::JournalEntry& entry : run.journal) {
    const bool is_twin = entry.cell.starts_with("zone/again");
    CHECK(entry.layout == (entry.round + (is_twin ? 1 : 0)) % kLayouts);
    layouts[entry.round].push_back(entry.layout.value());
  }
  REQUIRE(layouts.size() == kLayouts + 1);
  for (const auto& [round, both] : layouts) CHECK(std::ranges::min(both) != std::ranges::max(both));
}

TEST_CASE("each layout has the code of every cell at another place in its cache line",
          "[everywhere]") {
  const Announced first = announced_by(kProgram);
  REQUIRE(layout_number(first.marker) == 0);
  REQUIRE(first.offsets.contains("rwx/mic"));
  for (int layout = 1; layout < kLayouts; ++layout) {
    const Announced announced = announced_by(kProgram.parent_path() / "layouts" /
                                             ("bench-run-layout-" + std::to_string(layout)));
    CHECK(layout_number(announced.marker) == layout);
    REQUIRE(announced.offsets.size() == first.offsets.size());
    for (const auto& [cell, offset] : announced.offsets) {
      INFO(cell << " in layout " << layout);
      CHECK((offset - first.offsets.at(cell) + 64) % 64 == 16 * layout);
    }
  }
}

TEST_CASE("one executable alone measures in its one layout, and says what that means") {
  const TemporaryDirectory elsewhere;
  fs::copy_file(kProgram, elsewhere / "bench-run");
  const RealRun run(elsewhere / "bench-run", 2);
  CHECK(run.warns(kOneLayout));
  CHECK(run.warns("bench-run-layout-1 is missing"));
  for (const results::JournalEntry& entry : run.journal) CHECK(entry.layout == 0);
}

}  // namespace patchbench::harness
