// harness/programs/seccomp_test.hpp - for tests: a seccomp filter on one system call.
#pragma once

#include <cerrno>

namespace patchbench::harness {

/// Instead of an errno: the process that makes the call is killed with SIGSYS.
inline constexpr int kKill = -1;

/// From now on the call fails with `error`, or kills. False where this kernel takes no filter, as
/// qemu-user, which passes none on.
[[nodiscard]] bool filter_call(long number, int error);

/// The same for mmap with PROT_WRITE and PROT_EXEC, as systemd's MemoryDenyWriteExecute= had it.
[[nodiscard]] bool filter_writable_and_executable();

}  // namespace patchbench::harness
