// strategies/emulator_test.hpp - for tests: what an emulator in user space (qemu-user) does not do.
#pragma once

#include <filesystem>
#include <string>
#include <system_error>

namespace patchbench::testing {

/// qemu-user answers for /proc/self, but not for this other name of the same directory.
[[nodiscard]] inline bool in_qemu_user() {
  std::error_code ignored;
  const auto program = std::filesystem::read_symlink("/proc/thread-self/exe", ignored);
  return program.filename().native().starts_with("qemu-");
}

/// Text from which the line is gone that the emulator itself writes when a signal ends a program.
[[nodiscard]] inline std::string without_words_of_emulator(std::string text) {
  const std::size_t line = text.find("qemu: uncaught target signal ");
  if (in_qemu_user() && line != std::string::npos) {
    const std::size_t end = text.find('\n', line);
    text.erase(line, end == std::string::npos ? end : end + 1 - line);
  }
  return text;
}

}  // namespace patchbench::testing
