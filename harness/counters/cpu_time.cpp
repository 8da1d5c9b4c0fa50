#include "harness/counters/cpu_time.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <ctime>
#include <string>

#include <fmt/format.h>
#include <sys/resource.h>

#include "harness/base/clock.hpp"
#include "harness/counters/count_events.hpp"
#include "strategies/mapping.hpp"

namespace patchbench::harness {
namespace {

constexpr const char* kSet = "vma";

struct Times {
  double user_ns = 0;
  double kernel_ns = 0;
};

double in_ns(const timeval& time) {
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_usec) * 1e3;
}

Times times_now() {
  rusage usage{};
  if (getrusage(RUSAGE_THREAD, &usage) != 0) throw_errno("getrusage");
  return {.user_ns = in_ns(usage.ru_utime), .kernel_ns = in_ns(usage.ru_stime)};
}

template <typename Step>
Times times_of(Step step) {
  const Times before = times_now();
  step();
  const Times after = times_now();
  return {.user_ns = after.user_ns - before.user_ns,
          .kernel_ns = after.kernel_ns - before.kernel_ns};
}

double sum(const Times& times) { return times.user_ns + times.kernel_ns; }

/// The kernel's tick is what its coarse clocks tell as their resolution (posix_get_coarse_res in
/// kernel/time/posix-timers.c of Linux: TICK_NSEC).
double tick_ns() {
  timespec tick{};
  if (clock_getres(CLOCK_MONOTONIC_COARSE, &tick) != 0) throw_errno("clock_getres");
  return static_cast<double>(tick.tv_sec) * 1e9 + static_cast<double>(tick.tv_nsec);
}

/// How many runs, an even number because some cases alternate between two states.
std::int64_t run_for(const Measurement& measurement, std::chrono::nanoseconds at_least) {
  const std::int64_t until = now_ns() + at_least.count();
  std::int64_t runs = 0;
  while (runs % 2 != 0 || now_ns() < until) {
    measurement.run(measurement.self);
    ++runs;
  }
  return runs;
}

/// Of user code and the kernel, with neither value nor reason yet.
CpuTime blank_rows(const Measurement& measurement, const char* status) {
  CpuTime rows;
  std::ranges::transform(cpu_time_rows(), rows.begin(), [&](const WantedEvent& wanted) {
    results::Counter row = blank_counter(wanted.event, measurement.metric);
    row.status = status;
    return row;
  });
  return rows;
}

CpuTime unavailable(const Measurement& measurement, const std::string& reason) {
  CpuTime rows = blank_rows(measurement, "unavailable");
  for (results::Counter& row : rows) row.reason = reason;
  return rows;
}

CpuTime as_counters(const Measurement& measurement, const Times& times, std::int64_t runs) {
  const double operations = measurement.operations * static_cast<double>(runs);
  CpuTime rows = blank_rows(measurement, "ok");
  rows[0].value = times.user_ns / operations;
  rows[1].value = times.kernel_ns / operations;
  return rows;
}

}  // namespace

std::vector<WantedEvent> cpu_time_rows() {
  std::vector<WantedEvent> rows(2);
  for (WantedEvent& row : rows) {
    row.event.name = kCpuTime;
    row.event.set = kSet;
    row.event.source = "software";
    row.status = "ok";
  }
  rows[0].event.scope = "user";
  rows[1].event.scope = "kernel";
  return rows;
}

std::chrono::nanoseconds cpu_time_takes() {
  constexpr double kLittleMore = 1.1;
  return std::chrono::nanoseconds(std::llround(kLittleMore * kCpuTimeTicks * tick_ns()));
}

CpuTime count_cpu_time(const Measurement& measurement, std::chrono::nanoseconds at_least) {
  if (measurement.prepare != nullptr) {
    return unavailable(
        measurement,
        "each operation is prepared, and clock ticks do not tell its time from that of "
        "its preparation; patch_execute, where there is one, needs none");
  }
  constexpr int kTurns = 3;  // another thread may have had the processor for a part
  const double needed_ns = kCpuTimeTicks * tick_ns();
  Times times;
  std::int64_t runs = 0;
  for (int turn = 0; turn < kTurns && sum(times) < needed_ns; ++turn) {
    const Times more = times_of([&] { runs += run_for(measurement, at_least); });
    times.user_ns += more.user_ns;
    times.kernel_ns += more.kernel_ns;
  }
  if (sum(times) < needed_ns) {
    return unavailable(
        measurement, fmt::format("resolution: {:.0f} ms of processor time, and a division by clock "
                                 "ticks of {:.0f} ms needs {}",
                                 sum(times) / 1e6, tick_ns() / 1e6, kCpuTimeTicks));
  }
  return as_counters(measurement, times, runs);
}

}  // namespace patchbench::harness
