// analysis/view/new_code.hpp - what it costs to install methods: each case with its page faults and
// its memory, and a method apart from its bytes.
#pragma once

#include <string>
#include <vector>

#include "analysis/quantity/quantities.hpp"
#include "analysis/render/document.hpp"

namespace patchbench::analysis {

/// The metrics of the run that say what new code costs, in its order: first what happens at install
/// time.
[[nodiscard]] std::vector<std::string> installing_metrics(const Quantities& run);

/// For every workload that has such a metric. First a row for each case: the ratio of a method to
/// the baseline, in a zone that is there and in one that is made for it, with the page faults that
/// were counted, and the memory that holds the methods. Then, where sizes differ, the line through
/// the smallest and the largest: what a method costs, and what a KiB of it. Empty where the run has
/// none of it.
[[nodiscard]] std::vector<Section> new_code_sections(const Quantities& run);

}  // namespace patchbench::analysis
