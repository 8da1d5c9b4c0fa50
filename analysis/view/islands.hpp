// analysis/view/islands.hpp - what it costs that a zone is many mappings: operations on it over the
// number of pages of another protection (islands), and of pages that were modified since a
// snapshot.
//
// Which metrics these are the run itself says (results::MetricEntry::over_islands).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "analysis/quantity/quantities.hpp"
#include "analysis/render/chart.hpp"
#include "analysis/render/document.hpp"

namespace patchbench::analysis {

/// A row for each strategy and operation, a column for each number of islands: the median over
/// rounds with its 95 % interval, and why there is none. Sentences say it of the baseline. Empty
/// where the run has no such metric.
[[nodiscard]] Section islands_section(const Quantities& run);

struct IslandsChart {
  LineChart chart;
  std::string caption;
};
/// One for each kind of operation, a panel for each of them, lines of strategies over the number of
/// islands. Empty where the run has one number.
[[nodiscard]] std::vector<IslandsChart> islands_charts(const Quantities& run);

}  // namespace patchbench::analysis
