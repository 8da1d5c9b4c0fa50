// harness/machine/machine.hpp - what the harness has to know of the architecture it was compiled
// for. One implementation each: machine_x86_64.cpp, machine_aarch64.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace patchbench::harness {

/// As uname -m and results.json say it: "x86_64", "aarch64".
[[nodiscard]] std::string_view machine_name();

/// The argument of objdump -m: "i386:x86-64", "aarch64".
[[nodiscard]] std::string_view objdump_machine();

/// What the processor itself says about the hypervisor it runs under ("KVMKVMKVM"); empty when it
/// says nothing, which is always so where the architecture has no such instruction.
[[nodiscard]] std::string hypervisor_signature();
/// How it is asked for that; empty where it cannot be.
[[nodiscard]] std::string_view hypervisor_signature_source();

/// Whether two threads caught the processor at something that its architecture forbids. True proves
/// an emulator; false proves nothing: there may be no such test, or no second processor for it.
[[nodiscard]] bool breaks_architecture();

}  // namespace patchbench::harness
