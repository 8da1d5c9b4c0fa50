// What a zone may be asked for beside its strategy: how much is committed, on which pages it lies,
// and at which distance it is written.
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <system_error>

#include <patchbench_catch.hpp>
#include <sys/mman.h>
#include <sys/stat.h>

#include "controls.hpp"
#include "emulator_test.hpp"
#include "every_zone_test.hpp"
#include "prefault.hpp"
#include "process_memory_test.hpp"
#include "tiny_code_test.hpp"

namespace patchbench::testing {
namespace {

constexpr std::size_t kGiB = kMiB * 1024;

std::size_t allocated(const Fd& file) {
  struct stat status {};
  REQUIRE(fstat(file.get(), &status) == 0);
  return static_cast<std::size_t>(status.st_blocks) * 512;  // stat(2)
}

/// Of the line `name` in /proc/meminfo, or of the mappings in [begin, end) in /proc/self/smaps.
std::size_t meminfo_kib(const std::string& name) {
  std::ifstream in("/proc/meminfo");
  std::string word;
  std::size_t kib = 0;
  while (in >> word) {
    if (word == name + ":" && in >> kib) return kib;
  }
  return 0;
}

std::size_t smaps_kib(std::uintptr_t address, const std::string& name) {
  std::ifstream in("/proc/self/smaps");
  bool here = false;
  std::size_t kib = 0;
  for (std::string line; std::getline(in, line);) {
    unsigned long begin = 0;
    unsigned long end = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &begin, &end) == 2) {
      here = begin <= address && address < end;
    } else if (here && line.starts_with(name + ":")) {
      kib += std::stoul(line.substr(name.size() + 1));
    }
  }
  return kib;
}

/// What is behind that address on larger pages, of whichever kind of memory.
std::size_t huge_kib(std::uintptr_t address) {
  return smaps_kib(address, "AnonHugePages") + smaps_kib(address, "ShmemPmdMapped") +
         smaps_kib(address, "FilePmdMapped");
}

TEST_CASE("a file that is reserved is not allocated, and what is committed is") {
  setenv("PATCHBENCH_EXEC_DIR", "/dev/shm", 1);
  const ZoneRequest request{.size = kGiB, .committed = 64 * kKiB};
  const auto check = [](const Fd& file) {
    struct stat status {};
    REQUIRE(fstat(file.get(), &status) == 0);
    CHECK(status.st_size == static_cast<off_t>(kGiB));
    CHECK(allocated(file) >= 64 * kKiB);
    CHECK(allocated(file) < kMiB);
  };
  check(executable_memfd("patchbench-test", request));
  check(posix_shm(request));
  check(open_executable_file(request).file);
  CHECK(allocated(executable_memfd("patchbench-test", 4 * kMiB)) == 4 * kMiB);
}

TEST_CASE("every zone of a GiB of which little is committed takes little memory and works") {
  setenv("PATCHBENCH_EXEC_DIR", "/dev/shm", 1);
  for_each_zone([]<class Zone>(std::type_identity<Zone> /*zone*/) {
    INFO("the zone of " << strategies_with<Zone>());
    if constexpr (is_made_by_library<Zone>()) return;
    const std::size_t before = meminfo_kib("Shmem");
    Zone zone{ZoneRequest{.size = kGiB, .committed = 64 * kKiB}};
    CHECK(zone.size() == kGiB);
    CHECK(patches_and_executes(zone, zone.exec()));
    CHECK(patches_and_executes(zone, zone.exec() + (64 * kKiB - sizeof(CodeWord))));
    // Half, because other processes have shared memory too.
    CHECK(meminfo_kib("Shmem") < before + kGiB / kKiB / 2);
    commit(zone, kMiB);
    commit(zone, 64 * kKiB);  // less than before
    CHECK(patches_and_executes(zone, zone.exec() + (kMiB - sizeof(CodeWord))));
    CHECK(call(zone.exec()) == 2);
  });
}

TEST_CASE("a descriptor is kept only while there is something to commit") {
  const Holdings before = holdings();
  const auto descriptors = [&before] {
    std::size_t count = 0;
    for (const std::string& gained : gained_since(before)) {
      count += gained.find("r-xs") == std::string::npos && gained.find("rw-s") == std::string::npos
                   ? 1U
                   : 0U;
    }
    return count;
  };
  {
    const MemfdDualZone whole{ZoneRequest{.size = kMiB}};
    CHECK(descriptors() == 0);
    const MemfdDualZone part{ZoneRequest{.size = kMiB, .committed = 1}};
    CHECK(descriptors() == 1);
  }
  CHECK(gained_since(before).empty());
}

TEST_CASE("a copy after fork has what was committed, and can commit more") {
  MemfdDualZone zone{ZoneRequest{.size = kGiB, .committed = 64 * kKiB}};
  CHECK(patches_and_executes(zone, zone.exec()));
  zone.isolate_after_fork();
  CHECK(call(zone.exec()) == 2);
  commit(zone, kMiB);
  CHECK(patches_and_executes(zone, zone.exec() + (kMiB - sizeof(CodeWord))));
}

