#include "harness/process/known_chains.hpp"

namespace patchbench::harness {

// In front of all other code: a section that is aligned to a page would undo the layouts' padding
// for everything behind it (harness/process/layouts.hpp).
[[gnu::aligned(4096), gnu::noinline, gnu::section(".text.unlikely.chains")]] std::uint64_t chain(
    std::uint64_t value, std::uint64_t factor) noexcept {
  asm("mov x8, %0\n\t.rept %c2\n\tmul x8, x8, %1\n\t.endr\n\tmov %0, x8"
      : "+r"(value)
      : "r"(factor), "i"(kChainSteps)
      : "x8");
  return value;
}

[[gnu::aligned(4096), gnu::noinline, gnu::section(".text.unlikely.chains")]] std::uint64_t
other_chain(std::uint64_t value, std::uint64_t factor) noexcept {
  asm("mov x9, %0\n\t.rept %c2\n\tmul x9, x9, %1\n\t.endr\n\tmov %0, x9"
      : "+r"(value)
      : "r"(factor), "i"(kChainSteps)
      : "x9");
  return value;
}

[[gnu::aligned(4096), gnu::noinline, gnu::section(".text.unlikely.chains")]] std::uint64_t
longer_chain(std::uint64_t value, std::uint64_t factor) noexcept {
  asm("mov x8, %0\n\t.rept %c2\n\tmul x8, x8, %1\n\t.endr\n\tmov %0, x8"
      : "+r"(value)
      : "r"(factor), "i"(kLongerSteps)
      : "x8");
  return value;
}

}  // namespace patchbench::harness
