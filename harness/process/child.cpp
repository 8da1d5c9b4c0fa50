#include "harness/process/child.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "harness/base/clock.hpp"
#include "harness/base/terminal.hpp"
#include "harness/counters/count_events.hpp"
#include "harness/counters/cpu_time.hpp"
#include "harness/counters/emulated_instructions.hpp"
#include "harness/machine/calibration.hpp"
#include "harness/machine/cpu_list.hpp"
#include "harness/machine/proc.hpp"
#include "harness/process/denial.hpp"
#include "harness/process/self_test_cells.hpp"
#include "harness/process/timing.hpp"
#include "results/journal.hpp"
#include "strategies/apply_policy.hpp"
#include "strategies/cgroup.hpp"
#include "strategies/vmas.hpp"
#include "workloads/metrics.hpp"

namespace patchbench {

// For nlohmann::json, which finds these by the argument's namespace.
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Arena, base)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ZoneOptions, reserve, pages, alias_offset, window, window_at)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(CellRequest, params, seed, arena, zone, processors)

}  // namespace patchbench

namespace patchbench::harness {
namespace {

using results::CellStatus;
using results::JournalEntry;

void fail(JournalEntry& entry, CellStatus status, std::string reason) {
  entry.status = status;
  entry.reason = std::move(reason);
}

void refuse(JournalEntry& entry, CellStatus status, const std::system_error& error) {
  Denial denial = explain(error);
  entry.status = status;
  entry.call = std::move(denial.call);
  entry.error = std::move(denial.error);
  entry.reason = std::move(denial.reason);
}

/// A limit that stands in the way is a refusal by the machine.
void fail_without_memory(JournalEntry& entry, CellStatus refused, std::string_view call,
                         std::string_view what) {
  const std::string limit = limit_behind_enomem();
  if (limit.empty()) {
    fail(entry, CellStatus::failed, std::string(what));
    return;
  }
  entry.status = refused;
  entry.call = call;
  entry.error = "ENOMEM";
  entry.reason = fmt::format("{}; {}", what, limit);
}

/// Runs `step`; a refusal by the machine gets `refused`, everything else that it throws is a
/// failure. True when it threw nothing.
template <typename Step>
bool attempt(JournalEntry& entry, CellStatus refused, Step step) {
  try {
    step();
    return true;
  } catch (const std::system_error& error) {
    refuse(entry, refused, error);
  } catch (const Unsupported& error) {
    fail(entry, CellStatus::unsupported, error.what());
  } catch (const WrongResult& error) {
    fail(entry, CellStatus::failed, fmt::format("wrong result: {}", error.what()));
  } catch (const std::bad_alloc&) {
    fail_without_memory(entry, refused, "operator new",
                        "out of memory: operator new failed; see ulimit -v and free");
  } catch (const std::exception& error) {
    // AsmJit's own errors are no system errors.
    if (std::string_view(error.what()).find("OutOfMemory") != std::string_view::npos) {
      fail_without_memory(entry, refused, "mmap", error.what());
    } else {
      fail(entry, CellStatus::failed, error.what());
    }
  }
  return false;
}

results::Counter software_counter(std::string name, std::string per, double value) {
  results::Counter counter;
  counter.name = std::move(name);
  counter.source = "software";
  counter.scope = "user";
  counter.per = std::move(per);
  counter.value = value;
  counter.status = "ok";
  return counter;
}

/// The overhead stands beside the costs that it is part of, or was before it was subtracted, in the
/// units that counters have.
void report_overhead(const Measurement& measurement, std::optional<double> subtracted_ns,
                     std::vector<results::Counter>& counters) {
  if (!traits_of(measurement.metric).shows_overhead) return;
  const double overhead = subtracted_ns ? *subtracted_ns : overhead_ns(measurement);
  counters.push_back(software_counter("harness-overhead-ns", measurement.metric, overhead));
}

/// What a case occupies and what the harness costs are the same in every round, and reading them
/// takes a process longer than a few batches.
bool is_described(const ChildTask& task) {
  constexpr int kDescribedRounds = 3;
  return task.purpose == ChildPurpose::time && task.round < kDescribedRounds;
}

/// Returns when a batch of the metric with this index may be measured. Throws std::runtime_error
/// when the parent is gone.
void wait_for_turn(std::uint8_t metric) {
  std::uint8_t go = 0;
  ssize_t got = write(kTurnFd, &metric, sizeof metric);
  if (got > 0) {
    do {
      got = read(kTurnFd, &go, sizeof go);
    } while (got < 0 && errno == EINTR);
  }
  if (got <= 0) throw std::runtime_error("the parent gives no turns any more");
}

/// What this thread had of a processor since it was made, and what it lost to others. Waiting for a
/// turn is neither, and nor is waiting for the one whose turn ends.
class TimeOnProcessor {
 public:
  /// A wait_for_turn().
  template <typename Wait>
  void leave_out(Wait wait) {
    const auto before = file_.read();
    wait();
    const auto after = file_.read();
    if (before && after) left_out_ns_ += after->waited_ns - before->waited_ns;
  }
  void report(JournalEntry& entry) const {
    if (const auto now = file_.read(); now && begin_) {
      constexpr double kNsOfMs = 1e6;
      const std::int64_t waited_ns = now->waited_ns - begin_->waited_ns - left_out_ns_;
      entry.cpu_ms = static_cast<double>(now->executed_ns - begin_->executed_ns) / kNsOfMs;
      entry.waited_ms = static_cast<double>(std::max<std::int64_t>(0, waited_ns)) / kNsOfMs;
    }
    if (const auto now = throttled(); now && throttled_) {
      entry.throttled = std::max<std::int64_t>(0, *now - *throttled_);
    }
  }

