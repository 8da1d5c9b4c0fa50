// What a filter does cannot be taken back: each is set in a child.
#include "harness/machine/sandbox.hpp"

#include <array>
#include <csignal>
#include <cstdint>

#include <patchbench_catch.hpp>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/machine/cpu_list.hpp"
#include "harness/programs/seccomp_test.hpp"

namespace patchbench::harness {
namespace {

constexpr int kAsExpected = 0;
constexpr int kOtherwise = 1;
constexpr int kSkip = 2;

void check(const Tried& tried) {
  CHECK(tried.signal == 0);
  if (tried.answer == kSkip) {
    WARN("not tested: this kernel takes no seccomp filter");
  } else {
    CHECK(tried.answer == kAsExpected);
  }
}

int verdict(bool good) { return good ? kAsExpected : kOtherwise; }

}  // namespace

TEST_CASE("how a child ended is known") {
  CHECK(try_in_child([] { return 7; }).answer == 7);
  CHECK(try_in_child([] { return raise(SIGKILL); }).signal == SIGKILL);
}

TEST_CASE("without a filter nothing is killed") {
  CHECK(try_in_child([] {
          try_calls();
          return verdict(has_seccomp_filter() || killed_calls().empty());
        }).answer == kAsExpected);
}

TEST_CASE("a call that a filter kills for is found by its name, and none else") {
  struct Case {
    long number;
    std::string_view name;
  };
  const auto [number, name] =
      GENERATE(Case{SYS_membarrier, "membarrier"}, Case{SYS_perf_event_open, "perf_event_open"},
               Case{SYS_memfd_create, "memfd_create"}, Case{SYS_shmget, "shmget"},
               Case{SYS_personality, "personality"}, Case{SYS_fallocate, "fallocate"});
  INFO(name);
  const auto step = [number = number, name = name] {
    if (!filter_call(number, kKill)) return kSkip;
    try_calls();
    return verdict(killed_calls() == std::vector<std::string>{std::string(name)} &&
                   call_of_sigsys() == name &&
                   reason_of_sigsys().find("a seccomp filter kills " + std::string(name)) == 0);
  };
  check(try_in_child(step));
}

TEST_CASE("that nothing can be pinned is found without being killed for it") {
  const int cpu = allowed_cpus().front();
  CHECK(why_not_pinned(cpu).empty());
  check(try_in_child([cpu] {
    if (!filter_call(SYS_sched_setaffinity, kKill)) return kSkip;
    try_calls();
    return verdict(why_not_pinned(cpu) == "a seccomp filter kills sched_setaffinity" &&
                   choose_cpus(std::nullopt).empty());
  }));
  check(try_in_child([cpu] {
    if (!filter_call(SYS_sched_setaffinity, EPERM)) return kSkip;
    return verdict(why_not_pinned(cpu) == "sched_setaffinity: Operation not permitted" &&
                   choose_cpus(std::nullopt).empty() && cpu_of_round({}, 3) == -1);
  }));
}

TEST_CASE("where a filter kills for sched_getaffinity, /proc says which processors there are") {
  const std::vector<int> allowed = allowed_cpus();
  check(try_in_child([&allowed] {
    if (!filter_call(SYS_sched_getaffinity, kKill)) return kSkip;
    try_calls();
    return verdict(allowed_cpus() == allowed);
  }));
}

}  // namespace patchbench::harness
