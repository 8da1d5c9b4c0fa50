#include "workloads/vma.hpp"

#include <cstdlib>
#include <fstream>
#include <limits>

#include <sys/wait.h>
#include <unistd.h>

#include "workloads/seeded_random.hpp"

namespace patchbench {
namespace {

constexpr std::size_t kSingles = 32;  // pages that are changed alone
/// What the allocator, the views of a zone or a snapshot map meanwhile must not be what fails.
constexpr std::int64_t kRoom = 64;

std::int64_t most_mappings() {
  std::int64_t most = 0;
  if (!(std::ifstream("/proc/sys/vm/max_map_count") >> most)) {
    return std::numeric_limits<std::int64_t>::max();
  }
  return most;
}

[[noreturn]] void throw_no_room(std::size_t islands, std::string_view what_happened) {
  const std::size_t needed = 2 * islands + 1;
  throw Unsupported(
      "islands=" + std::to_string(islands) + " make " + std::to_string(needed) +
      " mappings of the zone: " + std::string{what_happened} + "; vm.max_map_count is " +
      std::to_string(most_mappings()) +
      " for all mappings of a process: sysctl vm.max_map_count=" + std::to_string(4 * needed));
}

}  // namespace

IslandPlan plan_islands(std::size_t wanted_pages, std::size_t islands, std::uint64_t seed) {
  IslandPlan plan;
  // Behind the islands, and one page that keeps the last of them from the zone's end.
  const std::size_t spare = 2 * kSingles + 1;
  plan.pages = std::max(wanted_pages, 2 * islands + spare);
  const std::size_t places = (plan.pages - spare) / 2;
  plan.is_island.assign(plan.pages, false);
  for (std::size_t i = 0; i < islands; ++i) {
    const std::size_t page = 2 * (i * places / islands) + 1;
    plan.islands.push_back(static_cast<std::uint32_t>(page));
    plan.is_island[page] = true;
  }
  for (std::size_t i = 0; i < kSingles; ++i) {
    plan.singles.push_back(static_cast<std::uint32_t>(plan.pages - spare + 2 * i + 1));
  }
  SeededRandom random{seed};
  random.shuffle(plan.islands);
  return plan;
}

PageCode::PageCode() {
  for (unsigned version = 0; version < code_.size(); ++version) {
    for (std::size_t kind = 0; kind < kKinds; ++kind) {
      const std::array addends = {static_cast<std::uint16_t>(answer(kind, version))};
      code_[version].push_back(send::NativeArchitecture::emit_sum(addends));
    }
  }
}

std::size_t possible_islands(const CellRequest& request) {
  const std::size_t islands = count_parameter(request, "islands");
  const auto used = count_vmas(0, kEndOfAddresses);
  const std::int64_t needed = 2 * static_cast<std::int64_t>(islands) + 1;
  if (!used || *used + needed + kRoom <= most_mappings()) return islands;
  std::size_t made = 0;
  {
    const Mapping addresses = Mapping::reserved((2 * islands + 1) * page_size(), {});
    std::byte* page = addresses.bytes() + page_size();
    while (made < islands && mprotect(page, page_size(), PROT_READ) == 0) {
      page += 2 * page_size();
      ++made;
    }
  }
  if (made < islands) throw_too_many_islands(islands, made);
  throw_no_room(islands, "they leave fewer than " + std::to_string(kRoom) +
                             " for what a process maps besides");
}

void throw_too_many_islands(std::size_t islands, std::size_t made) {
  throw_no_room(islands, "mprotect failed with ENOMEM after " + std::to_string(made) + " islands");
}

void require_room_beside_islands(std::size_t islands) {
  const auto used = count_vmas(0, kEndOfAddresses);
  if (!used || *used + kRoom <= most_mappings()) return;
  throw_no_room(islands, "the process has " + std::to_string(*used) +
                             " with them, and this case takes up to " + std::to_string(kRoom) +
                             " more");
}

pid_t fork_and_leave() noexcept {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  return child;
}

std::optional<int> exit_status_of(int (*answer)(void* self) noexcept, void* self) {
  const pid_t child = fork();
  if (child == 0) _exit(answer(self));
  if (child < 0) throw_errno("fork");
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? std::optional(WEXITSTATUS(status)) : std::nullopt;
}

void wait_for_child(pid_t child) noexcept {
  while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
}

bool is_resident(ExecAddress page) {
  unsigned char resident = 0;
  if (mincore(reinterpret_cast<void*>(page.value()), page_size(), &resident) != 0) {
    throw_errno("mincore");
  }
  return (resident & 1U) != 0;
}

WorkloadInfo Vma::info() {
  return {
      .id = std::string{kId},
      .summary =
          "a zone of one mapping against one that pages of another protection split, and "
          "snapshots of it rolled back",
      .parameters = {{.name = "islands",
                      .summary = "pages of another protection, or modified since a snapshot",
                      .default_value = "100",
                      .standard_grid = {"0", "1", "100", "1000", "10000", "30000", "32767"},
                      .quick_grid = {"0", "100"},
                      .min = 0,
                      .max = 10'000'000,
                      .choices = {},
                      .growth = {.ms = 6, .toggling_ms = 8}},
                     {.name = "kib",
                      .summary = "of the zone in KiB; two pages for each island if that is more",
                      .default_value = "2048",
                      .standard_grid = {"2048"},
                      .quick_grid = {"2048"},
                      .min = 4,
                      .max = 1 << 20,
                      .choices = {},
                      .in_id = false,
                      .growth = {.ms = 6, .toggling_ms = 6}}},
      .metrics = {"vma_split", "vma_protect_page", "vma_protect_all", "vma_fork", "vma_touch",
                  "vma_rollback_copy", "vma_rollback_mprotect", "vma_snapshot",
                  "vma_rollback_dontneed", "vma_rollback_remap", "vma_punch", "vma_teardown"},
      .headline = std::vector<Headline>{},
      .small_grid = {{"islands", "100"}}};
}

}  // namespace patchbench
