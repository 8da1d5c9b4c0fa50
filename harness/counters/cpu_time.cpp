#include "harness/counters/cpu_time.hpp"

#include <algorithm>
#include <cstdint>

#include <sys/resource.h>

#include "harness/clock.hpp"
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
  if (getrusage(RUSAGE_THREAD, &usage) != 0) {
    throw_errno("getrusage");
  }
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

void prepare(const Measurement& measurement) {
  if (measurement.prepare != nullptr) {
    measurement.prepare(measurement.self);
  }
}

/// How many runs, an even number because some cells alternate between two states.
std::int64_t run_for(const Measurement& measurement, std::chrono::nanoseconds at_least) {
  const std::int64_t until = now_ns() + at_least.count();
  std::int64_t runs = 0;
  while (runs % 2 != 0 || now_ns() < until) {
    prepare(measurement);
    measurement.run(measurement.self);
    ++runs;
  }
  return runs;
}

results::Counter counter(const Measurement& measurement, const char* scope, double ns) {
  results::Counter result;
  result.name = kCpuTime;
  result.source = "software";
  result.scope = scope;
  result.per = measurement.metric;
  result.value = std::max(0.0, ns);  // less than what preparing takes: nothing that was seen
  result.status = "ok";
  result.set = kSet;
  return result;
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

std::array<results::Counter, 2> count_cpu_time(const Measurement& measurement,
                                               std::chrono::nanoseconds at_least) {
  std::int64_t runs = 0;
  Times times = times_of([&] { runs = run_for(measurement, at_least); });
  if (measurement.prepare != nullptr) {
    const Times preparing = times_of([&] {
      for (std::int64_t run = 0; run < runs; ++run) {
        measurement.prepare(measurement.self);
      }
    });
    times.user_ns -= preparing.user_ns;
    times.kernel_ns -= preparing.kernel_ns;
    measurement.run(measurement.self);  // prepared, as all the others
  }
  const double operations = measurement.operations * static_cast<double>(runs);
  return {counter(measurement, "user", times.user_ns / operations),
          counter(measurement, "kernel", times.kernel_ns / operations)};
}

}  // namespace patchbench::harness
