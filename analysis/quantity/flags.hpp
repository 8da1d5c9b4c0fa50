// analysis/quantity/flags.hpp - what a run says of its own series, in words.
#pragma once

#include <string>
#include <vector>

#include "results/model.hpp"

namespace patchbench::analysis {

/// "drifts", "bimodal", and the same of the ratio, which may be null: what is flagged of them.
[[nodiscard]] std::vector<std::string> flag_words(const results::Metric& metric,
                                                  const results::Ratio* ratio);

/// How many series drift or have several modes. Empty where no series was long enough to tell, as
/// in files written before there were flags.
[[nodiscard]] std::string flags_sentence(const results::Results& results);

/// Whether the verdicts were corrected for their number; not so in files written before.
[[nodiscard]] bool verdicts_corrected(const results::Results& results);

}  // namespace patchbench::analysis
