// strategies/process_memory_test.hpp - for tests: what this process holds, as the kernel tells it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

namespace patchbench::testing {

inline constexpr std::size_t kKiB = 1024;
inline constexpr std::size_t kMiB = 1024 * kKiB;

/// One line of /proc/self/maps.
struct MappedRange {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
  std::string protection;  // "r-xs": the fourth letter tells shared from private
  std::string name;

  [[nodiscard]] bool is_writable() const { return protection.at(1) == 'w'; }
  [[nodiscard]] bool is_executable() const { return protection.at(2) == 'x'; }
  [[nodiscard]] bool is_shared() const { return protection.at(3) == 's'; }
};

[[nodiscard]] std::vector<MappedRange> mapped_ranges();

/// "r-xs"; "unmapped" where nothing is.
[[nodiscard]] std::string protection_at(std::uintptr_t address);

/// Whether the range at `address` has the flag `flag` in the line VmFlags of /proc/self/smaps:
/// "nh" for memory that is never given huge pages.
[[nodiscard]] bool has_vm_flag(std::uintptr_t address, const std::string& flag);

/// Bytes of address space in use: what RLIMIT_AS limits.
[[nodiscard]] std::size_t address_space_in_use();

/// A place of `size` bytes with nothing in it, aligned to 2 MiB, and nothing close to it.
[[nodiscard]] std::uintptr_t free_place(std::size_t size);

/// One line of /proc/sysvipc/shm.
struct Segment {
  int id = 0;
  pid_t creator = 0;
  bool goes_with_last_user = false;  // IPC_RMID was said
};

/// Only those that this program or its children made: process numbers are used again, and segments
/// outlive their process.
[[nodiscard]] std::vector<Segment> segments_created_by(pid_t creator);

/// What a zone could leave behind in its process, in words and sorted: descriptors, SysV segments
/// that it made, and mappings. Of these only those that are shared or executable: the allocator
/// makes neither, so its own comings and goings do not disturb.
using Holdings = std::vector<std::string>;

[[nodiscard]] Holdings holdings();

/// What is there now and was not before.
[[nodiscard]] Holdings gained_since(const Holdings& before);

}  // namespace patchbench::testing
