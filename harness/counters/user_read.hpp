// harness/counters/user_read.hpp - the instruction with which user code reads a counter of the
// processor, where the kernel lets it; one file for each architecture.
#pragma once

#include <cstdint>
#include <string_view>

namespace patchbench::harness {

/// "rdpmc", "mrs"
[[nodiscard]] std::string_view user_read_instruction();

/// What an event needs in its config1 so that user code may read it; empty where the kernel does
/// not allow it at all. Whether it allows it for this event, the event's page says.
struct UserReadRequest {
  bool allowed = false;
  std::uint64_t config1 = 0;
};
[[nodiscard]] UserReadRequest user_read_request();

/// The counter that the event's page gives as `index` - 1 (perf_event_open(2), cap_user_rdpmc).
[[nodiscard]] std::uint64_t read_user_counter(std::uint32_t counter);

}  // namespace patchbench::harness
