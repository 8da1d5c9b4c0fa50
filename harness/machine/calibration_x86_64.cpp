#include "harness/machine/calibration.hpp"

namespace patchbench::harness {

void multiply_chain(std::uint64_t count) noexcept {
  std::uint64_t value = 3;
  for (std::uint64_t i = 0; i < count; ++i) asm volatile("imul %0, %0" : "+r"(value) : : "cc");
}

// In front of all other code: a section that is aligned to 64 bytes would undo the layouts' padding
// for everything behind it (harness/process/layouts.hpp).
[[gnu::noinline, gnu::aligned(64), gnu::section(".text.unlikely.calibration")]]  //
void independent_block() noexcept {
  // 512 times 12 instructions of 2 to 7 bytes, 49 together.
  asm volatile(
      ".rept 512\n\t"
      "addl $1, %%eax\n\t"
      "leal 0x12345(%%rdi), %%ecx\n\t"
      "movl $0x12345678, %%edx\n\t"
      "addl $1, %%esi\n\t"
      "testq %%rsp, %%rsp\n\t"
      "jz 1f\n"
      "1:\n\t"
      "xorl $0x12345678, %%r8d\n\t"
      "addl $3, %%r9d\n\t"
      "leal 4(%%rdi), %%r10d\n\t"
      "orl $1, %%r11d\n\t"
      "movl $0x1234567, %%ecx\n\t"
      "addl $1, %%edi\n\t"
      ".endr"
      :
      :
      : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "cc");
}

}  // namespace patchbench::harness
