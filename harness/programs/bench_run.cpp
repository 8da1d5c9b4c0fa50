// bench-run: every strategy of the registry on every workload of the registry.
#include "harness/process/layout_marker.hpp"
#include "harness/programs/program.hpp"
#include "workloads/workload.hpp"

int main(int argc, char** argv) {
  const patchbench::harness::Catalogue catalogue{.strategies = patchbench::strategies(),
                                                 .workloads = patchbench::workloads(),
                                                 .find_cell = &patchbench::find_cell};
  patchbench::harness::Settings settings;
  settings.layout_marker = patchbench::harness::layout_marker();
  return patchbench::harness::program_main(argc, argv, catalogue, settings);
}