 private:
  [[nodiscard]] std::optional<std::int64_t> throttled() const {
    return quota_ ? throttled_periods(quota_->stat) : std::nullopt;
  }

  std::optional<CpuQuota> quota_ = cpu_quota();
  std::optional<std::int64_t> throttled_ = throttled();
  ScheduleFile file_{"/"};
  std::optional<Schedule> begin_ = file_.read();
  std::int64_t left_out_ns_ = 0;
};

void measure(const Instance& instance, const ChildTask& task, JournalEntry& entry) {
  const std::span<const Measurement> measurements = instance.measurements();
  const TimingBudget budget{
      .total_ns =
          task.budget_ms * 1e6 / static_cast<double>(std::max<std::size_t>(1, measurements.size())),
      .batches = task.batches};
  const std::optional<std::int64_t> steal = read_steal_ticks("/", task.cpu);
  TimeOnProcessor processor;
  std::vector<std::optional<double>> subtracted_ns(measurements.size());
  Calibration before = calibrate();
  entry.calibration_before_ns = before.latency_ns;
  for (std::size_t i = 0; i < measurements.size(); ++i) {
    if (std::ranges::find(task.left_out, measurements[i].metric) != task.left_out.end()) continue;
    const BeforeBatch turn = [i, &processor] {
      processor.leave_out([i] { wait_for_turn(static_cast<std::uint8_t>(i)); });
    };
    results::JournalMetric metric = time_measurement(
        measurements[i], budget, task.takes_turns ? turn : BeforeBatch(), &subtracted_ns[i]);
    const Calibration after = calibrate();
    const Calibration around = mean_of(before, after);
    metric.latency_ns = around.latency_ns;
    metric.throughput_ns = around.throughput_ns;
    before = after;
    metric.median = std::max(0.0, metric.median);  // of a difference
    entry.metrics.push_back(std::move(metric));
  }
  entry.calibration_after_ns = before.latency_ns;
  if (const auto later = read_steal_ticks("/", task.cpu); steal && later) {
    entry.steal_ticks = std::max<std::int64_t>(0, *later - *steal);
  }
  processor.report(entry);
  for (std::size_t i = 0; is_described(task) && i < measurements.size(); ++i) {
    report_overhead(measurements[i], subtracted_ns[i], entry.counters);
  }
}

std::optional<std::int64_t> if_known(std::int64_t value) {
  return value < 0 ? std::nullopt : std::optional(value);
}

std::optional<std::int64_t> vmas_of_process() { return count_vmas(0, kEndOfAddresses); }

void report_counters(const Instance& instance, JournalEntry& entry) {
  for (const SiteCounter& counter : instance.counters()) {
    entry.counters.push_back(software_counter(counter.name, counter.per, counter.value));
  }
}

void describe_memory(Instance& instance, JournalEntry& entry) {
  const MemoryUse memory = instance.memory();
  entry.memory.vmas = memory.vmas;
  entry.memory.mapped_kib = memory.mapped_kib;
  entry.memory.rss_kib = memory.rss_kib;
  entry.memory.pss_kib = if_known(memory.pss_kib);
  entry.memory.anon_kib = if_known(memory.anon_kib);
  entry.memory.page_kib = if_known(memory.page_kib);
  entry.memory.huge_kib = if_known(memory.huge_kib);
  entry.memory.process_vmas_during = vmas_of_process();
  entry.memory.vmas_open = instance.vmas_while_open();
  entry.max_rss_kib = read_peak_rss_kib("/");
}

/// Nothing here may depend on the clock or on what /proc says: all of it is counted.
void execute_one(const Instance& instance, const ChildTask& task, JournalEntry& entry) {
  const auto measurements = instance.measurements();
  const auto found = std::ranges::find(measurements, task.metric, &Measurement::metric);
  if (found == measurements.end()) {
    fail(entry, CellStatus::unsupported, fmt::format("this case measures no {}", task.metric));
    return;
  }
  execute(*found, task.extent);
  entry.counters.push_back(
      software_counter(kOperationsBetween, task.metric, operations_between(*found)));
}

void count(const Instance& instance, const ChildTask& task, JournalEntry& entry) {
  entry.counters =
      count_events(instance.measurements(), task.events,
                   {.processor = task.cpu, .allowed = task.processors, .read = task.read});
  if (task.cpu_time) {
    for (const Measurement& measurement : instance.measurements()) {
      std::ranges::move(count_cpu_time(measurement, cpu_time_takes()),
                        std::back_inserter(entry.counters));
    }
  }
}

void serve(Instance& instance, const ChildTask& task, JournalEntry& entry) {
  switch (task.purpose) {
    case ChildPurpose::time:
      measure(instance, task, entry);
      report_counters(instance, entry);
      if (is_described(task)) describe_memory(instance, entry);
      break;
    case ChildPurpose::execute:
      execute_one(instance, task, entry);
      break;
    case ChildPurpose::count_instructions:
      entry.counters = count_instructions(instance.measurements());
      break;
    case ChildPurpose::count_events:
      count(instance, task, entry);
      break;
  }
}

/// `toggles`: each patch changes the protection of pages.
void run_cell(const CellFactory* factory, bool toggles, const ChildTask& task,
              JournalEntry& entry) {
  if (factory == nullptr || factory->make == nullptr) {
    fail(entry, CellStatus::unsupported, "this strategy does not run this workload");
    return;
  }
  // What /proc says is counted too where a child is counted as a whole.
  const bool watches_memory = is_described(task);
  if (watches_memory) entry.memory.process_vmas_before = vmas_of_process();
  std::unique_ptr<Instance> instance;
  // Only the set-up asks the machine for something that it may refuse; later errors are ours.
  const auto set_up = [&] {
    const bool patches = toggles && task.purpose == ChildPurpose::time;
    if (patches) require_room_to_toggle();  // set-up itself patches
    CellRequest request = task.request;
    std::ranges::copy_if(task.processors, std::back_inserter(request.processors),
                         [&task](int processor) { return processor != task.cpu; });
    if (request.processors.empty() && task.cpu >= 0) request.processors = {task.cpu};
    instance = factory->make(request);
    if (patches) require_room_to_toggle();
  };
  if (!attempt(entry, CellStatus::denied, set_up)) return;
  if (!attempt(entry, CellStatus::failed, [&] { instance->check(); })) return;
  attempt(entry, CellStatus::failed, [&] { serve(*instance, task, entry); });
  if (watches_memory) {
    instance.reset();
    entry.memory.process_vmas_after = vmas_of_process();
  }
}

void probe(const StrategyEntry* strategy, JournalEntry& entry) {
  if (strategy == nullptr || strategy->probe == nullptr) {
    return;  // nothing to ask: available
  }
  attempt(entry, CellStatus::denied, [&] { entry.reason = strategy->probe(); });
}

void pin_to(int cpu) {
  if (cpu < 0) return;
  if (const int error = pin_this_thread(cpu); error != 0) {
    throw std::system_error(error, std::generic_category(),
                            fmt::format("sched_setaffinity: cannot pin to processor {}", cpu));
  }
}

/// It was possible when the run began (prepare()).
void set_policy(const std::string& word) {
  if (word.empty()) return;
  const PolicyInfo* info = find_policy(word);
  if (info == nullptr) throw std::runtime_error(fmt::format("no policy '{}'", word));
  const AppliedPolicy applied = apply(info->policy);
  if (applied.setting != PolicySetting::set) {
    throw std::runtime_error(fmt::format("the policy {} is not set: {}", word, applied.reason));
  }
}

std::string read_task_text() {
  std::string text;
  std::array<char, 4096> buffer{};
  for (;;) {
    const ssize_t got = read(kTaskFd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

bool write_answer(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(kAnswerFd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

/// True while the process that wants the answer is there.
bool follow_parent(std::int64_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  return getppid() == parent;  // it may have died before prctl
}

/// Where memory runs out, the kernel kills what can best be spared: a case, and not the run. Any
/// process may make itself more likely to be chosen.
void die_before_the_parent() { std::ofstream("/proc/self/oom_score_adj") << 1000; }

void leave_no_core() {
  const rlimit none{.rlim_cur = 0, .rlim_max = 0};
  setrlimit(RLIMIT_CORE, &none);  // a crash is a row with a reason, not a file
}

}  // namespace

// A child is the program that wrote its task, so that numbers do for enumerations. `program` and
// `patience` are the parent's alone.
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Event, name, set, source, scope, type, config, config1, config2,
                                   filter, beside)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ChildTask, cell, strategy, workload, request, round, order, cpu,
                                   batches, budget_ms, left_out, takes_turns, parent, policy,
                                   purpose, metric, extent, events, processors, read, cpu_time)

std::string to_json_text(const ChildTask& task) { return nlohmann::json(task).dump(); }

ChildTask parse_child_task(std::string_view text) {
  return nlohmann::json::parse(text).get<ChildTask>();
}

JournalEntry do_task(const Catalogue& catalogue, const ChildTask& task) {
  JournalEntry entry;
  entry.round = task.round;
  entry.order = task.order;
  entry.cell = task.cell;
  if (!attempt(entry, CellStatus::failed, [&] { pin_to(task.cpu); })) return entry;
  if (!attempt(entry, CellStatus::failed, [&] { set_policy(task.policy); })) return entry;
  if (task.workload.empty()) {
    probe(find_strategy(catalogue, task.strategy), entry);
  } else {
    const Catalogue known = task.workload == kSelfTestWorkload ? self_test_catalogue() : catalogue;
    const StrategyEntry* strategy = find_strategy(known, task.strategy);
    const bool toggles = strategy != nullptr && strategy->info.toggles_protection;
    run_cell(known.find_cell(task.strategy, task.workload), toggles, task, entry);
  }
  return entry;
}

int child_main(const Catalogue& catalogue, std::optional<int> layout) {
  leave_no_core();
  die_before_the_parent();
  try {
    const ChildTask task = parse_child_task(read_task_text());
    if (!follow_parent(task.parent)) return 1;
    JournalEntry entry = do_task(catalogue, task);
    entry.layout = layout;
    return write_answer(results::journal_line(entry) + "\n") ? 0 : 1;
  } catch (const std::exception& error) {
    say(stderr, "child: {}\n", error.what());
    return 1;
  }
}

}  // namespace patchbench::harness
