// analysis/view/publishing.hpp - what patches end with (bench-run --publish): the modes of one run
// side by side, and what each costs against none.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "analysis/quantity/quantities.hpp"
#include "analysis/render/document.hpp"
#include "analysis/view/headline.hpp"

namespace patchbench::analysis {

/// How the note begins that cells have which write through a second view and serialise nothing.
inline constexpr std::string_view kNoGuarantee = "no architectural guarantee";

[[nodiscard]] bool lacks_guarantee(const results::Cell& cell);

/// The default has no name in the parameters: "none".
[[nodiscard]] std::string publish_mode(const results::Params& params);
[[nodiscard]] results::Params without_mode(const results::Params& params);

/// The parameter sets of a workload that differ from `params` in their mode at most, in the order
/// of the run.
[[nodiscard]] std::vector<results::Params> modes_of(const Quantities& run,
                                                    std::string_view workload,
                                                    const results::Params& params);

/// What a mode costs against none: the same strategy, workload and other parameters, paired by
/// round.
struct ModeRatio {
  std::string workload;
  results::Params params;  // of the mode
  std::string strategy;
  results::Ratio ratio;
};

/// Of every strategy (no control), metric and mode but none. As the ratios to the baseline
/// (analysis/quantity/summarise.hpp): the same intervals, verdicts held against the ratio of
/// `again` to the baseline, in the mode or in none, whichever reaches further from 1, and corrected
/// for the number of a workload's mode ratios. Empty where a run has no second mode, or not none.
[[nodiscard]] std::vector<ModeRatio> mode_ratios(const Quantities& run);

/// nullptr where there is none.
[[nodiscard]] const results::Ratio* find_mode_ratio(const std::vector<ModeRatio>& ratios,
                                                    const Quantity& time);

/// Modes in which the baseline has no measured cell, and why: "serialize: unsupported: ...".
[[nodiscard]] std::vector<std::string> missing_modes(const Quantities& run);

/// The headline's patches in every mode. Without a table where mode_ratios() has nothing.
[[nodiscard]] Section publishing_section(const Quantities& run);
/// The same of every cell; without a table where that is no more.
[[nodiscard]] Section publishing_details(const Quantities& run);

}  // namespace patchbench::analysis
