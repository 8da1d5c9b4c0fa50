// strategies/publish_x86_64.hpp - what publishing depends on in an x86-64 processor, apart from the
// processor, so that tests can bring another one.
#pragma once

#include <string>

#include "publish.hpp"

namespace patchbench::x86_64 {

struct Processor {
  bool serialize = false;   // CPUID.7.0:EDX[14], the instruction SERIALIZE
  bool hypervisor = false;  // CPUID.1:ECX[31]
};

[[nodiscard]] Processor read_processor() noexcept;

[[nodiscard]] std::string why_unavailable(PublishMode mode, const Processor& processor);
[[nodiscard]] std::string publish_note(AliasKind alias, PublishMode mode,
                                       const Processor& processor);

}  // namespace patchbench::x86_64
