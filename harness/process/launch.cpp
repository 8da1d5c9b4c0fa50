#include "harness/process/launch.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "harness/base/clock.hpp"
#include "harness/base/text_parts.hpp"
#include "harness/machine/sandbox.hpp"
#include "harness/process/child_process.hpp"
#include "results/journal.hpp"
#include "workloads/seeded_random.hpp"

namespace patchbench::harness {
namespace {

using results::CellStatus;
using results::JournalEntry;

JournalEntry blank_entry(const ChildTask& task) {
  JournalEntry entry;
  entry.round = task.round;
  entry.order = task.order;
  entry.cell = task.cell;
  return entry;
}

/// The last lines of `text` on one.
std::string last_lines(std::string_view text) {
  if (text.size() > kStderrTail) {
    text.remove_prefix(text.size() - kStderrTail);
    text.remove_prefix(std::min(text.find('\n'), text.size() - 1));  // the first is only a part
  }
  return fmt::format("{}", fmt::join(split(trimmed(text), '\n'), " | "));
}

std::string with_stderr(std::string reason, const ChildProcess& child) {
  const std::string written = last_lines(child.stderr_text());
  return written.empty() ? reason : fmt::format("{}; it wrote: {}", reason, written);
}

JournalEntry ended_badly(const ChildTask& task, CellStatus status, std::string reason,
                         const ChildProcess& child) {
  JournalEntry entry = blank_entry(task);
  entry.status = status;
  entry.reason = with_stderr(std::move(reason), child);
  return entry;
}

std::string signal_reason(int signal) {
  const char* name = sigabbrev_np(signal);
  return fmt::format(
      "killed by SIG{}{}", name != nullptr ? name : std::to_string(signal),
      signal == SIGKILL ? " (by someone else, or because memory ran out: see dmesg)" : "");
}

JournalEntry read_answer(const ChildTask& task, const ChildProcess& child) {
  const int status = child.wait_status();
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) {
    JournalEntry entry = ended_badly(task, CellStatus::denied, reason_of_sigsys(), child);
    entry.call = call_of_sigsys();
    return entry;
  }
  if (WIFSIGNALED(status)) {
    return ended_badly(task, CellStatus::crashed, signal_reason(WTERMSIG(status)), child);
  }
  if (WEXITSTATUS(status) != 0) {
    return ended_badly(task, CellStatus::failed,
                       fmt::format("the child ended with exit code {}", WEXITSTATUS(status)),
                       child);
  }
  if (child.answer().empty()) {
    return ended_badly(task, CellStatus::failed, "the child ended without an answer", child);
  }
  try {
    return results::parse_journal_line(trimmed(child.answer()), "the child's answer");
  } catch (const std::exception& error) {
    return ended_badly(task, CellStatus::failed, error.what(), child);
  }
}

/// Processor time that this process has used.
double own_cpu_ms() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) * 1e3 + static_cast<double>(used.tv_nsec) * 1e-6;
}

