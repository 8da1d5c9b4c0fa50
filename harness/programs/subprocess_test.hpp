// harness/programs/subprocess_test.hpp - runs bench_run_fake, or bench-run itself, as a person
// would, and looks at what it leaves.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sys/resource.h>

namespace patchbench::harness {

struct Finished {
  int exit_code = -1;  // -1: a signal ended it
  int signal = 0;
  std::string output;  // stdout
  std::string errors;  // stderr
};

struct Start {
  std::vector<std::string> arguments = {};
  std::filesystem::path directory = ".";                            // to start in
  std::vector<std::pair<std::string, std::string>> variables = {};  // on top of the test's own
  std::optional<std::pair<__rlimit_resource_t, rlim_t>> limit = {};
  std::vector<int> ignored = {};  // signals, as nohup does
  bool silent = false;            // stdout and stderr are /dev/full
  int perf_event_error = 0;       // what perf_event_open fails with; 0: it is not kept from working
  /// Called in the new process right before the program: a filter, a namespace, a mount. False
  /// where this machine cannot have it: the exit code is kNotFiltered.
  std::function<bool()> prepare = {};
  std::filesystem::path program = PATCHBENCH_FAKE;
};

/// Exit code of a program that was to be kept from a system call, by a kernel that cannot do that
/// (seccomp, which qemu-user does not pass on).
inline constexpr int kNotFiltered = 125;

/// A program that is running, with --counters=none unless the arguments say otherwise: few tests
/// are about counters. It is waited for at the latest by the destructor.
class Running {
 public:
  explicit Running(const Start& start);
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running();

  void send(int signal) const;
  [[nodiscard]] int pid() const { return pid_; }
  /// Waits until `condition` holds; false when the program ended before that.
  [[nodiscard]] bool wait_until(const std::function<bool()>& condition);
  [[nodiscard]] Finished wait();

 private:
  [[nodiscard]] bool reap(int options);

  int pid_ = -1;
  int status_ = 0;
  std::filesystem::path output_;
  std::filesystem::path errors_;
};

[[nodiscard]] Finished run_fake(const Start& start);

}  // namespace patchbench::harness
