#include "harness/counters/event_group.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string>
#include <system_error>
#include <thread>

#include <linux/perf_event.h>
#include <patchbench_catch.hpp>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/machine/calibration.hpp"

namespace patchbench::harness {
namespace {

Event hardware(std::uint64_t config, const char* scope = "user") {
  Event event;
  event.source = "hardware";
  event.scope = scope;
  event.type = PERF_TYPE_HARDWARE;
  event.config = config;
  return event;
}

Event soft_page_faults(const char* beside = "") {
  Event event;
  event.source = "software";
  event.scope = "user";
  event.type = PERF_TYPE_SOFTWARE;
  event.config = PERF_COUNT_SW_PAGE_FAULTS;
  event.beside = beside;
  return event;
}

/// Empty, with a warning, where this machine does not count them.
std::optional<EventGroup> open_here(const std::vector<Event>& events,
                                    ReadPath path = ReadPath::fastest) {
  try {
    return EventGroup(events, path);
  } catch (const std::system_error& error) {
    WARN("not tested: " << error.what());
    return std::nullopt;
  }
}

/// Touches `pages` pages for the first time.
void fault(std::size_t pages) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  void* memory =
      mmap(nullptr, page * pages, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(memory != MAP_FAILED);
  madvise(memory, page * pages, MADV_NOHUGEPAGE);
  for (std::size_t at = 0; at < page * pages; at += page) {
    static_cast<volatile char*>(memory)[at] = 1;
  }
  munmap(memory, page * pages);
}

/// The first event's count of `step`.
template <typename Step>
double count(const EventGroup& group, Step step) {
  std::vector<std::uint64_t> before(group.size());
  std::vector<std::uint64_t> after(group.size());
  group.read(before);
  step();
  group.read(after);
  return static_cast<double>(after.front() - before.front());
}

}  // namespace

TEST_CASE("a group counts between two readings what its events name") {
  const auto group = open_here({soft_page_faults()});
  if (!group) return;
  CHECK(group->path() == "read");
  // The fewest of some: a kernel that takes pages back may add a fault to any one of them.
  const auto fewest = [&group](const auto& step) {
    double faults = count(*group, step);
    for (int more = 0; more < 9; ++more) faults = std::min(faults, count(*group, step));
    return faults;
  };
  CHECK(fewest([] { fault(64); }) == 64);
  CHECK(fewest([] {}) == 0);
  const GroupTimes times = group->times();
  CHECK(times.enabled_ns > 0);
  CHECK(times.running_ns == times.enabled_ns);
}

TEST_CASE("events that count beside a thread count in threads that come later, too") {
  const auto alone = open_here({soft_page_faults()});
  const auto both = open_here({soft_page_faults("busy-thread"), soft_page_faults("busy-thread")});
  if (!alone || !both) return;
  const auto fault_elsewhere = [] { std::thread([] { fault(64); }).join(); };
  CHECK(count(*both, fault_elsewhere) >= 64);
  CHECK(count(*alone, fault_elsewhere) < 64);
}

TEST_CASE("the processor's instruction reads what read(2) reads") {
  constexpr std::uint64_t kLength = 200'000;
  const auto work = [] { multiply_chain(kLength); };
  const auto fast = open_here({hardware(PERF_COUNT_HW_INSTRUCTIONS)});
  if (!fast) return;
  if (fast->path() == "read") {
    WARN("not tested: the kernel lets user code read no counter here");
    return;
  }
  const auto slow = open_here({hardware(PERF_COUNT_HW_INSTRUCTIONS)}, ReadPath::system_call);
  REQUIRE(slow.has_value());
  CHECK(slow->path() == "read");
  const double by_instruction = count(*fast, work);
  const double by_call = count(*slow, work);
  CHECK(by_instruction >= kLength);
  constexpr double kOfReading = PATCHBENCH_SANITIZED ? 10'000 : 1000;
  CHECK(std::abs(by_instruction - by_call) < kOfReading);
  // Nothing but user code is counted, so not the call either.
  CHECK(count(*slow, [] {}) < kOfReading);
}

TEST_CASE("the processor's instruction reads the cycle counter, too") {
  const auto fast = open_here({hardware(PERF_COUNT_HW_CPU_CYCLES)});  // first: there may be but one
  const auto slow = open_here({hardware(PERF_COUNT_HW_CPU_CYCLES)}, ReadPath::system_call);
  if (!fast || !slow) return;
  if (fast->path() == "read") {
    WARN("not tested: the kernel lets user code read no counter here");
    return;
  }
  constexpr std::uint64_t kLength = 2'000'000;
  double inside = 0;
  const double around =
      count(*slow, [&fast, &inside] { inside = count(*fast, [] { multiply_chain(kLength); }); });
  CHECK(inside >= kLength);
  CHECK(inside <= around);
  CHECK(around < 1.5 * inside);
}

TEST_CASE("what is counted of user code is not counted of the kernel") {
  const auto user = open_here({hardware(PERF_COUNT_HW_INSTRUCTIONS)});
  const auto kernel = open_here({hardware(PERF_COUNT_HW_INSTRUCTIONS, "kernel")});
  if (!user || !kernel) return;
  constexpr int kCalls = 1000;
  const auto calls = [] {
    for (int i = 0; i < kCalls; ++i) static_cast<void>(getppid());
  };
  constexpr double kLeastOfACall = 20;  // entry, exit and what is between them
  CHECK(count(*kernel, calls) > kCalls * kLeastOfACall);
  constexpr double kMostOfALoop = PATCHBENCH_SANITIZED ? 2 * kLeastOfACall : kLeastOfACall;
  CHECK(count(*user, calls) < kCalls * kMostOfALoop);
}

}  // namespace patchbench::harness
