// harness/counters/perf_event.hpp - events of the kernel's perf_event interface, of this thread.
#pragma once

#include <cstdint>

#include "harness/counters/event.hpp"
#include "strategies/mapping.hpp"

namespace patchbench::harness {

/// How open_event opens, beside what it opens.
struct Opening {
  int leader = -1;                // descriptor of the group's first event; -1: this is the first
  std::uint64_t read_format = 0;  // PERF_FORMAT_...
  std::uint64_t further_config1 = 0;  // or-ed into the event's
};

/// The highest kernel.perf_event_paranoid at which the kernel lets `event` be counted without
/// CAP_PERFMON. The number of a tracepoint must be read besides, which tracefs allows or not.
[[nodiscard]] int highest_paranoid(const Event& event);

/// Opens `event` for the thread that calls, wherever it runs, and, where it is to count beside
/// another thread, for all that this one starts from then on. A group's first event is disabled;
/// the others count whenever that does. Throws std::system_error that names the call; its text says
/// what kernel.perf_event_paranoid has to do with it, where it has.
[[nodiscard]] Fd open_event(const Event& event, const Opening& opening);

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
  /// PERF_COUNT_HW_INSTRUCTIONS). Throws as open_event does.
  PerfEvent(std::uint32_t type, std::uint64_t config);

  /// From zero. The three throw std::system_error naming the call.
  void start();
  void stop();
  [[nodiscard]] PerfReading read() const;

 private:
  Fd fd_;
};

/// Counts cycles of this process in user mode: 0, or the errno of perf_event_open(2), or ENODATA
/// where there is a counter that counts nothing, as some virtual machines have it.
[[nodiscard]] int count_cycles();

}  // namespace patchbench::harness
