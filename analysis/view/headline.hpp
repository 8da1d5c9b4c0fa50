// analysis/view/headline.hpp - which few of a run's hundreds of numbers a person came for.
#pragma once

#include <string>
#include <vector>

#include "analysis/quantity/quantities.hpp"

namespace patchbench::analysis {

/// One quantity, for every strategy.
struct HeadlineColumn {
  std::string workload;
  std::string metric;
  results::Params params;
  /// What its patches end with, where the run has several modes of that; otherwise empty.
  std::string mode = {};
};

/// Whatever their mode.
[[nodiscard]] bool same_operation(const HeadlineColumn& one, const HeadlineColumn& other);

/// What the run's workloads say of themselves (results::WorkloadEntry::headline), in their order:
/// of each the parameter set nearest to the one that it prefers, and only what the run has. Misses
/// and patches are those among hits where the run has them, else those of every send. Where that
/// gives nothing, the metrics of all workloads at their first parameter sets. What publishes has a
/// column for each mode of --publish that the run measured.
[[nodiscard]] std::vector<HeadlineColumn> headline_columns(const Quantities& run);

/// What a strategy costs there.
[[nodiscard]] Quantity cost_of(const Quantities& run, const HeadlineColumn& column,
                               const std::string& strategy);

}  // namespace patchbench::analysis
