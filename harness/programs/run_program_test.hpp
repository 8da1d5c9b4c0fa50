// harness/programs/run_program_test.hpp - running one of the tools as a person does.
#pragma once

#include <string>

namespace patchbench::harness {

struct Ended {
  int code = -1;     // -1: it did not exit by itself
  std::string said;  // stdout and stderr
};

/// `arguments` as in a shell.
[[nodiscard]] Ended run_program(const std::string& program, const std::string& arguments);

}  // namespace patchbench::harness
