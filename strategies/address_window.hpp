// strategies/address_window.hpp - a range of addresses that code must lie in, and a free place in
// it.
//
// Reasons for one: direct calls between compiled code and the program reach 2 GiB on x86-64 and
// 128 MiB on ARMv8; addresses below 2 GiB fit in a signed immediate of 32 bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>

namespace patchbench {

/// [first, end)
struct AddressWindow {
  std::uintptr_t first = 0;
  std::uintptr_t end = 0;
};

/// Addresses that fit in 31 bits, without the first MiB, which vm.mmap_min_addr keeps from most
/// processes.
[[nodiscard]] AddressWindow low_2g() noexcept;

/// All from which a direct call of that reach (bytes, forwards and backwards) arrives at `target`,
/// and the other way round.
[[nodiscard]] AddressWindow window_around(std::uintptr_t target, std::size_t reach) noexcept;

/// The lowest free range of `size` bytes in the window that begins at a multiple of `alignment` (a
/// power of two, at least page_size()). It is not taken: map it with MAP_FIXED_NOREPLACE (Linux
/// 4.17), which refuses where another thread was faster. By the ioctl PROCMAP_QUERY (Linux 6.11),
/// else by reading the file. Empty where there is none, or where neither works. `maps` is another
/// file in tests only.
[[nodiscard]] std::optional<std::uintptr_t> free_in(
    const AddressWindow& window, std::size_t size, std::size_t alignment,
    const std::filesystem::path& maps = "/proc/self/maps");

/// The same. Throws std::system_error (ENOMEM) that names the window where there is none.
[[nodiscard]] std::uintptr_t require_free_in(const AddressWindow& window, std::size_t size,
                                             std::size_t alignment);

}  // namespace patchbench
