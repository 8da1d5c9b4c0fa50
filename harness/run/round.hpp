// harness/run/round.hpp - the tasks of the cells of a round.
#pragma once

#include "harness/plan/plan.hpp"
#include "harness/process/child.hpp"
#include "harness/process/layouts.hpp"
#include "harness/run/command_line.hpp"
#include "harness/run/settings.hpp"

namespace patchbench::harness {

/// For the child that times `cell`, in the layout whose turn it is, as the `order`-th of its round.
/// A processor is the same for a whole round.
[[nodiscard]] ChildTask timed_task(const Options& options, const Settings& settings,
                                   const Layouts& layouts, const PlannedCell& cell,
                                   const PlannedRound& round, int number, int order);

}  // namespace patchbench::harness
