#include "prefault.hpp"

#include <cerrno>
#include <cstring>
#include <string>

#include <sys/mman.h>

namespace patchbench {

std::string why_no_prefaulting() {
  // Of no bytes: the advice alone is looked at.
  if (madvise(nullptr, 0, MADV_POPULATE_WRITE) == 0) return {};
  return std::string{"madvise (MADV_POPULATE_WRITE, since Linux 5.14): "} + std::strerror(errno);
}

bool populate_to_write(WritableAddress at, std::size_t size) noexcept {
  return madvise(at.data(), size, MADV_POPULATE_WRITE) == 0;
}

bool populate_to_execute(ExecAddress at, std::size_t size) noexcept {
  return madvise(reinterpret_cast<void*>(at.value()), size, MADV_POPULATE_READ) == 0;
}

}  // namespace patchbench
