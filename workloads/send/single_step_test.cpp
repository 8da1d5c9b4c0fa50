#include "workloads/send/single_step_test.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <string>

#include <patchbench_catch.hpp>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

namespace patchbench::testing {
namespace {

constexpr int kRefused = 77;
/// A minute or so. A loop of exclusive loads and stores never ends when it is single-stepped.
constexpr int kMostSteps = 10'000'000;

[[noreturn]] void be_watched(const std::function<void()>& work) {
  if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(kRefused);
  raise(SIGSTOP);  // from here on one instruction at a time
  work();
  raise(SIGSTOP);  // to here
  _exit(0);
}

/// A child that is being watched; killed and reaped by its owner.
class Watched {
 public:
  explicit Watched(pid_t pid) : pid_(pid) {}
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;
  ~Watched() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
  }

  /// The signal at which it stopped; 0 when it has ended.
  int wait() {
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0) {
      if (errno != EINTR) throw std::runtime_error("waitpid of the watched process failed");
    }
    if (WIFSTOPPED(status)) return WSTOPSIG(status);
    pid_ = 0;
    return 0;
  }
  [[nodiscard]] bool step() const { return ptrace(PTRACE_SINGLESTEP, pid_, nullptr, nullptr) == 0; }
  /// False where they cannot be read.
  [[nodiscard]] bool read(const std::vector<std::uintptr_t>& words,
                          std::vector<std::uint64_t>& values) const {
    std::vector<iovec> remote;
    remote.reserve(words.size());
    for (const std::uintptr_t word : words) {
      remote.push_back({reinterpret_cast<void*>(word), sizeof(std::uint64_t)});
    }
    const iovec local{values.data(), values.size() * sizeof(std::uint64_t)};
    return process_vm_readv(pid_, &local, 1, remote.data(), remote.size(), 0) ==
           static_cast<ssize_t>(local.iov_len);
  }

 private:
  pid_t pid_;
};

History step_through(Watched& child, const std::vector<std::uintptr_t>& words) {
  std::vector<std::uint64_t> values(words.size());
  History history;
  for (int steps = 0; steps < kMostSteps; ++steps) {
    if (!child.read(words, values)) throw std::runtime_error("the watched words cannot be read");
    if (history.empty() || history.back() != values) history.push_back(values);
    if (!child.step()) throw std::runtime_error("the watched process cannot be stepped");
    const int signal = child.wait();
    if (signal == SIGSTOP) return history;
    if (signal != SIGTRAP) {
      throw std::runtime_error("the watched work ended early, by signal " + std::to_string(signal));
    }
  }
  throw std::runtime_error("the watched work does not come to its end");
}

}  // namespace

std::optional<History> watch(const std::vector<std::uintptr_t>& words,
                             const std::function<void()>& work) {
  const pid_t pid = fork();
  if (pid < 0) throw std::runtime_error("fork failed");
  if (pid == 0) be_watched(work);
  Watched child{pid};
  if (child.wait() != SIGSTOP) {
    WARN("skipped: this machine lets no process be single-stepped");
    return std::nullopt;
  }
  return step_through(child, words);
}

TEST_CASE("single steps: every store is seen, in order") {
  alignas(8) static volatile std::uint64_t words[2] = {1, 2};
  const auto history = watch(
      {reinterpret_cast<std::uintptr_t>(&words[0]), reinterpret_cast<std::uintptr_t>(&words[1])},
      [] {
        words[1] = 3;
        words[0] = 4;
        words[0] = 4;
        words[1] = 5;
      });
  if (history) CHECK(*history == History{{1, 2}, {1, 3}, {4, 3}, {4, 5}});
}

TEST_CASE("single steps: work that crashes is not taken for work that ended") {
  static volatile std::uint64_t word = 1;
  const auto crash = [] {
    return watch({reinterpret_cast<std::uintptr_t>(&word)}, [] { raise(SIGUSR1); });
  };
  if (watch({}, [] {})) CHECK_THROWS_AS(crash(), std::runtime_error);
}

}  // namespace patchbench::testing
