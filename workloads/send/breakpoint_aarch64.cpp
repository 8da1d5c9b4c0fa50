#include "workloads/send/breakpoint.hpp"

namespace patchbench::send {

std::string Breakpoints::why_unavailable() {
  return "int3 is an instruction of x86; on AArch64 a BL may be changed while others execute it "
         "(protocol=membarrier)";
}

Breakpoints::Breakpoints() = default;
Breakpoints::~Breakpoints() = default;

void Breakpoints::change_call(ExecAddress /*word*/, WritableAddress /*writable*/,
                              ExecAddress /*from*/, ExecAddress /*to*/) noexcept {
  patch_failed("a breakpoint on AArch64");
}

std::uint64_t Breakpoints::hits() noexcept { return 0; }

}  // namespace patchbench::send
