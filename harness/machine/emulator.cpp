#include "harness/machine/emulator.hpp"

#include <string_view>
#include <system_error>

namespace patchbench::harness {
namespace {

// qemu-user answers for /proc/self itself; this other name of the same directory it passes on.
constexpr std::string_view kTranslator = "proc/thread-self/exe";
constexpr std::string_view kProgram = "proc/self/exe";

}  // namespace

bool in_qemu_user(const std::filesystem::path& root) {
  std::error_code ignored;
  const auto program = std::filesystem::read_symlink(root / kTranslator, ignored);
  return program.filename().string().starts_with("qemu-");
}

Execution execution_of(const std::filesystem::path& program, const std::filesystem::path& root) {
  if (in_qemu_user(root)) {
    return {.file = root / kTranslator, .words = {"qemu-user", program.string()}};
  }
  return {.file = program, .words = {"bench-run"}};
}

Execution execution_of_self(const std::filesystem::path& root) {
  const std::filesystem::path program = root / kProgram;
  // The emulator would take the link for its own.
  return execution_of(in_qemu_user(root) ? std::filesystem::read_symlink(program) : program, root);
}

}  // namespace patchbench::harness
