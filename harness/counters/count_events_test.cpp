#include "harness/counters/count_events.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <linux/perf_event.h>
#include <patchbench_catch.hpp>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/machine/calibration.hpp"
#include "harness/machine/cpu_list.hpp"

namespace patchbench::harness {
namespace {

using results::Counter;

Event event(const char* name, std::uint32_t type, std::uint64_t config) {
  Event one;
  one.name = name;
  one.set = "vma";
  one.source = type == PERF_TYPE_SOFTWARE ? "software" : "hardware";
  one.scope = "user";
  one.type = type;
  one.config = config;
  return one;
}

Event page_faults() { return event("page-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS); }
Event instructions() {
  return event("instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS);
}

bool counts_here(const Event& wanted) {
  const std::string reason = why_not_counted(wanted);
  if (!reason.empty()) WARN("not tested: " << reason);
  return reason.empty();
}

/// Memory whose every page faults once after forget().
class Pages {
 public:
  static constexpr std::size_t kPages = 32;

  Pages() {
    memory_ = mmap(nullptr, size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(memory_ != MAP_FAILED);
    madvise(memory_, size(), MADV_NOHUGEPAGE);
  }
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;
  ~Pages() { munmap(memory_, size()); }

  void forget() const { madvise(memory_, size(), MADV_DONTNEED); }
  void touch() const {
    for (std::size_t at = 0; at < size(); at += page_size()) {
      static_cast<volatile char*>(memory_)[at] = 1;
    }
  }

 private:
  static std::size_t page_size() { return static_cast<std::size_t>(sysconf(_SC_PAGESIZE)); }
  static std::size_t size() { return kPages * page_size(); }

  void* memory_ = nullptr;
};

const Pages& pages_of(void* self) { return *static_cast<const Pages*>(self); }

constexpr std::uint64_t kShort = 1000;
constexpr std::uint64_t kLong = 20'000'000;

Measurement chain_of(double operations, void (*run)(void*) noexcept) {
  return {.metric = "send", .operations = operations, .self = nullptr, .run = run};
}

/// So many events that nobody else has a counter meanwhile; none, with a warning, where this
/// machine does not count them.
std::vector<Event> every_counter() {
  const int counters = number_of_counters(count_together);
  if (counters == 0) WARN("not tested: this machine has no counter for branches");
  return std::vector<Event>(
      static_cast<std::size_t>(counters),
      event("branches", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_INSTRUCTIONS));
}

/// Long enough for the kernel to share a counter meanwhile.
std::vector<Measurement> long_chain() {
  return {chain_of(kLong, [](void* /*self*/) noexcept { multiply_chain(kLong); })};
}

}  // namespace

TEST_CASE("counts are per operation, and what prepares is not counted") {
  if (!counts_here(page_faults())) return;
  Pages pages;
  const Measurement touching{.metric = "first_touch",
                             .operations = Pages::kPages,
                             .self = &pages,
                             .prepare = [](void* self) { pages_of(self).forget(); },
                             .run = [](void* self) noexcept { pages_of(self).touch(); }};
  const Measurement forgetting{.metric = "teardown",
                               .operations = 1,
                               .self = &pages,
                               .prepare = [](void* self) { pages_of(self).touch(); },
                               .run = [](void* self) noexcept { pages_of(self).forget(); }};
  const std::vector<Measurement> both = {touching, forgetting};
  const std::vector<Counter> counters = count_events(both, {{page_faults()}});
  REQUIRE(counters.size() == 2);
  CHECK(counters[0].per == "first_touch");
  CHECK(counters[0].name == "page-faults");
  CHECK(counters[0].set == "vma");
  CHECK(counters[0].value == 1.0);
  CHECK(counters[0].status == "ok");
  CHECK(counters[1].per == "teardown");
  CHECK(counters[1].value == 0.0);
}

TEST_CASE("a difference of two runs is not counted, and says so") {
  if (!counts_here(page_faults())) return;
  Pages pages;
  Measurement difference{.metric = "miss_among_hits",
                         .operations = 1,
                         .self = &pages,
                         .prepare = [](void* self) { pages_of(self).forget(); },
                         .run = [](void* self) noexcept { pages_of(self).touch(); },
                         .prepare_without = [](void* self) { pages_of(self).touch(); },
                         .without = [](void* self) noexcept { pages_of(self).touch(); }};
  const Counter counter = count_events({&difference, 1}, {{page_faults()}}).front();
  CHECK(counter.per == "miss_among_hits");
  CHECK(counter.name == "page-faults");
  CHECK(counter.status == "unavailable");
  CHECK(counter.reason == "a difference of two runs is timed, and not counted");
  CHECK_FALSE(counter.value.has_value());
}

TEST_CASE("what has executors of its own is not counted beside a busy thread, and says so") {
  if (!counts_here(page_faults())) return;
  Event beside = page_faults();
  beside.beside = "busy-thread";
  Measurement alone = chain_of(kShort, [](void* /*self*/) noexcept { multiply_chain(kShort); });
  Measurement executed = alone;
  executed.has_executors = true;
  const std::vector<int> allowed = allowed_cpus();
  if (allowed.size() < 2) {
    WARN("not tested: this process may use one processor only");
    return;
  }
  const std::vector<Measurement> both = {alone, executed};
  const std::vector<Counter> counters = count_events(
      both, {{page_faults()}, {beside}}, {.processor = allowed.front(), .allowed = allowed});
  REQUIRE(counters.size() == 4);
  CHECK(counters[0].status == "ok");
  CHECK(counters[1].status == "ok");
  CHECK(counters[2].status == "ok");
  CHECK(counters[3].status == "unavailable");
  CHECK(counters[3].reason.find("threads of the case's own") != std::string::npos);
}

TEST_CASE("what reading costs is not part of a count") {
  if (!counts_here(instructions())) return;
  constexpr double kEach = 64;  // so that a bracket has many runs
  const std::vector<Measurement> one = {
      chain_of(kEach, [](void* /*self*/) noexcept { multiply_chain(kShort); })};
  const Counter counter = count_events(one, {{instructions()}}).front();
  REQUIRE(counter.value.has_value());
  const double of_a_run = *counter.value * kEach;
  CHECK(of_a_run >= kShort);
  // Each multiplication has a loop around it. Reading alone takes hundreds of instructions.
  CHECK(of_a_run < (PATCHBENCH_SANITIZED ? 20 : 10) * kShort);
  const double again = *count_events(one, {{instructions()}}).front().value * kEach;
  CHECK(std::abs(again - of_a_run) < 0.01 * of_a_run);
}

TEST_CASE("a count that the kernel multiplexed is scaled and flagged") {
  const std::vector<Event> all = every_counter();
  if (all.empty()) return;
  const std::vector<Measurement> one = long_chain();
  const double alone = count_events(one, {{instructions()}}).front().value.value_or(0);
  const EventGroup someone_else(all);
  const Counter shared = count_events(one, {{instructions()}}).front();
  INFO(shared.status << ": " << shared.reason);
  CHECK(shared.status == "multiplexed");
  CHECK(shared.time_running < shared.time_enabled);
  REQUIRE(shared.value.has_value());
  // A mean of some parts of the time, scaled: rough, which is what the flag says.
  CHECK(*shared.value >= 0);
  CHECK(*shared.value < 5 * alone);
}

TEST_CASE("a count of too little of the time is none, and says of how much") {
  const std::vector<Event> all = every_counter();
  if (all.empty()) return;
  const std::vector<Measurement> one = long_chain();
  constexpr int kOthers = 9;
  std::vector<EventGroup> others;
  others.reserve(kOthers);
  for (int i = 0; i < kOthers; ++i) others.emplace_back(all);
  const Counter shared = count_events(one, {{instructions()}}).front();
  INFO(shared.status << ": " << shared.reason);
  CHECK(shared.status == "unavailable");
  CHECK_FALSE(shared.value.has_value());
  CHECK(shared.reason.find("the kernel") != std::string::npos);
}

TEST_CASE("an exact count that comes out negative is none, and says why") {
  Counter counter;
  counter.status = "ok";
  counter.value = -0.072;
  never_negative(counter);
  CHECK(counter.value == 0);
  CHECK(counter.reason.find("-0.072") != std::string::npos);
  Counter some;
  some.value = 0.25;
  never_negative(some);
  CHECK(some.value == 0.25);
  CHECK(some.reason.empty());
  Counter none;
  never_negative(none);
  CHECK_FALSE(none.value.has_value());
}

TEST_CASE("what is known to take long is counted a few times, all else so often as everywhere") {
  Measurement sends = chain_of(1024, [](void* /*self*/) noexcept {});
  CHECK(counted_runs(sends) == 64);
  sends.expected_ns = 1000;
  CHECK(counted_runs(sends) == 64);
  sends.expected_ns = 0.5e6;
  CHECK(counted_runs(sends) == 4);
  sends.expected_ns = 1e9;
  CHECK(counted_runs(sends) == 1);
  sends.prepare = [](void* /*self*/) {};
  CHECK(counted_runs(sends) == 1);
}

}  // namespace patchbench::harness
