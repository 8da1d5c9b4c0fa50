// harness/counters/fixed_runs.hpp - what a counted child executes: a number of operations that is
// the same everywhere, whatever the clock says.
//
// A counter that cannot be started and stopped counts a whole process. Two processes that differ in
// nothing but a known number of operations tell what these cost: set-up, check and end cancel out.
#pragma once

#include "workloads/workload.hpp"

namespace patchbench::harness {

/// How much is executed: the difference between the two is what is counted.
enum class Extent { fewer, more };

/// Runs of a measurement at the smaller extent. Even, because some cases alternate between two
/// states; the case's check has executed everything before.
inline constexpr int kCountedRuns = 2;

/// Without a preparation: kCountedRuns runs, or twice as many. With one: kCountedRuns runs, each
/// after its preparation; at the smaller extent the last run, but not its preparation, is left out.
void execute(const Measurement& measurement, Extent extent);

/// The operations that the larger extent executes and the smaller does not.
[[nodiscard]] double operations_between(const Measurement& measurement);

}  // namespace patchbench::harness
