// harness/counting/emulated.hpp - children in which an emulator counts instructions.
#pragma once

#include <chrono>

#include "harness/counting/source.hpp"

namespace patchbench::harness {

/// Where the event opens and repeats (harness/counters/emulated_instructions.hpp). For machines
/// that are known to be emulated.
[[nodiscard]] FoundSource find_emulated(std::chrono::milliseconds timeout);

}  // namespace patchbench::harness
