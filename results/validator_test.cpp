#include "results/validator_test.hpp"

#include <array>
#include <stdexcept>

#include <stdio.h>
#include <sys/wait.h>

namespace patchbench::results {

std::string validator_errors(const std::filesystem::path& path) {
  constexpr int kNoValidator = 77;  // as check_schema.py says it
  const std::filesystem::path file =
      std::filesystem::is_directory(path) ? path / "results.json" : path;
  const std::string command = PATCHBENCH_VALIDATOR " '" + file.string() + "' 2>&1";
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("cannot run " + command);
  std::string said;
  std::array<char, 4096> buffer{};
  for (std::size_t got = 1; got > 0;) {
    got = ::fread(buffer.data(), 1, buffer.size(), pipe);
    said.append(buffer.data(), got);
  }
  const int status = ::pclose(pipe);
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  if (code == 0 || code == kNoValidator) return "";
  return said + "(ended with " + std::to_string(code) + ")";
}

}  // namespace patchbench::results
