// strategies/policy.hpp - what a system may forbid, and what a zone says of it.
//
// A zone lists the policies that refuse it, as kRefusedBy; without that list it survives all of
// them. policy_test.cpp holds every zone to what it says, under the policies that a test can set.
#pragma once

#include <array>
#include <span>
#include <string_view>

namespace patchbench {

enum class Policy {
  mdwe,                   // PR_SET_MDWE (Linux 6.3)
  seccomp,                // systemd's filter for MemoryDenyWriteExecute= before version 254
  noexec,                 // /tmp, /dev/shm and the like mounted noexec
  memfd_noexec,           // sysctl vm.memfd_noexec=2 (Linux 6.3)
  selinux,                // enforcing, with execmem, execmod and execheap denied
  selinux_no_tmpfs_exec,  // and files on tmpfs, as memfds are, may not be executed
  file_size_limit,        // RLIMIT_FSIZE below the size of the zone
};

struct PolicyInfo {
  Policy policy;
  std::string_view id;  // at the head of a table
  std::string_view summary;
};

inline constexpr std::array kPolicies = {
    PolicyInfo{Policy::mdwe, "MDWE", "PR_SET_MDWE (Linux 6.3)"},
    PolicyInfo{Policy::seccomp, "seccomp",
               "the filter of systemd's MemoryDenyWriteExecute= before version 254"},
    PolicyInfo{Policy::noexec, "noexec", "/tmp, /dev/shm and the like mounted so"},
    PolicyInfo{Policy::memfd_noexec, "memfd_noexec=2", "the sysctl (Linux 6.3)"},
    PolicyInfo{Policy::selinux, "SELinux", "enforcing, with execmem, execmod and execheap denied"},
    PolicyInfo{Policy::selinux_no_tmpfs_exec, "SELinux, no tmpfs exec",
               "the same, and files on tmpfs may not be executed"},
    PolicyInfo{Policy::file_size_limit, "ulimit -f", "a file size limit below the zone's size"},
};

[[nodiscard]] constexpr const PolicyInfo& policy_info(Policy policy) noexcept {
  for (const PolicyInfo& info : kPolicies) {
    if (info.policy == policy) return info;
  }
  return kPolicies.front();  // there is an entry for each
}

/// What the zone's constructor throws under a policy.
struct Refusal {
  Policy policy;
  int error;
  std::string_view call;  // the beginning of what()
};

template <class Zone>
[[nodiscard]] constexpr std::span<const Refusal> refusals_of() noexcept {
  if constexpr (requires { Zone::kRefusedBy; }) {
    return Zone::kRefusedBy;
  } else {
    return {};
  }
}

/// Whether a patch changes the protection of pages: two calls a scope, and a mapping that is split
/// meanwhile.
template <class Zone>
[[nodiscard]] constexpr bool toggles_protection() noexcept {
  if constexpr (requires { Zone::kTogglesProtection; }) {
    return Zone::kTogglesProtection;
  } else {
    return false;
  }
}

/// Whether its memory is writable and executable at once. Every other zone must never have such.
template <class Zone>
[[nodiscard]] constexpr bool is_writable_and_executable() noexcept {
  if constexpr (requires { Zone::kWritableAndExecutable; }) {
    return Zone::kWritableAndExecutable;
  } else {
    return false;
  }
}

}  // namespace patchbench
