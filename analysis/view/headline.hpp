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

/// Sends at few and at many sites, at polymorphic and megamorphic sites and in a mix, then linking,
/// then patching: of each the parameter set nearest to the customary one, and only what the run
/// has. Misses and patches are those among hits where the run has them, else those of every send.
/// For a run of other workloads alone: their metrics at their first parameter set. Patches and
/// publish have a column for each mode of --publish that the run measured.
[[nodiscard]] std::vector<HeadlineColumn> headline_columns(const Quantities& run);

/// What a strategy costs there.
[[nodiscard]] Quantity cost_of(const Quantities& run, const HeadlineColumn& column,
                               const std::string& strategy);

}  // namespace patchbench::analysis
