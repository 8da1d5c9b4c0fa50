// analysis/view/simulated.hpp - counts of a simulator or an emulator, in tables of their own.
//
// Nothing here is a time, and nothing here was measured on a processor: every table says so, and
// none of these counts stands in a table of measurements.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "analysis/render/document.hpp"
#include "results/model.hpp"

namespace patchbench::analysis {

inline constexpr std::string_view kSimulatedTitle =
    "Simulated counts (cachegrind / emulator), per send and per patch";

[[nodiscard]] bool is_simulated(const results::Counter& counter);
/// Whether the run asked for them, even if it got reasons only.
[[nodiscard]] bool has_simulated_counts(const results::Results& results);

/// nullptr where the cell has none.
[[nodiscard]] const results::Counter* find_simulated(const results::Cell& cell,
                                                     std::string_view name, std::string_view per);

/// Two decimals below 1,000: "22.44"; never "-0.00".
[[nodiscard]] std::string exact_number(double value);

/// A sentence: how far the counts of two runs agree.
[[nodiscard]] std::string how_simulated_counts_repeat(const results::Results& results);

/// For a terminal of `width` columns: sends and patches, every strategy, with what is missing and
/// why. Empty where the run has no simulated counts.
[[nodiscard]] std::string simulated_terminal_table(const results::Results& results,
                                                   std::size_t width);

/// Every cell and metric that was asked for. Without a table where the run has none.
[[nodiscard]] Section simulated_section(const results::Results& results);

/// The one thing of several runs that may stand side by side whatever ran them: instructions per
/// send and per patch, a group of columns for each run, named for its architecture. `runs` are at
/// least two, each with simulated counts.
[[nodiscard]] Document simulated_document(std::span<const results::Results> runs);

}  // namespace patchbench::analysis
