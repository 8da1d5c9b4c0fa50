#include "harness/policies/proofs.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/clock.hpp"
#include "strategies/apply_policy.hpp"
#include "strategies/code_zone.hpp"
#include "strategies/example/tiny_function.hpp"
#include "strategies/mapping.hpp"
#include "strategies/newer_linux.hpp"
#include "strategies/publish.hpp"
#include "strategies/vmas.hpp"

namespace patchbench::harness {
namespace {

// In Linux, and not yet in this distribution's headers.
#ifndef MREMAP_DONTUNMAP
#  define MREMAP_DONTUNMAP 4
#endif
constexpr int kMadvGuardInstall = 102;  // Linux 6.13
constexpr long kMseal = 462;            // Linux 6.10, the same on both architectures

constexpr int kRepetitions = 101;
constexpr int kReadWrite = PROT_READ | PROT_WRITE;
constexpr int kReadExecute = PROT_READ | PROT_EXEC;

/// The median of what `operation` takes; `after` each is not part of it.
double median_ns(
    const std::function<void()>& operation, const std::function<void()>& after = [] {},
    int repetitions = kRepetitions) {
  std::vector<std::int64_t> times;
  times.reserve(static_cast<std::size_t>(repetitions));
  for (int i = 0; i < repetitions; ++i) {
    const std::int64_t begun = now_ns();
    operation();
    times.push_back(now_ns() - begun);
    after();
  }
  std::ranges::nth_element(times, times.begin() + repetitions / 2);
  return static_cast<double>(times[static_cast<std::size_t>(repetitions / 2)]);
}

void require(bool worked, const char* call) {
  if (!worked) throw_errno(call);
}

std::byte* map(std::size_t size, int protection, int flags, std::uintptr_t at = 0, int file = -1) {
  void* const got =
      mmap(reinterpret_cast<void*>(at), size, protection,  // NOLINT(performance-no-int-to-ptr)
           file < 0 ? flags | MAP_ANONYMOUS : flags, file, 0);
  require(got != MAP_FAILED, "mmap");
  return static_cast<std::byte*>(got);
}

/// With the fifth argument stated: glibc passes on whatever is there.
void* remap(void* old, std::size_t old_size, std::size_t size, int flags, void* to = nullptr) {
  void* const got = mremap(old, old_size, size, flags, to);
  require(got != MAP_FAILED, "mremap");
  return got;
}

std::uintptr_t address_of(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer); }

int vmas_in(const std::byte* begin, std::size_t size) {
  return static_cast<int>(count_vmas(address_of(begin), address_of(begin) + size).value_or(0));
}

/// Stores a function through `writable` and executes it through `exec`, twice.
bool patches_and_executes(std::byte* writable, const std::byte* exec) {
  bool good = true;
  for (const std::uint16_t value : {std::uint16_t{1}, std::uint16_t{2}}) {
    const std::uint64_t code = function_returning(value);
    std::memcpy(writable, &code, sizeof code);
    publish(ExecAddress{exec}, WritableAddress{writable}, sizeof code, AliasKind::second_view);
    good = good && ExecAddress{exec}.as_function<int()>()() == value;
  }
  return good;
}

bool segment_exists(int segment) {
  shmid_ds state{};
  return shmctl(segment, IPC_STAT, &state) == 0;
}

int new_segment(std::size_t size) {
  const int segment = shmget(IPC_PRIVATE, size, IPC_CREAT | 0700);
  require(segment >= 0, "shmget");
  return segment;
}

std::byte* attach(int segment, int flags) {
  void* const got = shmat(segment, nullptr, flags);
  require(got != reinterpret_cast<void*>(-1), "shmat");  // NOLINT(performance-no-int-to-ptr)
  return static_cast<std::byte*>(got);
}

/// `body` in a child that is killed when it has returned.
void killed_after(const std::function<void()>& body) {
  const pid_t child = fork();
  require(child >= 0, "fork");
  if (child == 0) {
    body();
    raise(SIGKILL);
  }
  require(waitpid(child, nullptr, 0) == child, "waitpid");
}

struct Gap {
  std::uintptr_t at = 0;
  int queries = 0;
};

/// The first gap of `size` bytes from `from` on, as the kernel tells: PROCMAP_QUERY.
Gap gap_behind(const Fd& maps, std::uintptr_t from, std::size_t size) {
  Gap gap{.at = from, .queries = 0};
  for (;;) {
    MapQuery query;
    query.query_flags = kCoveringOrNext;
    query.query_addr = gap.at;
    ++gap.queries;
    if (ioctl(maps.get(), kMapQuery, &query) != 0) {
      if (errno == ENOENT) return gap;  // nothing behind it
      throw_errno("ioctl(PROCMAP_QUERY)");
    }
    if (query.vma_start >= gap.at + size) return gap;
    gap.at = query.vma_end;
  }
}

Fd own_maps() {
  Fd maps{open("/proc/self/maps", O_RDONLY | O_CLOEXEC)};
  require(static_cast<bool>(maps), "open(/proc/self/maps)");
  return maps;
}

/// What a direct call or jump of AArch64 reaches, the shorter one of both architectures.
constexpr std::uintptr_t kReach = std::uintptr_t{128} << 20;

}  // namespace

