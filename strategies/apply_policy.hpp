// strategies/apply_policy.hpp - setting a policy (policy.hpp) for the calling process and its
// children.
#pragma once

#include <string>

#include "policy.hpp"

namespace patchbench {

enum class PolicySetting {
  set,
  needs_rights,  // this user may not set it
  not_here,      // this kernel does not have it, or does not enforce it
};

struct AppliedPolicy {
  PolicySetting setting = PolicySetting::set;
  std::string reason;  // why it is not set: the call, the error and what to do; else empty
};

/// Sets `policy`. None can be taken back: call it in a child that has one thread.
///
/// - memfd_noexec belongs to a PID namespace, of which only children of who makes it are members:
///   it is a new process that returns from here. The calling one waits for that and ends as it
///   does, without running destructors.
/// - noexec needs a mount namespace, and takes a user namespace with it where the caller may not
///   make one alone.
/// - SELinux is the system's, so nothing is set: the two are `set` where the kernel enforces what
///   they stand for. scripts/selinux-guest boots such a kernel.
/// - file_size_limit is one page.
[[nodiscard]] AppliedPolicy apply(Policy policy);

}  // namespace patchbench
