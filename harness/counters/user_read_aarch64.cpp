#include "harness/counters/user_read.hpp"
#include "harness/proc.hpp"

namespace patchbench::harness {
namespace {

/// The register's number is part of the instruction.
template <int kCounter>
std::uint64_t read_register();

#define PATCHBENCH_COUNTER(n)                                 \
  template <>                                                 \
  std::uint64_t read_register<n>() {                          \
    std::uint64_t value = 0;                                  \
    asm volatile("mrs %0, pmevcntr" #n "_el0" : "=r"(value)); \
    return value;                                             \
  }
PATCHBENCH_COUNTER(0)
PATCHBENCH_COUNTER(1)
PATCHBENCH_COUNTER(2)
PATCHBENCH_COUNTER(3)
PATCHBENCH_COUNTER(4)
PATCHBENCH_COUNTER(5)
PATCHBENCH_COUNTER(6)
PATCHBENCH_COUNTER(7)
PATCHBENCH_COUNTER(8)
PATCHBENCH_COUNTER(9)
PATCHBENCH_COUNTER(10)
PATCHBENCH_COUNTER(11)
PATCHBENCH_COUNTER(12)
PATCHBENCH_COUNTER(13)
PATCHBENCH_COUNTER(14)
PATCHBENCH_COUNTER(15)
PATCHBENCH_COUNTER(16)
PATCHBENCH_COUNTER(17)
PATCHBENCH_COUNTER(18)
PATCHBENCH_COUNTER(19)
PATCHBENCH_COUNTER(20)
PATCHBENCH_COUNTER(21)
PATCHBENCH_COUNTER(22)
PATCHBENCH_COUNTER(23)
PATCHBENCH_COUNTER(24)
PATCHBENCH_COUNTER(25)
PATCHBENCH_COUNTER(26)
PATCHBENCH_COUNTER(27)
PATCHBENCH_COUNTER(28)
PATCHBENCH_COUNTER(29)
PATCHBENCH_COUNTER(30)
#undef PATCHBENCH_COUNTER

/// The cycle counter is the last of 32 (Arm ARM, PMCCNTR_EL0).
template <>
std::uint64_t read_register<31>() {
  std::uint64_t value = 0;
  asm volatile("mrs %0, pmccntr_el0" : "=r"(value));
  return value;
}

template <std::size_t... kCounters>
std::uint64_t read_numbered(std::uint32_t counter, std::index_sequence<kCounters...>) {
  using Read = std::uint64_t (*)();
  static constexpr std::array<Read, sizeof...(kCounters)> kReads = {
      &read_register<static_cast<int>(kCounters)>...};
  return kReads.at(counter)();
}

}  // namespace

std::string_view user_read_instruction() { return "mrs"; }

// Documentation/arch/arm64/perf.rst of Linux, "Perf Userspace PMU Hardware Counter Access": the
// sysctl, and bit 1 of config1 (/sys/bus/event_source/devices/armv8_pmuv3*/format/rdpmc).
UserReadRequest user_read_request() {
  constexpr std::uint64_t kUserAccess = 2;
  const bool allowed = read_integer("/proc/sys/kernel/perf_user_access").value_or(0) == 1;
  return {.allowed = allowed, .config1 = allowed ? kUserAccess : 0};
}

std::uint64_t read_user_counter(std::uint32_t counter) {
  // What is read must have happened: an instruction before it may still be on its way.
  asm volatile("isb" : : : "memory");
  return read_numbered(counter, std::make_index_sequence<32>());
}

}  // namespace patchbench::harness
