// analysis/view/answer_screen.hpp - the answer as a run ends with it: on one screen.
#pragma once

#include <string>

#include "analysis/quantity/answer.hpp"
#include "analysis/render/terminal.hpp"

namespace patchbench::analysis {

/// With the line that names the report a run ends with fifteen.
inline constexpr int kScreenLines = 14;

/// What to use here and what that rests on, in at most kScreenLines lines from 80 columns on,
/// however many strategies the run has. What has no room is left to the report: columns of the
/// table from the policies on, then what the notes say twice, then strategies beyond the first six.
/// The baseline and what is recommended keep their rows.
[[nodiscard]] std::string terminal_answer(const Quantities& run, const results::Answer& answer,
                                          const TerminalStyle& style = {});

}  // namespace patchbench::analysis
