#include "harness/programs/run_program_test.hpp"

#include <array>
#include <stdexcept>

#include <stdio.h>
#include <sys/wait.h>

namespace patchbench::harness {

Ended run_program(const std::string& program, const std::string& arguments) {
  // The emulator is nothing where the kernel itself executes the program.
  const std::string command = program + " " + arguments + " 2>&1";
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("cannot run " + program);
  Ended outcome;
  std::array<char, 4096> buffer{};
  for (std::size_t got = 1; got > 0;) {
    got = ::fread(buffer.data(), 1, buffer.size(), pipe);
    outcome.said.append(buffer.data(), got);
  }
  const int status = ::pclose(pipe);
  if (WIFEXITED(status)) outcome.code = WEXITSTATUS(status);
  return outcome;
}

}  // namespace patchbench::harness
