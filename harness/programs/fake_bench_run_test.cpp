// bench_run_fake: the whole of bench-run over the fake catalogue, as a program for the tests to
// start.
//
// FAKE_TIMEOUT_MS and FAKE_ROOT (of /proc and /sys) vary what the command line cannot.
#include <chrono>
#include <cstdlib>
#include <string>

#include "harness/programs/fake_catalogue_test.hpp"
#include "harness/programs/program.hpp"

namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

patchbench::harness::Settings fake_settings() {
  patchbench::harness::Settings settings;
  settings.budget_ms = 1;
  settings.self_test_rounds = 3;
  if (const std::string text = variable("FAKE_TIMEOUT_MS"); !text.empty()) {
    settings.child_timeout = std::chrono::milliseconds(std::stoi(text));
  }
  if (const std::string root = variable("FAKE_ROOT"); !root.empty()) {
    settings.sources.root = root;
    settings.sources.breaks_architecture = [] { return false; };
  }
  return settings;
}

}  // namespace

int main(int argc, char** argv) {
  return patchbench::harness::program_main(argc, argv, patchbench::harness::fake_catalogue(),
                                           fake_settings());
}
