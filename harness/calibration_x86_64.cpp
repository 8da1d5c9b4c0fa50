#include "harness/calibration.hpp"

namespace patchbench::harness {

void multiply_chain(std::uint64_t count) noexcept {
  std::uint64_t value = 3;
  for (std::uint64_t i = 0; i < count; ++i) {
    asm volatile("imul %0, %0" : "+r"(value) : : "cc");
  }
}

}  // namespace patchbench::harness
