// harness/run/estimates.hpp - how long a run will take, for the person who waits for it.
#pragma once

#include <string>

#include "harness/base/progress.hpp"
#include "harness/run/options.hpp"
#include "harness/run/prepared.hpp"

namespace patchbench::harness {

/// Of the timed rounds.
[[nodiscard]] double expected_seconds(const Options& options, const Prepared& prepared);

/// What the rounds are to Progress: children, or seconds of them where a rule ends the run.
[[nodiscard]] Work work(const Options& options, const Prepared& prepared);
/// Of one round, controls as often as they come.
[[nodiscard]] double expected_round_s(const Options& options, const Prepared& prepared);
/// Of what comes behind everything that is measured: the report, if one is written.
[[nodiscard]] double expected_report_s(const Options& options);

/// "4 cases x 3 rounds = 9 processes, about 0:12", or "4 cases, rounds for 0:58 at most and 0:20 of
/// counting".
[[nodiscard]] std::string plan_text(const Options& options, const Prepared& prepared,
                                    double counting_s);

/// By how much a case's timeout is longer than that of a usual one, because its set-up takes long.
[[nodiscard]] double patience_of(const PlannedCell& cell);

}  // namespace patchbench::harness
