// harness/run.hpp - a whole run: probe, plan, measure round by round, leave the results.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "harness/catalogue.hpp"
#include "harness/command_line.hpp"
#include "harness/environment.hpp"

namespace patchbench::harness {

inline constexpr int kDone = 0;
inline constexpr int kCellFailed = 1;  // also: the results could not be written
inline constexpr int kBadUsage = 2;
inline constexpr int kInterrupted = 130;

/// What the program itself and tests set.
struct Settings {
  std::string_view layout_marker;  // empty: the program has one layout and does not say so
  std::chrono::milliseconds child_timeout{30'000};
  std::optional<double> budget_ms;      // instead of the preset's
  std::optional<int> self_test_rounds;  // at most, instead of kMostSelfTestRounds
  EnvironmentSources sources;
};

/// Measures, and writes results.json, samples.jsonl and the report. Returns the exit code. Throws
/// UsageError before anything is measured, std::system_error when no child can be started.
[[nodiscard]] int run(const Catalogue& catalogue, const Options& options, const Settings& settings);

/// Prints what run() would measure, on stdout. Probes the strategies, because the baseline depends
/// on it.
[[nodiscard]] int dry_run(const Catalogue& catalogue, const Options& options,
                          const Settings& settings);

}  // namespace patchbench::harness
