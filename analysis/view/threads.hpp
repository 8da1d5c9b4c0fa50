// analysis/view/threads.hpp - what a patch costs beside threads that execute what it changes, and
// what it costs them.
//
// Which metrics these are the run itself says (results::MetricEntry::beside_executors).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "analysis/quantity/quantities.hpp"
#include "analysis/render/chart.hpp"
#include "analysis/render/document.hpp"

namespace patchbench::analysis {

/// Those that the run measured, in its order.
[[nodiscard]] std::vector<std::string> metrics_beside_executors(const Quantities& run);

/// A row for each case: times, the share of their throughput that executors lose, how the time
/// until all have executed a change is distributed, interrupts and TLB flushes a patch. Without a
/// table where the run has no such case.
[[nodiscard]] Section threads_section(const Quantities& run);

inline constexpr std::string_view kExecutorsCaption =
    "Each point is the median over rounds, with its 95 % interval, of what the patching thread "
    "takes for a patch while that number of threads executes the sites. At 0 stands what the "
    "protocol costs by itself. Where there are more threads than processors they take turns, and "
    "a protocol that waits for them waits for time slices.";

/// Patches over the number of executors, a panel for each protocol, for each metric of patches.
/// Empty where the run has one number.
[[nodiscard]] std::vector<LineChart> executors_charts(const Quantities& run);

}  // namespace patchbench::analysis
