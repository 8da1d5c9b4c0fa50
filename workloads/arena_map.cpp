#include "workloads/arena_map.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>

#include <sys/mman.h>

#include "strategies/mapping.hpp"
#include "workloads/seeded_random.hpp"

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

}  // namespace

ArenaMap map_arena(Arena arena) {
  constexpr std::uintptr_t kGiB = std::uintptr_t{1} << 30U;
  const std::uintptr_t base = arena.base != 0 ? arena.base : free_range();
  const std::uintptr_t code = base + page_offset(base, 0);
  const std::uintptr_t far_code = base + 6 * kGiB + page_offset(base, 5);
  return {.base = base,
          .code = code,
          .cells = base + kGiB + page_offset(base, 1),
          .method_cache = base + kGiB + kGiB / 2 + page_offset(base, 2),
          .receivers = base + 2 * kGiB + page_offset(base, 3),
          .stream = base + 3 * kGiB + page_offset(base, 4),
          .writable_code = code + 4 * kGiB,
          .far_code = far_code,
          .writable_far_code = far_code + kGiB};
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
      inside = begin >= arena.base && end <= arena.base + kArenaSize;
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
