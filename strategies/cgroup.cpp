#include "cgroup.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <initializer_list>
#include <limits>
#include <sstream>
#include <system_error>
#include <utility>

namespace patchbench {
namespace {

namespace fs = std::filesystem;

/// Where trees are mounted, of version 2 and of a controller of version 1.
std::vector<std::string> mounts_of(std::string_view controller, bool version2) {
  if (version2) return {"sys/fs/cgroup", "sys/fs/cgroup/unified"};
  std::string alone{"sys/fs/cgroup/"};
  alone += controller;
  std::string with_account{alone};
  with_account += ",cpuacct";  // as cpu is mounted where the two go together
  return {std::move(alone), std::move(with_account)};
}

bool has_word(const std::string& list, std::string_view word) {
  std::istringstream words(list);
  for (std::string one; std::getline(words, one, ',');) {
    if (one == word) return true;
  }
  return false;
}

/// The path of a line "4:memory:/a/b" or "0::/a/b" of /proc/self/cgroup that is about `controller`.
struct Membership {
  bool version2 = false;
  fs::path path;
};
std::vector<Membership> memberships(const fs::path& root, std::string_view controller) {
  std::vector<Membership> found;
  std::ifstream file(root / "proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool version2 = controllers.empty();
    if (version2 || has_word(controllers, controller)) {
      found.push_back({version2, fs::path(line.substr(second + 1)).relative_path()});
    }
  }
  return found;
}

std::optional<std::int64_t> number_in(const fs::path& file) {
  std::ifstream stream(file);
  std::int64_t number = 0;
  return stream >> number ? std::optional(number) : std::nullopt;
}

/// The sum of the lines "KEY NUMBER" whose key is one of `keys`; empty where none is.
std::optional<std::int64_t> sum_of(const fs::path& file,
                                   std::initializer_list<std::string_view> keys) {
  std::ifstream stream(file);
  std::optional<std::int64_t> sum;
  for (std::string line; std::getline(stream, line);) {
    std::istringstream words(line);
    std::string key;
    std::int64_t number = 0;
    if (words >> key >> number && std::ranges::find(keys, key) != keys.end()) {
      sum = sum.value_or(0) + number;
    }
  }
  return sum;
}

/// "/sys/fs/cgroup/app", wherever `root` is.
std::string shown(const fs::path& directory, const fs::path& root) {
  return (fs::path("/") / directory.lexically_relative(root)).generic_string();
}

void keep_tightest(std::optional<MemoryLimit>& tightest, MemoryLimit other) {
  other.available = std::max<std::int64_t>(0, other.available);
  if (!tightest || other.available < tightest->available) tightest = std::move(other);
}

/// Page cache goes when memory is wanted; what is anonymous or shared stays where there is no swap.
std::optional<MemoryLimit> limit_of_group(const fs::path& directory, const fs::path& root) {
  // Version 1 writes the largest number there is for none.
  constexpr std::int64_t kNone = std::int64_t{1} << 60U;
  for (const char* file : {"memory.max", "memory.limit_in_bytes"}) {
    const auto limit = number_in(directory / file);
    if (!limit || *limit >= kNone) continue;
    const auto used = sum_of(directory / "memory.stat",
                             {"anon", "shmem", "slab_unreclaimable", "total_rss", "total_shmem"});
    return MemoryLimit{.limit = *limit,
                       .available = *limit - used.value_or(0),
                       .name = std::string{file} + " of " + shown(directory, root)};
  }
  return std::nullopt;
}

std::optional<MemoryLimit> limit_of_machine(const fs::path& root) {
  constexpr std::int64_t kKib = 1024;
  const fs::path file = root / "proc/meminfo";
  const auto total = sum_of(file, {"MemTotal:", "SwapTotal:"});
  const auto available = sum_of(file, {"MemAvailable:", "SwapFree:"});
  if (!total || !available) return std::nullopt;
  return MemoryLimit{.limit = *total * kKib,
                     .available = *available * kKib,
                     .name = "this machine's memory (MemAvailable and SwapFree of /proc/meminfo)"};
}

/// "20000 100000", or "max 100000" where there is none.
std::optional<double> quota_v2(const fs::path& directory) {
  std::ifstream stream(directory / "cpu.max");
  double quota = 0;
  double period = 0;
  return stream >> quota >> period && period > 0 ? std::optional(quota / period) : std::nullopt;
}

std::optional<double> quota_v1(const fs::path& directory) {
  const auto quota = number_in(directory / "cpu.cfs_quota_us");
  const auto period = number_in(directory / "cpu.cfs_period_us");
  if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;
  return static_cast<double>(*quota) / static_cast<double>(*period);
}

}  // namespace

std::vector<fs::path> cgroup_directories(const fs::path& root, std::string_view controller) {
  std::vector<fs::path> directories;
  for (const Membership& member : memberships(root, controller)) {
    for (const std::string& mount : mounts_of(controller, member.version2)) {
      for (fs::path path = member.path;; path = path.parent_path()) {
        std::error_code ignored;
        fs::path directory = path.empty() ? root / mount : root / mount / path;
        if (fs::is_directory(directory, ignored)) directories.push_back(std::move(directory));
        if (path.empty()) break;
      }
    }
  }
  return directories;
}

std::optional<MemoryLimit> memory_limit(const fs::path& root) {
  std::optional<MemoryLimit> tightest = limit_of_machine(root);
  for (const fs::path& directory : cgroup_directories(root, "memory")) {
    if (auto limit = limit_of_group(directory, root)) keep_tightest(tightest, std::move(*limit));
  }
  return tightest;
}

std::size_t require_memory(std::size_t bytes) {
  constexpr std::size_t kNeverTooMuch = std::size_t{1} << 20U;
  constexpr std::int64_t kKib = 1024;
  if (bytes < kNeverTooMuch) return bytes;
  const auto limit = memory_limit();
  if (limit && bytes > static_cast<std::size_t>(limit->available)) {
    throw std::system_error(ENOMEM, std::generic_category(),
                            "mmap (not tried: a code zone of " + std::to_string(bytes / kKib) +
                                " KiB, of which every page is touched, and " + limit->name +
                                " allows " + std::to_string(limit->limit / kKib) +
                                " KiB, of which " + std::to_string(limit->available / kKib) +
                                " are free)");
  }
  return bytes;
}

std::optional<CpuQuota> cpu_quota(const fs::path& root) {
  std::optional<CpuQuota> tightest;
  for (const fs::path& directory : cgroup_directories(root, "cpu")) {
    const auto v2 = quota_v2(directory);
    const auto quota = v2 ? v2 : quota_v1(directory);
    if (!quota || (tightest && tightest->processors <= *quota)) continue;
    tightest = CpuQuota{.processors = *quota,
                        .source = shown(directory, root) + (v2 ? "/cpu.max" : "/cpu.cfs_quota_us"),
                        .stat = directory / "cpu.stat"};
  }
  return tightest;
}

std::optional<std::int64_t> throttled_periods(const fs::path& stat) {
  return sum_of(stat, {"nr_throttled"});
}

}  // namespace patchbench
