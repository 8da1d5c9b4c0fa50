// strategies/publish.hpp - making stored bytes visible to instruction fetch.
#pragma once

#include <cstddef>
#include <string>

#include "code_zone.hpp"

namespace patchbench {

/// Call after the stores of a patch and before anything executes them, once per contiguous range.
///
/// `exec` and `writable` name the same `size` bytes through the two views. What it costs and what
/// it guarantees depends on the architecture; the rule and its source stand in
/// publish_<architecture>.cpp. Serves the calling thread. Other threads that may execute the range
/// need more (Intel's manual calls it cross-modifying code): patches that rely on one mutator and
/// one executor say so where they are made.
void publish(ExecAddress exec, WritableAddress writable, std::size_t size,
             AliasKind alias) noexcept;

/// Whether a patch through this kind of alias, published as above, is guaranteed by the
/// architecture to be seen, or only by the behaviour of the processors that exist.
[[nodiscard]] bool publish_is_architectural(AliasKind alias) noexcept;

/// What publishing does on this processor, for the record: "DC CVAU every 64 bytes, IC IVAU every
/// 64 bytes".
[[nodiscard]] std::string describe_publishing();

}  // namespace patchbench
