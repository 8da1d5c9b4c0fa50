// What the kernel counts of real cells, exactly: how many system calls a patch and a send make.
//
// Tracepoints need tracefs. Where it is not mounted this program mounts it in a mount namespace of
// its own, which ends with it; where it may not do that, the tests are skipped and say why.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <linux/perf_event.h>
#include <patchbench_catch.hpp>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/counters/tracefs.hpp"
#include "harness/cpu_list.hpp"
#include "harness/subprocess_test.hpp"
#include "harness/temporary_directory_test.hpp"
#include "results/json.hpp"
#include "results/validator_test.hpp"
#include "strategies/mapping.hpp"

namespace patchbench::harness {
namespace {

using results::Cell;
using results::CellStatus;
using results::Counter;

constexpr const char* kTracing = "/sys/kernel/tracing";

/// Why there are no tracepoints to be had; empty when there are.
std::string mount_tracefs() {
  const Tracefs found = find_tracefs("/");
  if (found.reason.empty()) {
    return {};
  }
  if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      mount("nodev", kTracing, "tracefs", 0, nullptr) != 0) {
    return found.reason + "; nor can it be mounted for this test alone: " + std::strerror(errno);
  }
  return find_tracefs("/").reason;
}

/// What the kernel says of a tracepoint that tracefs has: an emulator and a container may refuse.
std::string refusal() {
  const Tracepoint all = find_tracepoint(find_tracefs("/"), "raw_syscalls", "sys_enter");
  perf_event_attr attributes{};
  attributes.size = sizeof attributes;
  attributes.type = PERF_TYPE_TRACEPOINT;
  attributes.config = all.id.value_or(0);
  const Fd fd(static_cast<int>(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0UL)));
  return fd || !all.id ? std::string() : std::string("perf_event_open: ") + std::strerror(errno);
}

const std::string& why_no_tracepoints() {
  static const std::string reason = [] {
    const std::string not_mounted = mount_tracefs();
    return not_mounted.empty() ? refusal() : not_mounted;
  }();
  return reason;
}

/// One counted run of bench-run.
results::Results counted(std::vector<std::string> arguments, const char* counters = "vma",
                         Start start = {}) {
  TemporaryDirectory directory;
  const std::string out = (directory / "out").string();
  arguments.insert(arguments.end(), {std::string("--counters=") + counters, "--rounds=1",
                                     "--no-report", "--out=" + out});
  start.program = PATCHBENCH_BENCH_RUN;
  start.arguments = std::move(arguments);
  const Finished finished = run_fake(start);
  INFO(finished.errors);
  REQUIRE(finished.exit_code == 0);
  CHECK(results::validator_errors(out).empty());
  return results::read_results(out);
}

struct Wanted {
  std::string_view name;
  std::string_view per;
  std::string_view beside;  // empty or "busy-thread"
};

const Counter& counter_of(const Cell& cell, const Wanted& wanted) {
  INFO(cell.id << ": " << wanted.name << " per " << wanted.per << " " << wanted.beside);
  const auto found = std::ranges::find_if(cell.counters, [&](const Counter& counter) {
    return counter.source == "tracepoint" && counter.name == wanted.name &&
           counter.per == wanted.per && counter.beside == wanted.beside;
  });
  REQUIRE(found != cell.counters.end());
  return *found;
}

/// Of a kernel without it; beside a thread that has no processor; with no tracepoint at all.
bool may_be_missing(const Counter& counter) {
  return counter.status == "unsupported" || !why_no_tracepoints().empty() ||
         (!counter.beside.empty() && allowed_cpus().size() < 2);
}

/// A value that was counted; or none, with the reason, where there can be none.
void expect_exactly(const Cell& cell, const Wanted& wanted, double expected) {
  const Counter& counter = counter_of(cell, wanted);
  INFO(cell.id << ": " << counter.name << " per " << counter.per << " " << counter.beside << ": "
               << counter.status << " " << counter.reason);
  if (counter.status != "ok" && may_be_missing(counter)) {
    CHECK_FALSE(counter.value.has_value());
    CHECK_FALSE(counter.reason.empty());
    return;
  }
  REQUIRE(counter.status == "ok");
  REQUIRE(counter.value.has_value());
  CHECK(*counter.value == expected);
}

