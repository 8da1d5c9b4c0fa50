// harness/counters/busy_thread.hpp - a second thread that executes while a patch is made.
//
// With one thread, changing a mapping is a matter of the processor that changes it. As soon as
// another one executes in the same address space, the kernel has to tell it, by an interrupt where
// the architecture cannot broadcast.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <thread>

namespace patchbench::harness {

/// Runs user code on one other processor for as long as it lives: no system call, no page fault of
/// its own. Every event that it shall be counted by is opened before.
class BusyThread {
 public:
  /// On the first of the `allowed` processors other than `cpu`. Returns once it runs there. Throws
  /// std::system_error when there is none.
  BusyThread(int cpu, std::span<const int> allowed);
  BusyThread(const BusyThread&) = delete;
  BusyThread& operator=(const BusyThread&) = delete;
  ~BusyThread();

  /// Returns while it executes. On a loaded machine it may have to wait for its processor, and what
  /// is counted meanwhile is not beside it. Throws std::system_error when that takes seconds.
  void wait_until_it_executes() const;
  /// Where it runs.
  [[nodiscard]] int cpu() const noexcept { return cpu_; }

 private:
  void execute();

  int cpu_;
  std::atomic<int> error_{-1};  // of pinning it; -1: not tried yet
  std::atomic<bool> stop_ = false;
  std::atomic<std::uint64_t> turns_ = 0;  // of its loop, each a microsecond or so
  std::thread thread_;
};

}  // namespace patchbench::harness
