// strategies/cgroup.hpp - the control groups that this process is in, and what they limit.
//
// Both versions: of version 2 there is one tree, of version 1 one for each controller. In a
// container the paths of /proc/self/cgroup may be those of the host, which are not there: then the
// root that is mounted is the container's own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace patchbench {

/// From the process' own up to the root, those that are there. `controller` is "memory" or "cpu";
/// `root` is "/" but in tests.
[[nodiscard]] std::vector<std::filesystem::path> cgroup_directories(
    const std::filesystem::path& root, std::string_view controller);

/// What may still be used before the kernel kills for it.
struct MemoryLimit {
  std::int64_t limit = 0;      // bytes
  std::int64_t available = 0;  // of it, what is not in use by anonymous or shared memory
  std::string name;            // "memory.max of /sys/fs/cgroup/app", "MemAvailable"
};
/// The tightest of the control groups and of the machine itself; empty where none can be read.
[[nodiscard]] std::optional<MemoryLimit> memory_limit(const std::filesystem::path& root = "/");

/// Returns `bytes`. Throws std::system_error (ENOMEM) that names the limit where so much memory
/// cannot be had: the kernel grants it all the same, and kills once it is touched. Files are read
/// for sizes from a mebibyte on alone.
std::size_t require_memory(std::size_t bytes);

struct CpuQuota {
  double processors = 0;       // of time that may be used: 0.2 is a fifth of one
  std::string source;          // the file that says so
  std::filesystem::path stat;  // cpu.stat of the same group
};
/// The tightest; empty where there is none.
[[nodiscard]] std::optional<CpuQuota> cpu_quota(const std::filesystem::path& root = "/");

/// Periods in which the group was stopped because its quota was used up, since it was made.
[[nodiscard]] std::optional<std::int64_t> throttled_periods(const std::filesystem::path& stat);

}  // namespace patchbench
