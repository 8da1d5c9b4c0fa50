#include "harness/machine/sandbox.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <linux/membarrier.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/machine/cpu_list.hpp"
#include "strategies/mapping.hpp"

namespace patchbench::harness {
namespace {

struct Call {
  std::string_view name;
  /// Makes it with the arguments that a filter judges, and otherwise so that it changes nothing:
  /// the kernel asks the filter before it looks at anything else.
  void (*make)();
  bool parent_needs_it = false;
};

void map(int protection) {
  void* page = mmap(nullptr, page_size(), protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return;
  mprotect(page, page_size(), PROT_READ | PROT_WRITE);
  mprotect(page, page_size(), PROT_READ | PROT_EXEC);
}

void open_cycles() {
  perf_event_attr attributes{};
  attributes.size = sizeof attributes;
  attributes.type = PERF_TYPE_HARDWARE;
  attributes.config = PERF_COUNT_HW_CPU_CYCLES;
  attributes.exclude_kernel = 1;
  syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

void keep_affinity() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) sched_setaffinity(0, sizeof set, &set);
}

constexpr int kNoDescriptor = -1;
constexpr unsigned long kAskPersonality = 0xffffffff;

// One that makes two calls stands behind those that make either alone.
constexpr std::array kCalls = {
    Call{"pipe2",
         [] {
           std::array<int, 2> ends{};
           static_cast<void>(pipe2(ends.data(), O_CLOEXEC));
         },
         true},
    Call{"socketpair",
         [] {
           std::array<int, 2> ends{};
           socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data());
         },
         true},
    Call{"fcntl", [] { fcntl(kNoDescriptor, F_DUPFD_CLOEXEC, 0); }, true},
    Call{"poll", [] { poll(nullptr, 0, 0); }, true},
    Call{"setpgid", [] { setpgid(0, 0); }, true},
    Call{"sched_getaffinity",
         [] {
           cpu_set_t set;
           sched_getaffinity(0, sizeof set, &set);
         }},
    Call{"sched_setaffinity", keep_affinity},
    Call{"personality", [] { personality(kAskPersonality); }},
    Call{"prctl", [] { prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0); }},
    Call{"setrlimit",
         [] {
           rlimit limit{};
           if (getrlimit(RLIMIT_CORE, &limit) == 0) setrlimit(RLIMIT_CORE, &limit);
         }},
    Call{"memfd_create", [] { static_cast<void>(memfd_create("probe", MFD_CLOEXEC)); }},
    Call{"ftruncate", [] { static_cast<void>(ftruncate(kNoDescriptor, 0)); }},
    Call{"fallocate", [] { static_cast<void>(fallocate(kNoDescriptor, 0, 0, 1)); }},
    Call{"fstatfs",
         [] {
           struct statfs info {};
           fstatfs(kNoDescriptor, &info);
         }},
    Call{"unlink", [] { unlink(""); }},
    Call{"shmget", [] { static_cast<void>(shmget(IPC_PRIVATE, 0, 0700)); }},
    Call{"shmat", [] { shmat(kNoDescriptor, nullptr, SHM_EXEC | SHM_RDONLY); }},
    Call{"shmctl", [] { shmctl(kNoDescriptor, IPC_RMID, nullptr); }},
    Call{"shmdt", [] { shmdt(nullptr); }},
    Call{"madvise", [] { madvise(nullptr, 0, MADV_NOHUGEPAGE); }},
    Call{"membarrier", [] { syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0); }},
    Call{"perf_event_open", open_cycles},
    Call{"mmap",
         [] {
           static_cast<void>(mmap(nullptr, page_size(), PROT_READ | PROT_WRITE | PROT_EXEC,
                                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
         }},
    Call{"mprotect", [] { map(PROT_READ | PROT_EXEC); }},
};

constexpr int kAll = -1;

/// Of kCalls by its index, or all.
int make_calls(int index) {
  for (int i = 0; i < static_cast<int>(kCalls.size()); ++i) {
    if (index == kAll || index == i) kCalls[static_cast<std::size_t>(i)].make();
  }
  return 0;
}

std::vector<std::string> find_killed_calls() {
  std::vector<std::string> killed;
  if (try_in_child([] { return make_calls(kAll); }).signal != SIGSYS) return killed;
  for (int i = 0; i < static_cast<int>(kCalls.size()); ++i) {
    if (try_in_child([i] { return make_calls(i); }).signal == SIGSYS) {
      killed.emplace_back(kCalls[static_cast<std::size_t>(i)].name);
    }
  }
  return killed;
}

std::vector<std::string>& found() {
  static std::vector<std::string> killed;
  return killed;
}

}  // namespace

Tried try_in_child(const std::function<int()>& step) {
  const pid_t child = fork();
  if (child < 0) throw_errno("fork (to try a call)");
  if (child == 0) _exit(step());
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) return {.signal = WTERMSIG(status), .answer = 0};
  return {.signal = 0, .answer = WEXITSTATUS(status)};
}

void try_calls() { found() = find_killed_calls(); }

const std::vector<std::string>& killed_calls() { return found(); }

bool is_killed(std::string_view call) {
  return std::ranges::find(killed_calls(), call) != killed_calls().end();
}

std::string why_killed(std::string_view call) {
  return is_killed(call) ? fmt::format("a seccomp filter kills {}", call) : std::string();
}

std::string call_of_sigsys() {
  return killed_calls().size() == 1 ? killed_calls().front() : std::string();
}

std::string reason_of_sigsys() {
  constexpr std::string_view kRemedy = "allow it in the sandbox's profile";
  if (killed_calls().empty()) {
    return fmt::format(
        "killed by SIGSYS: a seccomp filter kills a call; the kernel's log has its number (dmesg, "
        "type=1326); {}",
        kRemedy);
  }
  return fmt::format("a seccomp filter kills {}{}; {}",
                     killed_calls().size() == 1 ? "" : "one of the calls that it makes: ",
                     fmt::join(killed_calls(), ", "), kRemedy);
}

void require_calls_of_the_parent() {
  for (const Call& call : kCalls) {
    if (call.parent_needs_it && is_killed(call.name)) {
      throw_errno(fmt::format("{}: no case can be measured without it, and a seccomp filter kills "
                              "its caller: allow it in the sandbox's profile",
                              call.name)
                      .c_str(),
                  EPERM);
    }
  }
}

void require_proc() {
  if (access("/proc/self/exe", F_OK) != 0) {
    throw_errno(
        "/proc/self/exe: /proc is not mounted here, or hidden; every case is a process that is "
        "started from it and reads what it occupies there: mount -t proc proc /proc",
        errno);
  }
}

std::string why_not_pinned(int cpu) {
  const Tried tried = try_in_child([cpu] { return pin_this_thread(cpu); });
  if (tried.signal == SIGSYS) return "a seccomp filter kills sched_setaffinity";
  if (tried.signal != 0) return fmt::format("sched_setaffinity: signal {}", tried.signal);
  return tried.answer == 0 ? std::string()
                           : fmt::format("sched_setaffinity: {}", std::strerror(tried.answer));
}

bool has_seccomp_filter() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("Seccomp:")) return line.ends_with("2");
  }
  return false;
}

}  // namespace patchbench::harness
