// analysis/view/translation.hpp - what of a dual mapping's patch is not the second view.
#pragma once

#include <string>
#include <vector>

#include "analysis/view/headline.hpp"

namespace patchbench::analysis {

/// For each column of patches that execute: the strategies with a second view in it, and the ratio
/// of the control rwx-translated to the baseline there, with its interval: that much of their cost
/// is the translation of the address. Empty where the run has no such control, no such strategy, or
/// does not know which strategies write through a second view.
[[nodiscard]] std::vector<std::string> translation_footnotes(
    const Quantities& run, const std::vector<HeadlineColumn>& columns);

}  // namespace patchbench::analysis
