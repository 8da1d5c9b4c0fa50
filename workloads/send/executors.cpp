#include "workloads/send/executors.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include <pthread.h>
#include <sched.h>

#include "strategies/mapping.hpp"

namespace patchbench::send {
namespace {

int run_on(int processor) noexcept {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(processor), &set);
  return pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

}  // namespace

Executors::Executors(ExecutorCode code, unsigned count, std::span<const int> processors)
    : code_(std::move(code)) {
  try {
    for (unsigned i = 0; i < count; ++i) {
      Executor& one = executors_.emplace_back();
      one.row = i;  // not all at the same
      const int processor = processors.empty() ? -1 : processors[i % processors.size()];
      one.thread = std::thread{[this, &one, processor] { execute(one, processor); }};
      one.error.wait(-1);
      if (one.error.load() != 0) throw_errno("sched_setaffinity (an executor)", one.error.load());
    }
  } catch (const std::system_error& error) {
    leave();
    if (error.code() == std::errc::resource_unavailable_try_again) {
      throw_errno("pthread_create (an executor)", EAGAIN);
    }
    throw;
  }
  settle();
}

Executors::~Executors() { leave(); }

void Executors::leave() noexcept {
  mode_.store(Mode::leaving);
  mode_.notify_all();
  for (Executor& one : executors_) {
    if (one.thread.joinable()) one.thread.join();
  }
}

void Executors::begin(Mode mode) noexcept {
  settle();
  for (Executor& one : executors_) one.resting.store(false);
  mode_.store(mode);
  mode_.notify_all();
}

void Executors::walk() noexcept {
  if (executors_.empty()) return;
  begin(Mode::walking);
  for (const Executor& one : executors_) {
    Patience patience;
    for (const std::uint64_t before = one.passes.load(); one.passes.load() == before;) {
      patience.wait();
    }
  }
}

void Executors::watch(ExecAddress site, std::uint64_t answer) noexcept {
  if (executors_.empty()) return;
  settle();
  for (Executor& one : executors_) one.seen.store(Seen::nothing);
  watched_.store(site.value());
  watched_answer_.store(answer);
  begin(Mode::watching);
  for (const Executor& one : executors_) {
    Patience patience;
    while (one.seen.load() == Seen::nothing) patience.wait();
  }
}

void Executors::settle() noexcept {
  rest();
  for (const Executor& one : executors_) {
    Patience patience;
    while (!one.resting.load()) patience.wait();
  }
}

std::uint64_t Executors::passes() const noexcept {
  std::uint64_t fewest = executors_.empty() ? 0 : UINT64_MAX;
  for (const Executor& one : executors_) {
    fewest = std::min(fewest, one.passes.load(std::memory_order_relaxed));
  }
  return fewest;
}

std::uint64_t Executors::wrong() const noexcept {
  std::uint64_t sum = 0;
  for (const Executor& one : executors_) sum += one.wrong.load(std::memory_order_relaxed);
  return sum;
}

void Executors::execute(Executor& self, int processor) noexcept {
  const int error = processor < 0 ? 0 : run_on(processor);
  self.error.store(error);
  self.error.notify_one();
  while (error == 0) {
    switch (mode_.load()) {
      case Mode::resting:
        self.resting.store(true);
        mode_.wait(Mode::resting);
        // Whoever asks for another mode has taken `resting` back before.
        break;
      case Mode::walking:
        execute_walks(self);
        break;
      case Mode::watching:
        execute_watched(self);
        break;
      case Mode::leaving:
        return;
    }
  }
}

void Executors::enter(Executor& self) noexcept {
  self.inside.store(true);
  // The store before the load of `stopping_`, as the mutator has them the other way round. Both are
  // seq_cst, which says it too; but QEMU 10.0 on x86-64 let executors in without this fence.
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

bool Executors::may_go_on(Executor& self, Mode mode) noexcept {
  // Either this thread sees the stop, or the mutator sees that it is inside (both are seq_cst).
  while (stopping_.load()) {
    self.inside.store(false);
    Patience patience;
    while (stopping_.load()) patience.wait();
    enter(self);
  }
  return mode_.load(std::memory_order_relaxed) == mode;
}

void Executors::execute_walks(Executor& self) noexcept {
  enter(self);
  while (may_go_on(self, Mode::walking)) {
    self.row = (self.row + 1) % code_.expected.size();
    const auto* row =
        reinterpret_cast<const Oop*>(reinterpret_cast<const std::byte*>(code_.stream) +
                                     static_cast<std::int64_t>(self.row) * code_.row_bytes);
    if (code_.walk(row, 1, 0) != code_.expected[self.row]) self.wrong.fetch_add(1);
    self.passes.store(self.passes.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }
  self.inside.store(false);
}

void Executors::execute_watched(Executor& self) noexcept {
  const std::uintptr_t site = watched_.load();
  const std::uint64_t answer = watched_answer_.load();
  Seen last = Seen::nothing;
  enter(self);
  while (may_go_on(self, Mode::watching)) {
    const std::uint64_t before = code_.lookups();
    if (code_.call_site(code_.watched_row, site) != answer) self.wrong.fetch_add(1);
    const Seen seen = code_.lookups() == before ? Seen::hit : Seen::missed;
    if (seen == last) continue;
    last = seen;
    self.seen.store(seen, std::memory_order_release);
  }
  self.inside.store(false);
}

}  // namespace patchbench::send
