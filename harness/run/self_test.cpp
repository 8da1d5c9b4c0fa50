#include "harness/run/self_test.hpp"

#include <algorithm>
#include <cstdio>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "analysis/render/terminal.hpp"
#include "analysis/view/self_test.hpp"
#include "harness/base/clock.hpp"
#include "harness/base/exit_code.hpp"
#include "harness/base/progress.hpp"
#include "harness/base/terminal.hpp"
#include "harness/base/usage_error.hpp"
#include "harness/plan/arena.hpp"
#include "harness/plan/plan.hpp"
#include "harness/plan/stopping.hpp"
#include "harness/process/launch.hpp"
#include "harness/run/round.hpp"

namespace patchbench::harness {
namespace {

using results::JournalEntry;

/// Measures its rounds and keeps what comes back.
class SelfTesting {
 public:
  SelfTesting(const Options& options, const Settings& settings, SignalWatch& signals)
      : options_(options),
        settings_(settings),
        signals_(signals),
        cells_(plan_cells(self_test_catalogue(), everything(options), kChainCell)),
        planner_(cells_, options.seed, &no_arena),
        most_rounds_(settings.self_test_rounds.value_or(kMostSelfTestRounds)),
        progress_(stderr, options.quiet,
                  {.all = static_cast<double>(cells_.size()) * most_rounds_,
                   .expected_s = kMostSelfTestSeconds}) {}

  /// Why it ended; empty when it was asked to stop.
  std::optional<std::string> run_all() {
    for (rounds_ = 1;; ++rounds_) {
      if (!run_round(rounds_ - 1)) {
        return std::nullopt;
      }
      if (auto reason = reason_to_stop()) {
        return reason;
      }
    }
  }
  [[nodiscard]] int rounds() const { return rounds_; }
  [[nodiscard]] const std::vector<JournalEntry>& entries() const { return entries_; }

 private:
  static Selection everything(const Options& options) {
    Selection selection;
    selection.preset = options.selection.preset;
    return selection;
  }

  bool run_round(int number) {
    const PlannedRound round = planner_.next();
    for (std::size_t order = 0; order < round.order.size(); ++order) {
      const PlannedCell& cell = cells_[round.order[order]];
      progress_.show(static_cast<double>(entries_.size()),
                     fmt::format("self-test, round {}", number + 1), cell.id);
      auto entry = run_child(
          timed_task(options_, settings_, Layouts{}, cell, round, number, static_cast<int>(order)),
          settings_.child_timeout, signals_);
      if (!entry) {
        return false;
      }
      entries_.push_back(std::move(*entry));
    }
    return true;
  }

  [[nodiscard]] std::optional<std::string> reason_to_stop() const {
    const auto failed = std::ranges::find_if(entries_, [](const JournalEntry& entry) {
      return entry.status != results::CellStatus::ok;
    });
    if (failed != entries_.end()) {
      return fmt::format("failed: {}", failed->cell);
    }
    double used_s = 0;
    for (const JournalEntry& entry : entries_) {
      used_s += entry.wall_ms * 1e-3;
    }
    std::set<std::string> ids;
    for (const PlannedCell& cell : cells_) {
      ids.insert(cell.id);
    }
    auto reason =
        harness::reason_to_stop({.precision = kSelfTestDelta / 2, .budget_s = kMostSelfTestSeconds},
                                summarise_self_test(entries_, rounds_), ids,
                                {.rounds = rounds_, .used_s = used_s, .round_s = used_s / rounds_});
    if (!reason && rounds_ >= most_rounds_) {
      reason = fmt::format("rounds: {}, the most", rounds_);
    }
    return reason;
  }

  const Options& options_;
  const Settings& settings_;
  SignalWatch& signals_;
  std::vector<PlannedCell> cells_;
  RoundPlanner planner_;
  int most_rounds_;
  Progress progress_;
  int rounds_ = 0;
  std::vector<JournalEntry> entries_;
};

}  // namespace

std::optional<results::SelfTest> run_self_test(const Options& options, const Settings& settings,
                                               SignalWatch& signals) {
  results::SelfTest test;
  test.date = utc_now();
  SelfTesting testing(options, settings, signals);
  const auto stopped = testing.run_all();
  if (!stopped) {
    return std::nullopt;
  }
  test.stopped = *stopped;
  test.lines = judge_self_test(testing.entries(), testing.rounds(),
                               read_frequency(settings.sources.root, options.cpus.front()));
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
  return good ? kDone : kCellFailed;
}

}  // namespace patchbench::harness
