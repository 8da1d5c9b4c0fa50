// harness/machine/calibration.hpp - how fast this processor runs right now, seen in two ways.
//
// Each child calibrates before its first measurement and after every one. Where calibrations
// differ, the state of the processor changed, and the sample between them is suspect. Two pieces of
// code, because no one of them sees everything:
// - Latency, a chain of dependent multiplications, sees the clock frequency and nearly nothing
//   else: it leaves most of the core idle, so that a neighbour on the core's other thread takes
//   nothing from it.
// - Throughput, a long straight block of independent instructions, sees the clock frequency too,
//   and besides who shares the core's front end, its cache of decoded operations and its execution
//   units.
#pragma once

#include <cstdint>
#include <optional>

namespace patchbench::harness {

/// `count` 64-bit multiplications, each waiting for the one before it. Multiplications, because
/// chains of additions disappear in the renamer of current processors. One implementation for each
/// architecture: calibration_x86_64.cpp, calibration_aarch64.cpp.
void multiply_chain(std::uint64_t count) noexcept;

/// Executes kBlockInstructions instructions in a row, about 24 KiB: nearly all that a first-level
/// instruction cache of 32 KiB holds, and as many operations as the largest caches of decoded ones.
/// None of them loads, stores or takes a branch. It begins at a multiple of 64 in every layout of
/// the executable. In the same files as multiply_chain.
void independent_block() noexcept;
inline constexpr std::uint64_t kBlockInstructions = 6144;

struct Calibration {
  /// ns a dependent multiplication takes. Empty where the clock is too coarse to tell.
  std::optional<double> latency_ns;
  /// ns that one instruction of independent_block() takes. Empty as above.
  std::optional<double> throughput_ns;
};

/// The fastest of a few runs of each piece, because an interrupt only ever makes one slower. Takes
/// about a quarter of a millisecond.
[[nodiscard]] Calibration calibrate() noexcept;

/// Means of the two; empty where either is.
[[nodiscard]] Calibration mean_of(const Calibration& one, const Calibration& other) noexcept;

}  // namespace patchbench::harness
