#include <asm/hwcap.h>
#include <asm/mman.h>
#include <sys/auxv.h>

#include "landing_pads.hpp"

namespace patchbench {

// Linux 5.8; Documentation/arch/arm64/elf_hwcaps.rst and mprotect(2).
int landing_pad_protection() noexcept {
  return (getauxval(AT_HWCAP2) & HWCAP2_BTI) != 0 ? PROT_BTI : 0;
}

}  // namespace patchbench
