// analysis/view/answer.hpp - the answer as a person reads it: the same words on the terminal, in
// Markdown and at the head of the report.
#pragma once

#include "analysis/quantity/answer.hpp"
#include "analysis/render/document.hpp"

namespace patchbench::analysis {

/// What to use, then a row a strategy: sends of few and of many sites, a patch with its first
/// execution, where it is cheaper than the baseline, and which policies refuse it. `brief`: as
/// little as fits on a terminal; else with intervals.
[[nodiscard]] Section answer_section(const Quantities& run, const results::Answer& answer,
                                     bool brief);

/// What strategies cost under each profile that the answer is for.
[[nodiscard]] Section profiles_section(const results::Answer& answer);

/// From how many sends a patch on each strategy is the cheaper one.
[[nodiscard]] Section break_even_section(const Quantities& run, const results::Answer& answer);

}  // namespace patchbench::analysis
