#include "harness/counters/emulated_instructions.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <system_error>

#include <fmt/format.h>
#include <linux/perf_event.h>

#include "harness/counters/fixed_runs.hpp"
#include "harness/counters/perf_event.hpp"
#include "harness/counters/simulated_counter.hpp"
#include "harness/machine/calibration.hpp"
#include "workloads/metrics.hpp"

namespace patchbench::harness {
namespace {

using results::Counter;

PerfEvent instructions() { return {PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS}; }

/// Instructions from start to stop, what starting and stopping takes included.
template <typename Step>
double instructions_of(PerfEvent& event, Step step) {
  event.start();
  step();
  event.stop();
  return static_cast<double>(event.read().value);
}

/// Of the operations between the two extents.
double difference(PerfEvent& event, const Measurement& measurement) {
  if (measurement.prepare == nullptr) {
    const double fewer = instructions_of(event, [&] { execute(measurement, Extent::fewer); });
    return instructions_of(event, [&] { execute(measurement, Extent::more); }) - fewer;
  }
  // The event can be stopped while a run is prepared; it then counts nothing but its own stopping.
  execute(measurement, Extent::fewer);
  const double run = instructions_of(event, [&] { measurement.run(measurement.self); });
  return run - instructions_of(event, [] {});
}

Counter count_one(PerfEvent& event, const Measurement& measurement) {
  Counter counter = simulated_counter(results::kSimulatedCounters.front(), measurement.metric);
  const double counted = difference(event, measurement);
  const PerfReading reading = event.read();
  counter.time_enabled = static_cast<std::int64_t>(reading.time_enabled_ns);
  counter.time_running = static_cast<std::int64_t>(reading.time_running_ns);
  if (reading.time_running_ns < reading.time_enabled_ns) {
    counter.status = "unavailable";
    counter.reason = "the kernel shared the counter with someone else: parts were not counted";
  } else {
    counter.value = counted / operations_between(measurement);
  }
  return counter;
}

/// Empty when a known number of instructions is counted: twice as many for twice the work.
std::string why_not_believed(PerfEvent& event) {
  constexpr std::uint64_t kLength = 100'000;
  constexpr double kTolerance = 0.01;
  const auto chain = [&event](std::uint64_t length) {
    return instructions_of(event, [length] { multiply_chain(length); });
  };
  const double once = chain(kLength);
  const double twice = chain(2 * kLength);
  if (once >= kLength && std::abs(twice - 2 * once) <= kTolerance * twice) return {};
  return fmt::format(
      "the event `instructions` counted {} in {} multiplications and {} in twice as many, which "
      "cannot be; QEMU counts instructions only with -icount shift=0",
      once, kLength, twice);
}

}  // namespace

std::vector<Counter> count_instructions(std::span<const Measurement> measurements) {
  PerfEvent event = instructions();
  std::vector<Counter> counters;
  for (const Measurement& measurement : measurements) {
    if (traits_of(measurement.metric).is_countable) {
      std::vector<Counter> rows = not_counted(
          {&measurement.metric, 1}, "unsupported",
          "the emulator counts instructions; data and caches are what valgrind simulates");
      rows.front() = count_one(event, measurement);
      std::ranges::move(rows, std::back_inserter(counters));
    }
  }
  return counters;
}

std::string why_instructions_are_not_counted() {
  try {
    PerfEvent event = instructions();
    return why_not_believed(event);
  } catch (const std::system_error& error) {
    return fmt::format("{}; QEMU has instructions to count only with -icount shift=0",
                       error.what());
  }
}

}  // namespace patchbench::harness
