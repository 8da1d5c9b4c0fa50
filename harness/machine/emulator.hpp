// harness/machine/emulator.hpp - the program that translates this one, where another architecture's
// instructions are executed in user space (qemu-user).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace patchbench::harness {

/// Whether qemu-user runs this process; `root` is that of /proc.
[[nodiscard]] bool in_qemu_user(const std::filesystem::path& root = "/");

/// What to hand to execve(2).
struct Execution {
  std::filesystem::path file;
  std::vector<std::string> words;  // before the program's own arguments; its name is the first
};

/// How to execute `program`, which was compiled for the same architecture as this one.
///
/// Under an emulator the file is the emulator: the kernel itself executes programs of another
/// architecture only where binfmt_misc is set up for it. The emulator's options do not come along;
/// those that matter are set by its environment variables (QEMU_LD_PREFIX, QEMU_CPU), which do.
[[nodiscard]] Execution execution_of(const std::filesystem::path& program,
                                     const std::filesystem::path& root = "/");

/// How this process starts its own program once more.
[[nodiscard]] Execution execution_of_self(const std::filesystem::path& root = "/");

}  // namespace patchbench::harness
