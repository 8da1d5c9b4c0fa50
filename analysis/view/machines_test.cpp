#include "analysis/view/machines.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <patchbench_catch.hpp>

#include "analysis/quantity/selection.hpp"
#include "analysis/render/markdown.hpp"
#include "analysis/sample_results_test.hpp"
#include "results/matchers_test.hpp"

namespace patchbench::analysis {
namespace {

using results::contains;
using results::Results;

/// Every sample of a strategy times `factor`.
void scale(Results& results, const std::string& strategy, double factor) {
  for (results::Cell& cell : results.cells) {
    if (cell.strategy != strategy) continue;
    for (results::Metric& metric : cell.metrics) {
      for (auto& sample : metric.samples) {
        if (sample) *sample *= factor;
      }
    }
  }
}

Results machine(std::string arch, double memfd_factor, bool emulated = false) {
  Results results = sample_run({.rounds = 12, .crash_one = false, .emulated = emulated}).results;
  results.context.arch = std::move(arch);
  scale(results, "memfd-dual", memfd_factor);
  return results;
}

/// x86-64 as it is, Arm where memfd-dual costs twice as much and everything takes ten times as
/// long, and an emulated one.
std::vector<Results> three_machines() {
  std::vector<Results> runs = {machine("x86_64", 1), machine("aarch64", 2),
                               machine("aarch64", 7, true)};
  for (const results::StrategyStatus& row : runs[1].strategies) scale(runs[1], row.id, 10);
  scale(runs[1], std::string(results::kAgain), 1);
  return runs;
}

const MachineConclusion* find(const std::vector<MachineConclusion>& all, std::string_view metric,
                              const std::string& strategy, Claim claim) {
  const auto found = std::ranges::find_if(all, [&](const MachineConclusion& one) {
    return one.operation.metric == metric && one.operation.workload == "mic" &&
           one.strategy == strategy && one.claim == claim;
  });
  return found == all.end() ? nullptr : &*found;
}

TEST_CASE("a statement holds, does not, or is open, by where the interval lies") {
  using enum Claim;
  using enum Holding;
  CHECK(holding(costs_more, Interval{1.04, 1.1}, 0.03) == holds);
  CHECK(holding(costs_more, Interval{0.99, 1.03}, 0.03) == not_so);
  CHECK(holding(costs_more, Interval{1.02, 1.1}, 0.03) == open);
  CHECK(holding(costs_less, Interval{0.5, 0.9}, 0.03) == holds);
  CHECK(holding(costs_less, Interval{0.97, 1.2}, 0.03) == not_so);
  CHECK(holding(costs_less, Interval{0.9, 0.98}, 0.03) == open);
  CHECK(holding(costs_the_same, Interval{0.98, 1.02}, 0.03) == holds);
  CHECK(holding(costs_the_same, Interval{1.04, 1.1}, 0.03) == not_so);
  CHECK(holding(costs_the_same, Interval{0.9, 0.96}, 0.03) == not_so);
  CHECK(holding(costs_the_same, Interval{1.0, 1.1}, 0.03) == open);
  CHECK(holding(costs_more, std::nullopt, 0.03) == unmeasured);
}

TEST_CASE("conclusions say on which machine they hold, and an emulated one has none") {
  const std::vector<Results> runs = three_machines();
  const Machines machines(runs);
  CHECK(machines.reference(0) == "rwx");
  CHECK(machines.reference(1) == "rwx");
  CHECK(machines.reference(2).empty());
  const std::vector<MachineConclusion> all = conclusions_of(machines);
  const MachineConclusion* more = find(all, "send", "memfd-dual", Claim::costs_more);
  REQUIRE(more != nullptr);
  CHECK(more->machines == std::vector{Holding::not_so, Holding::holds, Holding::unmeasured});
  // What takes ten times as long on a machine costs the same there as the reference does.
  for (const MachineConclusion& one : all) {
    if (one.strategy == "file-dual" && one.machines[0] == Holding::holds) {
      CHECK(one.machines[1] == Holding::holds);
    }
    CHECK(one.machines[2] == Holding::unmeasured);
    CHECK(one.strategy != "rwx");
  }
}

TEST_CASE("machines without a common baseline are held against a common floor, or each its own") {
  std::vector<Results> runs = three_machines();
  runs[1].baseline = "memfd-dual";
  CHECK(Machines(runs).reference(0) == "floor");
  runs[1].floor = "";
  CHECK(Machines(runs).reference(0) == "rwx");
  CHECK(Machines(runs).reference(1) == "memfd-dual");
}

TEST_CASE(
    "the page has machines, conclusions, ratios and statuses, and no verdict across machines") {
  const std::vector<Results> runs = three_machines();
  const std::string page = markdown_page(machines_document(runs));
  for (const char* text : {"aarch64, EMULATED", "memfd-dual costs more than 3 % more than rwx",
                           "Which conclusion", "to rwx", "denied", "no ratios: emulated"}) {
    CHECK_THAT(page, contains(text));
  }
  for (const char* text : {"faster", "slower", "REGRESSION", " ns"}) {
    CHECK_THAT(page, !contains(text));
  }
  CHECK(machines_figures(runs).figures.size() == 2);
}

TEST_CASE("emulated runs alone have statuses, and neither ratios nor figures") {
  const std::vector<Results> runs = {machine("aarch64", 1, true), machine("x86_64", 1, true)};
  const std::string page = markdown_page(machines_document(runs));
  CHECK_THAT(page, contains("All runs are EMULATED") && contains("What each machine allows"));
  CHECK_THAT(page, !contains("Ratios, each"));
  const FigureSet set = machines_figures(runs);
  CHECK(set.figures.empty());
  CHECK(set.absent.size() == 1);
}

}  // namespace
}  // namespace patchbench::analysis
