// harness/process/spawn.hpp - posix_spawn(3) for this program's own executable.
#pragma once

#include <csignal>
#include <span>

#include <sched.h>
#include <sys/types.h>

#include "harness/machine/emulator.hpp"
#include "strategies/mapping.hpp"

namespace patchbench::harness {

/// A descriptor of this process, and the number under which the new one finds it.
struct Handover {
  const Fd* fd = nullptr;
  int as = -1;
};

enum class Addresses {
  random,
  fixed,  // as far as the kernel lets itself be asked for that: a container's seccomp may refuse
};

/// Starts `program` with `argument` behind its words, an empty standard input, the descriptors of
/// `handed`, the signals of `mask` blocked, and in a process group of its own: the terminal's ^C
/// reaches the parent alone. Descriptors to hand over must be moved_up(). Throws std::system_error.
[[nodiscard]] pid_t spawn(Execution program, const char* argument, std::span<const Handover> handed,
                          const sigset_t& mask, Addresses addresses = Addresses::random);

/// A duplicate above the numbers under which a child finds its own, so that handing one over never
/// closes another. Throws std::system_error.
[[nodiscard]] Fd moved_up(const Fd& low);

/// While it lives, programs that this thread starts execute on one processor, from their first
/// instruction on. One that began on another would leave that in the kernel's set of processors
/// whose TLB may hold its pages, and pay for interrupts to it until the kernel has trimmed the set
/// (seen: 4 flushes instead of 2 for a call of mprotect). Where it may not be chosen, the child
/// says so itself.
class OnProcessor {
 public:
  explicit OnProcessor(int cpu);
  OnProcessor(const OnProcessor&) = delete;
  OnProcessor& operator=(const OnProcessor&) = delete;
  ~OnProcessor();

 private:
  cpu_set_t before_{};
  bool known_;
};

}  // namespace patchbench::harness
