#include "workloads/arena_map.hpp"

#include <cstdio>
#include <fstream>
#include <string>

#include <sys/mman.h>

#include "strategies/mapping.hpp"

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

}  // namespace

ArenaMap map_arena(Arena arena) {
  constexpr std::uintptr_t kGiB = std::uintptr_t{1} << 30U;
  const std::uintptr_t base = arena.base != 0 ? arena.base : free_range();
  return {.code = base,
          .cells = base + kGiB,
          .method_cache = base + kGiB + kGiB / 2,
          .receivers = base + 2 * kGiB,
          .stream = base + 3 * kGiB,
          .writable_code = base + 4 * kGiB};
}

MemoryUse memory_in_arena(std::uintptr_t base) {
  MemoryUse use;
  std::ifstream smaps("/proc/self/smaps");
  std::string line;
  bool inside = false;
  while (std::getline(smaps, line)) {
    unsigned long long begin = 0;
    unsigned long long end = 0;
    long long kib = 0;
    if (std::sscanf(line.c_str(), "%llx-%llx ", &begin, &end) == 2) {
      inside = begin >= base && end <= base + kArenaSize;
      if (inside) {
        ++use.vmas;
        use.mapped_kib += static_cast<std::int64_t>((end - begin) / 1024);
      }
    } else if (inside && std::sscanf(line.c_str(), "Rss: %lld kB", &kib) == 1) {
      use.rss_kib += kib;
    }
  }
  return use;
}

}  // namespace patchbench
