// strategies/seccomp_filter.hpp - putting a seccomp filter in force for the calling thread and its
// children.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

namespace patchbench {

/// Where a filter finds the third argument of a call; the low half suffices for flags.
inline constexpr std::uint32_t kThirdArgument =
    offsetof(seccomp_data, args) + 2 * sizeof(std::uint64_t);

/// False with errno where the kernel takes none. It cannot be taken back.
[[nodiscard]] inline bool install_seccomp_filter(std::span<sock_filter> program) {
  const sock_fprog filter{.len = static_cast<unsigned short>(program.size()),
                          .filter = program.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) == 0;
}

}  // namespace patchbench
