#include "harness/counters/cpu_time.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <string>

#include <fcntl.h>
#include <patchbench_catch.hpp>
#include <unistd.h>

#include "harness/machine/calibration.hpp"
#include "strategies/mapping.hpp"

namespace patchbench::harness {
namespace {

constexpr std::uint64_t kMultiplications = 20'000;

void multiply(void* /*self*/) noexcept { multiply_chain(kMultiplications); }
/// Nearly all of it in the kernel, which clears the memory.
void read_zeros(void* zeros) noexcept {
  static std::array<char, 1U << 20U> memory;
  static_cast<void>(!read(*static_cast<int*>(zeros), memory.data(), memory.size()));
}

Measurement of(void (*run)(void*) noexcept) {
  return {.metric = "patch", .operations = 10, .run = run};
}

}  // namespace

TEST_CASE("cpu time is reported for user code and kernel by name, per operation") {
  const CpuTime times = count_cpu_time(of(&multiply), std::chrono::milliseconds(1));
  CHECK(times[0].scope == "user");
  CHECK(times[1].scope == "kernel");
  for (const results::Counter& counter : times) {
    CHECK(counter.name == kCpuTime);
    CHECK(counter.source == "software");
    CHECK(counter.per == "patch");
  }
}

TEST_CASE("too few clock ticks to divide the time by are no zero, but a reason") {
  for (const results::Counter& counter :
       count_cpu_time(of(&multiply), std::chrono::milliseconds(1))) {
    CHECK(counter.status == "unavailable");
    CHECK_FALSE(counter.value.has_value());
    CHECK(counter.reason.find("clock ticks") != std::string::npos);
  }
}

TEST_CASE("an operation that needs a preparation has no cpu time, and is not executed for it") {
  Measurement measurement = of([](void* self) noexcept { *static_cast<bool*>(self) = true; });
  bool executed = false;
  measurement.self = &executed;
  measurement.prepare = [](void* self) { *static_cast<bool*>(self) = true; };
  for (const results::Counter& counter :
       count_cpu_time(measurement, std::chrono::milliseconds(200))) {
    CHECK(counter.status == "unavailable");
    CHECK_FALSE(counter.value.has_value());
    CHECK(counter.reason.find("prepar") != std::string::npos);
  }
  CHECK_FALSE(executed);
}

TEST_CASE("what happens in the kernel is the kernel's, and the rest the user's") {
  const auto kernel_has_more = [](const Measurement& measurement) {
    for (;;) {  // on a busy machine this thread may not get enough
      const auto [user, kernel] = count_cpu_time(measurement, std::chrono::milliseconds(200));
      if (user.value && kernel.value) {
        CHECK(user.status == "ok");
        CHECK(kernel.status == "ok");
        return *kernel.value > *user.value;
      }
      CHECK_FALSE(user.reason.empty());
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
