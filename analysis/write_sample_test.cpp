// Writes a made-up run to the file named on the command line, for checks from outside.

#include <cstdio>
#include <exception>

#include "analysis/counted_results_test.hpp"
#include "results/json.hpp"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    patchbench::results::write_results(patchbench::analysis::measured_run(), argv[1]);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