TEST_CASE(
    "every zone is mapped with all of its pages where that is asked for, or refuses by name") {
  setenv("PATCHBENCH_EXEC_DIR", "/dev/shm", 1);
  for_each_zone([]<class Zone>(std::type_identity<Zone> /*zone*/) {
    INFO("the zone of " << strategies_with<Zone>());
    try {
      Zone zone{ZoneRequest{.size = 4 * kMiB, .populate = true}};
      if constexpr (Zone::kAlias == AliasKind::second_view && !is_staged<Zone>()) {
        if (!in_qemu_user()) CHECK(smaps_kib(zone.exec().value(), "Rss") == 4 * kKiB);
      }
      // Also where anonymous memory would have larger ones from its first touch.
      CHECK(huge_kib(zone.exec().value()) == 0);
      CHECK(patches_and_executes(zone, zone.exec()));
      CHECK(patches_and_executes(zone, zone.exec() + (zone.size() - sizeof(CodeWord))));
    } catch (const std::system_error& refused) {
      INFO(refused.what());
      CHECK(refused.code() == std::errc::operation_not_supported);
    }
  });
}

TEST_CASE("pages of every zone are faulted in beforehand, and it works as before") {
  if (const std::string reason = why_no_prefaulting(); !reason.empty()) {
    WARN("not tested: " << reason);
    return;
  }
  setenv("PATCHBENCH_EXEC_DIR", "/dev/shm", 1);
  for_each_zone([]<class Zone>(std::type_identity<Zone> /*zone*/) {
    INFO("the zone of " << strategies_with<Zone>());
    Zone zone{ZoneRequest{.size = kMiB}};
    CHECK(patches_and_executes(zone, zone.exec()));
    prefault(zone, zone.exec(), zone.size());
    CHECK(call(zone.exec()) == 2);  // what is there stays
    if constexpr (!is_staged<Zone>()) {
      if (!in_qemu_user()) CHECK(smaps_kib(zone.exec().value(), "Rss") == kKiB);
    }
    CHECK(patches_and_executes(zone, zone.exec() + (zone.size() - sizeof(CodeWord))));
  });
}

TEST_CASE("larger pages are got where they are asked for, or refused by name") {
  setenv("PATCHBENCH_EXEC_DIR", "/dev/shm", 1);
  for_each_zone([]<class Zone>(std::type_identity<Zone> /*zone*/) {
    INFO("the zone of " << strategies_with<Zone>());
    try {
      Zone zone{ZoneRequest{.size = 3 * kMiB, .pages = Pages::transparent_huge}};
      CHECK(zone.size() == 4 * kMiB);
      CHECK(zone.exec().value() % kHugePage == 0);
      // qemu-user keeps most advice of madvise to itself.
      if (!in_qemu_user()) CHECK(has_vm_flag(zone.exec().value(), "hg"));
      CHECK(patches_and_executes(zone, zone.exec()));
      CHECK(patches_and_executes(zone, zone.exec() + (zone.size() - sizeof(CodeWord))));
      if constexpr (Zone::kAlias == AliasKind::second_view) {
        CHECK(zone.writable(zone.exec()).value() % kHugePage == 0);
      }
    } catch (const std::system_error& refused) {
      INFO(refused.what());
      const int error = refused.code().value();
      CHECK((error == EOPNOTSUPP || error == EINVAL));
      CHECK_FALSE(std::string(refused.what()).empty());
    }
  });
}

/// MADV_COLLAPSE is newer than the oldest kernels that this runs on, and huge pages can be left out
/// of a kernel.
bool can_collapse() {
  try {
    const Mapping memory = Mapping::anonymous(
        kHugePage, PROT_READ | PROT_WRITE,
        Place{0, ZoneRequest{.size = kHugePage, .pages = Pages::transparent_huge}});
    return huge_kib(reinterpret_cast<std::uintptr_t>(memory.address())) == kHugePage / kKiB;
  } catch (const std::system_error& refused) {
    WARN(kSkipped << "huge pages, because " << refused.what());
    return false;
  }
}

template <class Zone>
void check_both_views_are_huge() {
  INFO("the zone of " << strategies_with<Zone>());
  Zone zone{ZoneRequest{.size = 4 * kMiB, .pages = Pages::transparent_huge}};
  CHECK(huge_kib(zone.exec().value()) == 4 * kKiB);
  CHECK(huge_kib(zone.writable(zone.exec()).value()) == 4 * kKiB);
  CHECK(patches_and_executes(zone, zone.exec()));
}

TEST_CASE("both views of shared memory get huge pages") {
  if (!can_collapse()) return;
  check_both_views_are_huge<MemfdDualZone>();
  check_both_views_are_huge<PosixShmDualZone>();
  check_both_views_are_huge<MremapAliasZone>();
  check_both_views_are_huge<RwxZone>();
}

