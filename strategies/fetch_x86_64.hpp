// strategies/fetch_x86_64.hpp - how x86-64 keeps instruction fetch coherent with stores.
#pragma once

namespace patchbench {

#if defined(__x86_64__)
/// Whether stores reach instruction fetch without any instruction that says so. They do: publishing
/// by PublishMode::none executes nothing (publish_x86_64.cpp has the rule and its sources).
inline constexpr bool kFetchIsCoherent = true;
#endif

}  // namespace patchbench
