#include "harness/counters/fixed_runs.hpp"

namespace patchbench::harness {

void execute(const Measurement& measurement, Extent extent) {
  const bool prepared = measurement.prepare != nullptr;
  // Without a branch: a line of code that only one of the extents touches would count as a miss.
  const int runs = kCountedRuns << (prepared ? 0 : static_cast<int>(extent));
  for (int run = 1; run <= runs; ++run) {
    if (prepared) measurement.prepare(measurement.self);
    if (!prepared || extent == Extent::more || run < runs) measurement.run(measurement.self);
  }
}

double operations_between(const Measurement& measurement) {
  return measurement.prepare != nullptr ? measurement.operations
                                        : kCountedRuns * measurement.operations;
}

}  // namespace patchbench::harness
