// analysis/view/counter_figures.hpp - a figure for each question that counters answer.
#pragma once

#include <vector>

#include "analysis/render/chart.hpp"
#include "analysis/view/counters.hpp"
#include "analysis/view/figures.hpp"

namespace patchbench::analysis {

/// counters-prefetch, counters-icache, counters-vma, ..., counters-simulated: for each chosen
/// operation a panel of every event, a bar for each strategy. Events that nobody has are frames
/// with the reason, and those that are 0 for everybody are named in one. A set of which nobody has
/// an event has no figure.
[[nodiscard]] std::vector<Figure> counter_figures(const Quantities& run);

/// What the figure of a set shows.
[[nodiscard]] BarChart counter_chart(const Quantities& run, const EventSet& set);

}  // namespace patchbench::analysis
