// harness/counting/simulated.hpp - --counters=simulated: counts of a model, where no processor's
// own counters are to be had or believed.
#pragma once

#include "harness/counting/source.hpp"

namespace patchbench::harness {

/// Inside a whole-system emulator its own count of instructions, elsewhere cachegrind.
[[nodiscard]] FoundSource find_simulated(const results::Context& context,
                                         std::chrono::milliseconds timeout);

}  // namespace patchbench::harness
