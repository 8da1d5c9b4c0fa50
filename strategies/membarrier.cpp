#include "membarrier.hpp"

#include <cerrno>
#include <cstring>

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "code_zone.hpp"
#include "mapping.hpp"

namespace patchbench {
namespace {

// The C library has no function for it.
long membarrier(int command) noexcept { return syscall(SYS_membarrier, command, 0U, 0); }

}  // namespace

std::string why_no_core_barrier() {
  const long commands = membarrier(MEMBARRIER_CMD_QUERY);
  if (commands < 0) {
    return std::string{"membarrier: "} + std::strerror(errno) +
           "; the kernel lacks it, or a sandbox hides it";
  }
  if ((commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE) == 0) {
    return "membarrier: this kernel has no SYNC_CORE, which Linux has since 4.16";
  }
  return {};
}

void register_for_core_barriers() {
  if (membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE) != 0) {
    throw_errno("membarrier (REGISTER_PRIVATE_EXPEDITED_SYNC_CORE)");
  }
}

void core_barrier() noexcept {
  if (membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE) != 0) {
    patch_failed("publish: membarrier");
  }
}

}  // namespace patchbench
