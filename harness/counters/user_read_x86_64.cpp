#include "harness/counters/user_read.hpp"

namespace patchbench::harness {

std::string_view user_read_instruction() { return "rdpmc"; }

// /sys/bus/event_source/devices/cpu/rdpmc decides, and the event's page repeats what it says.
UserReadRequest user_read_request() { return {.allowed = true, .config1 = 0}; }

std::uint64_t read_user_counter(std::uint32_t counter) {
  std::uint32_t low = 0;
  std::uint32_t high = 0;
  // RDPMC does not wait for the instructions before it (Intel SDM 2B and AMD APM 3, RDPMC): what is
  // counted must have happened.
  asm volatile("lfence\n\trdpmc" : "=a"(low), "=d"(high) : "c"(counter) : "memory");
  return (std::uint64_t{high} << 32U) | low;
}

}  // namespace patchbench::harness
