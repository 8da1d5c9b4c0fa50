#include "workloads/arena_map.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>

#include <sys/mman.h>

#include "strategies/address_window.hpp"
#include "strategies/cgroup.hpp"
#include "strategies/mapping.hpp"
#include "strategies/vmas.hpp"
#include "workloads/seeded_random.hpp"
#include "workloads/send/architecture.hpp"

namespace patchbench {
namespace {

std::uintptr_t free_range() {
  void* address =
      mmap(nullptr, kArenaSize, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (address == MAP_FAILED) {
    throw_errno("mmap (8 GiB of address space; RLIMIT_AS may be too small)");
  }
  munmap(address, kArenaSize);
  return reinterpret_cast<std::uintptr_t>(address);
}

/// Up to 255 pages, drawn from the arena's base: areas lie differently to each other in every
/// round, so that no round's way of sharing cache sets and predictor entries is taken for a
/// strategy's.
std::uintptr_t page_offset(std::uintptr_t base, std::uint64_t area) {
  SeededRandom random{std::uint64_t{base} + area};
  return static_cast<std::uintptr_t>(random.below(kAreaOffsetPages)) * page_size();
}

/// Any function of the program; which does not matter to a reach of 128 MiB or more.
std::uintptr_t program_code() { return reinterpret_cast<std::uintptr_t>(&page_offset); }

AddressWindow chosen_window(const ZoneOptions& options) {
  constexpr std::size_t kReach = send::NativeArchitecture::kMaxZoneSize;
  switch (options.window) {
    case CodeWindow::near:
      return window_around(program_code(), kReach);
    case CodeWindow::low2g:
      return low_2g();
    default:
      return {.first = options.window_at, .end = options.window_at + kReach};
  }
}

/// Code, cells and method cache leave the arena together, because code addresses the other two
/// relative to itself. They lie as they do there: areas begin differently in every round.
void move_to_window(ArenaMap& map, std::size_t alignment) {
  constexpr std::size_t kDataRoom = std::size_t{256} << 20U;
  constexpr std::size_t kDataReach = (std::size_t{3} << 30U) / 2;
  const std::size_t offset = page_offset(map.base, 0) / alignment * alignment;
  map.room = std::max(map.options.reserve, kWindowedRoom);
  map.code = require_free_in(chosen_window(map.options), map.room + offset, alignment) + offset;
  AddressWindow data = window_around(map.code, kDataReach);
  data.first = std::max(data.first, map.code + map.room);
  map.cells = require_free_in(data, 2 * kDataRoom, page_size()) + page_offset(map.base, 1);
  map.method_cache = map.cells + kDataRoom;
}

/// Of a mapping that begins there, as count_vmas() counts: where the kernel chose the arena's
/// place, it may put others beside and across its end.
bool is_in(const ArenaMap& arena, std::uint64_t begin) {
  const auto lies_in = [begin](std::uintptr_t from, std::size_t size) {
    return begin >= from && begin < from + size;
  };
  constexpr std::size_t kMostData = std::size_t{512} << 20U;
  return lies_in(arena.base, kArenaSize) || lies_in(arena.writable_code, arena.room) ||
         lies_in(arena.code, arena.room) ||
         (arena.options.window != CodeWindow::arena && lies_in(arena.cells, kMostData));
}

}  // namespace

ZoneRequest ArenaMap::zone_request(std::size_t code_size) const {
  constexpr std::size_t kKiB = 1024;
  const std::size_t size = require_memory(options.reserve == 0 ? code_size : options.reserve);
  if (size < code_size || size > std::max(code_size, kMostReserved)) {
    throw Unsupported("the zone has " + std::to_string(size / kKiB) + " KiB, and this case needs " +
                      std::to_string((code_size + kKiB - 1) / kKiB) + " to " +
                      std::to_string(kMostReserved / kKiB));
  }
  if (options.window != CodeWindow::arena && code_size > room) {
    throw Unsupported("the chosen window has room for " + std::to_string(room / kKiB) +
                      " KiB of code, and this case needs " + std::to_string(code_size / kKiB));
  }
  return {.size = size,
          .placement = placement(),
          .landing_pads = true,
          .committed = code_size,
          .pages = options.pages};
}

ArenaMap map_arena(Arena arena, const ZoneOptions& options) {
  constexpr std::uintptr_t kGiB = std::uintptr_t{1} << 30U;
  const std::uintptr_t base = arena.base != 0 ? arena.base : free_range();
  const std::size_t alignment = options.pages == Pages::base ? page_size() : kHugePage;
  const std::uintptr_t code = round_up(base + page_offset(base, 0), alignment);
  // Behind a zone that is larger than its room.
  const std::uintptr_t past_code = std::max(base + kGiB, code + options.reserve);
  ArenaMap map{.base = base,
               .code = code,
               .cells = past_code + page_offset(base, 1),
               .method_cache = past_code + kGiB / 2 + page_offset(base, 2),
               .receivers = base + 2 * kGiB + page_offset(base, 3),
               .stream = base + 3 * kGiB + page_offset(base, 4),
               .far_code = round_up(base + 6 * kGiB + page_offset(base, 5), alignment),
               .room = std::max(kCodeRoom, options.reserve),
               .options = options};
  map.writable_code = code + kAliasOffset;
  if (options.window != CodeWindow::arena) {
    move_to_window(map, alignment);
    // Something may lie there (a sanitizer's shadow, behind the first 2 GiB). The arena has room.
    const std::uintptr_t behind = map.code + kAliasOffset;
    if (free_in({behind, behind + map.room}, map.room, page_size())) map.writable_code = behind;
  }
  if (options.alias_offset != 0) map.writable_code = map.code + options.alias_offset;
  map.writable_far_code = map.far_code + kGiB;
  return map;
}

std::optional<std::int64_t> count_vmas_in_arena(const ArenaMap& arena) {
  auto count = count_vmas(arena.base, arena.base + kArenaSize);
  const auto add = [&](std::uintptr_t from, std::size_t size) {
    if (from - arena.base < kArenaSize || !count) return;
    const auto more = count_vmas(from, from + size);
    if (more) *count += *more;
  };
  add(arena.writable_code, arena.room);
  add(arena.code, arena.room);
  return count;
}

MemoryUse memory_in_arena(const ArenaMap& arena) {
  MemoryUse use;
  std::ifstream smaps("/proc/self/smaps");
  std::string line;
  bool inside = false;
  while (std::getline(smaps, line)) {
    unsigned long long begin = 0;
    unsigned long long end = 0;
    long long kib = 0;
    if (std::sscanf(line.c_str(), "%llx-%llx ", &begin, &end) == 2) {
      inside = is_in(arena, begin);
      if (inside) {
        ++use.vmas;
        use.mapped_kib += static_cast<std::int64_t>((end - begin) / 1024);
      }
    } else if (inside) {
      if (std::sscanf(line.c_str(), "Rss: %lld kB", &kib) == 1) {
        use.rss_kib += kib;
      } else if (std::sscanf(line.c_str(), "Pss: %lld kB", &kib) == 1) {
        use.pss_kib = std::max<std::int64_t>(use.pss_kib, 0) + kib;
      } else if (std::sscanf(line.c_str(), "Anonymous: %lld kB", &kib) == 1) {
        use.anon_kib = std::max<std::int64_t>(use.anon_kib, 0) + kib;
      } else if (std::sscanf(line.c_str(), "KernelPageSize: %lld kB", &kib) == 1) {
        use.page_kib = std::max<std::int64_t>(use.page_kib, kib);
      } else if (std::sscanf(line.c_str(), "AnonHugePages: %lld kB", &kib) == 1 ||
                 std::sscanf(line.c_str(), "ShmemPmdMapped: %lld kB", &kib) == 1 ||
                 std::sscanf(line.c_str(), "FilePmdMapped: %lld kB", &kib) == 1) {
        use.huge_kib = std::max<std::int64_t>(use.huge_kib, 0) + kib;
      }
    }
  }
  return use;
}

}  // namespace patchbench
