// harness/plan/arena.hpp - where a round's cases put their memory.
//
// The same address for every case of a round, another one in each round: layout is then a noise
// that rounds average out, never a difference between strategies.
#pragma once

#include <cstdint>
#include <optional>

#include "harness/plan/plan.hpp"

namespace patchbench::harness {

/// A stretch of addresses to draw bases from.
struct ArenaRegion {
  std::uint64_t start = 0;
  std::uint64_t bytes = 0;
};

/// Far from where Linux puts programs, heaps and libraries with 47-bit and larger address spaces.
inline constexpr ArenaRegion kHighRegion = {0x2000'0000'0000, std::uint64_t{1} << 40U};
/// For smaller ones (39 bits on many AArch64 boards): above any heap, below any library.
inline constexpr ArenaRegion kLowRegion = {std::uint64_t{64} << 30U, std::uint64_t{64} << 30U};

/// A multiple of 2 MiB plus a multiple of 64 KiB below that, so that it is a page's start whatever
/// the page size, and so that huge-page alignment is not the same in every round.
[[nodiscard]] Arena random_arena(const ArenaRegion& region, SeededRandom& random);

/// Asks the kernel whether first and last page of such an arena (kArenaSize of
/// workloads/arena_map.hpp, of which a case maps only pieces) can be mapped; leaves nothing mapped.
[[nodiscard]] bool is_mappable(const Arena& arena);

/// The way to place rounds on this machine: in the high region, else in the low one. Empty when
/// neither can be mapped; the kernel then chooses (no_arena), and layout is a source of noise
/// inside a round.
[[nodiscard]] std::optional<ChooseArena> find_arena();

[[nodiscard]] Arena no_arena(SeededRandom& random);

}  // namespace patchbench::harness
