// analysis/view/how_measured.hpp - where a run's time went, how quiet it was, and what became of
// samples that were not.
#pragma once

#include <string>
#include <vector>

#include "analysis/quantity/quantities.hpp"
#include "analysis/render/document.hpp"

namespace patchbench::analysis {

/// Empty where the run does not tell (it is older than these numbers).
[[nodiscard]] std::string time_sentence(const results::Run& run);

/// How many samples are flagged, and how many verdicts hang on them. Empty where the run does not
/// tell.
[[nodiscard]] std::string flagged_sentence(const results::Results& results);

/// Both, and a row for each ratio whose verdict is another without flagged samples.
[[nodiscard]] Section how_measured_section(const Quantities& run);

}  // namespace patchbench::analysis
