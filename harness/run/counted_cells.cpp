#include "harness/run/counted_cells.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "harness/counters/cpu_time.hpp"
#include "harness/counting/measured.hpp"
#include "harness/machine/cpu_list.hpp"
#include "harness/plan/arena.hpp"
#include "harness/run/estimates.hpp"

namespace patchbench::harness {
namespace {

bool has_been_counted(std::span<const results::JournalEntry> journal, std::string_view source,
                      const std::string& cell) {
  return std::ranges::any_of(journal, [&](const results::JournalEntry& entry) {
    return entry.counted == source && entry.cell == cell;
  });
}

/// Each counted round has its own seed, addresses and processor, as timed rounds have; the same
/// ones in every run, so that what is exact stays the same, and in every case.
std::vector<CountedPlace> places_to_count(const Options& options, const Prepared& prepared) {
  std::vector<CountedPlace> places;
  const auto rounds = static_cast<std::size_t>(options.selection.preset->counted_rounds);
  for (std::size_t round = 0; round < rounds; ++round) {
    const std::uint64_t seed = 1 + round;
    SeededRandom random(seed);
    places.push_back({.seed = seed,
                      .arena = prepared.arena.value_or(&no_arena)(random),
                      .cpu = cpu_of_round(options.cpus, round)});
  }
  return places;
}

CountedCell counted_cell(const Catalogue& catalogue, const Options& options,
                         const PlannedCell& cell, const CountingPlan& plan,
                         const std::vector<CountedPlace>& places) {
  CountedCell counted;
  std::ranges::copy_if(find_workload(catalogue, cell.workload)->metrics,
                       std::back_inserter(counted.metrics),
                       [&plan](const std::string& metric) { return counts_metric(plan, metric); });
  counted.task.cell = cell.id;
  counted.task.strategy = cell.runs;
  counted.task.workload = cell.workload;
  counted.task.policy = policy_word(options);
  counted.places = places;
  counted.task.request = {.params = cell.params,
                          .seed = places.front().seed,
                          .arena = places.front().arena,
                          .zone = options.zone};
  counted.task.cpu = places.front().cpu;
  counted.task.patience = patience_of(cell);
  return counted;
}

/// The simulators and the like that --counters asked for, as far as this machine has them.
std::vector<CountingPlan> find_sources(const Options& options, const Settings& settings,
                                       results::Context& context) {
  std::vector<CountingPlan> plans;
  for (const CounterChoice* choice : options.counters.sources) {
    CountingPlan plan{
        .id = choice->id, .found = choice->find(context, settings.child_timeout), .cells = {}};
    if (!plan.found.source) {
      std::string warning = fmt::format("--counters={}: {}", choice->id, plan.found.reason);
      if (std::ranges::find(context.warnings, warning) == context.warnings.end()) {
        context.warnings.push_back(std::move(warning));  // once, also when a run is resumed
      }
    }
    plans.push_back(std::move(plan));
  }
  return plans;
}

}  // namespace

std::vector<CountingPlan> find_counters(const Options& options, const Settings& settings,
                                        results::Context& context) {
  std::vector<CountingPlan> plans = find_sources(options, settings, context);
  if (!options.counters.events.empty()) {
    const Preset& preset = *options.selection.preset;
    const bool leaves_out_cpu_time = options.counters.automatic && !preset.counts_cpu_time;
    const MeasuredRequest request{
        .words = options.counters.events,
        .rounds = preset.counted_rounds,
        .timeout = settings.child_timeout,
        .why_no_cpu_time =
            leaves_out_cpu_time
                ? fmt::format("--preset={} leaves it out, because it takes ten clock ticks a "
                              "metric; ask for --counters={} or another preset",
                              preset.name, kCpuTime)
                : ""};
    plans.push_back({.id = kMeasured,
                     .found = {.source = make_measured(request, context), .reason = {}},
                     .cells = {}});
  }
  for (const CountingPlan& plan : plans) {
    if (plan.found.source) plan.found.source->describe(context);
  }
  return plans;
}

double expected_counting_s(const Catalogue& catalogue, const Options& options,
                           const Prepared& prepared, const std::vector<CountingPlan>& plans) {
  const std::vector<CountedPlace> places = places_to_count(options, prepared);
  double seconds = 0;
  for (const CountingPlan& plan : plans) {
    for (const PlannedCell& cell : prepared.cells) {
      if (plan.found.source && is_run(prepared, cell)) {
        seconds += plan.found.source->expected_seconds(
            counted_cell(catalogue, options, cell, plan, places));
      }
    }
  }
  return seconds;
}

std::vector<CountedCell> cells_to_count(const Catalogue& catalogue, const Options& options,
                                        const Prepared& prepared, const Measuring& measuring,
                                        const CountingPlan& plan) {
  const std::vector<CountedPlace> places = places_to_count(options, prepared);
  std::vector<CountedCell> counted;
  for (std::size_t i = 0; i < prepared.cells.size(); ++i) {
    const PlannedCell& cell = prepared.cells[i];
    if (!is_run(prepared, cell) || measuring.given_up(i) ||
        has_been_counted(measuring.entries(), plan.id, cell.id)) {
      continue;
    }
    CountedCell one = counted_cell(catalogue, options, cell, plan, places);
    if (!one.metrics.empty()) counted.push_back(std::move(one));
  }
  SeededRandom random{options.seed};
  random.shuffle(counted);
  return counted;
}

}  // namespace patchbench::harness
