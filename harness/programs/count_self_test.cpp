// count_self: what the kernel's perf_event interface counts of a loop of this program's own. One
// line "name value" for each event that opens; the reason of one that does not goes to standard
// error. For the test that runs it in an emulated machine (scripts/guest_test.py).
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string_view>

#include <fmt/format.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

struct Event {
  std::string_view name;
  std::uint64_t config;
};

constexpr std::array kEvents = {Event{"cycles", PERF_COUNT_HW_CPU_CYCLES},
                                Event{"instructions", PERF_COUNT_HW_INSTRUCTIONS}};

int open_for_user_code(std::uint64_t config) {
  perf_event_attr attributes{};
  attributes.size = sizeof attributes;
  attributes.type = PERF_TYPE_HARDWARE;
  attributes.config = config;
  attributes.exclude_kernel = 1;
  attributes.exclude_hv = 1;
  return static_cast<int>(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0));
}

std::uint64_t read_value(int event) {
  std::uint64_t value = 0;
  return read(event, &value, sizeof value) == sizeof value ? value : 0;
}

std::uint64_t count_loop(int event) {
  constexpr int kPasses = 1'000'000;
  const std::uint64_t before = read_value(event);
  for (int pass = 0; pass < kPasses; ++pass) asm volatile("" : : : "memory");
  return read_value(event) - before;
}

}  // namespace

int main() {
  for (const Event& event : kEvents) {
    const int opened = open_for_user_code(event.config);
    if (opened < 0) {
      fmt::print(stderr, "{}: perf_event_open: {}\n", event.name, std::strerror(errno));
    } else {
      fmt::print("{} {}\n", event.name, count_loop(opened));
      close(opened);
    }
  }
}
