#include <atomic>

#include "publish.hpp"

namespace patchbench {

// x86 keeps instruction fetch coherent with stores by physical address. When the writing and
// executing linear addresses are the same, the architecture asks for a jump or a serialising
// instruction before the new code runs, and every patch here is followed by a call or a return.
// When they differ, the architecture asks for a serialising operation (Intel SDM vol. 3A, "Handling
// Self- and Cross-Modifying Code"; AMD64 APM vol. 2, 7.6.1), and what real VMs do is nothing:
// current processors snoop physically. This is that choice; rows measured with it are marked.
void publish(ExecAddress /*exec*/, WritableAddress /*writable*/, std::size_t /*size*/,
             AliasKind /*alias*/) noexcept {
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

bool publish_is_architectural(AliasKind alias) noexcept { return alias == AliasKind::same_address; }

std::string describe_publishing() { return "none"; }

}  // namespace patchbench
