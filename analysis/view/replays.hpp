// analysis/view/replays.hpp - what the sends of recorded programs cost.
#pragma once

#include <string>
#include <vector>

#include "analysis/quantity/quantities.hpp"
#include "analysis/render/document.hpp"

namespace patchbench::analysis {

/// The metrics of the run whose operations are sends of recorded programs, in its order.
[[nodiscard]] std::vector<std::string> replaying_metrics(const Quantities& run);

/// A row for each trace and strategy: what a send costs from unlinked sites on and once they are
/// linked, with its ratio to the baseline, how many sends miss, and what became of the sites.
/// Without a table where the run has no such metric.
[[nodiscard]] Section replays_section(const Quantities& run);

}  // namespace patchbench::analysis
