// harness/counting/counting.hpp - after the timed rounds: every case's counters, in children of
// their own.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "harness/base/progress.hpp"
#include "harness/base/signals.hpp"
#include "harness/counting/source.hpp"
#include "results/journal.hpp"
#include "results/model.hpp"

namespace patchbench::harness {

/// What a run of --counters counts: one source, and every case that it is asked about.
struct CountingPlan {
  std::string_view id;  // of the choice
  FoundSource found;    // without a source, every case gets the reason
  std::vector<CountedCell> cells;
};

/// Roughly what counting all cases will take; without a source nothing.
[[nodiscard]] double expected_counting_seconds(const CountingPlan& plan);
/// Whether a metric is counted at all; without a source the reason stands with those that one would
/// have counted.
[[nodiscard]] bool counts_metric(const CountingPlan& plan, std::string_view metric);

/// Appends one line a case to the journal and to `entries`. False when the run was asked to stop.
/// Throws std::system_error when the journal cannot be written.
[[nodiscard]] bool count_cells(const CountingPlan& plan, results::JournalWriter& journal,
                               SignalWatch& signals, Progress& progress,
                               std::vector<results::JournalEntry>& entries);

}  // namespace patchbench::harness
