// analysis/view/csv.hpp - a run's samples and counters for other programs: R, pandas, a
// spreadsheet.
#pragma once

#include <string>

#include "analysis/quantity/quantities.hpp"

namespace patchbench::analysis {

/// Tidy: a header, then one row a sample, in the order of the run; every variable has one column.
/// Columns: run, workload, strategy, then every parameter that any workload of the run has (empty
/// where a cell's workload has no such one), metric, unit, round, value. A lost round has a row
/// with an empty value. Numbers have every digit that they need to be read as the same bits.
[[nodiscard]] std::string samples_as_csv(const Quantities& run);

/// As samples_as_csv, of what was counted: in one file what hardware, the kernel and the program
/// counted, in the other what a simulator did. Columns: run, emulated (true or false), workload,
/// strategy, parameters, per, beside, counter, set, source, scope, process, value, status,
/// time_enabled, time_running, reason. One row for each process that counted, or, with an empty
/// process, one for a counter of which only the median over the rounds is known, or that is
/// missing.
[[nodiscard]] std::string counters_as_csv(const Quantities& run);
[[nodiscard]] std::string simulated_as_csv(const Quantities& run);

}  // namespace patchbench::analysis
