#include "address_window.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/ioctl.h>

#include "mapping.hpp"
#include "newer_linux.hpp"

namespace patchbench {
namespace {

constexpr std::uintptr_t kLowest = std::uintptr_t{1} << 20U;

/// Those of the file that end behind `first`, in the order of their addresses.
std::optional<std::vector<AddressWindow>> mappings_by_query(const AddressWindow& window,
                                                            const std::filesystem::path& maps) {
  const Fd file(open(maps.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return std::nullopt;
  std::vector<AddressWindow> found;
  for (std::uintptr_t at = window.first; at < window.end; at = found.back().end) {
    MapQuery query;
    query.query_flags = kCoveringOrNext;
    query.query_addr = at;
    if (ioctl(file.get(), kMapQuery, &query) != 0) {
      if (errno == ENOENT) break;  // none behind this address
      return std::nullopt;
    }
    found.push_back({query.vma_start, query.vma_end});
  }
  return found;
}

std::optional<std::vector<AddressWindow>> mappings_by_reading(const std::filesystem::path& maps) {
  std::ifstream file(maps);
  std::vector<AddressWindow> found;
  for (std::string line; std::getline(file, line);) {
    unsigned long long begin = 0;
    unsigned long long end = 0;
    if (std::sscanf(line.c_str(), "%llx-%llx ", &begin, &end) != 2) return std::nullopt;
    found.push_back({begin, end});
  }
  if (found.empty()) return std::nullopt;
  return found;
}

}  // namespace

AddressWindow low_2g() noexcept { return {.first = kLowest, .end = std::uintptr_t{1} << 31U}; }

AddressWindow window_around(std::uintptr_t target, std::size_t reach) noexcept {
  return {.first = target > reach + kLowest ? target - reach : kLowest,
          .end = target < UINTPTR_MAX - reach ? target + reach : UINTPTR_MAX};
}

std::optional<std::uintptr_t> free_in(const AddressWindow& window, std::size_t size,
                                      std::size_t alignment, const std::filesystem::path& maps) {
  auto mappings = mappings_by_query(window, maps);
  if (!mappings) mappings = mappings_by_reading(maps);
  if (!mappings || window.first > window.end) return std::nullopt;
  std::uintptr_t at = round_up(window.first, alignment);
  for (const AddressWindow& mapping : *mappings) {
    if (mapping.first >= at && mapping.first - at >= size) break;
    if (mapping.end > at) at = round_up(mapping.end, alignment);
  }
  // An alignment that overflows is at an address below the window.
  if (at < window.first || at > window.end || window.end - at < size) return std::nullopt;
  return at;
}

std::uintptr_t require_free_in(const AddressWindow& window, std::size_t size,
                               std::size_t alignment) {
  const auto found = free_in(window, size, alignment);
  if (found) return *found;
  std::array<char, 128> text{};
  std::snprintf(text.data(), text.size(), "mmap (%zu KiB in the window %#llx-%#llx, which is full)",
                size / 1024, static_cast<unsigned long long>(window.first),
                static_cast<unsigned long long>(window.end));
  throw_errno(text.data(), ENOMEM);
}

}  // namespace patchbench
