#include "harness/counting/counting.hpp"

#include <utility>

#include "harness/base/clock.hpp"
#include "harness/counters/simulated_counter.hpp"
#include "workloads/metrics.hpp"

namespace patchbench::harness {

namespace {

double expected_seconds(const CountingPlan& plan, const CountedCell& cell) {
  return plan.found.source ? plan.found.source->expected_seconds(cell) : 0;
}

}  // namespace

double expected_counting_seconds(const CountingPlan& plan) {
  double seconds = 0;
  for (const CountedCell& cell : plan.cells) seconds += expected_seconds(plan, cell);
  return seconds;
}

bool counts_metric(const CountingPlan& plan, std::string_view metric) {
  return plan.found.source ? plan.found.source->counts(metric) : traits_of(metric).is_countable;
}

bool count_cells(const CountingPlan& plan, results::JournalWriter& journal, SignalWatch& signals,
                 Progress& progress, std::vector<results::JournalEntry>& entries) {
  double done_s = 0;  // of what was expected: cases differ in it
  for (const CountedCell& cell : plan.cells) {
    progress.show(done_s, "counting", cell.task.cell);
    done_s += expected_seconds(plan, cell);
    results::JournalEntry entry;
    entry.counted = plan.id;
    entry.cell = cell.task.cell;
    entry.started = utc_now();
    const std::int64_t start_ns = now_ns();
    auto counters = plan.found.source ? plan.found.source->count(cell, signals)
                                      : not_counted(cell.metrics, "unavailable", plan.found.reason);
    if (!counters) return false;
    entry.counters = std::move(*counters);
    entry.wall_ms = static_cast<double>(now_ns() - start_ns) * 1e-6;
    journal.append(entry);
    entries.push_back(std::move(entry));
  }
  return true;
}

}  // namespace patchbench::harness
