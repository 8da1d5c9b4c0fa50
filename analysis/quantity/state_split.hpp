// analysis/quantity/state_split.hpp - ratios that depend on whether the core was shared while they
// were measured.
//
// A neighbour on the core's other thread takes fetch and decode slots and lines of the caches. It
// hardly moves a chain of multiplications, and it moves what the front end bounds. So the
// throughput calibration around each sample, in units of the latency calibration (both see the
// clock), shows in which state that was (harness/machine/calibration.hpp). Where a ratio is not the
// same in both states, one number over all rounds is a number of the neighbour.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analysis/statistics/statistics.hpp"
#include "results/model.hpp"

namespace patchbench::analysis {

/// A round is quiet when throughput / latency around both samples lies within this of the lowest
/// tenth of the run's, and shared when that of either lies beyond kSharedFrom. A run that never was
/// quiet has no such difference to see, and is not split. What lies between counts in neither.
/// (Seen: the undisturbed ones of a virtual machine lie within 1 %, those beside a busy neighbour
/// between 15 and 70 % above.)
inline constexpr double kQuietUntil = 1.05;
inline constexpr double kSharedFrom = 1.15;

/// In each state: below that a difference between states is not looked for.
inline constexpr int kFewestOfAState = 6;

struct StateSplit {
  PairedRatio quiet;
  PairedRatio shared;
  double p = 1;  // if the ratio is the same in both, how probable values as far apart (shift.hpp)
};

/// The lowest tenth of throughput / latency of a run's samples. Empty where there are none.
[[nodiscard]] std::optional<double> quiet_throughput(const results::Results& results);

/// Of one metric of a strategy and of the baseline; empty unless both states have kFewestOfAState
/// rounds with a ratio, and an interval, and where differences were not above 0.
[[nodiscard]] std::optional<StateSplit> split_by_state(const results::Metric& strategy,
                                                       const results::Metric& baseline,
                                                       double quiet);

/// What holds in both states; else, and where either is inconclusive, inconclusive.
[[nodiscard]] results::Verdict verdict_in_both(const StateSplit& split, double delta);

/// "state: send is 1.02 [1.01, 1.03] while the core was quiet (9 rounds) and ... while it was
/// shared".
inline constexpr std::string_view kStateNote = "state: ";
[[nodiscard]] std::string state_note(const std::string& metric, const StateSplit& split);

}  // namespace patchbench::analysis
