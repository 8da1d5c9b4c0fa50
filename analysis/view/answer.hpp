// analysis/view/answer.hpp - the answer as a person reads it, in the report and in Markdown.
// view/answer_screen.hpp has that of the terminal, in the same words.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analysis/quantity/answer.hpp"
#include "analysis/quantity/break_even.hpp"
#include "analysis/render/document.hpp"
#include "analysis/view/table.hpp"

namespace patchbench::analysis {

/// The cases that the profiles of an answer stand on.
struct AnswerCases {
  std::vector<CostAt> sends;
  std::optional<CostAt> patch;
};

[[nodiscard]] AnswerCases cases_of(const Quantities& run, const results::Answer& answer);
/// Strategies without controls, in the order of presentation.
[[nodiscard]] std::vector<std::string> rows_of_answer(const Quantities& run);
/// "16,384 sites"
[[nodiscard]] std::string sites_text(const results::Params& params);
/// "<24", "never": of few and of many sites, once where both say the same.
[[nodiscard]] Entry cheaper_entry(const results::Answer& answer, const std::string& id);
/// What the signs of the table mean.
[[nodiscard]] std::string how_to_read_answer(const Quantities& run);

/// What to use, then a row a strategy: sends of few and of many sites, a patch with its first
/// execution, where it is cheaper than the baseline, and which policies refuse it.
[[nodiscard]] Section answer_section(const Quantities& run, const results::Answer& answer);

/// What strategies cost under each profile that the answer is for.
[[nodiscard]] Section profiles_section(const results::Answer& answer);

/// From how many sends a patch on each strategy is the cheaper one.
[[nodiscard]] Section break_even_section(const Quantities& run, const results::Answer& answer);

}  // namespace patchbench::analysis