/// Of any metric: opening a scope and closing it are one call each, and nothing else is called.
double expected_calls(const Cell& cell, std::string_view metric) {
  const bool toggles = cell.strategy == "mprotect-toggle";
  return toggles && metric != "send" && metric != "execute" ? 2 : 0;
}

void expect_calls(const Cell& cell, std::string_view metric) {
  for (const char* beside : {"", "busy-thread"}) {
    const double calls = expected_calls(cell, metric);
    expect_exactly(cell, {"system-calls", metric, beside}, calls);
    expect_exactly(cell, {"mprotect-calls", metric, beside}, calls);
    expect_exactly(cell, {"mmap-calls", metric, beside}, 0);
    expect_exactly(cell, {"munmap-calls", metric, beside}, 0);
    expect_exactly(cell, {"membarrier-calls", metric, beside}, 0);
  }
}

void warn_where_not_counted() {
  if (!why_no_tracepoints().empty()) {
    WARN("not counted, only that it says so: " << why_no_tracepoints());
  }
}

}  // namespace

TEST_CASE("a patch makes two system calls where it toggles protection, and none elsewhere") {
  warn_where_not_counted();
  const results::Results results =
      counted({"--strategy=all", "--workload=relink", "--param", "sites=64", "batch=1"});
  std::size_t cells = 0;
  for (const Cell& cell : results.cells) {
    if (cell.status != CellStatus::ok) {
      continue;
    }
    ++cells;
    for (const char* metric : {"patch", "patch_execute", "miss", "execute"}) {
      expect_calls(cell, metric);
    }
  }
  CHECK(cells >= 2);
}

TEST_CASE("a send makes no system call under any strategy") {
  warn_where_not_counted();
  const results::Results results =
      counted({"--strategy=all", "--workload=mic", "--param", "sites=64", "targets=64"});
  std::size_t cells = 0;
  for (const Cell& cell : results.cells) {
    if (cell.status == CellStatus::ok) {
      ++cells;
      expect_calls(cell, "send");
    }
  }
  CHECK(cells >= 2);
}

TEST_CASE("with one processor nothing is counted beside a busy thread, and that is said") {
  cpu_set_t before;
  REQUIRE(sched_getaffinity(0, sizeof before, &before) == 0);
  cpu_set_t one;
  CPU_ZERO(&one);
  std::size_t first = 0;
  while (!CPU_ISSET(first, &before)) {
    ++first;
  }
  CPU_SET(first, &one);
  REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
  const results::Results results =
      counted({"--strategy=rwx", "--workload=relink", "--param", "sites=64", "batch=1"});
  REQUIRE(sched_setaffinity(0, sizeof before, &before) == 0);
  for (const Cell& cell : results.cells) {
    for (const Counter& counter : cell.counters) {
      if (counter.beside == "busy-thread") {
        CHECK_FALSE(counter.value.has_value());
        CHECK_FALSE(counter.reason.empty());
      }
    }
  }
}

#if !PATCHBENCH_SANITIZED  // the check of undefined behaviour needs a pipe of its own
TEST_CASE("too few descriptors for all tracepoints do not end the run") {
  warn_where_not_counted();
  constexpr rlim_t kFew = 24;  // as many as one process that counts needs, and not twice that
  const results::Results results =
      counted({"--strategy=rwx", "--workload=relink", "--param", "sites=64", "batch=1"}, "vma",
              {.limit = {{RLIMIT_NOFILE, kFew}}});
  for (const Cell& cell : results.cells) {
    for (const Counter& counter : cell.counters) {
      CHECK(counter.value.has_value() == (counter.status == "ok"));
      CHECK(counter.reason.empty() == (counter.status == "ok"));
    }
  }
}
#endif

}  // namespace patchbench::harness