Proof segment_dies_with_its_owner() {
  require(unshare(CLONE_NEWIPC) == 0, "unshare(CLONE_NEWIPC) (it needs root)");
  std::ofstream("/proc/sys/kernel/shm_rmid_forced") << "1" << std::flush;
  std::array<int, 2> ends{};
  require(pipe(ends.data()) == 0, "pipe");
  killed_after([&] {
    const int segment = new_segment(page_size());
    attach(segment, 0);
    [[maybe_unused]] const ssize_t written = write(ends[1], &segment, sizeof segment);
  });
  int segment = -1;
  require(read(ends[0], &segment, sizeof segment) == sizeof segment, "read");
  const bool gone = !segment_exists(segment);
  return {.holds = gone,
          .seen = gone ? "a killed owner's segment, which it had not marked, is gone"
                       : "a killed owner's segment is still there",
          .timed = {},
          .cost_ns = {}};
}

Proof removed_segment_is_attached_again() {
  const std::size_t size = page_size();
  std::byte* writable = nullptr;
  std::byte* exec = nullptr;
  int segment = -1;
  const double cost = median_ns(
      [&] {
        segment = new_segment(size);
        writable = attach(segment, 0);
        require(shmctl(segment, IPC_RMID, nullptr) == 0, "shmctl(IPC_RMID)");
        exec = attach(segment, SHM_EXEC | SHM_RDONLY);
      },
      [&] {
        shmdt(writable);
        shmdt(exec);
      });
  segment = new_segment(size);
  writable = attach(segment, 0);
  require(shmctl(segment, IPC_RMID, nullptr) == 0, "shmctl(IPC_RMID)");
  exec = attach(segment, SHM_EXEC | SHM_RDONLY);
  return {.holds = patches_and_executes(writable, exec),
          .seen = "a segment that was marked already was attached executable, patched and executed",
          .timed = "the four calls",
          .cost_ns = cost};
}

Proof files_without_a_name() {
  const std::string directory = std::filesystem::temp_directory_path();
  const Fd file{open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0700)};
  require(static_cast<bool>(file), "open(O_TMPFILE)");
  struct stat state {};
  require(fstat(file.get(), &state) == 0, "fstat");
  const Fd executable{memfd_create("patchbench-wish", MFD_CLOEXEC | MFD_EXEC)};
  const double cost =
      median_ns([] { const Fd memory{memfd_create("patchbench-wish", MFD_CLOEXEC)}; });
  return {.holds = state.st_nlink == 0,
          .seen = fmt::format("a file in {} with {} names; memfd_create takes MFD_EXEC: {}",
                              directory, state.st_nlink, executable ? "yes" : "no"),
          .timed = "memfd_create and close",
          .cost_ns = cost};
}

