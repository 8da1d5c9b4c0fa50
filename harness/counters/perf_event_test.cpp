#include "harness/counters/perf_event.hpp"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <linux/perf_event.h>
#include <patchbench_catch.hpp>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace patchbench::harness {
namespace {

/// Touches `pages` pages for the first time.
void touch_new_pages(std::size_t pages) {
  const auto size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) * pages;
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(memory != MAP_FAILED);
  madvise(memory, size, MADV_NOHUGEPAGE);
  for (std::size_t at = 0; at < size; at += size / pages) {
    static_cast<volatile char*>(memory)[at] = 1;
  }
  munmap(memory, size);
}

/// The kernel touches `pages` pages for the first time, to write into them what was read.
void fault_in_read(std::size_t pages) {
  const auto size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) * pages;
  const Mapping memory = Mapping::anonymous(size, PROT_READ | PROT_WRITE, 0);
  madvise(memory.address(), size, MADV_NOHUGEPAGE);
  const Fd zeros(open("/dev/zero", O_RDONLY | O_CLOEXEC));
  REQUIRE(read(zeros.get(), memory.address(), size) == static_cast<ssize_t>(size));
}

/// A software event, which needs no counter of the processor. Empty, with a warning, where this
/// machine forbids all of them.
std::optional<PerfEvent> opened_page_faults() {
  try {
    return PerfEvent(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS);
  } catch (const std::system_error& error) {
    const int number = error.code().value();
    REQUIRE((number == EACCES || number == EPERM || number == ENOSYS));
    WARN("not tested: " << error.what());
    return std::nullopt;
  }
}

}  // namespace

TEST_CASE("a fault is counted where it happens, in user code or in the kernel") {
  if (!opened_page_faults()) return;
  constexpr std::size_t kPages = 64;
  const auto faults_of = [](const char* scope, const auto& step) {
    Event event;
    event.scope = scope;
    event.type = PERF_TYPE_SOFTWARE;
    event.config = PERF_COUNT_SW_PAGE_FAULTS;
    const Fd fd = open_event(event, {});
    REQUIRE(ioctl(fd.get(), PERF_EVENT_IOC_ENABLE, 0) == 0);
    step();
    std::uint64_t count = 0;
    REQUIRE(read(fd.get(), &count, sizeof count) == static_cast<ssize_t>(sizeof count));
    return count;
  };
  const auto in_the_kernel = [] { fault_in_read(kPages); };
  const auto in_user_code = [] { touch_new_pages(kPages); };
  CHECK(faults_of("user", in_user_code) >= kPages);
  CHECK(faults_of("user", in_the_kernel) < kPages);
  try {
    CHECK(faults_of("kernel", in_the_kernel) >= kPages);
    CHECK(faults_of("kernel", in_user_code) < kPages);
  } catch (const std::system_error& error) {
    WARN("not tested: " << error.what());
  }
}

TEST_CASE("an event counts between start and stop, from zero each time") {
  auto event = opened_page_faults();
  if (!event) return;
  constexpr std::size_t kPages = 64;
  for (int turn = 0; turn < 2; ++turn) {
    event->start();
    touch_new_pages(kPages);
    event->stop();
    const PerfReading first = event->read();
    CHECK(first.value >= kPages);
    CHECK(first.value < 2 * kPages);
    touch_new_pages(kPages);  // stopped
    CHECK(event->read().value == first.value);
    CHECK(first.time_enabled_ns > 0);
    CHECK(first.time_running_ns == first.time_enabled_ns);
  }
}

TEST_CASE("counting a tracepoint takes no more than counting anything else of the kernel") {
  Event event;
  event.source = "tracepoint";
  event.scope = "both";
  CHECK(highest_paranoid(event) == 1);
  event.source = "hardware";
  event.scope = "kernel";
  CHECK(highest_paranoid(event) == 1);
  event.scope = "user";
  CHECK(highest_paranoid(event) == 2);
}

TEST_CASE("an event that does not exist is refused with the call and errno") {
  constexpr std::uint64_t kNoSuchEvent = 12345;
  try {
    const PerfEvent event(PERF_TYPE_SOFTWARE, kNoSuchEvent);
    FAIL("event 12345 was opened");
  } catch (const std::system_error& error) {
    CHECK(std::string(error.what()).starts_with("perf_event_open"));
    CHECK(error.code().value() != 0);
  }
}

}  // namespace patchbench::harness
