#include "harness/counters/busy_thread.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <patchbench_catch.hpp>
#include <sched.h>

#include "harness/machine/cpu_list.hpp"

namespace patchbench::harness {
namespace {

std::ptrdiff_t threads_of_this_process() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/task"), {});
}

/// A thread that was joined may be listed a moment longer: the kernel tells who waits for it before
/// it takes it off the list.
bool has_again(std::ptrdiff_t threads) {
  for (int attempt = 0; attempt < 1000; ++attempt) {
    if (threads_of_this_process() == threads) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

}  // namespace

TEST_CASE("a busy thread runs on an allowed processor that is not the one named, while it lives") {
  const std::vector<int> allowed = allowed_cpus();
  if (allowed.size() < 2) {
    WARN("not tested: this process may use one processor only");
    return;
  }
  const auto before = threads_of_this_process();
  for (const int cpu : {allowed.front(), allowed.back()}) {
    const BusyThread busy(cpu, allowed);
    CHECK(busy.cpu() != cpu);
    CHECK(std::ranges::find(allowed, busy.cpu()) != allowed.end());
    CHECK(has_again(before + 1));
    busy.wait_until_it_executes();
    busy.wait_until_it_executes();
  }
  CHECK(has_again(before));
}

TEST_CASE("where there is no second processor, a busy thread says so") {
  const std::vector<int> one = {allowed_cpus().front()};
  std::string said;
  try {
    const BusyThread busy(one.front(), one);
  } catch (const std::system_error& error) {
    said = error.what();
  }
  CHECK(said.starts_with("sched_setaffinity (no second processor"));
}

}  // namespace patchbench::harness
