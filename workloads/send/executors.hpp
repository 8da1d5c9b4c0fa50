// workloads/send/executors.hpp - threads that execute sends while another thread patches them.
//
// The thread that makes them is the mutator: it alone calls the functions here.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <thread>
#include <vector>

#include "strategies/code_zone.hpp"
#include "workloads/send/codegen.hpp"
#include "workloads/send/object_model.hpp"

namespace patchbench::send {

/// What each executor runs. Everything outlives it, and changes only as far as the mutator patches
/// code. `rows` lie behind each other in the stream; an executor takes them in turn.
struct ExecutorCode {
  DriverFunction* walk = nullptr;  // over all sites
  const Oop* stream = nullptr;
  std::int64_t row_bytes = 0;
  /// What a pass over each row answers, whatever its sites are linked for: the oracle.
  std::vector<std::uint64_t> expected;
  CallSiteFunction* call_site = nullptr;
  const Oop* watched_row = nullptr;  // receivers of a site's first class
  /// Misses that the calling thread has had.
  std::uint64_t (*lookups)() noexcept = nullptr;
};

/// Waiting for another thread that is about to do something: spins, and after a few microseconds
/// lets others have the processor, because that thread may need it.
class Patience {
 public:
  void wait() noexcept {
    constexpr unsigned kSpins = 4096;
    if (++turns_ > kSpins) std::this_thread::yield();
  }

 private:
  unsigned turns_ = 0;
};

/// Each executor is in one of three modes, the same for all. It looks for another mode, and for a
/// stop, between two passes over the sites or, while it watches one, between two sends: these are
/// its safepoints.
class Executors {
 public:
  /// Executor k runs on processors[k % size], or where the kernel puts it if there are none. They
  /// rest at first. Throws std::system_error where a thread cannot be had or pinned.
  Executors(ExecutorCode code, unsigned count, std::span<const int> processors);
  Executors(const Executors&) = delete;
  Executors& operator=(const Executors&) = delete;
  ~Executors();

  [[nodiscard]] std::size_t count() const noexcept { return executors_.size(); }

  /// Passes over all sites from now on. Returns when each has finished one.
  void walk() noexcept;
  /// Sends through one site from now on, always of its first class and with this answer. Returns
  /// when each has.
  void watch(ExecAddress site, std::uint64_t answer) noexcept;
  /// They end what they are at and then rest.
  void rest() noexcept { mode_.store(Mode::resting); }
  /// The same, and returns when all of them rest.
  void settle() noexcept;

  /// Returns when no executor is in generated code, and none enters it before resume().
  void stop() noexcept {
    stopping_.store(true);
    std::atomic_thread_fence(std::memory_order_seq_cst);  // as in enter()
    for (const Executor& one : executors_) {
      Patience patience;
      while (one.inside.load()) patience.wait();
    }
  }
  void resume() noexcept { stopping_.store(false); }

  /// Whether each watching executor's last send missed (true), or hit (false).
  [[nodiscard]] bool all_saw(bool missed) const noexcept {
    const Seen wanted = missed ? Seen::missed : Seen::hit;
    for (const Executor& one : executors_) {
      if (one.seen.load(std::memory_order_acquire) != wanted) return false;
    }
    return true;
  }
  /// The fewest that any of them has finished, since it was made.
  [[nodiscard]] std::uint64_t passes() const noexcept;
  /// Passes and watched sends that answered something else than expected.
  [[nodiscard]] std::uint64_t wrong() const noexcept;

 private:
  enum class Mode : std::uint8_t { resting, walking, watching, leaving };
  enum class Seen : std::uint8_t { nothing, hit, missed };
  /// On cache lines of its own, with the one that a prefetcher takes along.
  struct alignas(128) Executor {
    std::atomic<bool> inside = false;   // or about to be, unless it finds that it shall stop
    std::atomic<bool> resting = false;  // and stays so until the mode changes
    std::atomic<Seen> seen = Seen::nothing;
    std::atomic<std::uint64_t> passes = 0;
    std::atomic<std::uint64_t> wrong = 0;
    std::atomic<int> error = -1;  // of pinning it; -1: not tried yet
    std::uint64_t row = 0;
    std::thread thread;
  };

  void begin(Mode mode) noexcept;
  void leave() noexcept;
  void execute(Executor& self, int processor) noexcept;
  static void enter(Executor& self) noexcept;
  void execute_walks(Executor& self) noexcept;
  void execute_watched(Executor& self) noexcept;
  /// A safepoint. True while the mode is still this one.
  [[nodiscard]] bool may_go_on(Executor& self, Mode mode) noexcept;

  ExecutorCode code_;
  alignas(128) std::atomic<Mode> mode_ = Mode::resting;
  std::atomic<bool> stopping_ = false;
  std::atomic<std::uintptr_t> watched_ = 0;
  std::atomic<std::uint64_t> watched_answer_ = 0;
  std::deque<Executor> executors_;
};

}  // namespace patchbench::send
