// analysis/view/result.hpp - what a person started a run for: cost and ratio of every strategy in
// the headline's columns, in the report and at the end of the run.
#pragma once

#include <string>
#include <vector>

#include "analysis/quantity/quantities.hpp"
#include "analysis/render/document.hpp"
#include "analysis/render/terminal.hpp"
#include "analysis/view/headline.hpp"

namespace patchbench::analysis {

/// The report's first section. Names of strategies that have a cell without architectural guarantee
/// in it are marked, with a footnote.
[[nodiscard]] Section result_section(const Quantities& run);

/// What of a dual mapping's patch is not the second view, for each column of patches that execute:
/// the strategies with a second view in it, and the ratio of the control rwx-translated to the
/// baseline there, with its interval: that much of their cost is the translation of the address.
/// Empty where the run has no such control, no such strategy, or does not know which strategies
/// write through a second view.
[[nodiscard]] std::vector<std::string> translation_footnotes(
    const Quantities& run, const std::vector<HeadlineColumn>& columns);

/// What the terminal shows when a run ends: alarms, the result, the strategies and then the
/// controls, what each mode of --publish costs against none where the run has several, why entries
/// are missing, and how to read it; then what the run says of itself, how much was counted and what
/// that says, and the simulated counts, where there are any. Of an emulated run, whose times mean
/// nothing, instead of costs how many cells of each strategy are ok.
[[nodiscard]] std::vector<Section> end_of_run(const Quantities& run);
[[nodiscard]] std::string terminal_table(const Quantities& run, const TerminalStyle& style = {});

}  // namespace patchbench::analysis
