#include "harness/plan/arena.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include "workloads/arena_map.hpp"

namespace patchbench::harness {
namespace {

Arena high_arena(SeededRandom& random) { return random_arena(kHighRegion, random); }
Arena low_arena(SeededRandom& random) { return random_arena(kLowRegion, random); }

bool page_is_mappable(std::uintptr_t address, std::size_t page) {
  void* wanted = reinterpret_cast<void*>(address);
  void* got =
      mmap(wanted, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  if (got == MAP_FAILED) return false;
  munmap(got, page);
  return got == wanted;  // kernels before 4.17 take the flag for a hint
}

}  // namespace

Arena random_arena(const ArenaRegion& region, SeededRandom& random) {
  constexpr std::uint64_t kCoarse = std::uint64_t{2} << 20U;
  constexpr std::uint64_t kFine = std::uint64_t{64} << 10U;
  const std::uint64_t coarse = random.below(region.bytes / kCoarse);
  const std::uint64_t fine = random.below(kCoarse / kFine);
  return Arena{.base = region.start + (coarse * kCoarse) + (fine * kFine)};
}

bool is_mappable(const Arena& arena) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return page_is_mappable(arena.base, page) &&
         page_is_mappable(arena.base + kArenaSize - page, page);
}

std::optional<ChooseArena> find_arena() {
  for (const ChooseArena choose : {&high_arena, &low_arena}) {
    SeededRandom random(1);  // any place of the region stands for all
    if (is_mappable(choose(random))) return choose;
  }
  return std::nullopt;
}

Arena no_arena(SeededRandom& /*random*/) { return Arena{}; }

}  // namespace patchbench::harness
