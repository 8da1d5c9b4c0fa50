// harness/process/forked.hpp - a function that may crash, or change its process for good, in a
// process of its own.
#pragma once

#include <functional>
#include <string>

namespace patchbench::harness {

struct Forked {
  std::string text;    // what the function returned; empty where it did not
  std::string ending;  // how it died instead: "SIGSEGV", "exit code 3"; empty where it returned

  [[nodiscard]] bool returned() const { return ending.empty(); }
};

/// Calls `body` in a forked child, which leaves no core file, is killed (SIGALRM) when it does not
/// return in time, and says nothing on stderr. The caller has one thread. Throws std::system_error
/// when there can be no child.
[[nodiscard]] Forked run_forked(const std::function<std::string()>& body);

}  // namespace patchbench::harness
