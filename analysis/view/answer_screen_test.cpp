#include "analysis/view/answer_screen.hpp"

#include <algorithm>
#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <patchbench_catch.hpp>

#include "analysis/quantity/summarise.hpp"
#include "analysis/sample_results_test.hpp"
#include "results/matchers_test.hpp"

namespace patchbench::analysis {
namespace {

using results::Availability;
using results::Cell;
using results::CellStatus;
using results::contains;
using results::Results;
using results::Verdict;

/// What is added to the six strategies of a made-up run.
struct Added {
  int equal = 0;         // costs as memfd-dual
  int inconclusive = 0;  // with so much scatter that nothing is decided
  int refused = 0;       // each for a reason of its own
};

void scatter(Cell& cell) {
  std::mt19937_64 random(std::hash<std::string>()(cell.id));
  for (results::Metric& metric : cell.metrics) {
    for (auto& sample : metric.samples) {
      if (sample) *sample *= 0.7 + 0.6 * static_cast<double>(random() % 1000) / 1000;
    }
  }
  for (results::Ratio& ratio : cell.ratios) {
    ratio.verdict = Verdict::inconclusive;
    ratio.ci95 = {{*ratio.median * 0.886, *ratio.median * 1.127}};
    ratio.ci_free = ratio.ci95;
  }
}

void refuse(results::StrategyStatus& status) {
  status.status = Availability::denied;
  status.reason = "mmap of " + status.id + " failed with EACCES; ask for other pages";
}

/// Copies of memfd-dual under names as long as real ones.
void add_copies(Results& run, const std::string& kind, int count) {
  for (int i = 0; i < count; ++i) {
    const std::string id = fmt::format("{}-variant-{}", kind, i + 1);
    auto status = *std::ranges::find(run.strategies, "memfd-dual", &results::StrategyStatus::id);
    status.id = id;
    if (kind == "refused") refuse(status);
    run.strategies.push_back(status);
    std::vector<Cell> cells;
    for (const Cell& one : run.cells) {
      if (one.strategy != "memfd-dual") continue;
      Cell& cell = cells.emplace_back(one);
      cell.strategy = id;
      cell.id = results::cell_id(cell.workload, id, cell.params);
      if (kind == "open") scatter(cell);
      if (kind != "refused") continue;
      cell.status = CellStatus::denied;
      cell.metrics.clear();
      cell.ratios.clear();
    }
    run.cells.insert(run.cells.end(), cells.begin(), cells.end());
  }
}

Results run_with(const Added& added) {
  Results run =
      sample_run({.rounds = 15, .standard = true, .deny_sysv = false, .crash_one = false}).results;
  for (auto& status : run.strategies) status.writable_and_executable = status.id == "rwx";
  add_copies(run, "same", added.equal);
  add_copies(run, "open", added.inconclusive);
  add_copies(run, "refused", added.refused);
  return run;
}

std::size_t widest(const std::string& text) {
  std::size_t widest = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    widest = std::max(widest, end - at);
    at = end + 1;
  }
  return widest;
}

/// Without the breaks of its sentences.
std::string unwrapped(std::string text) {
  for (std::size_t at = 0; (at = text.find("\n  ", at)) != std::string::npos;) {
    text.replace(at, 3, " ");
  }
  return text;
}

std::string screen(const Results& run, int width, const std::vector<Profile>& profiles = {}) {
  const Quantities quantities(run);
  return terminal_answer(quantities, answer_of(quantities, profiles),
                         {.width = width, .colour = false});
}

/// Also of what cannot be left out.
void check_screen(const Results& run, int width, const std::string& text) {
  CAPTURE(width, text);
  CHECK(std::ranges::count(text, '\n') <= 14);  // and where the report is
  CHECK(widest(text) <= static_cast<std::size_t>(width));
  CHECK(text.starts_with("Use "));
  CHECK_THAT(text, contains("\nstrategy") && contains("\nrwx  ") && contains("< faster"));
  for (const std::string& id : answer_of(Quantities(run)).strategies) {
    CHECK_THAT(text, contains("\n" + id + "  "));
  }
}

}  // namespace

TEST_CASE("six strategies have the whole screen at a hundred columns") {
  const Results run = run_with({});
  const std::string text = screen(run, 100);
  check_screen(run, 100, text);
  for (const char* there : {"break-even", "refused by", "known to within", "mprotect-toggle  ",
                            "indirect-cell  ", "few/many sites", "disturbed samples"}) {
    CHECK_THAT(text, contains(there));
  }
  CHECK_THAT(text, !contains("in the report"));
}

TEST_CASE("eighty columns are enough for six strategies and their break-even") {
  const Results run = run_with({});
  const std::string text = screen(run, 80);
  check_screen(run, 80, text);
  for (const char* there : {"break-even", "memfd-dual  ", "sysv-shm  ", "file-dual  ",
                            "mprotect-toggle  ", "indirect-cell  "}) {
    CHECK_THAT(text, contains(there));
  }
}

TEST_CASE("a screen stays one, however many strategies there are and whatever is known of them") {
  const auto added = GENERATE(Added{.equal = 1}, Added{.equal = 14}, Added{.inconclusive = 14},
                              Added{.refused = 14}, Added{3, 6, 5}, Added{.equal = 60});
  const int width = GENERATE(80, 90, 100, 120, 200);
  CAPTURE(added.equal, added.inconclusive, added.refused);
  const Results run = run_with(added);
  check_screen(run, width, screen(run, width));
}

TEST_CASE("strategies without a row are counted, and the first six have one") {
  const Results run = run_with({.equal = 9, .refused = 5});
  const std::string text = screen(run, 100);
  CAPTURE(text);
  for (const char* core : {"\nrwx  ", "\nmemfd-dual  ", "\nsysv-shm  ", "\nfile-dual  ",
                           "\nmprotect-toggle  ", "\nindirect-cell  "}) {
    CHECK_THAT(text, contains(core));
  }
  CHECK_THAT(unwrapped(text), contains(" more strategies, 5 of them") &&
                                  contains("known to within") && !contains("\nrefused-variant"));
}

TEST_CASE("what is recommended has a row, wherever it stands among the strategies") {
  Results run = run_with({.equal = 14});
  for (Cell& cell : run.cells) {
    if (cell.strategy != "same-variant-13") continue;
    for (auto& metric : cell.metrics) {
      for (auto& sample : metric.samples) sample = sample ? std::optional(*sample / 2) : sample;
    }
  }
  const std::string text = screen(run, 100);
  CHECK_THAT(text, contains("Use same-variant-13") && contains("\nsame-variant-13  "));
}

TEST_CASE("an alarm is on the screen, whatever else has to go") {
  Results run = run_with({3, 6, 5});
  run.run.identical.emplace().alarm = "Strategies of identical code differ more often than noise.";
  for (const int width : {80, 100}) {
    const std::string text = screen(run, width);
    check_screen(run, width, text);
    CHECK_THAT(text, contains("Strategies of identical code differ"));
  }
}

TEST_CASE("uses of one's own, as many as one likes, do not make the screen longer") {
  const Results run = run_with({3, 6, 5});
  std::vector<Profile> profiles;
  for (const double rate : {1e-6, 1e-4, 1e-3, 1e-2, 0.1, 0.5}) {
    for (const std::int64_t sites : {16, 1024, 65536}) profiles.push_back({rate, sites, 1});
  }
  for (const int width : {80, 100}) {
    const std::string text = screen(run, width, profiles);
    CAPTURE(width, text);
    CHECK(std::ranges::count(text, '\n') <= 14);
    CHECK(text.starts_with("Use "));
  }
}

}  // namespace patchbench::analysis
