#include "harness/counters/busy_thread.hpp"

#include <cerrno>
#include <system_error>

#include <fmt/format.h>

#include "harness/base/clock.hpp"
#include "harness/machine/calibration.hpp"
#include "harness/machine/cpu_list.hpp"
#include "strategies/mapping.hpp"

namespace patchbench::harness {
namespace {

int other_processor(int cpu, std::span<const int> allowed) {
  for (const int other : allowed) {
    if (other != cpu) return other;
  }
  throw_errno("sched_setaffinity (no second processor for a busy thread)", ENODEV);
}

}  // namespace

BusyThread::BusyThread(int cpu, std::span<const int> allowed)
    : cpu_(other_processor(cpu, allowed)), thread_([this] { execute(); }) {
  error_.wait(-1);
  if (const int error = error_.load(); error != 0) {
    thread_.join();
    throw_errno(fmt::format("sched_setaffinity (a busy thread to processor {})", cpu_).c_str(),
                error);
  }
}

BusyThread::~BusyThread() {
  stop_.store(true, std::memory_order_relaxed);
  thread_.join();
}

void BusyThread::wait_until_it_executes() const {
  constexpr std::int64_t kPatienceNs = 5'000'000'000;
  const std::int64_t until = now_ns() + kPatienceNs;
  const std::uint64_t seen = turns_.load(std::memory_order_relaxed);
  while (turns_.load(std::memory_order_relaxed) == seen) {
    if (now_ns() > until) {
      throw_errno(fmt::format("a busy thread did not get processor {}", cpu_).c_str(), ETIMEDOUT);
    }
  }
}

void BusyThread::execute() {
  const int error = pin_this_thread(cpu_);
  error_.store(error);
  error_.notify_one();
  while (error == 0 && !stop_.load(std::memory_order_relaxed)) {
    constexpr std::uint64_t kShort = 1000;
    multiply_chain(kShort);
    turns_.store(turns_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
}

}  // namespace patchbench::harness
