// harness/calibration.hpp - how fast this processor runs right now.
//
// Each child calibrates before and after its measurements; where the two differ, frequency or a
// neighbour changed meanwhile and the sample is suspect.
#pragma once

#include <cstdint>

namespace patchbench::harness {

/// `count` 64-bit multiplications, each waiting for the one before it. Multiplications, because
/// chains of additions disappear in the renamer of current processors. One implementation for each
/// architecture: calibration_x86_64.cpp, calibration_aarch64.cpp.
void multiply_chain(std::uint64_t count) noexcept;

/// Nanoseconds a dependent multiplication takes: the fastest of a few chains, because an interrupt
/// only ever makes one slower. Takes about a millisecond.
[[nodiscard]] double calibrate() noexcept;

}  // namespace patchbench::harness
