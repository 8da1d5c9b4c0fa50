// strategies/policy.hpp - what a system may forbid, and what a zone says of it.
//
// A zone lists the policies that refuse it, as kRefusedBy; without that list it survives all of
// them. policy_test.cpp holds every zone to what it says, under the policies that a test can set.
#pragma once

#include <array>
#include <cerrno>
#include <span>
#include <string>
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
  std::string_view id;    // at the head of a table
  std::string_view word;  // on a command line and in results
  std::string_view summary;
};

inline constexpr std::array kPolicies = {
    PolicyInfo{Policy::mdwe, "MDWE", "mdwe", "PR_SET_MDWE (Linux 6.3)"},
    PolicyInfo{Policy::seccomp, "seccomp", "seccomp",
               "the filter of systemd's MemoryDenyWriteExecute= before version 254"},
    PolicyInfo{Policy::noexec, "noexec", "noexec", "/tmp, /dev/shm and the like mounted so"},
    PolicyInfo{Policy::memfd_noexec, "memfd_noexec=2", "memfd-noexec", "the sysctl (Linux 6.3)"},
    PolicyInfo{Policy::selinux, "SELinux", "selinux",
               "enforcing, with execmem, execmod and execheap denied"},
    PolicyInfo{Policy::selinux_no_tmpfs_exec, "SELinux, no tmpfs exec", "selinux-no-tmpfs-exec",
               "the same, and files on tmpfs may not be executed"},
    PolicyInfo{Policy::file_size_limit, "ulimit -f", "file-size-limit",
               "a file size limit below the zone's size"},
};

[[nodiscard]] constexpr const PolicyInfo& policy_info(Policy policy) noexcept {
  for (const PolicyInfo& info : kPolicies) {
    if (info.policy == policy) return info;
  }
  return kPolicies.front();  // there is an entry for each
}

/// nullptr when there is none of that word.
[[nodiscard]] constexpr const PolicyInfo* find_policy(std::string_view word) noexcept {
  for (const PolicyInfo& info : kPolicies) {
    if (info.word == word) return &info;
  }
  return nullptr;
}

/// What the zone's constructor throws under a policy.
struct Refusal {
  Policy policy;
  int error;
  std::string_view call;  // the beginning of what()
};

/// By kind of memory, for the zones that have it. scripts/selinux-guest and policy_test.cpp hold
/// each zone to its list.
inline constexpr std::array kRefuseRwx = {
    Refusal{Policy::mdwe, EACCES, "mmap"},
    Refusal{Policy::seccomp, EPERM, "mmap"},
    Refusal{Policy::selinux, EACCES, "mmap"},
    Refusal{Policy::selinux_no_tmpfs_exec, EACCES, "mmap"},
};
/// Private memory that is made executable again after each patch.
inline constexpr std::array kRefusePrivateToggle = {
    Refusal{Policy::mdwe, EACCES, "mprotect"},
    Refusal{Policy::seccomp, EPERM, "mprotect"},
    Refusal{Policy::selinux, EACCES, "mmap"},
    Refusal{Policy::selinux_no_tmpfs_exec, EACCES, "mmap"},
};
/// Anonymous memory that is executable and never writable at the same address.
inline constexpr std::array kRefuseAnonymousCode = {
    Refusal{Policy::selinux, EACCES, "mmap"},
    Refusal{Policy::selinux_no_tmpfs_exec, EACCES, "mmap"},
};
/// A file or POSIX object that is mapped read-execute.
inline constexpr std::array kRefuseFile = {
    Refusal{Policy::noexec, EPERM, "mmap"},
    Refusal{Policy::selinux_no_tmpfs_exec, EACCES, "mmap"},
    Refusal{Policy::file_size_limit, EFBIG, "ftruncate"},
};
/// A memfd that is mapped read-execute.
inline constexpr std::array kRefuseMemfd = {
    Refusal{Policy::selinux_no_tmpfs_exec, EACCES, "mmap"},
    Refusal{Policy::file_size_limit, EFBIG, "ftruncate"},
};

template <class Zone>
[[nodiscard]] constexpr std::span<const Refusal> refusals_of() noexcept {
  if constexpr (requires { Zone::kRefusedBy; }) {
    return Zone::kRefusedBy;
  } else {
    return {};
  }
}

/// Why this machine cannot have such a zone, whatever the policy; empty where it can.
template <class Zone>
[[nodiscard]] std::string why_unavailable() {
  if constexpr (requires { Zone::why_unavailable(); }) {
    return Zone::why_unavailable();
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
