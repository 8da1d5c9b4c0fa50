// workloads/send/breakpoint.hpp - changing a direct call that other threads may be executing, byte
// by byte, behind a breakpoint. What an x86 kernel does to its own code, where an instruction that
// changes may lie across a boundary at which no store is atomic.
#pragma once

#include <csignal>
#include <cstdint>
#include <string>

#include "strategies/code_zone.hpp"

namespace patchbench::send {

/// The steps are those of Linux' text_poke_bp() (arch/x86/kernel/alternative.c): a breakpoint
/// (int3) over the first byte, every processor serialises, the other bytes, again, the first byte,
/// again. Whoever executes the breakpoint meanwhile is sent on by a handler as the new call would.
/// For processors to serialise, membarrier(2) stands here in place of the kernel's own interrupts.
///
/// One at a time in a process: it owns SIGTRAP while it lives. One thread changes calls, others may
/// execute them.
class Breakpoints {
 public:
  /// Empty where this architecture has it, and the kernel's barriers (membarrier.hpp).
  [[nodiscard]] static std::string why_unavailable();

  /// Throws std::system_error (sigaction), and registers for barriers.
  Breakpoints();
  Breakpoints(const Breakpoints&) = delete;
  Breakpoints& operator=(const Breakpoints&) = delete;
  ~Breakpoints();

  /// `word` is the call's displacement, as it executes, and `writable` the same place. When it
  /// returns, every thread that begins this call calls `to`.
  void change_call(ExecAddress word, WritableAddress writable, ExecAddress from,
                   ExecAddress to) noexcept;

  /// Breakpoints that were executed, in all threads.
  [[nodiscard]] static std::uint64_t hits() noexcept;

 private:
  struct sigaction before_ = {};
};

}  // namespace patchbench::send
