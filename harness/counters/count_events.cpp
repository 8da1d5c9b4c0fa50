#include "harness/counters/count_events.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "analysis/statistics/statistics.hpp"
#include "harness/counters/busy_thread.hpp"
#include "harness/counters/fixed_runs.hpp"
#include "workloads/metrics.hpp"

namespace patchbench::harness {
namespace {

using results::Counter;

/// The n-th is that of the group's n-th event.
using Counts = std::vector<std::uint64_t>;

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// Counts into buffers that are there before: allocating one would be counted.
class Bracket {
 public:
  explicit Bracket(const EventGroup& group)
      : group_(group), before_(group.size()), after_(group.size()) {}

  template <typename Step>
  [[nodiscard]] std::vector<double> around(Step step) {
    group_.read(before_);
    step();
    group_.read(after_);
    std::vector<double> counts(before_.size());
    std::ranges::transform(after_, before_, counts.begin(),
                           [](std::uint64_t after, std::uint64_t before) {
                             return static_cast<double>(after - before);
                           });
    return counts;
  }

 private:
  const EventGroup& group_;
  Counts before_;
  Counts after_;
};

/// Both extents have the same instructions around their runs; `extent` alone decides how many there
/// are.
void execute_counted(const Measurement& measurement, Extent extent, int runs) {
  const bool prepared = measurement.prepare != nullptr;
  if (prepared) measurement.prepare(measurement.self);
  const int more = extent == Extent::more ? 1 : 0;
  const int times = prepared ? more : runs << more;
  for (int run = 0; run < times; ++run) measurement.run(measurement.self);
}

/// By event: what the larger extent counts more than the smaller, each time.
std::vector<std::vector<double>> differences(const EventGroup& group,
                                             const Measurement& measurement,
                                             const BusyThread* beside) {
  const int runs = counted_runs(measurement);
  Bracket bracket(group);
  const auto count = [&](Extent extent) {
    if (measurement.prepare != nullptr) {
      // What a preparation does may depend on whether there was a run since the last.
      measurement.prepare(measurement.self);
      measurement.run(measurement.self);
    }
    if (beside != nullptr) beside->wait_until_it_executes();
    return bracket.around([&] { execute_counted(measurement, extent, runs); });
  };
  static_cast<void>(count(Extent::more));  // opening events has left its traces, too
  std::vector<std::vector<double>> found(group.size());
  for (int i = 0; i < kRepetitions; ++i) {
    const std::vector<double> fewer = count(Extent::fewer);
    const std::vector<double> more = count(Extent::more);
    for (std::size_t event = 0; event < found.size(); ++event) {
      found[event].push_back(more[event] - fewer[event]);
    }
  }
  return found;
}

/// Of its time an event must have counted so much for its count to be scaled: with less, it may
/// have counted in none of the repetitions, or in one alone.
constexpr double kLeastShare = 0.2;

/// What the times say of it: whole, a part that is scaled, or nothing.
void take_times(Counter& counter, const GroupTimes& before, const GroupTimes& after) {
  const std::uint64_t enabled = after.enabled_ns - before.enabled_ns;
  const std::uint64_t running = after.running_ns - before.running_ns;
  counter.time_enabled = static_cast<std::int64_t>(enabled);
  counter.time_running = static_cast<std::int64_t>(running);
  if (running == 0) {
    counter.value.reset();
    counter.status = "unavailable";
    counter.reason =
        "the kernel never counted it: someone else had the counter, or the processor is of another "
        "kind than the event's";
  } else if (static_cast<double>(running) < kLeastShare * static_cast<double>(enabled)) {
    counter.value.reset();
    counter.status = "unavailable";
    counter.reason = fmt::format(
        "the kernel shared the counter with someone else and counted for {:.0f} % of the time: too "
        "little to scale",
        100 * static_cast<double>(running) / static_cast<double>(enabled));
  } else if (running < enabled) {
    *counter.value *= static_cast<double>(enabled) / static_cast<double>(running);
    counter.status = "multiplexed";
    counter.reason = "the kernel shared the counter with someone else: scaled by its time";
  }
}

/// Why a measurement is not counted in this group; empty where it is.
std::string_view why_left_out(const Measurement& measurement, const Event& event) {
  // Each of the two runs is prepared, and what a counter says of either is not of the operation.
  if (measurement.without != nullptr) return "a difference of two runs is timed, and not counted";
  if (measurement.has_executors && !event.beside.empty()) {
    return "threads of the case's own execute meanwhile, also where nothing else does";
  }
  return {};
}

void leave_out(std::span<const Event> events, const Measurement& measurement,
               std::string_view reason, std::vector<Counter>& counters) {
  for (const Event& event : events) {
    Counter counter = blank_counter(event, measurement.metric);
    counter.status = "unavailable";
    counter.reason = reason;
    counters.push_back(std::move(counter));
  }
}

void count_one(const EventGroup& group, std::span<const Event> events,
               const Measurement& measurement, const BusyThread* beside,
               std::vector<Counter>& counters) {
  const GroupTimes before = group.times();
  const std::vector<std::vector<double>> found = differences(group, measurement, beside);
  const GroupTimes after = group.times();
  const double operations = counted_runs(measurement) * measurement.operations;
  for (std::size_t i = 0; i < events.size(); ++i) {
    Counter counter = blank_counter(events[i], measurement.metric);
    counter.status = "ok";
    // What shares a counter counts in some of the repetitions: their mean is what can be scaled.
    const bool all_the_time =
        after.running_ns - before.running_ns == after.enabled_ns - before.enabled_ns;
    const bool typical = events[i].source == "hardware" && all_the_time;
    counter.value = (typical ? analysis::median(found[i]).value() : mean(found[i])) / operations;
    take_times(counter, before, after);
    if (!typical) never_negative(counter);
    counters.push_back(std::move(counter));
  }
}

}  // namespace

void never_negative(Counter& counter) {
  if (!counter.value || *counter.value >= 0) return;
  if (counter.reason.empty()) {
    counter.reason =
        fmt::format("none: what happened by itself was more than what was executed caused ({:.3g})",
                    *counter.value);
  }
  counter.value = 0;
}

results::Counter blank_counter(const Event& event, const std::string& metric) {
  Counter counter;
  counter.name = event.name;
  counter.source = event.source;
  counter.scope = event.scope;
  counter.set = event.set;
  counter.beside = event.beside;
  counter.per = metric;
  return counter;
}

int counted_runs(const Measurement& measurement) {
  if (measurement.prepare != nullptr) return 1;
  const double operations = traits_of(measurement.metric).executes_only ? 65'536 : 1024;
  const double runs = std::ceil(operations / std::max(1.0, measurement.operations));
  constexpr double kLongNs = 2e6;
  const double most =
      measurement.expected_ns > 0 ? std::ceil(kLongNs / measurement.expected_ns) : runs;
  return static_cast<int>(std::min(runs, most));
}

std::vector<double> empty_bracket(const EventGroup& group) {
  constexpr int kTimes = 31;
  Bracket bracket(group);
  std::vector<std::vector<double>> counted(group.size());
  for (int i = 0; i < kTimes; ++i) {
    const std::vector<double> counts = bracket.around([] {});
    for (std::size_t event = 0; event < counts.size(); ++event) {
      counted[event].push_back(counts[event]);
    }
  }
  std::vector<double> medians(counted.size());
  std::ranges::transform(counted, medians.begin(), [](const std::vector<double>& counts) {
    return analysis::median(counts).value();
  });
  return medians;
}

std::vector<Counter> count_events(std::span<const Measurement> measurements,
                                  const EventGroups& groups, const CountingThread& thread) {
  std::vector<Counter> counters;
  for (const std::vector<Event>& events : groups) {
    const EventGroup group(events, thread.read);
    std::optional<BusyThread> busy;  // after the events, which it inherits
    if (!events.front().beside.empty()) busy.emplace(thread.processor, thread.allowed);
    for (const Measurement& measurement : measurements) {
      if (const std::string_view reason = why_left_out(measurement, events.front());
          !reason.empty()) {
        leave_out(events, measurement, reason, counters);
        continue;
      }
      count_one(group, events, measurement, busy ? &*busy : nullptr, counters);
    }
  }
  return counters;
}

}  // namespace patchbench::harness
