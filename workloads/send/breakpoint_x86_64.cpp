#include <atomic>
#include <cstddef>

#include <ucontext.h>

#include "strategies/mapping.hpp"
#include "strategies/membarrier.hpp"
#include "workloads/send/architecture_x86_64.hpp"
#include "workloads/send/breakpoint.hpp"

namespace patchbench::send {
namespace {

constexpr std::uint8_t kInt3 = 0xcc;
constexpr std::uint8_t kCall = 0xe8;
constexpr std::size_t kCallSize = 5;

/// The call that is being changed, read by handlers in other threads: even while nobody writes it.
struct CallInFlight {
  std::atomic<std::uint64_t> sequence = 0;
  std::atomic<std::uintptr_t> call = 0;
  std::atomic<std::uintptr_t> target = 0;
};

CallInFlight in_flight;
std::atomic<std::uint64_t> hit_count = 0;

void announce(std::uintptr_t call, std::uintptr_t target) noexcept {
  in_flight.sequence.fetch_add(1);
  in_flight.call.store(call);
  in_flight.target.store(target);
  in_flight.sequence.fetch_add(1);
}

/// 0: no call at this address is being changed.
std::uintptr_t target_of_call_in_flight(std::uintptr_t call) noexcept {
  for (;;) {
    const std::uint64_t before = in_flight.sequence.load();
    const std::uintptr_t announced = in_flight.call.load();
    const std::uintptr_t target = in_flight.target.load();
    if (before % 2 == 0 && in_flight.sequence.load() == before) {
      return announced == call ? target : 0;
    }
  }
}

/// A breakpoint that is not announced was taken away meanwhile, and the call there is whole again;
/// or it is somebody else's, and will be met again however often one goes back. The code is not
/// read to tell which: a handler begins with rights to no protection key but 0 (init_pkru in
/// arch/x86/mm/pkeys.c of Linux), and the code may have another.
constexpr int kMostReturns = 1000;
thread_local std::uintptr_t returned_to = 0;
thread_local int returns = 0;

bool is_met_again_and_again(std::uintptr_t call) noexcept {
  returns = returned_to == call ? returns + 1 : 0;
  returned_to = call;
  return returns >= kMostReturns;
}

/// Async-signal-safe. Generated code keeps nothing below its stack pointer, so there is room for
/// the return address that the call would have pushed.
void go_on_as_the_call(int signal, siginfo_t* /*info*/, void* context) {
  auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  const auto call = static_cast<std::uintptr_t>(registers[REG_RIP]) - 1;
  if (const std::uintptr_t target = target_of_call_in_flight(call); target != 0) {
    hit_count.fetch_add(1, std::memory_order_relaxed);
    registers[REG_RSP] -= static_cast<greg_t>(sizeof(std::uintptr_t));
    *reinterpret_cast<std::uintptr_t*>(registers[REG_RSP]) = call + kCallSize;
    registers[REG_RIP] = static_cast<greg_t>(target);
    returned_to = 0;
    return;
  }
  registers[REG_RIP] = static_cast<greg_t>(call);
  if (is_met_again_and_again(call)) static_cast<void>(std::signal(signal, SIG_DFL));
}

}  // namespace

std::string Breakpoints::why_unavailable() { return why_no_core_barrier(); }

Breakpoints::Breakpoints() {
  register_for_core_barriers();
  struct sigaction ours = {};
  ours.sa_sigaction = &go_on_as_the_call;
  ours.sa_flags = SA_SIGINFO | SA_RESTART;
  if (sigaction(SIGTRAP, &ours, &before_) != 0) throw_errno("sigaction (SIGTRAP)");
}

Breakpoints::~Breakpoints() { sigaction(SIGTRAP, &before_, nullptr); }

void Breakpoints::change_call(ExecAddress word, WritableAddress writable, ExecAddress from,
                              ExecAddress to) noexcept {
  const WritableAddress opcode{writable.value() - 1};
  announce(word.value() - 1, to.value());
  patch_word<std::uint8_t>(opcode, kCall, kInt3);
  core_barrier();
  patch_word<std::uint32_t>(writable, X86_64::encode_target(word, from),
                            X86_64::encode_target(word, to));
  core_barrier();
  patch_word<std::uint8_t>(opcode, kInt3, kCall);
  core_barrier();
  announce(0, 0);
}

std::uint64_t Breakpoints::hits() noexcept { return hit_count.load(std::memory_order_relaxed); }

}  // namespace patchbench::send
