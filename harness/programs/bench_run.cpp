// bench-run: every strategy of the registry on every workload of the registry.
#include "harness/process/layout_marker.hpp"
#include "harness/programs/program.hpp"
#include "harness/programs/registered.hpp"

int main(int argc, char** argv) {
  patchbench::harness::Settings settings;
  settings.layout_marker = patchbench::harness::layout_marker();
  return patchbench::harness::program_main(argc, argv, patchbench::harness::registered(), settings);
}
