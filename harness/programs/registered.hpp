// harness/programs/registered.hpp - the registries as the catalogue of a program that is linked
// with workloads.
#pragma once

#include <filesystem>

#include "harness/plan/catalogue.hpp"
#include "results/json.hpp"
#include "workloads/workload.hpp"

namespace patchbench::harness {

[[nodiscard]] inline Catalogue registered() {
  return {.strategies = strategies(), .workloads = workloads(), .find_cell = &find_cell};
}

/// A run's directory or its results file. What an older run does not say of its strategies,
/// workloads and metrics is as this program knows it. Throws as results::read_results() does.
[[nodiscard]] inline results::Results read_described(const std::filesystem::path& path) {
  results::Results results = results::read_results(path);
  describe(results, registered());
  return results;
}

}  // namespace patchbench::harness
