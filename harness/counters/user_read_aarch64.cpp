#include <array>
#include <cstddef>
#include <utility>

#include "harness/counters/user_read.hpp"
#include "harness/machine/proc.hpp"

namespace patchbench::harness {
namespace {

constexpr std::size_t kCycleCounter = 31;  // the kernel's number of PMCCNTR_EL0

/// PMEVCNTR<n>_EL0, whose number is part of the instruction (Arm ARM: op0 3, op1 3, CRn 14, CRm
/// 8 + n / 8, op2 n % 8).
template <std::size_t kCounter>
std::uint64_t read_register() {
  std::uint64_t value = 0;
  if constexpr (kCounter == kCycleCounter) {
    asm volatile("mrs %0, pmccntr_el0" : "=r"(value));
  } else {
    asm volatile("mrs %0, s3_3_c14_c%c1_%c2"
                 : "=r"(value)
                 : "i"(8 + kCounter / 8), "i"(kCounter % 8));
  }
  return value;
}

template <std::size_t... kCounters>
std::uint64_t read_numbered(std::uint32_t counter, std::index_sequence<kCounters...> /*all*/) {
  using Read = std::uint64_t (*)();
  static constexpr std::array<Read, sizeof...(kCounters)> kReads = {&read_register<kCounters>...};
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
  // What is counted must have happened: an instruction before this may still be on its way.
  asm volatile("isb" : : : "memory");
  return read_numbered(counter, std::make_index_sequence<kCycleCounter + 1>());
}

}  // namespace patchbench::harness
