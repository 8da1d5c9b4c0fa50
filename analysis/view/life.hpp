// analysis/view/life.hpp - what the steps in the life of a send site cost, one after the other, and
// changes of everything at once.
//
// Which metrics these are the run itself says (results::MetricEntry::leads_to and in_bulk).
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "analysis/quantity/quantities.hpp"
#include "analysis/render/chart.hpp"
#include "analysis/render/document.hpp"

namespace patchbench::analysis {

/// A row for each case with steps; a row for each case in which everything is changed at once; and
/// a row for each strategy whose open PICs were measured beside a lookup that all selectors share.
/// Empty where the run has none of it.
[[nodiscard]] std::vector<Section> life_sections(const Quantities& run);

inline constexpr std::string_view kStepsCaption =
    "Each point is the median over rounds, with its 95 % interval, of a send whose class the site "
    "has not met before, in ns: it misses, and the site takes the step to the state below. The "
    "lookup of the method and its execution are part of it, and so is the compiler's work where "
    "code is emitted inside the miss.";

/// Over the states, a panel for each case. Empty where the run has fewer than two steps.
[[nodiscard]] std::optional<LineChart> steps_chart(const Quantities& run);

}  // namespace patchbench::analysis
