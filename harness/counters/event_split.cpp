#include "harness/counters/event_split.hpp"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <system_error>

#include <linux/perf_event.h>

#include "harness/counters/event_group.hpp"
#include "harness/machine/calibration.hpp"

namespace patchbench::harness {
namespace {

/// One branch for each multiplication, unless the compiler unrolled the loop.
constexpr std::uint64_t kMultiplications = 1000;
constexpr std::uint64_t kFewest = 10;

bool has_run(const EventGroup& group) {
  const GroupTimes times = group.times();
  return times.running_ns > 0;
}

}  // namespace

bool count_together(std::span<const Event> events) {
  try {
    return has_run(EventGroup(events, ReadPath::system_call));
  } catch (const std::system_error&) {
    return false;
  }
}

bool branches_count_together(std::span<const Event> events) {
  try {
    const EventGroup group(events, ReadPath::system_call);
    std::vector<std::uint64_t> before(group.size());
    std::vector<std::uint64_t> after(group.size());
    group.read(before);
    multiply_chain(kMultiplications);
    group.read(after);
    return has_run(group) && std::ranges::equal(before, after, [](auto earlier, auto later) {
             return later - earlier >= kFewest;
           });
  } catch (const std::system_error&) {
    return false;
  }
}

std::string why_not_counted(const Event& event) {
  try {
    return has_run(EventGroup({&event, 1}, ReadPath::system_call))
               ? std::string()
               : "the kernel accepts the event and never counts it: every counter is in use, or "
                 "the processor is of another kind than the event's";
  } catch (const std::system_error& error) {
    return error.what();
  }
}

EventGroups split_events(std::span<const Event> events, const Fits& fits) {
  EventGroups groups;
  for (const std::string_view source : {"hardware", "software", "tracepoint"}) {
    std::vector<Event> group;
    for (const Event& event : events) {
      if (event.source != source) continue;
      group.push_back(event);
      if (source == "hardware" && group.size() > 1 && !fits(group)) {
        group.pop_back();
        groups.push_back(std::move(group));
        group = {event};
      }
    }
    if (!group.empty()) groups.push_back(std::move(group));
  }
  return groups;
}

std::optional<Event> event_to_try(const Fits& fits) {
  Event event;
  event.source = "hardware";
  event.scope = "user";
  event.type = PERF_TYPE_HARDWARE;
  for (const std::uint64_t config :
       {PERF_COUNT_HW_BRANCH_INSTRUCTIONS, PERF_COUNT_HW_INSTRUCTIONS, PERF_COUNT_HW_CPU_CYCLES}) {
    event.config = config;
    if (fits({&event, 1})) return event;
  }
  return std::nullopt;
}

int number_of_counters(const Fits& fits) {
  constexpr int kMost = 32;  // of AArch64; x86 processors have fewer
  const std::optional<Event> event = event_to_try(fits);
  std::vector<Event> group;
  while (event && group.size() < kMost) {
    group.push_back(*event);
    if (!fits(group)) return static_cast<int>(group.size()) - 1;
  }
  return static_cast<int>(group.size());
}

Fits fits_here() {
  const auto counters = static_cast<std::size_t>(number_of_counters(branches_count_together));
  return [counters](std::span<const Event> events) {
    return events.size() <= counters && count_together(events);
  };
}

}  // namespace patchbench::harness
