// harness/programs/registered.hpp - the registries as the catalogue of a program that is linked
// with workloads.
#pragma once

#include <filesystem>
#include <system_error>

#include "harness/base/usage_error.hpp"
#include "harness/plan/catalogue.hpp"
#include "harness/programs/front_door.hpp"
#include "results/json.hpp"
#include "workloads/workload.hpp"

namespace patchbench::harness {

[[nodiscard]] inline Catalogue registered() {
  return {.strategies = strategies(), .workloads = workloads(), .find_cell = &find_cell};
}

/// A run's directory or its results file, as a person named it. What an older run does not say of
/// its strategies, workloads and metrics is as this program knows it. Throws UsageError, and
/// results::FormatError for damage.
[[nodiscard]] inline results::Results read_described(const std::filesystem::path& named) {
  try {
    results::Results results = results::read_results(results_file(named));
    describe(results, registered());
    return results;
  } catch (const std::system_error& error) {
    throw UsageError(error.what());
  }
}

}  // namespace patchbench::harness