Proof mremap_keeps_the_old_mapping() {
  const std::size_t size = page_size();
  const Fd file = executable_memfd("patchbench-wish", size);
  std::byte* const shared = map(size, kReadWrite, MAP_SHARED, 0, file.get());
  shared[0] = std::byte{42};
  auto* const second =
      static_cast<std::byte*>(remap(shared, size, size, MREMAP_MAYMOVE | MREMAP_DONTUNMAP));
  std::byte* const own = map(size, kReadWrite, MAP_PRIVATE);
  own[0] = std::byte{42};
  const auto* const moved =
      static_cast<std::byte*>(remap(own, size, size, MREMAP_MAYMOVE | MREMAP_DONTUNMAP));
  void* last = nullptr;
  const double cost =
      median_ns([&] { last = remap(shared, size, size, MREMAP_MAYMOVE | MREMAP_DONTUNMAP); },
                [&] { munmap(last, size); });
  const bool both = shared[0] == std::byte{42} && second[0] == std::byte{42};
  const bool taken = moved[0] == std::byte{42} && own[0] == std::byte{0};
  return {.holds = both && taken,
          .seen =
              "a memfd's page is there at both addresses; a private page moved, and zeros are "
              "where it was",
          .timed = "the call, one page",
          .cost_ns = cost};
}

namespace {

/// Shared anonymous memory with `first`, duplicated, and the duplicate with `second` instead.
Proof alias_of(int first, int second, bool first_executes) {
  const std::size_t size = page_size();
  std::byte* const old = map(size, first, MAP_SHARED);
  std::byte* alias = nullptr;
  const auto duplicate = [&] {
    alias = static_cast<std::byte*>(remap(old, 0, size, MREMAP_MAYMOVE));
    require(mprotect(alias, size, second) == 0, "mprotect");
  };
  const double cost = median_ns(duplicate, [&] { munmap(alias, size); });
  duplicate();
  const bool good =
      first_executes ? patches_and_executes(alias, old) : patches_and_executes(old, alias);
  return {.holds = good,
          .seen = good ? "patched through one, executed through the other, without a descriptor"
                       : "the alias does not show what was patched",
          .timed = "the two calls, one page",
          .cost_ns = cost};
}

}  // namespace

Proof writable_alias_of_code() { return alias_of(kReadExecute, kReadWrite, true); }

Proof executable_alias_of_data() { return alias_of(kReadWrite, kReadExecute, false); }

Proof mapping_within_reach() {
  const Fd maps = own_maps();
  const std::size_t size = 16 * page_size();
  const std::byte* const from = map(page_size(), PROT_READ, MAP_PRIVATE);
  std::byte* got = nullptr;
  Gap gap;
  const double cost = median_ns(
      [&] {
        gap = gap_behind(maps, address_of(from), size);
        got = map(size, PROT_NONE, MAP_PRIVATE | MAP_FIXED_NOREPLACE, gap.at);
      },
      [&] { munmap(got, size); });
  const std::uintptr_t away = address_of(got) - address_of(from);
  return {.holds = address_of(got) == gap.at && away < kReach,
          .seen = fmt::format("a gap {} KiB away was found by {} queries, and taken", away >> 10U,
                              gap.queries),
          .timed = "the queries and mmap",
          .cost_ns = cost};
}

Proof moved_within_reach() {
  const Fd maps = own_maps();
  const std::size_t size = 16 * page_size();
  const std::byte* const from = map(page_size(), PROT_READ, MAP_PRIVATE);
  std::byte* moving = map(size, kReadWrite, MAP_PRIVATE);
  moving[0] = std::byte{42};
  const double cost = median_ns([&] {
    const Gap gap = gap_behind(maps, address_of(from), size);
    std::byte* const place = map(size, PROT_NONE, MAP_PRIVATE | MAP_FIXED_NOREPLACE, gap.at);
    moving =
        static_cast<std::byte*>(remap(moving, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, place));
  });
  const std::uintptr_t away = address_of(moving) - address_of(from);
  return {.holds = moving[0] == std::byte{42} && away < kReach,
          .seen = fmt::format("moved to {} KiB away, with its content", away >> 10U),
          .timed = "the queries, mmap and mremap",
          .cost_ns = cost};
}

Proof remap_file_pages_takes_no_protection() {
  const std::size_t size = 3 * page_size();
  const Fd file = executable_memfd("patchbench-wish", size);
  std::byte* const view = map(size, kReadWrite, MAP_SHARED, 0, file.get());
  const long with_protection = syscall(SYS_remap_file_pages, view, page_size(), PROT_READ, 2, 0);
  const bool refused = with_protection != 0 && errno == EINVAL;
  const int before = vmas_in(view, size);
  const double cost = median_ns([&] {
    require(syscall(SYS_remap_file_pages, view, page_size(), 0, 2, 0) == 0, "remap_file_pages");
  });
  return {.holds = refused,
          .seen = fmt::format("a protection is EINVAL; without one, one page remapped makes {} "
                              "mappings of {}",
                              vmas_in(view, size), before),
          .timed = "the call without one, one page",
          .cost_ns = cost};
}

