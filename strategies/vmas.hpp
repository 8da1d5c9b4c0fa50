// strategies/vmas.hpp - how many mappings (the kernel's VMAs) this process has.
//
// A strategy that changes the protection of one page in the middle of a mapping splits it, which
// costs memory and time, and a process may have only vm.max_map_count of them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>

namespace patchbench {

inline constexpr std::uint64_t kEndOfAddresses = std::numeric_limits<std::uint64_t>::max();

/// Those that begin in [first, end). By the ioctl PROCMAP_QUERY (Linux 6.11), else by reading the
/// file; the file also lists the vsyscall page of x86-64, which is nobody's mapping and is left out
/// both times. Allocates nothing where there is the ioctl. Empty where neither works. `maps` is
/// another file in tests only.
[[nodiscard]] std::optional<std::int64_t> count_vmas(
    std::uint64_t first, std::uint64_t end, const std::filesystem::path& maps = "/proc/self/maps");

}  // namespace patchbench
