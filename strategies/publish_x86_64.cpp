#include "publish_x86_64.hpp"

#include <array>
#include <cstdint>

#include <cpuid.h>

#include "membarrier.hpp"

// The rule. x86 keeps instruction fetch coherent with stores by physical address; what has been
// fetched ahead is compared by linear address, in P6 and Pentium processors at least. So where code
// is written at the linear address that executes, a jump before it is enough (Intel SDM vol. 3A,
// "Handling Self- and Cross-Modifying Code"), and every patch here is followed by a call or a
// return. Where the two addresses differ, software "will execute a serializing operation, such as a
// CPUID instruction, before the modified instruction is executed" (the same volume, "Self-Modifying
// Code" in the chapter "Memory Cache Control"; AMD64 APM vol. 2, 7.6.1 [wording unverified]).
//
// What real VMs do is nothing: current processors snoop physically. That is the mode `none`; the
// others are what the manual asks for. SERIALIZE and CPUID are serialising instructions: they serve
// the thread that executes them, and no other. A store is seen by another thread's instruction
// fetch for sure only after that thread has serialised too, and this is what membarrier(2) makes
// all of them do.

namespace patchbench {
namespace {

constexpr std::array kModes = {
    PublishModeInfo{PublishMode::none, "none", "nothing, as virtual machines do"},
    PublishModeInfo{PublishMode::serialize, "serialize", "SERIALIZE; this thread"},
    PublishModeInfo{PublishMode::cpuid, "cpuid", "CPUID; this thread"},
    PublishModeInfo{PublishMode::membarrier, "membarrier",
                    "membarrier(2) SYNC_CORE; every thread of the process"},
};

/// As bytes: g++ 12 and clang 14 know the mnemonic only with -mserialize.
void execute_serialize() noexcept { asm volatile(".byte 0x0f, 0x01, 0xe8" : : : "memory"); }

/// Not __cpuid(), which some compilers may leave out where nobody wants its result.
void execute_cpuid() noexcept {
  std::uint32_t leaf = 0;
  std::uint32_t subleaf = 0;
  asm volatile("cpuid" : "+a"(leaf), "+c"(subleaf) : : "ebx", "edx", "memory");
}

}  // namespace

std::span<const PublishModeInfo> publish_modes() noexcept { return kModes; }

void execute_publishing(ExecAddress /*exec*/, WritableAddress /*writable*/, std::size_t /*size*/,
                        AliasKind /*alias*/, PublishMode mode) noexcept {
  switch (mode) {
    case PublishMode::none:
      return;
    case PublishMode::serialize:
      execute_serialize();
      return;
    case PublishMode::cpuid:
      execute_cpuid();
      return;
    case PublishMode::membarrier:
      core_barrier();
      return;
  }
}

std::string why_unavailable(PublishMode mode) {
  return x86_64::why_unavailable(mode, x86_64::read_processor());
}

void prepare_publishing(PublishMode mode) {
  if (mode == PublishMode::membarrier) register_for_core_barriers();
}

bool publish_is_architectural(AliasKind alias, PublishMode mode) noexcept {
  return alias == AliasKind::same_address || mode != PublishMode::none;
}

std::string publish_note(AliasKind alias, PublishMode mode) {
  return x86_64::publish_note(alias, mode, x86_64::read_processor());
}

std::string describe_publishing() { return "none"; }

namespace x86_64 {

Processor read_processor() noexcept {
  constexpr unsigned kHypervisor = 1U << 31U;
  constexpr unsigned kSerialize = 1U << 14U;
  Processor processor;
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0) processor.hypervisor = (ecx & kHypervisor) != 0;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0) {
    processor.serialize = (edx & kSerialize) != 0;
  }
  return processor;
}

std::string why_unavailable(PublishMode mode, const Processor& processor) {
  if (mode == PublishMode::serialize && !processor.serialize) {
    return "this processor has no SERIALIZE (CPUID.7.0:EDX[14] is 0); cpuid serialises everywhere";
  }
  return mode == PublishMode::membarrier ? why_no_core_barrier() : std::string{};
}

std::string publish_note(AliasKind alias, PublishMode mode, const Processor& processor) {
  switch (mode) {
    case PublishMode::none:
      break;
    case PublishMode::serialize:
      return "serialised after each patch: SERIALIZE, for the thread that patches alone";
    case PublishMode::cpuid:
      return std::string{"serialised after each patch: CPUID"} +
             (processor.hypervisor ? " (under this hypervisor a VM exit)" : "") +
             ", for the thread that patches alone";
    case PublishMode::membarrier:
      return "serialised after each patch: membarrier SYNC_CORE, for every thread of the process";
  }
  return alias == AliasKind::second_view ? "no architectural guarantee" : "";
}

}  // namespace x86_64
}  // namespace patchbench
