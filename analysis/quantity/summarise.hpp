// analysis/quantity/summarise.hpp - from the journal of a run to the cells of its results.
#pragma once

#include <span>

#include "results/model.hpp"

namespace patchbench::analysis {

/// A sample is flagged where the calibrations before and after it differ by more.
inline constexpr double kDriftLimit = 0.05;

/// Fills in what follows from the journal, for every cell of `results.cells`: samples by round,
/// medians and intervals, lost rounds, status, ratios to the baseline, flags, variances, counters,
/// memory, and the note on drift.
///
/// Expects run.rounds, run.interrupted, run.delta and baseline of the results to be set, and each
/// cell to have its id, strategy, workload, params and notes. A cell whose status is preset to
/// anything but `ok` (denied, unsupported) and that has no line in the journal is left as it is.
/// Calling it again with a longer journal gives the same as calling it once with that journal.
///
/// - Sample = the lower decile of a process' batches, or their median where the child reported no
///   decile (differences, older journals): of processes on shared machines the decile scatters
///   less, because what disturbs a batch only makes it slower (seen, half-widths of 156 ratios over
///   12 rounds in a noisy state: decile 1.6 %, quartile 2.3 %, median 2.4 %, minimum 1.9 %). Index
///   = round. Where a cell has several lines for one round (a resumed run), the last one stands.
/// - A cell is `ok` with at least 80 % of the rounds, or of those until it was known (known_after);
///   otherwise it has the status and reason of its first failure, and no ratios. Rounds that an
///   interrupted run never started are lost rounds, but they do not count against a cell that was
///   measured before.
/// - Ratios are to the baseline's cell of the same workload and parameters, for every metric that
///   both have, paired by round (analysis/statistics/statistics.hpp). Verdicts are corrected for
///   the number of a workload's ratios (analysis/statistics/significance.hpp); that of `again` is
///   not.
/// - A series that drifts or has several modes is flagged (analysis/statistics/series.hpp),
///   corrected for the number of a workload's series; samples and ratios alike.
/// - Samples whose calibrations differ by more than kDriftLimit, or from whose processor time was
///   stolen, are flagged: noted with the cell and counted, and used all the same. Beside each ratio
///   stands what it would be without their rounds, where that is something else.
/// - Lines of counters (JournalEntry::counted) are no rounds: they add to the cell's counters, of
///   each source the last line, and to nothing else.
/// - Lines of cells that are not in the plan, or of rounds outside it, are left out; a warning in
///   results.context.warnings says how many.
void summarise(results::Results& results, std::span<const results::JournalEntry> journal);

/// Of that only status, samples and ratios, without the correction of their verdicts: what a run
/// looks at after each round.
void summarise_ratios(results::Results& results, std::span<const results::JournalEntry> journal);

}  // namespace patchbench::analysis
