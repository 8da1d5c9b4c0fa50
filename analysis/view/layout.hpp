// analysis/view/layout.hpp - how much of a difference between strategies may be layout: the same
// sends with their sites at each place modulo a cache line.
#pragma once

#include "analysis/quantity/quantities.hpp"
#include "analysis/render/document.hpp"

namespace patchbench::analysis {

/// Of workloads whose cases differ in the parameter `offset`: a row for each strategy, with where
/// its sends cost least and most and the spread between, beside the spread between strategies at
/// one offset, and the baseline against itself. Empty where the run has no two offsets.
[[nodiscard]] Section layout_section(const Quantities& run);

}  // namespace patchbench::analysis