/// Milliseconds until `deadline_ns`, rounded up, at least 0.
int until(std::int64_t deadline_ns) {
  return static_cast<int>(
      std::max<std::int64_t>(0, (deadline_ns - now_ns() + 999'999) / 1'000'000));
}

/// A child, alone or of a group, and how much of its time it has used.
class Member {
 public:
  Member(const ChildTask& task, std::chrono::milliseconds timeout, const SignalWatch& signals,
         const Wrapper* wrapper = nullptr)
      : task_(&task),
        timeout_(std::chrono::milliseconds(
            static_cast<std::int64_t>(static_cast<double>(timeout.count()) * task.patience))),
        started_(utc_now()),
        turn_began_ns_(now_ns()),
        turn_began_cpu_ms_(own_cpu_ms()),
        child_(task, signals, wrapper) {}

  /// Until it waits for its next turn, has ended, or the run was asked to stop.
  void let_work(SignalWatch& signals) {
    const std::int64_t deadline_ns =
        turn_began_ns_ + (timeout_.count() * 1'000'000) - static_cast<std::int64_t>(wall_ms_ * 1e6);
    while (!child_.ended() && !child_.waits_for() && !signals.stop_requested() &&
           now_ns() < deadline_ns) {
      child_.wait_for_news(signals, until(deadline_ns));
    }
    timed_out_ = !child_.ended() && !child_.waits_for() && !signals.stop_requested();
    if (timed_out_) child_.kill_and_reap();
    wall_ms_ += static_cast<double>(now_ns() - turn_began_ns_) * 1e-6;
    parent_cpu_ms_ += own_cpu_ms() - turn_began_cpu_ms_;
  }
  void take_turn(SignalWatch& signals) {
    turn_began_ns_ = now_ns();
    turn_began_cpu_ms_ = own_cpu_ms();
    child_.give_turn();
    let_work(signals);
  }

  [[nodiscard]] const ChildTask& task() const { return *task_; }
  [[nodiscard]] bool ended() const { return child_.ended(); }
  [[nodiscard]] double wall_ms() const { return wall_ms_; }
  [[nodiscard]] std::optional<std::uint8_t> waits_for() const { return child_.waits_for(); }
  /// Once ended.
  [[nodiscard]] JournalEntry entry() const {
    JournalEntry entry = timed_out_
                             ? ended_badly(*task_, CellStatus::timeout,
                                           fmt::format("no answer within {}: --timeout=T gives "
                                                       "cases more time, smaller parameters take "
                                                       "less",
                                                       timeout_),
                                           child_)
                             : read_answer(*task_, child_);
    entry.started = started_;
    entry.wall_ms = wall_ms_;
    entry.parent_cpu_ms = parent_cpu_ms_;
    return entry;
  }

 private:
  const ChildTask* task_;
  std::chrono::milliseconds timeout_;
  std::string started_;
  std::int64_t turn_began_ns_;
  double turn_began_cpu_ms_;
  double wall_ms_ = 0;
  double parent_cpu_ms_ = 0;
  bool timed_out_ = false;
  ChildProcess child_;
};

/// The children that are alive at the same time.
class Group {
 public:
  Group(std::chrono::milliseconds timeout, SignalWatch& signals, const TakeEntry& take,
        const SayWhoWorks& works)
      : timeout_(timeout), signals_(signals), take_(take), works_(works) {}

  /// Starts children for `tasks`, one after the other, until each waits for its first turn; fewer
  /// of them where descriptors do not suffice for all, and at least one. Returns how many.
  std::size_t set_up(std::span<const ChildTask> tasks) {
    std::size_t begun = 0;
    for (const ChildTask& task : tasks) {
      if (signals_.stop_requested() || !start(task)) break;
      ++begun;
      collect_ended();
    }
    return begun;
  }
  /// Until all have ended. False when the run was asked to stop.
  bool take_turns(SeededRandom& random) {
    for (std::vector<Member*> lap = next_lap(); !lap.empty(); lap = next_lap()) {
      random.shuffle(lap);
      for (Member* member : lap) {
        if (works_) works_(member->task());
        member->take_turn(signals_);
        if (signals_.stop_requested()) return false;
      }
      collect_ended();
    }
    return !signals_.stop_requested();
  }

 private:
  /// False when there are no descriptors left, and other members will give theirs back.
  bool start(const ChildTask& task) {
    if (works_) works_(task);
    try {
      members_.push_back(std::make_unique<Member>(task, timeout_, signals_));
    } catch (const std::system_error& error) {
      if (error.code().value() == EMFILE && !members_.empty()) return false;
      throw;
    }
    members_.back()->let_work(signals_);
    return true;
  }
  /// Those that wait for a batch of the earliest metric that any of them waits for.
  [[nodiscard]] std::vector<Member*> next_lap() const {
    std::optional<std::uint8_t> earliest;
    for (const auto& member : members_) {
      if (member->waits_for()) {
        earliest = std::min(earliest.value_or(UINT8_MAX), *member->waits_for());
      }
    }
    std::vector<Member*> lap;
    for (const auto& member : members_) {
      if (earliest && member->waits_for() == earliest) lap.push_back(member.get());
    }
    return lap;
  }
  /// Hands over the entries of those that have ended, and lets go of them.
  void collect_ended() {
    double worked_ms = gone_ms_;
    for (const auto& member : members_) worked_ms += member->wall_ms();
    std::erase_if(members_, [&](const std::unique_ptr<Member>& member) {
      if (!member->ended()) return false;
      gone_ms_ += member->wall_ms();
      take_(member->entry(), worked_ms);
      return true;
    });
  }

  std::chrono::milliseconds timeout_;
  SignalWatch& signals_;
  const TakeEntry& take_;
  const SayWhoWorks& works_;
  double gone_ms_ = 0;  // used by those that it has let go of
  std::vector<std::unique_ptr<Member>> members_;
};

}  // namespace

std::optional<JournalEntry> run_child(const ChildTask& task, std::chrono::milliseconds timeout,
                                      SignalWatch& signals, const Wrapper* wrapper) {
  Member member(task, timeout, signals, wrapper);
  member.let_work(signals);
  return signals.stop_requested() ? std::nullopt : std::optional(member.entry());
}

void use_all_descriptors() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);  // fewer do, too
  }
}

bool run_group(std::span<const ChildTask> tasks, std::chrono::milliseconds timeout,
               std::uint64_t seed, SignalWatch& signals, const TakeEntry& take,
               const SayWhoWorks& works) {
  Group group(timeout, signals, take, works);
  SeededRandom random(seed);
  while (!tasks.empty()) {
    const std::size_t begun = group.set_up(tasks);
    if (!group.take_turns(random)) return false;
    tasks = tasks.subspan(begun);
  }
  return true;
}

}  // namespace patchbench::harness
