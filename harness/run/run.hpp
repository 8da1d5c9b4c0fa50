// harness/run/run.hpp - a whole run: probe, plan, measure round by round, leave the results.
#pragma once

#include "harness/plan/catalogue.hpp"
#include "harness/run/options.hpp"
#include "harness/run/settings.hpp"

namespace patchbench::harness {

/// Measures, and writes results.json, samples.jsonl and the report. Returns the exit code. Throws
/// UsageError before anything is measured, std::system_error when no child can be started.
[[nodiscard]] int run(const Catalogue& catalogue, const Options& options, const Settings& settings);

/// Prints what run() would measure, on stdout. Probes the strategies, because the baseline depends
/// on it.
[[nodiscard]] int dry_run(const Catalogue& catalogue, const Options& options,
                          const Settings& settings);

}  // namespace patchbench::harness
