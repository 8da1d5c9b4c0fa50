#include "harness/policies/leaks.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/process/leftovers.hpp"
#include "strategies/seccomp_filter.hpp"

namespace patchbench::harness {
namespace {

constexpr int kRefused = 77;   // exit code of a child that the machine refuses its zone
constexpr int kUntraced = 78;  // and of one that may not be traced
constexpr int kSweeps = 3;
constexpr std::string_view kWithoutTmpfile = "without O_TMPFILE";

/// The calls that zones make; another one is shown by its number.
constexpr std::array kCalls = {
    std::pair{SYS_mmap, std::string_view("mmap")},
    std::pair{SYS_munmap, std::string_view("munmap")},
    std::pair{SYS_mprotect, std::string_view("mprotect")},
    std::pair{SYS_mremap, std::string_view("mremap")},
    std::pair{SYS_madvise, std::string_view("madvise")},
    std::pair{SYS_memfd_create, std::string_view("memfd_create")},
    std::pair{SYS_ftruncate, std::string_view("ftruncate")},
    std::pair{SYS_fallocate, std::string_view("fallocate")},
    std::pair{SYS_openat, std::string_view("openat")},
    std::pair{SYS_close, std::string_view("close")},
    std::pair{SYS_shmget, std::string_view("shmget")},
    std::pair{SYS_shmat, std::string_view("shmat")},
    std::pair{SYS_shmctl, std::string_view("shmctl")},
    std::pair{SYS_shmdt, std::string_view("shmdt")},
    std::pair{SYS_unlinkat, std::string_view("unlinkat")},
#ifdef SYS_unlink
    std::pair{SYS_unlink, std::string_view("unlink")},
#endif
    std::pair{SYS_socketpair, std::string_view("socketpair")},
    std::pair{SYS_clone, std::string_view("clone")},
    std::pair{SYS_getpid, std::string_view("getpid")},
    std::pair{SYS_prlimit64, std::string_view("prlimit64")},
    std::pair{SYS_pwrite64, std::string_view("pwrite64")},
};

std::string name_of_call(std::uint64_t number) {
  const auto found = std::ranges::find(kCalls, static_cast<long>(number), [](const auto& call) {
    return static_cast<long>(call.first);
  });
  return found == kCalls.end() ? fmt::format("system call {}", number) : std::string(found->second);
}

/// As on a file system that has no O_TMPFILE.
bool refuse_tmpfile() {
  constexpr std::uint32_t kTmpfileAlone = O_TMPFILE & ~O_DIRECTORY;
  std::array program{
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3),
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kThirdArgument),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, kTmpfileAlone, 0, 1),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  return install_seccomp_filter(program);
}

/// A directory of this probe's own, where file-dual puts its file.
class Directory {
 public:
  Directory() : path_((std::filesystem::temp_directory_path() / "patchbench-leaks-XXXXXX")) {
    if (mkdtemp(path_.data()) == nullptr) {
      throw std::system_error(errno, std::generic_category(), "mkdtemp " + path_);
    }
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] const std::string& path() const { return path_; }
  /// How many files were in it, which are removed.
  [[nodiscard]] std::size_t empty() const {
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
      files += std::filesystem::remove(entry.path()) ? 1 : 0;
    }
    return files;
  }

 private:
  std::string path_;
};

/// A child whose processes come to their grandparent when it dies, for this scope.
class Subreaper {
 public:
  Subreaper() { prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }
  Subreaper(const Subreaper&) = delete;
  Subreaper& operator=(const Subreaper&) = delete;
  ~Subreaper() { prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0); }
};