Proof holes_in_one_vma() {
  const std::size_t page = page_size();
  const std::size_t size = 8 * page;
  std::byte* const own = map(size, kReadWrite, MAP_PRIVATE);
  const Fd file = executable_memfd("patchbench-wish", size);
  std::byte* const shared = map(size, kReadWrite, MAP_SHARED, 0, file.get());
  for (std::byte* const memory : {own, shared}) std::fill_n(memory, size, std::byte{42});
  require(madvise(own + page, page, MADV_DONTNEED) == 0, "madvise(MADV_DONTNEED)");
  require(madvise(shared + page, page, MADV_REMOVE) == 0, "madvise(MADV_REMOVE)");
  const bool zero = own[page] == std::byte{0} && shared[page] == std::byte{0} &&
                    own[0] == std::byte{42} && shared[2 * page] == std::byte{42};
  const bool guards = madvise(own + 4 * page, page, kMadvGuardInstall) == 0;
  const int vmas = vmas_in(own, size) + vmas_in(shared, size);
  const double cost = median_ns(
      [&] { require(madvise(own + page, page, MADV_DONTNEED) == 0, "madvise(MADV_DONTNEED)"); },
      [&] { own[page] = std::byte{42}; });
  return {
      .holds = zero && vmas <= 2,
      .seen = fmt::format("both holes read zero, the two mappings are {}; MADV_GUARD_INSTALL: {}",
                          vmas, guards ? "yes" : "not in this kernel"),
      .timed = "MADV_DONTNEED of a touched page",
      .cost_ns = cost};
}

Proof selinux_allows_two_views() {
  const AppliedPolicy enforced = apply(Policy::selinux);
  const std::size_t size = page_size();
  const Fd file = executable_memfd("patchbench-wish", size);
  std::byte* const writable = map(size, kReadWrite, MAP_SHARED, 0, file.get());
  const std::byte* const exec = map(size, kReadExecute, MAP_SHARED, 0, file.get());
  const bool good = patches_and_executes(writable, exec);
  return {.holds = good && enforced.setting == PolicySetting::set,
          .seen = enforced.setting == PolicySetting::set
                      ? "patched and executed under a policy that denies execmem"
                      : fmt::format("it works, but {}", enforced.reason),
          .timed = {},
          .cost_ns = {}};
}

Proof nothing_outlives_a_killed_owner() {
  std::array<int, 2> ends{};
  require(pipe(ends.data()) == 0, "pipe");
  killed_after([&] {
    const int segment = new_segment(page_size());
    attach(segment, 0);
    require(shmctl(segment, IPC_RMID, nullptr) == 0, "shmctl(IPC_RMID)");
    [[maybe_unused]] const ssize_t written = write(ends[1], &segment, sizeof segment);
  });
  int segment = -1;
  require(read(ends[0], &segment, sizeof segment) == sizeof segment, "read");
  const Fd file = executable_memfd("patchbench-wish", page_size());
  struct stat state {};
  require(fstat(file.get(), &state) == 0, "fstat");
  const bool gone = !segment_exists(segment);
  return {.holds = gone && state.st_nlink == 0,
          .seen = gone
                      ? fmt::format("a killed owner's marked segment is gone; a memfd has {} names",
                                    state.st_nlink)
                      : "a killed owner's marked segment is still there",
          .timed = {},
          .cost_ns = {}};
}

namespace {

std::string low_by_flag() {
#ifdef MAP_32BIT
  const std::byte* const got = map(page_size(), PROT_NONE, MAP_PRIVATE | MAP_32BIT);
  return fmt::format("MAP_32BIT gives {:#x}", address_of(got));
#else
  return "there is no MAP_32BIT on this architecture";
#endif
}

}  // namespace

