#include "harness/counters/measured.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "harness/build_info.hpp"
#include "harness/clock.hpp"
#include "harness/counters/asked_events.hpp"
#include "harness/counters/count_events.hpp"
#include "harness/counters/cpu_time.hpp"
#include "harness/counters/event_group.hpp"
#include "harness/counters/event_split.hpp"
#include "harness/counters/pfm.hpp"
#include "harness/launch.hpp"

namespace patchbench::harness {
namespace {

using results::Counter;

/// Of one kind of child: by tracepoints or without any, alone or beside what `beside` says. Those
/// without tracepoints are counted first.
struct KindOfChild {
  bool traces = false;
  std::string beside;

  bool operator==(const KindOfChild&) const = default;
  bool operator<(const KindOfChild& other) const {
    return std::tie(traces, beside) < std::tie(other.traces, other.beside);
  }
};

using Kinds = std::map<KindOfChild, std::vector<Event>>;

Kinds countable_kinds(std::span<const WantedEvent> events) {
  Kinds kinds;
  for (const WantedEvent& wanted : events) {
    if (wanted.event.name == kCpuTime) {
      kinds[{}];  // told by a child that is alone, with events or without
    } else if (wanted.status == "ok") {
      const Event& event = wanted.event;
      kinds[{.traces = event.source == "tracepoint", .beside = event.beside}].push_back(event);
    }
  }
  return kinds;
}

EventGroups hardware_groups(std::span<const WantedEvent> events) {
  std::vector<Event> hardware;
  for (const WantedEvent& wanted : events) {
    if (wanted.status == "ok" && wanted.event.source == "hardware") {
      hardware.push_back(wanted.event);
    }
  }
  return split_events(hardware, fits_here());
}

Counter missing_counter(const WantedEvent& wanted, const std::string& metric) {
  Counter counter = blank_counter(wanted.event, metric);
  counter.status = wanted.status;
  counter.reason = wanted.reason;
  return counter;
}

using Key = std::tuple<std::string, std::string, std::string, std::string>;
Key key_of(const Counter& counter) {
  return {counter.per, counter.name, counter.scope, counter.beside};
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 != 0 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

/// One counter of what several children counted. A part that was multiplexed makes the whole so.
Counter merged(const std::vector<Counter>& readings) {
  Counter counter = readings.front();
  for (const Counter& reading : readings) {
    if (reading.value) {
      counter.samples.push_back(*reading.value);
    }
    if (reading.status != "ok" && (!reading.value || counter.status == "ok")) {
      counter.status = reading.status;
      counter.reason = reading.reason;
    }
  }
  counter.value = counter.samples.empty() ? std::nullopt : std::optional(median(counter.samples));
  if (counter.value && counter.status == "unavailable") {
    counter.status = "multiplexed";  // of some children nothing, of others a value
  }
  return counter;
}

class Measured : public CounterSource {
 public:
  Measured(std::vector<WantedEvent> events, const MeasuredRequest& request)
      : events_(std::move(events)),
        rounds_(request.rounds),
        timeout_(request.timeout),
        tells_cpu_time_(std::ranges::any_of(
            events_, [](const WantedEvent& one) { return one.event.name == kCpuTime; })) {
    for (const auto& [kind, its_events] : countable_kinds(events_)) {
      groups_.push_back({.events = split_events(its_events, fits_here()), .kind = kind});
    }
  }

  void describe(results::Context& context) const override {
    context.counting = describe_counting(events_);
    context.counting->rounds = rounds_;
  }
  [[nodiscard]] bool counts(std::string_view /*metric*/) const override { return true; }
  [[nodiscard]] double expected_seconds(const CountedCell& cell) const override {
    constexpr double kOfAChild = 0.08;
    constexpr double kOfCpuTime = 0.14;
    return kOfAChild * rounds_ * static_cast<double>(groups_.size()) +
           (tells_cpu_time_ ? kOfCpuTime * static_cast<double>(cell.metrics.size()) : 0);
  }

  [[nodiscard]] std::optional<std::vector<Counter>> count(const CountedCell& cell,
                                                          SignalWatch& signals) override {
    std::map<Key, std::vector<Counter>> readings;
    std::vector<EventGroup> kept;
    for (const Kind& kind : groups_) {
      if (kind.kind.traces && kept.empty()) {
        kept = tracepoints_kept_open();
      }
      for (int round = 0; round < rounds_; ++round) {
        auto counted = count_once(cell, kind, round, signals);
        if (!counted) {
          return std::nullopt;
        }
        for (Counter& counter : *counted) {
          readings[key_of(counter)].push_back(std::move(counter));
        }
      }
    }
    return in_order(cell, readings);
  }

 private:
  struct Kind {
    EventGroups events;
    KindOfChild kind;
  };

  /// The kernel takes milliseconds to put a tracepoint in place and to remove it; while one is open
  /// here, each child only joins. Only while tracepoints are counted: as long as that of all system
  /// calls is in place, every one on this machine takes longer, in the kernel.
  [[nodiscard]] std::vector<EventGroup> tracepoints_kept_open() const {
    std::vector<EventGroup> kept;
    try {
      for (const Kind& kind : groups_) {
        for (std::vector<Event> group : kind.events) {
          if (kind.kind.traces) {
            for (Event& event : group) {
              event.beside.clear();  // nor is it inherited by children
            }
            kept.emplace_back(group, ReadPath::system_call);
          }
        }
      }
    } catch (const std::system_error&) {
      kept.clear();  // RLIMIT_NOFILE, say; children need descriptors too, and say why they fail
    }
    return kept;
  }

  std::optional<std::vector<Counter>> count_once(const CountedCell& cell, const Kind& kind,
                                                 int round, SignalWatch& signals) {
    ChildTask task = cell.task;
    task.purpose = ChildPurpose::count_events;
    task.events = kind.events;
    task.cpu_time = tells_cpu_time_ && kind.kind == KindOfChild{} && round == 0;  // takes longer
    auto entry = run_child(task, timeout_, signals);
    if (!entry) {
      return std::nullopt;
    }
    if (entry->status == results::CellStatus::ok) {
      return std::move(entry->counters);
    }
    const std::string reason = fmt::format("{}: {}", to_string(entry->status), entry->reason);
    std::vector<Counter> counters;
    for (const std::string& metric : cell.metrics) {
      for (const std::vector<Event>& group : kind.events) {
        for (const Event& event : group) {
          counters.push_back(
              missing_counter({.event = event, .status = "unavailable", .reason = reason}, metric));
        }
      }
    }
    return counters;
  }

  /// By metric, and in the order in which they were asked for.
  [[nodiscard]] std::vector<Counter> in_order(
      const CountedCell& cell, const std::map<Key, std::vector<Counter>>& readings) const {
    std::vector<Counter> counters;
    for (const std::string& metric : cell.metrics) {
      for (const WantedEvent& wanted : events_) {
        const auto found = readings.find(key_of(blank_counter(wanted.event, metric)));
        if (found != readings.end()) {
          counters.push_back(merged(found->second));
        } else if (wanted.status != "ok") {
          counters.push_back(missing_counter(wanted, metric));
        }
      }
    }
    return counters;
  }

  std::vector<WantedEvent> events_;
  int rounds_;
  std::chrono::milliseconds timeout_;
  bool tells_cpu_time_;
  std::vector<Kind> groups_;
};

std::string library_text() {
  return fmt::format("libpfm {}", kLibpfmVersion.empty() ? "4" : kLibpfmVersion);
}

/// Nanoseconds of one reading.
double cost_of(const EventGroup& group) {
  constexpr int kTimes = 1000;
  std::vector<std::uint64_t> counts(group.size());
  const std::int64_t start = now_ns();
  for (int i = 0; i < kTimes; ++i) {
    group.read(counts);
  }
  return static_cast<double>(now_ns() - start) / kTimes;
}

}  // namespace

results::Counting describe_counting(std::span<const WantedEvent> events) {
  results::Counting counting;
  counting.library = library_text();
  counting.pmu = pfm_pmu();
  if (const int counters = number_of_counters(branches_count_together); counters > 0) {
    counting.counters = counters;
  }
  for (const std::vector<Event>& events_of_group : hardware_groups(events)) {
    const EventGroup group(events_of_group);
    if (!counting.read_path) {
      counting.read_path = group.path();
      counting.read_ns = cost_of(group);
    }
    const std::vector<double> empty = empty_bracket(group);
    for (std::size_t i = 0; i < empty.size(); ++i) {
      const Event& event = events_of_group[i];
      counting.bracket.emplace_back(fmt::format("{}:{}", event.name, event.scope), empty[i]);
    }
  }
  return counting;
}

std::unique_ptr<CounterSource> make_measured(const MeasuredRequest& request,
                                             const results::Context& context) {
  return std::make_unique<Measured>(asked_events(request.words, context), request);
}

}  // namespace patchbench::harness
