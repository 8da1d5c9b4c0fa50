#include "vmas.hpp"

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <string>

#include <fcntl.h>
#include <sys/ioctl.h>

#include "mapping.hpp"
#include "newer_linux.hpp"

namespace patchbench {
namespace {

std::optional<std::int64_t> count_by_query(std::uint64_t first, std::uint64_t end,
                                           const std::filesystem::path& maps) {
  const Fd file(open(maps.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return std::nullopt;
  std::int64_t count = 0;
  for (std::uint64_t at = first; at < end;) {
    MapQuery query;
    query.query_flags = kCoveringOrNext;
    query.query_addr = at;
    if (ioctl(file.get(), kMapQuery, &query) != 0) {
      return errno == ENOENT ? std::optional(count) : std::nullopt;  // none behind this address
    }
    count += query.vma_start >= first && query.vma_start < end ? 1 : 0;
    at = query.vma_end;
  }
  return count;
}

std::optional<std::int64_t> count_by_reading(std::uint64_t first, std::uint64_t end,
                                             const std::filesystem::path& maps) {
  std::ifstream file(maps);
  std::optional<std::int64_t> count;
  for (std::string line; std::getline(file, line);) {
    unsigned long long start = 0;
    if (std::sscanf(line.c_str(), "%llx-", &start) != 1) return std::nullopt;
    const bool is_counted = start >= first && start < end && !line.ends_with("[vsyscall]");
    count = count.value_or(0) + (is_counted ? 1 : 0);
  }
  return count;
}

}  // namespace

std::optional<std::int64_t> count_vmas(std::uint64_t first, std::uint64_t end,
                                       const std::filesystem::path& maps) {
  const auto count = count_by_query(first, end, maps);
  return count ? count : count_by_reading(first, end, maps);
}

}  // namespace patchbench
