// workloads/send/architecture.hpp - the architectures, of which one is NativeArchitecture.
#pragma once

#include "workloads/send/architecture_aarch64.hpp"
#include "workloads/send/architecture_x86_64.hpp"
#include "workloads/send/codegen.hpp"

namespace patchbench::send {

static_assert(Architecture<NativeArchitecture>);

}  // namespace patchbench::send
