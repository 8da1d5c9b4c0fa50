// analysis/quantity/comparable.hpp - whether two runs' times may stand side by side.
#pragma once

#include <optional>
#include <string>

#include "results/model.hpp"

namespace patchbench::analysis {

/// Whether a run's times may be shown at all. An emulator's are those of the emulator: nothing
/// about a processor follows from them, not even a ratio.
[[nodiscard]] bool times_mean_something(const results::Context& context);

/// Empty where times, or ratios of times, of the two may be compared; otherwise why not, as the end
/// of a sentence ("the second is emulated: ..."). Of machines that merely differ see
/// why_processors_differ().
[[nodiscard]] std::optional<std::string> why_times_do_not_compare(const results::Context& first,
                                                                  const results::Context& second);

/// Empty where both ran on processors of one kind, or may have; otherwise what differs: "x86_64 and
/// aarch64". What costs more on another processor has not become slower, so there is no verdict on
/// it.
[[nodiscard]] std::optional<std::string> why_processors_differ(const results::Context& first,
                                                               const results::Context& second);

}  // namespace patchbench::analysis
