// analysis/view/draws_test.hpp - for tests that draw what they made.
#pragma once

#include "analysis/view/figures.hpp"
#include "results/scratch_test.hpp"

namespace patchbench::analysis {

/// True when gnuplot is here and drew a whole SVG and a PDF without a word; a complaint fails the
/// test.
bool draws(const Figure& figure, const results::ScratchDirectory& scratch);

}  // namespace patchbench::analysis
