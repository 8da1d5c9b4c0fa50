// harness/run/self_test.hpp - bench-run --selftest: the measuring, measured.
//
// A handful of cells of which it is known what must come out go the way of every other cell: fresh
// processes, pinned, in shuffled rounds, timed by the same loop, paired round by round and judged
// by the same code. They are in no list and cannot be selected.
//
// They say what the engine can tell of code whose cost depends on its length alone. That of sends
// also depends on where they lie: what a run can tell of those is in the interval of `again`.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "harness/base/signals.hpp"
#include "harness/machine/cpuinfo.hpp"
#include "harness/process/self_test_cells.hpp"
#include "harness/run/options.hpp"
#include "harness/run/settings.hpp"
#include "results/model.hpp"

namespace patchbench::harness {

/// The delta of the self-test's own verdicts, whatever that of the run: the middle between what
/// must be called the same and what must be called slower.
inline constexpr double kSelfTestDelta = 0.015;

/// Rounds go on until every ratio is known to half of that delta, by the rule of --precision
/// (harness/plan/stopping.hpp), but no further than this.
inline constexpr int kMostSelfTestRounds = 40;
inline constexpr double kMostSelfTestSeconds = 20;

/// The entries of so many complete rounds as the results of a run.
[[nodiscard]] results::Results summarise_self_test(std::span<const results::JournalEntry> entries,
                                                   int rounds);

/// What these come to: one line for each of results::kSelfTestLines.
[[nodiscard]] std::vector<results::SelfTestLine> judge_self_test(
    std::span<const results::JournalEntry> entries, int rounds,
    const std::optional<Frequency>& frequency);

/// Measures and judges, on the processors and with the batches of `options`. Empty when it was
/// asked to stop. Throws std::system_error as run_child does.
[[nodiscard]] std::optional<results::SelfTest> run_self_test(const Options& options,
                                                             const Settings& settings,
                                                             SignalWatch& signals);

/// The self-test and nothing else: prints it. Returns kDone when it passed, kFailed when not.
/// Throws UsageError in an emulator, whose times mean nothing.
[[nodiscard]] int self_test_alone(const Options& options, const Settings& settings);

}  // namespace patchbench::harness
