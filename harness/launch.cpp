#include "harness/launch.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>
#include <sched.h>
#include <spawn.h>
#include <sys/personality.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/clock.hpp"
#include "harness/cpu_list.hpp"
#include "harness/emulator.hpp"
#include "harness/turns.hpp"
#include "harness/words.hpp"
#include "results/journal.hpp"
#include "workloads/seeded_random.hpp"

namespace patchbench::harness {
namespace {

using results::CellStatus;
using results::JournalEntry;

struct Pipe {
  Fd read;
  Fd write;
};

/// Both ends of the socket by which a child is given its turns.
struct TurnSocket {
  Fd parent;
  Fd child;
};

/// Descriptors above those that a child finds its own under, so that handing one over never closes
/// another.
Fd moved_up(const Fd& low) {
  constexpr int kAbove = 10;
  Fd high(fcntl(low.get(), F_DUPFD_CLOEXEC, kAbove));
  if (!high) {
    throw_errno("fcntl (F_DUPFD_CLOEXEC)");
  }
  return high;
}

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw_errno("pipe2");
  }
  const Fd read(ends[0]);
  const Fd write(ends[1]);
  return Pipe{.read = moved_up(read), .write = moved_up(write)};
}

TurnSocket make_turn_socket() {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw_errno("socketpair");
  }
  const Fd parent(ends[0]);
  const Fd child(ends[1]);
  return {.parent = moved_up(parent), .child = moved_up(child)};
}

/// What posix_spawn is told, freed by its owner.
class SpawnPlan {
 public:
  SpawnPlan() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
  ~SpawnPlan() {
    posix_spawnattr_destroy(&attributes_);
    posix_spawn_file_actions_destroy(&actions_);
  }

