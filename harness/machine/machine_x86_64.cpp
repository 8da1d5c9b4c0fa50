#include <array>
#include <cstring>

#include <cpuid.h>

#include "harness/machine/machine.hpp"

namespace patchbench::harness {

std::string_view machine_name() { return "x86_64"; }

std::string_view objdump_machine() { return "i386:x86-64"; }

// Not needed: emulators say so by CPUID and by the processor's name.
bool breaks_architecture() { return false; }

std::string_view hypervisor_signature_source() { return "CPUID leaf 0x40000000"; }

std::string hypervisor_signature() {
  constexpr unsigned kFeatures = 1;
  constexpr unsigned kHypervisorPresent = 1U << 31U;  // ECX; reserved for this use by both vendors
  constexpr unsigned kHypervisorVendor = 0x40000000;
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  if (__get_cpuid(kFeatures, &eax, &ebx, &ecx, &edx) == 0 || (ecx & kHypervisorPresent) == 0) {
    return {};
  }
  __cpuid(kHypervisorVendor, eax, ebx, ecx, edx);
  const std::array<unsigned, 3> words = {ebx, ecx, edx};
  std::array<char, sizeof words + 1> text{};
  std::memcpy(text.data(), words.data(), sizeof words);
  return text.data();
}

}  // namespace patchbench::harness
