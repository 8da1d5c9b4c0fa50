// workloads/send/allocation_count_test.hpp - counts what a test program allocates.
#pragma once

#include <cstdint>

namespace patchbench::testing {

/// Calls of operator new so far, in all its forms, by all threads.
[[nodiscard]] std::uint64_t allocations() noexcept;

}  // namespace patchbench::testing
