// harness/run/counted_cells.hpp - what --counters asks of a run: the sources, and the cases that
// each is asked about.
#pragma once

#include <vector>

#include "harness/counting/counting.hpp"
#include "harness/plan/catalogue.hpp"
#include "harness/run/measuring.hpp"
#include "harness/run/options.hpp"
#include "harness/run/prepared.hpp"
#include "harness/run/settings.hpp"
#include "results/model.hpp"

namespace patchbench::harness {

/// What --counters asked for, without cases. Adds to `context` what counts, and a warning for each
/// source that this machine lacks; of events that it lacks each row says why.
[[nodiscard]] std::vector<CountingPlan> find_counters(const Options& options,
                                                      const Settings& settings,
                                                      results::Context& context);

/// Of all cases; those of a run that goes on may be counted already.
[[nodiscard]] double expected_counting_s(const Catalogue& catalogue, const Options& options,
                                         const Prepared& prepared,
                                         const std::vector<CountingPlan>& plans);

/// Every case that was measured and is not counted yet, in an order that the run's seed decides.
[[nodiscard]] std::vector<CountedCell> cells_to_count(const Catalogue& catalogue,
                                                      const Options& options,
                                                      const Prepared& prepared,
                                                      const Measuring& measuring,
                                                      const CountingPlan& plan);

}  // namespace patchbench::harness
