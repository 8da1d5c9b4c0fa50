#include "harness/counting/measured.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <limits>
#include <map>
#include <optional>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>

#include "analysis/statistics/statistics.hpp"
#include "harness/base/clock.hpp"
#include "harness/counters/asked_events.hpp"
#include "harness/counters/count_events.hpp"
#include "harness/counters/cpu_time.hpp"
#include "harness/counters/event_group.hpp"
#include "harness/counters/event_split.hpp"
#include "harness/counters/pfm.hpp"
#include "harness/machine/build_info.hpp"
#include "harness/process/launch.hpp"
#include "strategies/mapping.hpp"

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
      kinds[{}];  // counted by a child that is alone, with events or without
    } else if (wanted.status == "ok") {
      const Event& event = wanted.event;
      kinds[{.traces = event.source == "tracepoint", .beside = event.beside}].push_back(event);
    }
  }
  return kinds;
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

void add_time(std::optional<std::int64_t>& sum, const std::optional<std::int64_t>& time) {
  if (time) sum = sum.value_or(0) + *time;
}

/// One counter of what several children counted, with the times of all. A part that was multiplexed
/// makes the whole so.
Counter merged(const std::vector<Counter>& readings) {
  Counter counter = readings.front();
  counter.time_enabled.reset();
  counter.time_running.reset();
  for (const Counter& reading : readings) {
    if (reading.value) counter.samples.push_back(*reading.value);
    add_time(counter.time_enabled, reading.time_enabled);
    add_time(counter.time_running, reading.time_running);
    if (reading.status != "ok" && (!reading.value || counter.status == "ok")) {
      counter.status = reading.status;
      counter.reason = reading.reason;
    }
  }
  counter.value = analysis::median(counter.samples);
  if (counter.value && counter.status == "unavailable") {
    counter.status = "multiplexed";  // of some children nothing, of others a value
  }
  return counter;
}

bool by_user_code(const results::ReadCost& read) { return read.path != "read"; }

/// Every source has a path by which the kernel reads; the processor's own has to be cheaper.
ReadPath cheapest_path(std::span<const results::ReadCost> reads) {
  const bool by_instruction = std::ranges::any_of(
      reads, [](const results::ReadCost& read) { return read.used && by_user_code(read); });
  return by_instruction ? ReadPath::fastest : ReadPath::system_call;
}

/// Starting a child takes three pipes and copies of their ends. Throws std::system_error.
void require_descriptors_for_a_child() {
  constexpr int kSomeMore = 16;
  std::vector<Fd> spare;
  spare.reserve(kSomeMore);
  for (int i = 0; i < kSomeMore; ++i) {
    spare.emplace_back(open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!spare.back()) throw_errno("open (descriptors for a child)");
  }
}

class Measured : public CounterSource {
 public:
  Measured(std::vector<WantedEvent> events, const MeasuredRequest& request)
      : events_(without_cpu_time(std::move(events), request.why_no_cpu_time)),
        counting_(describe_counting(events_)),
        rounds_(request.rounds),
        timeout_(request.timeout),
        tells_cpu_time_(std::ranges::any_of(events_, [](const WantedEvent& one) {
          return is_cpu_time(one) && one.status == "ok";
        })) {
    const Fits fits = fits_here();
    for (const auto& [kind, its_events] : countable_kinds(events_)) {
      groups_.push_back({.events = split_events(its_events, fits), .kind = kind});
    }
    counting_.rounds = rounds_;
  }

  void describe(results::Context& context) const override { context.counting = counting_; }
  [[nodiscard]] bool counts(std::string_view /*metric*/) const override { return true; }
  [[nodiscard]] double expected_seconds(const CountedCell& cell) const override {
    constexpr double kOfAChild = 0.2;
    const double cpu_time = std::chrono::duration<double>(cpu_time_takes()).count();
    return kOfAChild * rounds_ * static_cast<double>(groups_.size()) +
           (tells_cpu_time_ ? cpu_time * static_cast<double>(cell.metrics.size()) : 0);
  }

  [[nodiscard]] std::optional<std::vector<Counter>> count(const CountedCell& cell,
                                                          SignalWatch& signals) override {
    std::map<Key, std::vector<Counter>> readings;
    std::vector<EventGroup> kept;
    for (const Kind& kind : groups_) {
      if (kind.kind.traces && kept.empty()) kept = tracepoints_kept_open();
      for (int round = 0; round < rounds_; ++round) {
        auto counted = count_once(cell, kind, round, signals);
        if (!counted) return std::nullopt;
        for (Counter& counter : *counted) readings[key_of(counter)].push_back(std::move(counter));
      }
    }
    return in_order(cell, readings);
  }

