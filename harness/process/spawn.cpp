#include "harness/process/spawn.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <spawn.h>
#include <sys/personality.h>
#include <unistd.h>

#include "harness/machine/cpu_list.hpp"
#include "harness/machine/sandbox.hpp"

namespace patchbench::harness {
namespace {

/// What posix_spawn is asked for, freed by its owner.
class SpawnPlan {
 public:
  SpawnPlan() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
  ~SpawnPlan() {
    posix_spawnattr_destroy(&attributes_);
    posix_spawn_file_actions_destroy(&actions_);
  }

  void hand_over(const Handover& one) {
    posix_spawn_file_actions_adddup2(&actions_, one.fd->get(), one.as);
  }
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
    if (error != 0) throw_errno("posix_spawnp (a child of this program)", error);
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
    if (!std::string_view(*variable).starts_with("BENCHMARK_")) variables.push_back(*variable);
  }
  variables.push_back(nullptr);
  return variables;
}

/// While it lives, programs that this thread starts get the addresses that they always get.
class FixedLayout {
 public:
  FixedLayout() : before_(is_killed("personality") ? -1 : personality(kAsk)) {
    if (before_ >= 0) personality(static_cast<unsigned long>(before_) | ADDR_NO_RANDOMIZE);
  }
  FixedLayout(const FixedLayout&) = delete;
  FixedLayout& operator=(const FixedLayout&) = delete;
  ~FixedLayout() {
    if (before_ >= 0) personality(static_cast<unsigned long>(before_));
  }

 private:
  static constexpr unsigned long kAsk = 0xffffffff;  // personality(2): changes nothing
  int before_;
};

}  // namespace

pid_t spawn(Execution program, const char* argument, std::span<const Handover> handed,
            const sigset_t& mask, Addresses addresses) {
  SpawnPlan plan;
  for (const Handover& one : handed) plan.hand_over(one);
  plan.set_up_signals(mask);
  std::optional<FixedLayout> layout;
  if (addresses == Addresses::fixed) layout.emplace();
  program.words.emplace_back(argument);
  std::vector<char*> arguments(program.words.size() + 1);  // and a null at the end
  std::ranges::transform(program.words, arguments.begin(),
                         [](std::string& word) { return word.data(); });
  return plan.spawn(program.file.c_str(), arguments.data(), child_environment().data());
}

Fd moved_up(const Fd& low) {
  constexpr int kAbove = 10;
  Fd high(fcntl(low.get(), F_DUPFD_CLOEXEC, kAbove));
  // fcntl(2): EINVAL where the lowest number that is asked for is beyond RLIMIT_NOFILE.
  if (!high) throw_errno("fcntl (F_DUPFD_CLOEXEC)", errno == EINVAL ? EMFILE : errno);
  return high;
}

OnProcessor::OnProcessor(int cpu)
    : known_(cpu >= 0 && sched_getaffinity(0, sizeof before_, &before_) == 0) {
  if (known_) static_cast<void>(pin_this_thread(cpu));
}

OnProcessor::~OnProcessor() {
  if (known_) sched_setaffinity(0, sizeof before_, &before_);
}

}  // namespace patchbench::harness
