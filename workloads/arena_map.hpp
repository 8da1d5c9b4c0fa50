// workloads/arena_map.hpp - the places inside a case's arena, the same for every strategy.
//
// Code and the data it addresses relative to the instruction pointer lie within 2 GiB. The writable
// view stands at a fixed power of two behind the executable one (Cahalan's wish of 2007: RW = RX +
// 2^32).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "strategies/code_zone.hpp"
#include "workloads/workload.hpp"

namespace patchbench {

inline constexpr std::size_t kArenaSize = std::size_t{8} << 30U;
/// Each area begins fewer than this many pages behind its place.
inline constexpr std::size_t kAreaOffsetPages = 256;
/// 1 GiB less the largest offset with 64 KiB pages.
inline constexpr std::size_t kCodeRoom = (std::size_t{1} << 30U) - kAreaOffsetPages * 65536;

/// The most that --zone may reserve: cells and method cache must stay within 2 GiB of the code.
inline constexpr std::size_t kMostReserved = std::size_t{1} << 30U;
/// Of a chosen window so much is looked for, where --zone does not ask for more.
inline constexpr std::size_t kWindowedRoom = std::size_t{64} << 20U;
/// Unless another is asked for: writable view - executable one.
inline constexpr std::uintptr_t kAliasOffset = std::uintptr_t{1} << 32U;

struct ArenaMap {
  /// Everything lies in [base, base + kArenaSize), but for code, its cells and method cache in a
  /// chosen window, and a writable view at a chosen distance.
  std::uintptr_t base = 0;
  std::uintptr_t code = 0;
  std::uintptr_t cells = 0;
  std::uintptr_t method_cache = 0;
  std::uintptr_t receivers = 0;
  std::uintptr_t stream = 0;
  std::uintptr_t writable_code = 0;
  std::uintptr_t far_code = 0;  // out of the reach of direct branches from `code`
  std::uintptr_t writable_far_code = 0;
  std::size_t room = kCodeRoom;  // bytes for code, from `code` on
  ZoneOptions options = {};

  [[nodiscard]] Placement placement() const noexcept {
    return {.exec_at = code, .writable_at = writable_code};
  }
  [[nodiscard]] Placement far_placement() const noexcept {
    return {.exec_at = far_code, .writable_at = writable_far_code};
  }

  /// For a zone that holds `code_size` bytes of code. Throws std::system_error (ENOMEM) as
  /// require_memory() does, and Unsupported where the zone that was asked for is smaller than that,
  /// or leaves no room for what code addresses.
  [[nodiscard]] ZoneRequest zone_request(std::size_t code_size) const;
};

/// Where things go in `arena`; for Arena{0} in a free range that the kernel names now. Nothing is
/// mapped yet. Throws std::system_error when there is no such range, and names the window where a
/// chosen one is full.
[[nodiscard]] ArenaMap map_arena(Arena arena, const ZoneOptions& options = {});

/// Mappings that begin in it, as count_vmas().
[[nodiscard]] std::optional<std::int64_t> count_vmas_in_arena(const ArenaMap& arena);

/// Mappings inside the arena, from /proc/self/smaps. All zero where that cannot be read.
[[nodiscard]] MemoryUse memory_in_arena(const ArenaMap& arena);

}  // namespace patchbench
