#include "harness/machine/calibration.hpp"

namespace patchbench::harness {

void multiply_chain(std::uint64_t count) noexcept {
  std::uint64_t value = 3;
  for (std::uint64_t i = 0; i < count; ++i) asm volatile("mul %0, %0, %0" : "+r"(value));
}

// In front of all other code: a section that is aligned to 64 bytes would undo the layouts' padding
// for everything behind it (harness/process/layouts.hpp).
[[gnu::noinline, gnu::aligned(64), gnu::section(".text.unlikely.calibration")]]  //
void independent_block() noexcept {
  // 512 times 12 instructions. x10 is never 0.
  asm volatile(
      "mov x10, #1\n\t"
      ".rept 512\n\t"
      "add w0, w0, #1\n\t"
      "add x1, x10, #4\n\t"
      "mov w2, #0x1234\n\t"
      "add w3, w3, #1\n\t"
      "cbz x10, 1f\n"
      "1:\n\t"
      "eor w4, w4, #1\n\t"
      "add w5, w5, #3\n\t"
      "orr w6, w6, #1\n\t"
      "add x7, x10, #8\n\t"
      "mov w8, #0x4321\n\t"
      "add w9, w9, #1\n\t"
      "sub w11, w10, #1\n\t"
      ".endr"
      :
      :
      : "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "cc");
}

}  // namespace patchbench::harness
