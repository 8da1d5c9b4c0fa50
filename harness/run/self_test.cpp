#include "harness/run/self_test.hpp"

#include <algorithm>
#include <cstdio>
#include <set>
#include <span>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "analysis/render/terminal.hpp"
#include "analysis/view/self_test.hpp"
#include "harness/base/clock.hpp"
#include "harness/base/exit_code.hpp"
#include "harness/base/progress.hpp"
#include "harness/base/terminal.hpp"
#include "harness/base/usage_error.hpp"
#include "harness/machine/cpu_list.hpp"
#include "harness/plan/plan.hpp"
#include "harness/plan/stopping.hpp"
#include "harness/run/measuring.hpp"

namespace patchbench::harness {
namespace {

/// Rounds end as by --precision and --budget, at the first cell that fails, and at `most_rounds`.
JudgeRounds judge_rounds_of_self_test(const StopRule& rule, std::set<std::string> cells,
                                      int most_rounds) {
  return [rule, cells = std::move(cells), most_rounds](
             std::span<const results::JournalEntry> entries, int rounds) -> AfterRound {
    double used_s = 0;
    for (const results::JournalEntry& entry : entries) {
      if (entry.status != results::CellStatus::ok) {
        return {.reason_to_stop = fmt::format("failed: {}", entry.cell), .known = {}};
      }
      used_s += entry.wall_ms * 1e-3;
    }
    auto reason = reason_to_stop(rule, summarise_self_test(entries, rounds), cells,
                                 {.rounds = rounds, .used_s = used_s, .round_s = used_s / rounds});
    if (!reason && rounds >= most_rounds) reason = fmt::format("rounds: {}, the most", rounds);
    return {.reason_to_stop = std::move(reason), .known = {}};
  };
}

}  // namespace

std::optional<results::SelfTest> run_self_test(const Options& options, const Settings& settings,
                                               SignalWatch& signals) {
  Options own = options;
  own.selection = {.strategies = {},
                   .workloads = {},
                   .overrides = {},
                   .filter = {},
                   .preset = options.selection.preset};
  own.zone = {};
  own.policy.reset();  // nothing that it measures is what a policy judges
  own.until = StopRule{.precision = kSelfTestDelta / 2, .budget_s = kMostSelfTestSeconds};
  Prepared prepared;
  prepared.cells = plan_cells(self_test_catalogue(), own.selection, kChainCell);
  std::set<std::string> cells;
  for (const PlannedCell& cell : prepared.cells) cells.insert(cell.id);
  results::SelfTest test;
  test.date = utc_now();
  Measuring measuring(own, settings, prepared, {}, signals, {.stage = "self-test, round"});
  test.stopped = measuring.run_all(judge_rounds_of_self_test(
      *own.until, std::move(cells), settings.self_test_rounds.value_or(kMostSelfTestRounds)));
  if (test.stopped.empty()) return std::nullopt;
  test.lines = judge_self_test(
      measuring.entries(), measuring.rounds(),
      read_frequency(settings.sources.root, std::max(0, cpu_of_round(options.cpus, 0))));
  return test;
}

int self_test_alone(const Options& options, const Settings& settings) {
  if (read_environment(settings.sources, options.cpus).emulated) {
    throw UsageError("--selftest: an emulator's times mean nothing, so there is nothing to test");
  }
  SignalWatch signals;
  const auto test = run_self_test(options, settings, signals);
  if (!test) {
    say(stderr, "interrupted: the self-test came to no end\n");
    return kInterrupted;
  }
  constexpr int kUsualWidth = 100;
  const bool good = passed(*test);
  if (!options.quiet || !good) {
    const int width = terminal_width(stdout, kUsualWidth);
    say(good ? stdout : stderr, "{}",
        analysis::terminal_text(std::vector{analysis::self_test_summary(*test)}, {.width = width}));
  }
  if (!options.quiet) {
    say(stdout,
        "only the self-test was run; with --strategy=all or another choice it precedes it\n");
  }
  return good ? kDone : kFailed;
}

}  // namespace patchbench::harness
