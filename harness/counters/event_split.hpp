// harness/counters/event_split.hpp - more events than a processor counts at once are counted one
// group after the other, each for the whole of the same work, and not in turns.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/counters/event.hpp"

namespace patchbench::harness {

using EventGroups = std::vector<std::vector<Event>>;

/// Whether all of these count at the same time.
using Fits = std::function<bool(std::span<const Event>)>;

/// Opens them and looks: a group may be refused, or be accepted and never run, because someone else
/// (the NMI watchdog, another perf) has a counter.
[[nodiscard]] bool count_together(std::span<const Event> events);

/// As count_together, of events that user code cannot but make, as branches are: and each of them
/// has counted some. A hypervisor may offer a counter that never moves (seen: the sixth of a Zen 5
/// in a virtual machine), and what it says would be a false zero.
[[nodiscard]] bool branches_count_together(std::span<const Event> events);

/// Empty where this one event counts here; else what perf_event_open said.
[[nodiscard]] std::string why_not_counted(const Event& event);

/// In the order of `events`, which have the same `beside`: hardware events in groups as long as
/// `fits` allows, then the software events, then the tracepoints, whose own work would be part of
/// what the kernel counts. Each of the events counts alone.
[[nodiscard]] EventGroups split_events(std::span<const Event> events, const Fits& fits);

/// The first of branches, instructions and cycles of user code that counts alone: some processors
/// lack the first. Cycles are last because Arm's have a counter for them that counts nothing else.
[[nodiscard]] std::optional<Event> event_to_try(const Fits& fits);

/// How many counters this processor has for event_to_try; 0 where there is none.
[[nodiscard]] int number_of_counters(const Fits& fits);

/// count_together, of so many at most as this processor has counters that work.
[[nodiscard]] Fits fits_here();

}  // namespace patchbench::harness