Proof two_views_at_chosen_addresses() {
  constexpr std::uintptr_t kLow = std::uintptr_t{1} << 30;
  constexpr std::uintptr_t kDistance = std::uintptr_t{1} << 32;
  const std::size_t size = page_size();
  const Fd file = executable_memfd("patchbench-wish", size);
  std::byte* exec = nullptr;
  std::byte* writable = nullptr;
  const auto place = [&] {
    exec = map(size, kReadExecute, MAP_SHARED | MAP_FIXED_NOREPLACE, kLow, file.get());
    writable =
        map(size, kReadWrite, MAP_SHARED | MAP_FIXED_NOREPLACE, kLow + kDistance, file.get());
  };
  const double cost = median_ns(place, [&] {
    munmap(exec, size);
    munmap(writable, size);
  });
  place();
  const bool good =
      address_of(writable) - address_of(exec) == kDistance && patches_and_executes(writable, exec);
  return {.holds = good,
          .seen = fmt::format("code at 1 GB, its writable view 2^32 bytes above, patched and "
                              "executed; {}",
                              low_by_flag()),
          .timed = "the two calls",
          .cost_ns = cost};
}

Proof protections_cost_vmas() {
  constexpr std::size_t kPages = 10'000;
  constexpr int kFew = 5;
  const std::size_t page = page_size();
  const auto unmapping_takes = [&](bool split, int& vmas) {
    std::byte* memory = nullptr;
    const auto make = [&] {
      memory = map(kPages * page, kReadWrite, MAP_PRIVATE);
      for (std::size_t i = 0; split && i < kPages; i += 2) {
        require(mprotect(memory + i * page, page, PROT_READ) == 0, "mprotect");
      }
      vmas = vmas_in(memory, kPages * page);
    };
    make();
    return median_ns([&] { munmap(memory, kPages * page); }, make, kFew);
  };
  int one = 0;
  int many = 0;
  const double whole = unmapping_takes(false, one);
  const double split = unmapping_takes(true, many);
  return {.holds = many > one,
          .seen = fmt::format("every second of {} pages read-only: {} mappings instead of {}, and "
                              "munmap takes {:.0f} us instead of {:.0f}",
                              kPages, many, one, split / 1000, whole / 1000),
          .timed = "munmap of all of them",
          .cost_ns = split};
}

Proof sealed_views_are_patched() {
  const std::size_t size = page_size();
  const Fd file = executable_memfd("patchbench-wish", size);
  std::byte* const writable = map(size, kReadWrite, MAP_SHARED, 0, file.get());
  std::byte* const exec = map(size, kReadExecute, MAP_SHARED, 0, file.get());
  const std::int64_t begun = now_ns();
  for (std::byte* const view : {writable, exec}) {
    require(syscall(kMseal, view, size, 0UL) == 0, "mseal");
  }
  const auto cost = static_cast<double>(now_ns() - begun) / 2;
  const bool patched = patches_and_executes(writable, exec);
  const bool kept = munmap(exec, size) != 0 && errno == EPERM;
  const bool protection_kept = mprotect(exec, size, kReadWrite) != 0 && errno == EPERM;
  return {.holds = patched && kept && protection_kept,
          .seen = fmt::format("patching {}; munmap and mprotect {}", patched ? "goes on" : "fails",
                              kept && protection_kept ? "give EPERM" : "are not refused"),
          .timed = "one call, timed once",
          .cost_ns = cost};
}

Proof ipe_is_there() {
  std::ifstream enforces("/sys/kernel/security/ipe/enforce");
  int enforced = -1;
  if (!(enforces >> enforced)) {
    std::ifstream modules("/sys/kernel/security/lsm");
    std::string list;
    std::getline(modules, list);
    return {.holds = false,
            .seen = fmt::format("no /sys/kernel/security/ipe; this kernel's security modules: {}",
                                list.empty() ? "unknown, securityfs is not mounted" : list),
            .timed = {},
            .cost_ns = {}};
  }
  std::size_t policies = 0;
  for ([[maybe_unused]] const auto& entry :
       std::filesystem::directory_iterator("/sys/kernel/security/ipe/policies")) {
    ++policies;
  }
  return {.holds = true,
          .seen = fmt::format("enforce is {}, and {} policies are loaded; without one it judges "
                              "nothing",
                              enforced, policies),
          .timed = {},
          .cost_ns = {}};
}

}  // namespace patchbench::harness