/// The kernel looks for huge pages in mappings of shmem's own operations, and attachments have
/// those of SysV.
TEST_CASE("a System V segment has no transparent huge pages, and says which call refused") {
  if (!can_collapse()) return;
  try {
    check_both_views_are_huge<SysvShmZone>();
    WARN("this kernel has transparent huge pages for System V segments");
  } catch (const std::system_error& refused) {
    CHECK(refused.code().value() == EINVAL);
    CHECK(std::string(refused.what()).starts_with("madvise (MADV_COLLAPSE)"));
  }
}

TEST_CASE("of a large zone only what is committed gets huge pages at once") {
  if (!can_collapse()) return;
  const MemfdDualZone zone{
      ZoneRequest{.size = 64 * kMiB, .committed = kMiB, .pages = Pages::transparent_huge}};
  CHECK(huge_kib(zone.exec().value()) == 2 * kKiB);
}

template <class Zone>
void check_refuses_larger_pages() {
  INFO("the zone of " << strategies_with<Zone>());
  for (const Pages pages : {Pages::transparent_huge, Pages::hugetlb}) {
    try {
      const Zone zone{ZoneRequest{.size = kMiB, .pages = pages}};
      FAIL_CHECK("larger pages are granted");
    } catch (const std::system_error& refused) {
      CHECK(refused.code().value() == EOPNOTSUPP);
      CHECK(std::string(refused.what()).find("page") != std::string::npos);
    }
  }
}

TEST_CASE("zones that change single pages refuse larger ones") {
  check_refuses_larger_pages<MprotectToggleZone>();
  check_refuses_larger_pages<RxRwxToggleZone>();
  check_refuses_larger_pages<SharedMemfdToggleZone>();
  check_refuses_larger_pages<RemapSwapZone>();
  check_refuses_larger_pages<OndemandViewZone>();
  check_refuses_larger_pages<AsmjitDualZone>();
}

/// Without a pool of them that is a refusal; with one, KernelPageSize tells.
template <class Zone>
void check_pool() {
  INFO("the zone of " << strategies_with<Zone>());
  try {
    Zone zone{ZoneRequest{.size = 3, .pages = Pages::hugetlb}};
    CHECK(zone.size() == kHugePage);
    CHECK(smaps_kib(zone.exec().value(), "KernelPageSize") == kHugePage / kKiB);
    CHECK(patches_and_executes(zone, zone.exec()));
  } catch (const std::system_error& refused) {
    INFO(refused.what());
    const int error = refused.code().value();
    CHECK(meminfo_kib("HugePages_Free") == 0);
    CHECK((error == ENOMEM || error == ENOSPC || error == EINVAL || error == ENOENT));
  }
}

TEST_CASE("pages of the pool are what is mapped, or the refusal of an empty pool") {
  check_pool<RwxZone>();
  check_pool<MemfdDualZone>();
  check_pool<SysvShmZone>();
  check_pool<ZoneToggleZone>();
}

TEST_CASE("files have no pages of the pool") {
  for (const auto& make : {+[] { PosixShmDualZone{{.size = 1, .pages = Pages::hugetlb}}; },
                           +[] { FileDualZone{{.size = 1, .pages = Pages::hugetlb}}; }}) {
    try {
      make();
      FAIL_CHECK("granted");
    } catch (const std::system_error& refused) {
      CHECK(refused.code().value() == EOPNOTSUPP);
      CHECK(std::string(refused.what()).find("file system") != std::string::npos);
    }
  }
}

TEST_CASE("a place that is no multiple of a huge page is refused for them") {
  const std::uintptr_t place = free_place(8 * kMiB) + page_size();
  try {
    const RwxZone zone{
        ZoneRequest{.size = 1, .placement = {.exec_at = place}, .pages = Pages::transparent_huge}};
    FAIL_CHECK("granted");
  } catch (const std::system_error& refused) {
    CHECK(refused.code().value() == EINVAL);
  }
}

TEST_CASE("a constant distance needs no zone to find the writable address") {
  using Zone = ConstantDistanceZone;
  STATIC_REQUIRE(noexcept(Zone::writable(ExecAddress{})));
  Zone zone{ZoneRequest{.size = 1}};
  CHECK(Zone::writable(zone.exec()).value() == zone.exec().value() + (std::uintptr_t{1} << 32U));
  CHECK(patches_and_executes(zone, zone.exec()));
  const std::uintptr_t place = free_place(16 * kMiB);
  try {
    const Zone elsewhere{
        ZoneRequest{.size = 1, .placement = {.exec_at = place, .writable_at = place + kMiB}}};
    FAIL_CHECK("another distance is granted");
  } catch (const std::system_error& refused) {
    CHECK(refused.code().value() == EINVAL);
  }
}

}  // namespace
}  // namespace patchbench::testing
