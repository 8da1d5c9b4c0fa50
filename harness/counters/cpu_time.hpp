// harness/counters/cpu_time.hpp - how much of an operation is spent in user code, how much in the
// kernel.
#pragma once

#include <array>
#include <chrono>
#include <vector>

#include "harness/counters/event.hpp"
#include "results/model.hpp"
#include "workloads/workload.hpp"

namespace patchbench::harness {

inline constexpr const char* kCpuTime = "cpu-time-ns";

/// A row for each of the two, as of the set `vma`. No event of perf_event.
[[nodiscard]] std::vector<WantedEvent> cpu_time_rows();

using CpuTime = std::array<results::Counter, 2>;

/// Of the kernel's clock, by which it divides a thread's time.
inline constexpr int kCpuTimeTicks = 10;
/// What so many take, and a little more: 11 to 110 ms.
[[nodiscard]] std::chrono::nanoseconds cpu_time_takes();

/// Two counters, of scope user and kernel: nanoseconds an operation, by getrusage(2) of this thread
/// over repeated runs that take `at_least` together. The kernel knows their sum to the microsecond
/// and divides it by where its clock tick, every 1 to 10 ms, found the thread. So a share that no
/// tick found is 0 and means: less than about one of kCpuTimeTicks. Where the thread did not get
/// that many, in three times `at_least`, both are `unavailable`. So are they with a `prepare`: what
/// that takes depends on the run before it, so that no two loops differ in the runs alone, and one
/// preparation is shorter than a tick; what a patch and its execution take has no preparation.
/// Throws std::system_error.
[[nodiscard]] CpuTime count_cpu_time(const Measurement& measurement,
                                     std::chrono::nanoseconds at_least);

}  // namespace patchbench::harness
