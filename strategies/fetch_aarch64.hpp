// strategies/fetch_aarch64.hpp - how AArch64 keeps instruction fetch coherent with stores.
#pragma once

namespace patchbench {

#if defined(__aarch64__)
/// Whether stores reach instruction fetch without any instruction that says so. They do not:
/// publishing maintains caches in every mode (publish_aarch64.cpp has the rule and its sources).
inline constexpr bool kFetchIsCoherent = false;
#endif

}  // namespace patchbench
