// What each mode executes, seen from another process that steps through it, and what is said of
// processors that this one may not be.
#include "publish_x86_64.hpp"

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <optional>
#include <string>

#include <patchbench_catch.hpp>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child_process_test.hpp"

namespace patchbench::testing {
namespace {

/// What was about to be executed between two breakpoints.
struct Executed {
  int cpuid = 0;
  int serialize = 0;
  int system_calls = 0;
  int out_of_line = 0;  // execute_publishing()
  int signal = 0;       // what came in between; 0 when nothing did
};

/// Between breakpoints, because the C library makes system calls of its own when it stops.
[[noreturn]] void publish_between_breakpoints(PublishMode mode) {
  if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(1);
  prepare_publishing(mode);
  std::array<std::byte, 64> bytes{};
  asm volatile("int3" : : : "memory");
  publish(ExecAddress{bytes.data()}, WritableAddress{bytes.data()}, bytes.size(),
          AliasKind::second_view, mode);
  asm volatile("int3" : : : "memory");
  _exit(0);
}

/// The signal at which it stopped; 0 when it has ended.
int wait_for(pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSTOPPED(status) ? WSTOPSIG(status) : 0;
}

bool begins_with(long word, std::initializer_list<unsigned char> bytes) {
  return std::memcmp(&word, bytes.begin(), bytes.size()) == 0;
}

Executed step_to_breakpoint(pid_t child) {
  constexpr int kMostSteps = 100'000;
  Executed executed;
  for (int steps = 0; steps < kMostSteps; ++steps) {
    user_regs_struct registers{};
    ptrace(PTRACE_GETREGS, child, nullptr, &registers);
    executed.out_of_line +=
        registers.rip == reinterpret_cast<std::uintptr_t>(&execute_publishing) ? 1 : 0;
    const long word = ptrace(PTRACE_PEEKTEXT, child, registers.rip, nullptr);
    if (begins_with(word, {0xcc})) return executed;
    executed.cpuid += begins_with(word, {0x0f, 0xa2}) ? 1 : 0;
    executed.serialize += begins_with(word, {0x0f, 0x01, 0xe8}) ? 1 : 0;
    executed.system_calls += begins_with(word, {0x0f, 0x05}) ? 1 : 0;
    ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr);
    if (const int signal = wait_for(child); signal != SIGTRAP) {
      executed.signal = signal;
      return executed;
    }
  }
  FAIL("publish() does not come to its end");
  return executed;
}

/// Nothing where this machine lets no process be stepped.
std::optional<Executed> executed_by_publish(PublishMode mode) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) publish_between_breakpoints(mode);
  std::optional<Executed> executed;
  if (wait_for(child) == SIGTRAP) {
    executed = step_to_breakpoint(child);
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
  } else {
    WARN(kSkipped << "this machine lets no process be single-stepped");
  }
  return executed;
}

constexpr x86_64::Processor kNew{.serialize = true, .hypervisor = false};
constexpr x86_64::Processor kGuest{.serialize = false, .hypervisor = true};

bool says(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("x86-64: by default publishing executes nothing that serialises, and calls nothing") {
  if (const auto executed = executed_by_publish(PublishMode::none)) {
    CHECK(executed->out_of_line == 0);
    CHECK(executed->cpuid == 0);
    CHECK(executed->serialize == 0);
    CHECK(executed->system_calls == 0);
    CHECK(executed->signal == 0);
  }
}

TEST_CASE("x86-64: cpuid executes one CPUID") {
  if (const auto executed = executed_by_publish(PublishMode::cpuid)) {
    CHECK(executed->out_of_line == 1);
    CHECK(executed->cpuid == 1);
    CHECK(executed->serialize == 0);
    CHECK(executed->system_calls == 0);
    CHECK(executed->signal == 0);
  }
}

TEST_CASE("x86-64: serialize executes one SERIALIZE, which other processors refuse") {
  if (const auto executed = executed_by_publish(PublishMode::serialize)) {
    CHECK(executed->serialize == 1);
    CHECK(executed->cpuid == 0);
    CHECK(executed->system_calls == 0);
    CHECK(executed->signal == (why_unavailable(PublishMode::serialize).empty() ? 0 : SIGILL));
  }
}

TEST_CASE("x86-64: membarrier makes one system call") {
  if (!why_unavailable(PublishMode::membarrier).empty()) {
    WARN(kSkipped << why_unavailable(PublishMode::membarrier));
    return;
  }
  if (const auto executed = executed_by_publish(PublishMode::membarrier)) {
    CHECK(executed->system_calls == 1);
    CHECK(executed->cpuid == 0);
    CHECK(executed->serialize == 0);
    CHECK(executed->signal == 0);
  }
}

TEST_CASE("x86-64: SERIALIZE is there where CPUID says so, and nowhere else") {
  CHECK(x86_64::why_unavailable(PublishMode::serialize, kNew).empty());
  CHECK(says(x86_64::why_unavailable(PublishMode::serialize, kGuest), "has no SERIALIZE"));
  for (const x86_64::Processor& processor : {kNew, kGuest}) {
    CHECK(x86_64::why_unavailable(PublishMode::none, processor).empty());
    CHECK(x86_64::why_unavailable(PublishMode::cpuid, processor).empty());
  }
}

TEST_CASE("x86-64: what is guaranteed, and to whom") {
  constexpr auto kSecond = AliasKind::second_view;
  CHECK(x86_64::publish_note(kSecond, PublishMode::none, kNew) == "no architectural guarantee");
  CHECK(x86_64::publish_note(AliasKind::same_address, PublishMode::none, kNew).empty());
  const std::string cpuid = x86_64::publish_note(kSecond, PublishMode::cpuid, kNew);
  CHECK(says(cpuid, "CPUID, for the thread that patches alone"));
  CHECK_FALSE(says(cpuid, "VM exit"));
  CHECK(says(x86_64::publish_note(kSecond, PublishMode::cpuid, kGuest), "a VM exit"));
  CHECK(says(x86_64::publish_note(kSecond, PublishMode::serialize, kNew), "patches alone"));
  CHECK(says(x86_64::publish_note(kSecond, PublishMode::membarrier, kNew), "every thread"));
  CHECK_FALSE(publish_is_architectural(kSecond, PublishMode::none));
  CHECK(publish_is_architectural(kSecond, PublishMode::cpuid));
}

}  // namespace patchbench::testing
