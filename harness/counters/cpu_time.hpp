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

/// Two counters, of scope user and kernel: nanoseconds an operation, by getrusage(2) of this thread
/// over repeated runs that take `at_least` together; what `prepare` takes is measured by itself and
/// taken away. A kernel that accounts by its clock tick divides the time by where ticks of 1 to 10
/// ms found the thread: with 50 ms that is good to some ten percent of the whole, and a share below
/// one tick is seen as none. Throws std::system_error.
[[nodiscard]] std::array<results::Counter, 2> count_cpu_time(const Measurement& measurement,
                                                             std::chrono::nanoseconds at_least);

}  // namespace patchbench::harness
