// results/missing_counters.hpp - how a file states once what would stand in every cell.
//
// Without a PMU a cell lacks dozens of counters, each with the same reason as in every other cell.
// A file has such a counter once, in context.missing_counters, and a cell names the metrics of
// which it has no value (cell.uncounted). In memory every cell has all its counters, with status
// and reason, so that nobody who looks at a cell has to look elsewhere.
#pragma once

#include "results/model.hpp"

namespace patchbench::results {

/// Takes the counters out of the cells that no cell has a value of, where the cells that lack them
/// are the same for all of them; what differs from cell to cell stays there. spread() undoes it,
/// but for the order: counters that came from the context stand last.
void fold_missing_counters(Results& results);

/// Leaves nothing in Context::missing_counters and Cell::uncounted.
void spread_missing_counters(Results& results);

}  // namespace patchbench::results
