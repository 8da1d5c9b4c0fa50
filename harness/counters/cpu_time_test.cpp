#include "harness/counters/cpu_time.hpp"

#include <array>
#include <chrono>

#include <fcntl.h>
#include <patchbench_catch.hpp>
#include <unistd.h>

#include "harness/calibration.hpp"
#include "strategies/mapping.hpp"

namespace patchbench::harness {
namespace {

constexpr std::uint64_t kLong = 20'000;

void multiply(void* /*self*/) noexcept { multiply_chain(kLong); }
/// Nearly all of it in the kernel, which clears the memory.
void read_zeros(void* zeros) noexcept {
  static std::array<char, 1U << 20U> memory;
  static_cast<void>(!read(*static_cast<int*>(zeros), memory.data(), memory.size()));
}

Measurement of(void (*run)(void*) noexcept) {
  return {.metric = "patch", .operations = 10, .run = run};
}

}  // namespace

TEST_CASE("cpu time is told for user code and kernel by name, per operation") {
  const auto [user, kernel] = count_cpu_time(of(&multiply), std::chrono::milliseconds(1));
  CHECK(user.name == kCpuTime);
  CHECK(user.scope == "user");
  CHECK(kernel.scope == "kernel");
  for (const results::Counter& counter : {user, kernel}) {
    CHECK(counter.source == "software");
    CHECK(counter.per == "patch");
    CHECK(counter.status == "ok");
    CHECK(counter.value.value() >= 0);
  }
}

TEST_CASE("a preparation is as often made as it is taken away, and runs are even") {
  struct Record {
    int prepared = 0;
    int run = 0;
    int unprepared = 0;  // runs without a preparation before them
    bool ready = false;
  } record;
  Measurement measurement = of([](void* self) noexcept {
    auto& it = *static_cast<Record*>(self);
    ++it.run;
    it.unprepared += it.ready ? 0 : 1;
    it.ready = false;
  });
  measurement.self = &record;
  measurement.prepare = [](void* self) {
    auto& it = *static_cast<Record*>(self);
    ++it.prepared;
    it.ready = true;
  };
  static_cast<void>(count_cpu_time(measurement, std::chrono::milliseconds(1)));
  CHECK(record.unprepared == 0);
  CHECK(record.run % 2 == 1);  // the last one ends what the second half prepared
  CHECK(record.prepared == 2 * (record.run - 1));
}

TEST_CASE("what happens in the kernel is the kernel's, and the rest the user's") {
  const auto kernel_has_more = [](const Measurement& measurement) {
    for (;;) {  // a turn in which no clock tick found this thread says nothing
      const auto [user, kernel] = count_cpu_time(measurement, std::chrono::milliseconds(100));
      if (*user.value != *kernel.value) {
        return *kernel.value > *user.value;
      }
    }
  };
  const Fd zeros(open("/dev/zero", O_RDONLY | O_CLOEXEC));
  REQUIRE(zeros);
  int fd = zeros.get();
  Measurement reading = of(&read_zeros);
  reading.self = &fd;
  CHECK(kernel_has_more(reading));
  CHECK_FALSE(kernel_has_more(of(&multiply)));
}

}  // namespace patchbench::harness
