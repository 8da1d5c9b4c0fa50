// analysis/quantity/shared_patch.hpp - what a patch costs where several threads execute the code:
// the one that patches, and all others.
//
// Measured by a workload whose metrics are beside executors (results::MetricEntry), under a
// protocol; a strategy may have several of those.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analysis/quantity/quantities.hpp"

namespace patchbench::analysis {

/// By round, in ns.
struct SharedPatch {
  std::string protocol;
  /// Of the thread that patches, and what each other one loses until the next patch, summed over
  /// `threads`.
  std::vector<std::optional<double>> patch;
  /// What a send costs more than in the same strategy's sites when they are changed in place: some
  /// protocols need a stub there. Zero where the run cannot say.
  std::vector<std::optional<double>> send;
};

/// Whether the run has any such case.
[[nodiscard]] bool has_shared_patches(const Quantities& run);

/// Of each protocol of the strategy, at the number of executors nearest to threads - 1.
[[nodiscard]] std::vector<SharedPatch> shared_patches(const Quantities& run, const std::string& id,
                                                      int threads);

}  // namespace patchbench::analysis
