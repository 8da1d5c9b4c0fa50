// harness/counters/event.hpp - what the kernel is asked to count, and why it may not be.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace patchbench::harness {

/// One event as perf_event_open(2) takes it, under the name that results show.
struct Event {
  std::string name;    // "cycles", "l1i-misses", "page-faults", "mprotect-calls"
  std::string set;     // of --counters: "prefetch", "icache", "vma"; empty for a single event
  std::string source;  // hardware | software | tracepoint
  std::string scope;   // user | kernel | both
  std::uint32_t type = 0;
  std::uint64_t config = 0;
  std::uint64_t config1 = 0;
  std::uint64_t config2 = 0;
  /// Of a tracepoint, as PERF_EVENT_IOC_SET_FILTER takes it: "reason==3"; empty: every one counts.
  std::string filter;
  /// What else the process does meanwhile: nothing where empty; "busy-thread" where a second thread
  /// runs user code on another processor, and the event counts both threads. Counted in a child of
  /// its own: a child is either alone or not.
  std::string beside;
  /// What is behind the name here: "BR_MISP_RETIRED:INDIRECT", "tlb:tlb_flush". For the record.
  std::string encoded_from = {};
};

/// An event that was asked for, and why this machine does not count it.
struct WantedEvent {
  Event event;
  std::string status;  // ok | unavailable (rights, tracefs, a machine without counters)
                       // | unsupported (this processor or architecture has no such event)
  std::string reason;  // empty when status is ok
  /// The same event by other codes, the best first, where the kernel does not open `event`.
  std::vector<Event> otherwise = {};
};

}  // namespace patchbench::harness
