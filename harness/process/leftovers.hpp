// harness/process/leftovers.hpp - what a child that was killed may have left on the machine: the
// objects that outlive a process until somebody names them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <sys/types.h>

namespace patchbench::harness {

struct Leftover {
  std::string what;  // "a System V segment", "a file in /dev/shm"
  std::string name;  // as ipcs(1) and ls(1) show it
};

/// System V segments that `process` made, and names in /dev/shm that carry its number. Process
/// numbers are used again: ask right after the process has ended.
[[nodiscard]] std::vector<Leftover> find_leftovers(pid_t process);

/// The same, which are then removed. What cannot be removed stays, without an error.
std::vector<Leftover> remove_leftovers(pid_t process);

}  // namespace patchbench::harness
