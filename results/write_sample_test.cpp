// For the check against the schema: writes the tests' sample results to the first file named on the
// command line, and the members that came later to the second, one a line.

#include <cstdio>
#include <exception>
#include <string>

#include "results/file.hpp"
#include "results/json.hpp"
#include "results/sample_test.hpp"
#include "results/visitors.hpp"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  try {
    patchbench::results::write_results(patchbench::results::sample_results(), argv[1]);
    std::string later;
    for (const std::string& path :
         patchbench::results::LaterMembers::of<patchbench::results::Results>()) {
      later += path + '\n';
    }
    patchbench::results::write_text_atomically(argv[2], later);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
