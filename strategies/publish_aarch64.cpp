#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "membarrier.hpp"
#include "publish.hpp"

// The rule (Arm ARM, "Synchronization and coherency issues between data and instruction accesses",
// in chapter B2): after the stores, clean the data cache to the point of unification, wait, discard
// what the instruction cache holds, wait, and discard what the pipeline has fetched:
//
//     DC CVAU, each data line         through the view that was written
//     DSB ISH                         the clean is done before any core fetches again
//     IC IVAU, each instruction line  through the view that executes
//     DSB ISH                         the invalidation is done on all cores that share memory
//     ISB                             this core fetches again; each other one needs its own
//
// A data cache behaves as if it were looked up by physical address, so cleaning through either view
// would do. An instruction cache need not: an IC IVAU is sure to reach only the virtual address
// that it names (chapter D7, "VIPT instruction caches"; section number unverified), so it names the
// one that executes.
//
// CTR_EL0 says at run time how long the lines are, and which half the processor makes needless:
// IDC, the clean; DIC, the invalidation. The barriers stay. Linux lets programs read the register,
// and answers in its place where one core is not like the others or has an erratum: on Neoverse N1
// (1542419) it hides DIC and names a line that is much too long, because each IC IVAU is then a
// trap (J. Morse, "arm64: errata: Workaround Neoverse-N1 #1542419", linux-arm-kernel, 2019). The
// answer may be a trap itself, so it is asked for once.
//
// None of this is a choice, so the mode `none` does all of it. What is left to choose is the ISB of
// the other cores: membarrier(2) makes each that runs a thread of this process execute one.

namespace patchbench {
namespace {

struct CacheMaintenance {
  std::uintptr_t data_line;
  std::uintptr_t instruction_line;
  bool clean;
  bool invalidate;
};

CacheMaintenance required_maintenance() noexcept {
  constexpr std::uint64_t kIdc = std::uint64_t{1} << 28U;
  constexpr std::uint64_t kDic = std::uint64_t{1} << 29U;
  std::uint64_t ctr = 0;
  asm volatile("mrs %0, ctr_el0" : "=r"(ctr));
  // Both line sizes are logarithms of the number of four-byte words.
  return {.data_line = std::uintptr_t{4} << (ctr >> 16U & 0xfU),
          .instruction_line = std::uintptr_t{4} << (ctr & 0xfU),
          .clean = (ctr & kIdc) == 0,
          .invalidate = (ctr & kDic) == 0};
}

const CacheMaintenance kRequired = required_maintenance();

constexpr std::array kModes = {
    PublishModeInfo{PublishMode::none, "none", "nothing beyond DC CVAU, IC IVAU and ISB"},
    PublishModeInfo{PublishMode::membarrier, "membarrier",
                    "then membarrier(2) SYNC_CORE; every thread of the process"},
};

}  // namespace

std::span<const PublishModeInfo> publish_modes() noexcept { return kModes; }

void execute_publishing(ExecAddress exec, WritableAddress writable, std::size_t size,
                        AliasKind /*alias*/, PublishMode mode) noexcept {
  if (kRequired.clean) {
    const std::uintptr_t end = writable.value() + size;
    for (std::uintptr_t line = writable.value() & -kRequired.data_line; line < end;
         line += kRequired.data_line) {
      asm volatile("dc cvau, %0" : : "r"(line) : "memory");
    }
  }
  asm volatile("dsb ish" : : : "memory");
  if (kRequired.invalidate) {
    const std::uintptr_t end = exec.value() + size;
    for (std::uintptr_t line = exec.value() & -kRequired.instruction_line; line < end;
         line += kRequired.instruction_line) {
      asm volatile("ic ivau, %0" : : "r"(line) : "memory");
    }
    asm volatile("dsb ish" : : : "memory");
  }
  asm volatile("isb" : : : "memory");
  if (mode == PublishMode::membarrier) [[unlikely]] {
    core_barrier();
  }
}

std::string why_unavailable(PublishMode mode) {
  switch (mode) {
    case PublishMode::none:
      return {};
    case PublishMode::serialize:
    case PublishMode::cpuid:
      return "an instruction of x86-64; here every publish() maintains the caches and ends in ISB";
    case PublishMode::membarrier:
      return why_no_core_barrier();
  }
  return {};
}

void prepare_publishing(PublishMode mode) {
  if (mode == PublishMode::membarrier) register_for_core_barriers();
}

bool publish_is_architectural(AliasKind /*alias*/, PublishMode /*mode*/) noexcept { return true; }

std::string publish_note(AliasKind /*alias*/, PublishMode mode) {
  return mode == PublishMode::membarrier ? "after each patch a context synchronisation event on "
                                           "every core that runs the process: membarrier SYNC_CORE"
                                         : "";
}

std::string describe_publishing() {
  const auto every = [](const char* operation, std::uintptr_t line) {
    return std::string{operation} + " every " + std::to_string(line) + " bytes";
  };
  return (kRequired.clean ? every("DC CVAU", kRequired.data_line) : "no clean (IDC)") + ", " +
         (kRequired.invalidate ? every("IC IVAU", kRequired.instruction_line)
                               : "no invalidation (DIC)");
}

}  // namespace patchbench
