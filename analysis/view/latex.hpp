// analysis/view/latex.hpp - a run's numbers for a LaTeX document that types none.
#pragma once

#include <string>

#include "analysis/quantity/quantities.hpp"

namespace patchbench::analysis {

/// numbers.tex, for patchbench.sty (render/latex.hpp). A line for each value:
///
///   \pbset{mic/indirect-cell/sites=16384}{send}{ratio}{1.21}
///
/// CASE is workload/strategy/parameters, with all parameters or with any of them that tell it from
/// the workload's others, in the run's order; none, where there is one case. WHAT is `value` (with
/// its unit), and of what has a ratio to the baseline `ratio`, `low`, `high`, `interval` (95 %),
/// `verdict` and `rounds`. Of what was counted METRIC is what it is counted for and WHAT is
/// EVENT:SCOPE. Counts that a simulator or an emulator made have that word in their text, so that
/// none is typeset without it.
///
/// A case without values has a line \pblack{CASE}{why}. The run's facts are \pbset{run}{...}:
/// id, cpu, kernel, rounds, baseline.
[[nodiscard]] std::string numbers_as_latex(const Quantities& run);

}  // namespace patchbench::analysis
