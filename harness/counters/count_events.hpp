// harness/counters/count_events.hpp - the child's part of counting events: a fixed number of
// operations of every measurement, once for each group of events.
//
// A reading may cost much: where a hypervisor intercepts it, tens of microseconds, after which the
// caches are cold. So a count is a difference of differences: what happens between two readings
// around some operations, and between two around as many more. Readings, and what they leave
// behind, are the same in both and are in no count; neither is what prepares an operation, which
// both do. How much a pair of readings counts by itself is written down (context.counting.bracket).
#pragma once

#include <span>
#include <string>
#include <vector>

#include <sys/types.h>

#include "harness/counters/event_group.hpp"
#include "harness/counters/event_split.hpp"
#include "results/model.hpp"
#include "workloads/workload.hpp"

namespace patchbench::harness {

/// How often each measurement is counted in one process. What the processor counts is the median of
/// them, so that the timer's interrupt stays out of it; what the kernel counts (software events,
/// tracepoints) is exact, may be rare, and is the mean, as is what was multiplexed.
inline constexpr int kRepetitions = 5;

/// Runs in the smaller of the two brackets, the same on every machine: so many that what readings
/// leave behind, which is not quite the same each time, is little beside them. A send costs
/// nanoseconds, a patch up to microseconds; a measurement that is known to take longer
/// (expected_ns) gets fewer, since little is little beside 2 ms, too. With a preparation there is
/// one run, in the larger.
[[nodiscard]] int counted_runs(const Measurement& measurement);

/// Of a count that is exact: what happens by itself while less is executed, an interrupt, makes the
/// difference negative. Then what was executed caused none, and the counter says so.
void never_negative(results::Counter& counter);

/// What two readings with nothing between them count, for each event: the median of many.
[[nodiscard]] std::vector<double> empty_bracket(const EventGroup& group);

/// Where the thread that counts runs, which processors a busy thread may have, and how counts are
/// read.
struct CountingThread {
  int processor = -1;
  std::span<const int> allowed = {};
  ReadPath read = ReadPath::fastest;
};

/// The event's row for a metric: neither counted nor said why not.
[[nodiscard]] results::Counter blank_counter(const Event& event, const std::string& metric);

/// One counter for each measurement and event. Throws std::system_error when events that the parent
/// could open do not open here, or no processor is left for a thread beside which they count.
[[nodiscard]] std::vector<results::Counter> count_events(std::span<const Measurement> measurements,
                                                         const EventGroups& groups,
                                                         const CountingThread& thread = {});

}  // namespace patchbench::harness