  void give(const Fd& fd, int as) { posix_spawn_file_actions_adddup2(&actions_, fd.get(), as); }
  void give_empty_stdin() {
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  }
  /// A group of its own: the terminal's ^C reaches the parent alone, which then ends the child
  /// itself.
  void set_up_signals(const sigset_t& mask) {
    sigset_t defaults;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_setsigmask(&attributes_, &mask);
    posix_spawnattr_setsigdefault(&attributes_, &defaults);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  [[nodiscard]] pid_t spawn(const char* program, char* const* arguments, char* const* environment) {
    pid_t pid = -1;
    const int error = posix_spawnp(&pid, program, &actions_, &attributes_, arguments, environment);
    if (error != 0) {
      throw_errno("posix_spawnp (a child of this program)", error);
    }
    return pid;
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

/// Google Benchmark takes its flags from the environment too; a child's are all explicit.
std::vector<char*> child_environment() {
  std::vector<char*> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (!std::string_view(*variable).starts_with("BENCHMARK_")) {
      variables.push_back(*variable);
    }
  }
  variables.push_back(nullptr);
  return variables;
}

/// While it lives, programs that this thread starts get the addresses that they always get. A
/// container's seccomp filter may refuse that; then they do not.
class FixedLayout {
 public:
  FixedLayout() : before_(personality(kAsk)) {
    if (before_ >= 0) {
      personality(static_cast<unsigned long>(before_) | ADDR_NO_RANDOMIZE);
    }
  }
  FixedLayout(const FixedLayout&) = delete;
  FixedLayout& operator=(const FixedLayout&) = delete;
  ~FixedLayout() {
    if (before_ >= 0) {
      personality(static_cast<unsigned long>(before_));
    }
  }

 private:
  static constexpr unsigned long kAsk = 0xffffffff;  // personality(2): changes nothing
  int before_;
};

/// While it lives, programs that this thread starts execute on one processor, from their first
/// instruction on. One that began on another would leave that in the kernel's set of processors
/// whose TLB may hold its pages, and pay for interrupts to it until the kernel has trimmed the set
/// (seen: 4 flushes instead of 2 for a call of mprotect). Where it may not be chosen, the child
/// says so itself.
class OnProcessor {
 public:
  explicit OnProcessor(int cpu)
      : known_(cpu >= 0 && sched_getaffinity(0, sizeof before_, &before_) == 0) {
    if (known_) {
      static_cast<void>(pin_this_thread(cpu));
    }
  }
  OnProcessor(const OnProcessor&) = delete;
  OnProcessor& operator=(const OnProcessor&) = delete;
  ~OnProcessor() {
    if (known_) {
      sched_setaffinity(0, sizeof before_, &before_);
    }
  }

 private:
  cpu_set_t before_{};
  bool known_;
};

Execution wrapped(const Wrapper& wrapper) {
  Execution program{.file = wrapper.command.front(), .words = wrapper.command};
  // /proc/self/exe would be the wrapper itself.
  program.words.push_back(std::filesystem::read_symlink("/proc/self/exe").string());
  return program;
}

Execution execution_for(const ChildTask& task, const Wrapper* wrapper) {
  if (wrapper != nullptr) {
    return wrapped(*wrapper);
  }
  return task.program.empty() ? execution_of_self() : execution_of(task.program);
}

pid_t spawn_child(Execution program, const Pipe& task, const Pipe& answer, const Pipe& errors,
                  const Fd& turn, const sigset_t& mask, const Wrapper* wrapper) {
  SpawnPlan plan;
  plan.give_empty_stdin();
  plan.give(errors.write, STDOUT_FILENO);
  plan.give(errors.write, STDERR_FILENO);
  plan.give(task.read, kTaskFd);
  plan.give(answer.write, kAnswerFd);
  if (turn) {
    plan.give(turn, kTurnFd);
  }
  plan.set_up_signals(mask);
  Fd report;
  std::optional<FixedLayout> layout;
  if (wrapper != nullptr) {
    report = moved_up(*wrapper->report);
    plan.give(report, kReportFd);
    layout.emplace();
  }
  program.words.emplace_back(kChildArgument);
  std::vector<char*> arguments(program.words.size() + 1);  // and a null at the end
  std::ranges::transform(program.words, arguments.begin(),
                         [](std::string& word) { return word.data(); });
  return plan.spawn(program.file.c_str(), arguments.data(), child_environment().data());
}

void write_task(Fd fd, const ChildTask& task) {
  ChildTask from_here = task;
  from_here.parent = getpid();
  const std::string text = to_json_text(from_here);
  // Far below what a pipe holds, so this cannot block; a child that is already gone shows in how it
  // ended.
  [[maybe_unused]] const ssize_t written = write(fd.get(), text.data(), text.size());
}

/// Takes what is there. False at the end of the stream.
bool take(const Fd& fd, std::string& text) {
  std::array<char, 4096> buffer{};
  for (;;) {
    const ssize_t got = read(fd.get(), buffer.data(), buffer.size());
    if (got > 0) {
      text.append(buffer.data(), static_cast<std::size_t>(got));
    } else if (got == 0) {
      return false;
    } else if (errno != EINTR) {
      return errno == EAGAIN;
    }
  }
}

/// A running child. Its owner kills what is left of it.
class Child {
 public:
  Child(const ChildTask& task, const SignalWatch& signals, const Wrapper* wrapper) {
    Pipe task_pipe = make_pipe();
    Pipe answer = make_pipe();
    Pipe errors = make_pipe();
    TurnSocket turn;
    if (task.takes_turns) {
      turn = make_turn_socket();
    }
    {
      const OnProcessor started(task.cpu);
      pid_ = spawn_child(execution_for(task, wrapper), task_pipe, answer, errors, turn.child,
                         signals.mask_before(), wrapper);
    }  // the child asks which processors this process may use, once it has its task
    task_pipe.read = Fd();
    write_task(std::move(task_pipe.write), task);
    answer_ = std::move(answer.read);
    errors_ = std::move(errors.read);
    turn_ = std::move(turn.parent);
    fcntl(answer_.get(), F_SETFL, O_NONBLOCK);
    fcntl(errors_.get(), F_SETFL, O_NONBLOCK);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() { kill_and_reap(); }

  /// Sleeps until something happens or `milliseconds` are over, and takes note of it.
  void wait_for_news(SignalWatch& signals, int milliseconds) {
    std::array<pollfd, 4> watched = {pollfd{.fd = signals.fd(), .events = POLLIN, .revents = 0},
                                     pollfd{.fd = answer_.get(), .events = POLLIN, .revents = 0},
                                     pollfd{.fd = errors_.get(), .events = POLLIN, .revents = 0},
                                     pollfd{.fd = turn_.get(), .events = POLLIN, .revents = 0}};
    poll(watched.data(), watched.size(), milliseconds);
    signals.drain();
    reap(WNOHANG);
    take_output();
    hear();
  }

  /// The metric of which it waits to measure a batch; empty while it works and once it has ended.
  [[nodiscard]] std::optional<std::uint8_t> waits_for() const { return waits_for_; }
  /// To a child that waits. One that is gone ends anyway.
  void give_turn() {
    waits_for_.reset();
    const std::uint8_t go = 1;
    [[maybe_unused]] const ssize_t sent = send(turn_.get(), &go, sizeof go, MSG_NOSIGNAL);
  }

  [[nodiscard]] bool ended() const { return pid_ < 0; }
  /// As waitpid(2) gives it, once ended.
  [[nodiscard]] int wait_status() const { return wait_status_; }
  [[nodiscard]] const std::string& answer() const { return answer_text_; }
  /// The end of it at least.
  [[nodiscard]] const std::string& stderr_text() const { return errors_text_; }
  void kill_and_reap() {
    if (pid_ >= 0) {
      kill(-pid_, SIGKILL);
      reap(0);
      take_output();
    }
  }

 private:
  void reap(int options) {
    pid_t got = 0;
    do {
      got = waitpid(pid_, &wait_status_, options);
    } while (got < 0 && errno == EINTR);
    if (got == pid_ || got < 0) {
      pid_ = -1;
    }
  }
  void hear() {
    std::uint8_t metric = 0;
    if (ended()) {
      waits_for_.reset();
    } else if (turn_ && recv(turn_.get(), &metric, sizeof metric, MSG_DONTWAIT) == sizeof metric) {
      waits_for_ = metric;
    }
  }
  void take_output() {
    if (answer_ && !take(answer_, answer_text_)) {
      answer_ = Fd();
    }
    if (errors_ && !take(errors_, errors_text_)) {
      errors_ = Fd();
    }
    if (errors_text_.size() > 4 * kStderrTail) {
      errors_text_.erase(0, errors_text_.size() - (kStderrTail + 1));
    }
  }

  pid_t pid_ = -1;
  int wait_status_ = 0;
  Fd answer_;
  Fd errors_;
  Fd turn_;
  std::optional<std::uint8_t> waits_for_;
  std::string answer_text_;
  std::string errors_text_;
};

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

std::string with_stderr(std::string reason, const Child& child) {
  const std::string written = last_lines(child.stderr_text());
  return written.empty() ? reason : fmt::format("{}; it wrote: {}", reason, written);
}

JournalEntry ended_badly(const ChildTask& task, CellStatus status, std::string reason,
                         const Child& child) {
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

JournalEntry read_answer(const ChildTask& task, const Child& child) {
  const int status = child.wait_status();
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

/// A child of a group, and how much of its time it has used.
class Member {
 public:
  Member(const ChildTask& task, std::chrono::milliseconds timeout, const SignalWatch& signals)
      : task_(&task),
        timeout_(timeout),
        started_(utc_now()),
        turn_began_ns_(now_ns()),
        turn_began_cpu_ms_(own_cpu_ms()),
        child_(task, signals, nullptr) {}

  /// Until it waits for its next turn, has ended, or the run was asked to stop.
  void let_work(SignalWatch& signals) {
    const std::int64_t deadline_ns =
        turn_began_ns_ + (timeout_.count() * 1'000'000) - static_cast<std::int64_t>(wall_ms_ * 1e6);
    while (!child_.ended() && !child_.waits_for() && !signals.stop_requested() &&
           now_ns() < deadline_ns) {
      child_.wait_for_news(signals, until(deadline_ns));
    }
    timed_out_ = !child_.ended() && !child_.waits_for() && !signals.stop_requested();
    if (timed_out_) {
      child_.kill_and_reap();
    }
    wall_ms_ += static_cast<double>(now_ns() - turn_began_ns_) * 1e-6;
    parent_cpu_ms_ += own_cpu_ms() - turn_began_cpu_ms_;
  }
  void take_turn(SignalWatch& signals) {
    turn_began_ns_ = now_ns();
    turn_began_cpu_ms_ = own_cpu_ms();
    child_.give_turn();
    let_work(signals);
  }

  [[nodiscard]] bool ended() const { return child_.ended(); }
  [[nodiscard]] double wall_ms() const { return wall_ms_; }
  [[nodiscard]] std::optional<std::uint8_t> waits_for() const { return child_.waits_for(); }
  /// Once ended.
  [[nodiscard]] JournalEntry entry() const {
    JournalEntry entry = timed_out_
                             ? ended_badly(*task_, CellStatus::timeout,
                                           fmt::format("no answer within {}", timeout_), child_)
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
  Child child_;
};

using Members = std::vector<std::unique_ptr<Member>>;

/// Those that wait for a batch of the earliest metric that any of them waits for.
std::vector<Member*> next_lap(const Members& members) {
  std::optional<std::uint8_t> earliest;
  for (const auto& member : members) {
    if (member && member->waits_for()) {
      earliest = std::min(earliest.value_or(UINT8_MAX), *member->waits_for());
    }
  }
  std::vector<Member*> lap;
  for (const auto& member : members) {
    if (member && earliest && member->waits_for() == earliest) {
      lap.push_back(member.get());
    }
  }
  return lap;
}

/// Hands over the entries of those that have ended, and lets go of them. `gone_ms` is what those
/// used that it let go of before.
void collect_ended(Members& members, double& gone_ms, const TakeEntry& take) {
  double worked_ms = gone_ms;
  for (const auto& member : members) {
    worked_ms += member ? member->wall_ms() : 0;
  }
  for (auto& member : members) {
    if (member && member->ended()) {
      gone_ms += member->wall_ms();
      take(member->entry(), worked_ms);
      member.reset();
    }
  }
}

}  // namespace

std::optional<JournalEntry> run_child(const ChildTask& task, std::chrono::milliseconds timeout,
                                      SignalWatch& signals, const Wrapper* wrapper) {
  const std::string started = utc_now();
  const std::int64_t start_ns = now_ns();
  const std::int64_t deadline_ns = start_ns + (timeout.count() * 1'000'000);
  Child child(task, signals, wrapper);
  const double cpu_ms = own_cpu_ms();
  while (!child.ended() && !signals.stop_requested() && now_ns() < deadline_ns) {
    child.wait_for_news(signals, until(deadline_ns));
  }
  const double used_ms = own_cpu_ms() - cpu_ms;
  if (signals.stop_requested()) {
    return std::nullopt;
  }
  JournalEntry entry;
  if (child.ended()) {
    entry = read_answer(task, child);
  } else {
    child.kill_and_reap();
    entry =
        ended_badly(task, CellStatus::timeout, fmt::format("no answer within {}", timeout), child);
  }
  entry.started = started;
  entry.parent_cpu_ms = used_ms;
  entry.wall_ms = static_cast<double>(now_ns() - start_ns) * 1e-6;
  return entry;
}

bool run_group(std::span<const ChildTask> tasks, std::chrono::milliseconds timeout,
               std::uint64_t seed, SignalWatch& signals, const TakeEntry& take) {
  Members members;
  double gone_ms = 0;
  for (const ChildTask& task : tasks) {
    members.push_back(std::make_unique<Member>(task, timeout, signals));
    members.back()->let_work(signals);
    if (signals.stop_requested()) {
      return false;
    }
    collect_ended(members, gone_ms, take);
  }
  SeededRandom random(seed);
  for (std::vector<Member*> lap = next_lap(members); !lap.empty(); lap = next_lap(members)) {
    random.shuffle(lap);
    for (Member* member : lap) {
      member->take_turn(signals);
      if (signals.stop_requested()) {
        return false;
      }
    }
    collect_ended(members, gone_ms, take);
  }
  return true;
}

}  // namespace patchbench::harness