 private:
  [[nodiscard]] static bool is_cpu_time(const WantedEvent& wanted) {
    return wanted.event.name == kCpuTime;
  }
  [[nodiscard]] static std::vector<WantedEvent> without_cpu_time(std::vector<WantedEvent> events,
                                                                 const std::string& reason) {
    for (WantedEvent& one : events) {
      if (reason.empty() || !is_cpu_time(one)) continue;
      one.status = "unavailable";
      one.reason = reason;
    }
    return events;
  }

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
      require_descriptors_for_a_child();
    } catch (const std::system_error&) {
      kept.clear();  // RLIMIT_NOFILE, say: each child then opens its own, and says why it fails
    }
    return kept;
  }

  std::optional<std::vector<Counter>> count_once(const CountedCell& cell, const Kind& kind,
                                                 int round, SignalWatch& signals) {
    const CountedPlace& place = cell.places.at(static_cast<std::size_t>(round));
    ChildTask task = cell.task;
    task.request.seed = place.seed;
    task.request.arena = place.arena;
    task.cpu = place.cpu;
    task.purpose = ChildPurpose::count_events;
    task.events = kind.events;
    task.read = cheapest_path(counting_.reads);
    task.cpu_time = tells_cpu_time_ && kind.kind == KindOfChild{} && round == 0;  // takes longer
    auto entry = run_child(task, timeout_, signals);
    if (!entry) return std::nullopt;
    if (entry->status == results::CellStatus::ok) return std::move(entry->counters);
    return nothing_of(cell, task, fmt::format("{}: {}", to_string(entry->status), entry->reason));
  }

  /// Of all that the child was to count.
  static std::vector<Counter> nothing_of(const CountedCell& cell, const ChildTask& task,
                                         const std::string& reason) {
    std::vector<WantedEvent> events = task.cpu_time ? cpu_time_rows() : std::vector<WantedEvent>{};
    for (const std::vector<Event>& group : task.events) {
      for (const Event& event : group) {
        events.push_back({.event = event, .status = {}, .reason = {}});
      }
    }
    std::vector<Counter> counters;
    for (const std::string& metric : cell.metrics) {
      for (WantedEvent& event : events) {
        event.status = "unavailable";
        event.reason = reason;
        counters.push_back(missing_counter(event, metric));
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
  results::Counting counting_;
  int rounds_;
  std::chrono::milliseconds timeout_;
  bool tells_cpu_time_;
  std::vector<Kind> groups_;
};

std::string library_text() {
  return fmt::format("libpfm {}", kLibpfmVersion.empty() ? "4" : kLibpfmVersion);
}

/// Nanoseconds of one reading: of several hundred, in the fastest of a few turns.
double cost_of(const EventGroup& group) {
  constexpr int kTurns = 5;
  constexpr int kTimes = 200;
  std::vector<std::uint64_t> counts(group.size());
  double fastest = std::numeric_limits<double>::infinity();
  for (int turn = 0; turn < kTurns; ++turn) {
    const std::int64_t start = now_ns();
    for (int i = 0; i < kTimes; ++i) group.read(counts);
    fastest = std::min(fastest, static_cast<double>(now_ns() - start) / kTimes);
  }
  return fastest;
}

/// What reading `events` costs by each path that there is. Throws std::system_error.
void add_reads(const std::vector<Event>& events, std::vector<results::ReadCost>& reads) {
  const std::size_t first = reads.size();
  for (const ReadPath path : {ReadPath::fastest, ReadPath::system_call}) {
    const EventGroup group(events, path);
    if (reads.size() == first || reads.back().path != group.path()) {
      reads.push_back({.source = events.front().source,
                       .path = std::string(group.path()),
                       .ns = cost_of(group)});
    }
  }
  std::ranges::min_element(reads.begin() + static_cast<std::ptrdiff_t>(first), reads.end(), {},
                           &results::ReadCost::ns)
      ->used = true;
}

/// Of the first group of each source.
std::vector<results::ReadCost> cost_of_reading(const EventGroups& groups) {
  std::vector<results::ReadCost> reads;
  for (const std::vector<Event>& group : groups) {
    const bool known = std::ranges::any_of(reads, [&group](const results::ReadCost& read) {
      return read.source == group.front().source;
    });
    if (!known) {
      try {
        add_reads(group, reads);
      } catch (const std::system_error&) {
        // Each event opens; a limit on descriptors may keep the group from it. The children say so.
      }
    }
  }
  return reads;
}

/// Those that are counted alone.
EventGroups groups_of(std::span<const WantedEvent> events) {
  std::vector<Event> counted;
  for (const WantedEvent& wanted : events) {
    if (wanted.status == "ok" && wanted.event.beside.empty() && wanted.event.name != kCpuTime) {
      counted.push_back(wanted.event);
    }
  }
  return split_events(counted, fits_here());
}

void add_bracket(const std::vector<Event>& events, ReadPath path, results::Counting& counting) {
  try {
    const std::vector<double> empty = empty_bracket(EventGroup(events, path));
    for (std::size_t i = 0; i < empty.size(); ++i) {
      counting.bracket.emplace_back(fmt::format("{}:{}", events[i].name, events[i].scope),
                                    empty[i]);
    }
  } catch (const std::system_error&) {
    // As above.
  }
}

std::vector<std::pair<std::string, std::string>> names_behind(std::span<const WantedEvent> events) {
  std::vector<std::pair<std::string, std::string>> names;
  for (const WantedEvent& wanted : events) {
    const Event& event = wanted.event;
    const bool known =
        std::ranges::any_of(names, [&event](const auto& name) { return name.first == event.name; });
    if (!known && wanted.status == "ok" && !event.encoded_from.empty()) {
      names.emplace_back(event.name, event.encoded_from);
    }
  }
  return names;
}

}  // namespace

results::Counting describe_counting(std::span<const WantedEvent> events) {
  results::Counting counting;
  counting.library = library_text();
  counting.pmu = pfm_pmu();
  if (const int counters = number_of_counters(branches_count_together); counters > 0) {
    counting.counters = counters;
  }
  const EventGroups groups = groups_of(events);
  counting.reads = cost_of_reading(groups);
  for (const results::ReadCost& read : counting.reads) {
    if (read.source == "hardware" && read.used) {
      counting.read_path = read.path;
      counting.read_ns = read.ns;
    }
  }
  counting.events = names_behind(events);
  const ReadPath path = cheapest_path(counting.reads);
  for (const std::vector<Event>& events_of_group : groups) {
    add_bracket(events_of_group, path, counting);
  }
  return counting;
}

std::unique_ptr<CounterSource> make_measured(const MeasuredRequest& request,
                                             const results::Context& context) {
  return std::make_unique<Measured>(asked_events(request.words, context), request);
}

}  // namespace patchbench::harness
