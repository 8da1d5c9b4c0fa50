#include "harness/machine.hpp"

namespace patchbench::harness {

std::string_view machine_name() { return "aarch64"; }

std::string_view objdump_machine() { return "aarch64"; }

// Arm ARM B2.2.5: the maintenance operations that every strategy needs anyway work on both
// addresses.
std::string_view second_view_note() { return {}; }

std::string hypervisor_signature() { return {}; }

}  // namespace patchbench::harness
