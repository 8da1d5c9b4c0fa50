// strategies/child_process_test.hpp - for tests: what may crash runs in a forked child.
#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace patchbench::testing {

/// Findings in plain words, one a line; empty when there is nothing to report.
using Report = std::vector<std::string>;
inline const Report kNothing;
/// Begins the line that says that something cannot be tested on this machine, and why.
inline constexpr const char* kSkipped = "skipped: ";

/// The parts in a row.
[[nodiscard]] std::string text_of(std::initializer_list<std::string_view> parts);

struct ChildOutcome {
  pid_t pid = 0;
  int wait_status = 0;       // as waitpid(2) gives it
  Report report;             // what the body returned, or what it threw
  std::string error_output;  // without what an emulator adds to it

  /// Whether the body returned or threw; otherwise the child died in it.
  [[nodiscard]] bool finished() const noexcept;
  /// What killed it; zero when nothing did.
  [[nodiscard]] int signal() const noexcept;
  /// "returned", "exited with 1", "killed by signal 11 (Segmentation fault)".
  [[nodiscard]] std::string ending() const;
};

/// Runs `body` in a forked child and waits for it. The child never returns from here: it ends with
/// _exit(), so that neither the test framework nor a leak checker reports twice. An exception
/// becomes the line "threw ...". A child that hangs is killed (SIGALRM).
[[nodiscard]] ChildOutcome run_in_child(const std::function<Report()>& body);

}  // namespace patchbench::testing
