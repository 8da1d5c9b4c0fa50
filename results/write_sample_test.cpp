// Writes the tests' sample results to the file named on the command line, for the check against the
// schema.

#include <cstdio>
#include <exception>

#include "results/json.hpp"
#include "results/sample_test.hpp"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    patchbench::results::write_results(patchbench::results::sample_results(), argv[1]);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
