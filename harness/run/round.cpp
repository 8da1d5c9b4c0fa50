#include "harness/run/round.hpp"

namespace patchbench::harness {

ChildTask timed_task(const Options& options, const Settings& settings, const Layouts& layouts,
                     const PlannedCell& cell, const PlannedRound& round, int number, int order) {
  const Preset& preset = *options.selection.preset;
  ChildTask task;
  task.cell = cell.id;
  task.strategy = cell.runs;
  task.workload = cell.workload;
  task.request = {.params = cell.params, .seed = round.seed, .arena = round.arena};
  task.round = number;
  task.order = order;
  task.cpu = options.cpus[static_cast<std::size_t>(number) % options.cpus.size()];
  const int layout = layout_of_round(layouts, number, cell.strategy == kAgain);
  task.program = layouts.programs.at(static_cast<std::size_t>(layout));
  task.batches = preset.batches;
  task.budget_ms = settings.budget_ms.value_or(preset.budget_ms);
  return task;
}

}  // namespace patchbench::harness
