// strategies/membarrier.hpp - making every thread of the process fetch its instructions anew, by
// membarrier(2).
//
// MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE (Linux 4.16) returns when every thread of the process
// that was running has executed a core-serialising instruction; one that was not will, before it
// runs again. The calling thread is among them since its processor is not left out any more (A.
// Lutomirski, "membarrier: Execute SYNC_CORE on the calling thread", December 2020; Linux 5.10
// [release unverified], and marked for stable kernels): before that a process of one thread got
// nothing from this call.
#pragma once

#include <string>

namespace patchbench {

/// Why this kernel does not have the command; empty when it does.
[[nodiscard]] std::string why_no_core_barrier();

/// Once in a process before core_barrier(); doing it again changes nothing. Throws
/// std::system_error.
void register_for_core_barriers();

/// One system call, and an interrupt to each other processor that runs a thread of this process.
/// Ends the process where the kernel refuses: a patch that others may not see cannot be reported.
void core_barrier() noexcept;

}  // namespace patchbench
