// workloads/send/single_step_test.hpp - watches words of memory while other code changes them, so
// that an order of stores can be asserted.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace patchbench::testing {

/// What the watched words held, one after the other; neighbours differ.
using History = std::vector<std::vector<std::uint64_t>>;

/// Runs `work` in a child process, one instruction at a time, and reads the 8-byte words at `words`
/// after each of them: no store can hide. Nothing that `work` does is seen in this process, unless
/// to memory that both share. Nothing where the machine does not allow it (ptrace is refused, or an
/// emulator lacks it). Throws std::runtime_error when the work does not come to its end.
[[nodiscard]] std::optional<History> watch(const std::vector<std::uintptr_t>& words,
                                           const std::function<void()>& work);

}  // namespace patchbench::testing
