#include "harness/process/known_chains.hpp"

namespace patchbench::harness {

// In front of all other code: a section that is aligned to a page would undo the layouts' padding
// for everything behind it (harness/process/layouts.hpp).
[[gnu::aligned(4096), gnu::noinline, gnu::section(".text.unlikely.chains")]] std::uint64_t chain(
    std::uint64_t value, std::uint64_t factor) noexcept {
  asm("mov %0, %%r8\n\t.rept %c2\n\timul %1, %%r8\n\t.endr\n\tmov %%r8, %0"
      : "+r"(value)
      : "r"(factor), "i"(kChainSteps)
      : "r8", "cc");
  return value;
}

[[gnu::aligned(4096), gnu::noinline, gnu::section(".text.unlikely.chains")]] std::uint64_t
other_chain(std::uint64_t value, std::uint64_t factor) noexcept {
  asm("mov %0, %%r9\n\t.rept %c2\n\timul %1, %%r9\n\t.endr\n\tmov %%r9, %0"
      : "+r"(value)
      : "r"(factor), "i"(kChainSteps)
      : "r9", "cc");
  return value;
}

[[gnu::aligned(4096), gnu::noinline, gnu::section(".text.unlikely.chains")]] std::uint64_t
longer_chain(std::uint64_t value, std::uint64_t factor) noexcept {
  asm("mov %0, %%r8\n\t.rept %c2\n\timul %1, %%r8\n\t.endr\n\tmov %%r8, %0"
      : "+r"(value)
      : "r"(factor), "i"(kLongerSteps)
      : "r8", "cc");
  return value;
}

}  // namespace patchbench::harness
