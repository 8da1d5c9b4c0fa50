// harness/process/timing.hpp - from a Measurement to batches of nanoseconds an operation.
//
// The loop, the clock and the repetitions are Google Benchmark's, with explicit iteration counts:
// its own search for one costs more than a case's whole budget. It knows no differences: their loop
// is here.
#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "results/model.hpp"
#include "workloads/workload.hpp"

namespace patchbench::harness {

/// What one measurement may cost at most. A run() that is slower than a batch's share gets one
/// iteration a batch, and fewer batches, down to a single one where that alone costs the budget; a
/// fast one does not use all of it, because batches are kept short. n is processes: batches only
/// keep a disturbance inside one process out of its sample.
struct TimingBudget {
  double total_ns = 0;
  int batches = 0;
};

/// A batch is to fit into one turn that the kernel's scheduler gives (about 3 ms), better several
/// times: then most batches of a child are undisturbed whoever else wants the processor, and their
/// median is too. Our own observation, beside three busy processes: batches of 2 ms were too long
/// for that, batches of less than this limit were not.
inline constexpr double kLongestBatchNs = 0.5e6;

/// Called before each batch, outside the clock. After it another process may have had the caches.
using BeforeBatch = std::function<void()>;

/// Batches in the order measured, each in the unit of one operation, their median and, but for
/// differences, their lower decile. With `prepare` only run() is between the time stamps. With
/// `before_batch` a batch begins with an iteration that is not timed, which brings code and data
/// back into the caches. Not reentrant: Google Benchmark keeps its list of benchmarks in a global.
///
/// What has a preparation is timed one run at a time, and each time stamp is part of that: their
/// share (overhead_ns(), measured in this process) is subtracted, and `*subtracted_ns` is set to
/// it. A batch may then be zero or negative. Of what has no preparation that would be a loop's
/// share of thousands of operations; of a difference it cancels.
///
/// With `without` a batch is a difference: run() and without() in turn, each with its preparation
/// outside of the clock; what all run() took less what all without() took. Batches may then be zero
/// or negative, and their median too.
[[nodiscard]] results::JournalMetric time_measurement(
    const Measurement& measurement, const TimingBudget& budget,
    const BeforeBatch& before_batch = {}, std::optional<double>* subtracted_ns = nullptr);

/// What the harness itself adds to each operation of `measurement`, in ns: the same loop and the
/// same time stamps around an empty function.
[[nodiscard]] double overhead_ns(const Measurement& measurement);

}  // namespace patchbench::harness
