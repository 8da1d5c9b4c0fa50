// harness/round.hpp - the tasks of the cells of a round.
#pragma once

#include "harness/child.hpp"
#include "harness/command_line.hpp"
#include "harness/layouts.hpp"
#include "harness/plan.hpp"
#include "harness/settings.hpp"

namespace patchbench::harness {

/// For the child that times `cell`, in the layout whose turn it is, as the `order`-th of its round.
/// A processor is the same for a whole round.
[[nodiscard]] ChildTask timed_task(const Options& options, const Settings& settings,
                                   const Layouts& layouts, const PlannedCell& cell,
                                   const PlannedRound& round, int number, int order);

}  // namespace patchbench::harness