/// Whether processes of a child that died live on for that long; they are killed then.
bool orphans_live(std::chrono::milliseconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  for (;;) {
    const pid_t ended = waitpid(-1, nullptr, WNOHANG);
    if (ended < 0) return false;
    if (ended > 0) continue;
    if (std::chrono::steady_clock::now() > end) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  std::ifstream children(fmt::format("/proc/self/task/{}/children", getpid()));
  for (pid_t child = 0; children >> child;) kill(child, SIGKILL);
  while (waitpid(-1, nullptr, 0) > 0) {
  }
  return true;
}

[[noreturn]] void be_traced(const StrategyEntry& strategy, const std::string& directory,
                            bool without_tmpfile) {
  if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(kUntraced);
  setenv("PATCHBENCH_EXEC_DIR", directory.c_str(), 1);
  if (without_tmpfile && !refuse_tmpfile()) _exit(kUntraced);
  raise(SIGSTOP);  // from here on
  try {
    static_cast<void>(strategy.probe());
  } catch (const std::exception&) {
    _exit(kRefused);
  }
  raise(SIGSTOP);  // to here
  _exit(0);
}

/// A child that stops at each of its system calls.
class Traced {
 public:
  Traced(const StrategyEntry& strategy, const std::string& directory, bool without_tmpfile)
      : pid_(fork()) {
    if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
    if (pid_ == 0) be_traced(strategy, directory, without_tmpfile);
    if (wait() && WSTOPSIG(status_) == SIGSTOP) {
      ptrace(PTRACE_SETOPTIONS, pid_, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
    }
  }
  Traced(const Traced&) = delete;
  Traced& operator=(const Traced&) = delete;
  ~Traced() { die(); }

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// Runs on until the next call has been made; its name. Empty at the end of what is watched.
  [[nodiscard]] std::optional<std::string> next_call() {
    int signal = 0;
    while (!ended_ && ptrace(PTRACE_SYSCALL, pid_, nullptr, signal) == 0 && wait()) {
      const int stop = WSTOPSIG(status_);
      signal = stop == (SIGTRAP | 0x80) ? 0 : stop;
      if (signal == SIGSTOP) return std::nullopt;
      if (signal != 0) continue;
      __ptrace_syscall_info info{};
      if (ptrace(PTRACE_GET_SYSCALL_INFO, pid_, sizeof info, &info) <= 0) return std::nullopt;
      if (info.op == PTRACE_SYSCALL_INFO_ENTRY) number_ = info.entry.nr;
      if (info.op == PTRACE_SYSCALL_INFO_EXIT) return name_of_call(number_);
    }
    return std::nullopt;
  }
  /// Why there was nothing to watch; empty where it came to its end.
  [[nodiscard]] std::string refused() const {
    if (!ended_) return {};
    if (WIFEXITED(status_) && WEXITSTATUS(status_) == kRefused) return "refused on this machine";
    if (WIFEXITED(status_) && WEXITSTATUS(status_) == kUntraced)
      return "ptrace is not allowed here";
    return "its process died by itself";
  }
  void die() noexcept {
    if (ended_) return;
    kill(pid_, SIGKILL);
    while (wait()) {
    }
  }

 private:
  /// Whether it stopped; otherwise it has ended.
  bool wait() noexcept {
    pid_t got = 0;
    do {
      got = waitpid(pid_, &status_, 0);
    } while (got < 0 && errno == EINTR);
    if (got < 0) status_ = 0;  // nobody is there any more
    ended_ = !WIFSTOPPED(status_);
    return !ended_;
  }

  pid_t pid_;
  int status_ = 0;
  bool ended_ = false;
  std::uint64_t number_ = 0;
};

/// Once, however often it was seen.
void add(std::vector<Leak>& leaks, Leak leak) {
  if (std::ranges::find(leaks, leak) == leaks.end()) leaks.push_back(std::move(leak));
}

/// Kills a child after its n-th call (from 1). The name of that call; empty where there are fewer.
std::optional<std::string> kill_after(int nth, const StrategyEntry& strategy,
                                      const Directory& directory,
                                      std::chrono::milliseconds patience, LeaksOfStrategy& found) {
  Traced child(strategy, directory.path(), !found.condition.empty());
  remove_leftovers(child.pid());  // of an earlier process with this number
  std::optional<std::string> call;
  for (int i = 0; i < nth; ++i) {
    call = child.next_call();
    if (!call) break;
  }
  const pid_t pid = child.pid();
  child.die();
  if (!call && nth == 1) found.unavailable = child.refused();
  std::vector<std::string> left;
  for (const Leftover& leftover : remove_leftovers(pid)) left.push_back(leftover.what);
  if (directory.empty() > 0) left.emplace_back("a file in its directory");
  if (orphans_live(patience)) left.emplace_back("a process");
  if (call) {
    for (std::string& what : left) add(found.leaks, {.after = *call, .what = std::move(what)});
  }
  return call;
}

LeaksOfStrategy leaks_of(const StrategyEntry& strategy, const Directory& directory,
                         std::chrono::milliseconds patience, std::string_view condition) {
  LeaksOfStrategy found{.id = std::string(strategy.info.id),
                        .condition = std::string(condition),
                        .unavailable = {},
                        .calls = 0,
                        .leaks = {}};
  Traced whole(strategy, directory.path(), !condition.empty());
  while (whole.next_call()) {
  }
  found.unavailable = whole.refused();
  whole.die();
  static_cast<void>(directory.empty());
  if (!found.unavailable.empty()) return found;
  // Not every process makes the same calls: mkostemp(3) asks for randomness in some, which moves a
  // call past the one after which its process is killed.
  for (int sweep = 0; sweep < kSweeps; ++sweep) {
    int killed = 0;
    while (kill_after(killed + 1, strategy, directory, patience, found)) ++killed;
    found.calls = std::max(found.calls, killed);
  }
  return found;
}

bool segments_go_with_last_user() {
  std::ifstream file("/proc/sys/kernel/shm_rmid_forced");
  int value = 0;
  return file >> value && value == 1;
}

/// "a System V segment after shmget, shmat".
std::string sentence(const LeaksOfStrategy& strategy) {
  if (!strategy.unavailable.empty()) return strategy.unavailable;
  if (strategy.leaks.empty()) return "nothing";
  std::vector<std::string> parts;
  for (const Leak& leak : strategy.leaks) {
    const bool again = !parts.empty() && parts.back().starts_with(leak.what);
    if (again) {
      parts.back().append(", ").append(leak.after);
    } else {
      parts.push_back(fmt::format("{} after {}", leak.what, leak.after));
    }
  }
  return fmt::format("{}", fmt::join(parts, "; "));
}

}  // namespace

Leaks find_leaks(std::span<const StrategyEntry> strategies, std::chrono::milliseconds patience) {
  const Subreaper subreaper;
  const Directory directory;
  Leaks leaks{.segments_go_with_last_user = segments_go_with_last_user(), .strategies = {}};
  for (const StrategyEntry& strategy : strategies) {
    if (strategy.info.role == StrategyRole::control) continue;
    leaks.strategies.push_back(leaks_of(strategy, directory, patience, {}));
    LeaksOfStrategy without = leaks_of(strategy, directory, patience, kWithoutTmpfile);
    if (without.unavailable.empty() && leaks.strategies.back().leaks != without.leaks) {
      leaks.strategies.push_back(std::move(without));
    }
  }
  return leaks;
}

std::string leaks_text(const Leaks& leaks) {
  std::string text =
      "What a process leaves behind that is killed after each of its system calls, one process a\n"
      "call (reserve, patch, execute, patch, execute, give back)\n\n";
  constexpr std::size_t kIdWidth = 34;
  text += fmt::format("{:<{}}  {:>5}  {}\n", "strategy", kIdWidth, "calls", "left behind");
  for (const LeaksOfStrategy& strategy : leaks.strategies) {
    const std::string id =
        strategy.condition.empty() ? strategy.id : strategy.id + ", " + strategy.condition;
    text += fmt::format("{:<{}}  {:>5}  {}\n", id, kIdWidth, strategy.calls, sentence(strategy));
  }
  text += leaks.segments_go_with_last_user
              ? "\nkernel.shm_rmid_forced is 1: a System V segment goes with its last user.\n"
              : "\nWith kernel.shm_rmid_forced=1 a System V segment goes with its last user: sudo "
                "sysctl\nkernel.shm_rmid_forced=1\n";
  return text;
}

std::string leaks_json(const Leaks& leaks) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const LeaksOfStrategy& strategy : leaks.strategies) {
    nlohmann::ordered_json left = nlohmann::ordered_json::array();
    for (const Leak& leak : strategy.leaks) {
      left.push_back({{"after", leak.after}, {"what", leak.what}});
    }
    rows.push_back({{"strategy", strategy.id},
                    {"condition", strategy.condition},
                    {"unavailable", strategy.unavailable},
                    {"calls", strategy.calls},
                    {"left", std::move(left)}});
  }
  const nlohmann::ordered_json whole = {{"shm_rmid_forced", leaks.segments_go_with_last_user},
                                        {"leaks", std::move(rows)}};
  return whole.dump(2) + "\n";
}

}  // namespace patchbench::harness
