// analysis/view/simulated.hpp - counts of a simulator or an emulator, in tables of their own.
//
// Nothing here is a time, and nothing here was measured on a processor: every table says so, and
// none of these counts stands in a table of measurements.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/quantity/quantities.hpp"
#include "analysis/render/document.hpp"

namespace patchbench::analysis {

inline constexpr std::string_view kSimulatedTitle =
    "Simulated counts (cachegrind / emulator), per send and per patch";

/// Whether the run asked for them, even if it got reasons only.
[[nodiscard]] bool has_simulated_counts(const Quantities& run);

/// A sentence: how far the counts of two runs agree.
[[nodiscard]] std::string how_simulated_counts_repeat(const results::Results& results);

/// For a terminal: sends and patches, every strategy, a section each, with what is missing and why.
/// Empty where the run has no simulated counts.
[[nodiscard]] std::vector<Section> simulated_summary(const Quantities& run);

/// Every cell and metric that was asked for. Without a table where the run has none.
[[nodiscard]] Section simulated_section(const Quantities& run);

/// The one thing of several runs that may stand side by side whatever ran them: instructions per
/// send and per patch, a group of columns for each run, named for its architecture. `runs` are at
/// least two, each with simulated counts.
[[nodiscard]] Document simulated_document(std::span<const results::Results> runs);

}  // namespace patchbench::analysis
