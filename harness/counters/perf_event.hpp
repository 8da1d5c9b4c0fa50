// harness/counters/perf_event.hpp - one event of the kernel's perf_event interface, of this thread.
#pragma once

#include <cstdint>

#include "strategies/mapping.hpp"

namespace patchbench::harness {

struct PerfReading {
  std::uint64_t value = 0;            // since the last start()
  std::uint64_t time_enabled_ns = 0;  // since the event was opened
  std::uint64_t time_running_ns = 0;  // less than time_enabled_ns: the counter was shared
};

/// Counts while user code of the thread that opened it executes, and only between start() and
/// stop().
class PerfEvent {
 public:
  /// `type` and `config` as perf_event_open(2) has them (PERF_TYPE_HARDWARE,
  /// PERF_COUNT_HW_INSTRUCTIONS). Throws std::system_error that names perf_event_open; its text
  /// says what kernel.perf_event_paranoid has to do with it, where it has.
  PerfEvent(std::uint32_t type, std::uint64_t config);

  /// From zero. The three throw std::system_error naming the call.
  void start();
  void stop();
  [[nodiscard]] PerfReading read() const;

 private:
  Fd fd_;
};

}  // namespace patchbench::harness
