// What the kernel counts of real cells, exactly: how many system calls a patch and a send make.
//
// Tracepoints need tracefs. Where it is not mounted this program mounts it in a mount namespace of
// its own, which ends with it; where it may not do that, the tests are skipped and say why.
#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <optional>
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
#include "harness/machine/cpu_list.hpp"
#include "harness/programs/subprocess_test.hpp"
#include "harness/programs/temporary_directory_test.hpp"
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
  if (found.reason.empty()) return {};
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

struct Calls {
  double mprotect = 0;
  double membarrier = 0;
  double mmap = 0;
  double others = 0;
};

/// Opening a scope and closing it are one call each where protection is toggled; who has somebody
/// else store asks once; publishing by a call is one; nothing else is called.
Calls expected_calls(const Cell& cell, std::string_view metric) {
  if (metric == "send" || metric == "execute") return {};
  const bool publishes = cell.id.find("publish=membarrier") != std::string::npos;
  Calls calls{.membarrier = publishes ? 1.0 : 0.0};
  if (cell.strategy.ends_with("-toggle") && cell.strategy != "pkey-toggle") calls.mprotect = 2;
  if (cell.strategy == "pwrite-memfd" || cell.strategy == "proc-self-mem") calls.others = 1;
  if (cell.strategy == "remap-swap") calls = {.mmap = 1, .others = 1};
  if (cell.strategy == "helper-process") calls.others = 2;  // a message there and one back
  return calls;
}

void expect_calls(const Cell& cell, std::string_view metric) {
  for (const char* beside : {"", "busy-thread"}) {
    const Calls calls = expected_calls(cell, metric);
    expect_exactly(cell, {"system-calls", metric, beside},
                   calls.mprotect + calls.membarrier + calls.mmap + calls.others);
    expect_exactly(cell, {"mprotect-calls", metric, beside}, calls.mprotect);
    expect_exactly(cell, {"membarrier-calls", metric, beside}, calls.membarrier);
    expect_exactly(cell, {"mmap-calls", metric, beside}, calls.mmap);
    expect_exactly(cell, {"munmap-calls", metric, beside}, 0);
  }
}

/// What was counted; nothing, with the reason, where it cannot be.
std::optional<double> value_of(const Cell& cell, const Wanted& wanted) {
  const Counter& counter = counter_of(cell, wanted);
  INFO(cell.id << ": " << counter.name << " per " << counter.per << ": " << counter.status << " "
               << counter.reason);
  CHECK((counter.status == "ok" || may_be_missing(counter)));
  CHECK(counter.value.has_value() == (counter.status == "ok"));
  CHECK((counter.value.has_value() || !counter.reason.empty()));
  return counter.value;
}

/// A page that the kernel took back meanwhile is one more fault.
void expect_about(const Cell& cell, const Wanted& wanted, double expected) {
  if (const auto value = value_of(cell, wanted)) {
    INFO(cell.id << ": " << wanted.name << " per " << wanted.per);
    CHECK(*value >= expected);
    CHECK(*value < expected + 0.5);
  }
}

/// One filter for each reason, and one for all others: together they let everything pass, once.
void expect_flushes_of_all_reasons(const Cell& cell, std::string_view metric) {
  const auto flushes = value_of(cell, {"tlb-flushes", metric, ""});
  double sum = 0;
  std::size_t reasons = 0;
  for (const Counter& counter : cell.counters) {
    if (counter.name.starts_with("tlb-flushes:") && counter.per == metric &&
        counter.beside.empty()) {
      ++reasons;
      sum += counter.value.value_or(0);
    }
  }
  if (flushes && reasons > 0) {
    INFO(cell.id << " per " << metric << ": " << reasons << " reasons");
    CHECK(reasons > 1);
    CHECK(std::abs(sum - *flushes) < 1e-6);
  }
}

/// A process that was alone on its processor from its first instruction on has no pages in another
/// one's TLB.
void expect_no_flush_elsewhere(const Cell& cell) {
  for (const Counter& counter : cell.counters) {
    if (counter.name == "tlb-flushes:remote-ipi-send" && counter.beside.empty() && counter.value) {
      INFO(cell.id << " per " << counter.per);
      CHECK(*counter.value == 0);
    }
  }
}

[[maybe_unused]] std::size_t tracepoints_of(const Cell& cell, std::string_view status,
                                            std::string_view reason) {
  return static_cast<std::size_t>(std::ranges::count_if(cell.counters, [&](const Counter& counter) {
    return counter.source == "tracepoint" && counter.status == status &&
           counter.reason.find(reason) != std::string::npos;
  }));
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
    if (cell.status != CellStatus::ok) continue;
    ++cells;
    for (const char* metric : {"patch", "patch_execute", "miss", "execute"}) {
      expect_calls(cell, metric);
    }
    expect_no_flush_elsewhere(cell);
  }
  CHECK(cells >= 2);
}

TEST_CASE("a patch that is published by membarrier makes that call, once, beside its own") {
  warn_where_not_counted();
  const results::Results results =
      counted({"--strategy=rwx,mprotect-toggle", "--workload=relink", "--param", "sites=64",
               "batch=1", "publish=membarrier"});
  std::size_t cells = 0;
  for (const Cell& cell : results.cells) {
    if (cell.status == CellStatus::ok) {
      ++cells;
      for (const char* metric : {"patch", "patch_execute", "miss", "execute"}) {
        expect_calls(cell, metric);
      }
    }
  }
  if (cells == 0) WARN("not tested: " << results.cells.front().reason);
}

TEST_CASE("a zone is mapped by calls of mmap, faults once a page, and is unmapped by munmap",
          "[everywhere]") {
  warn_where_not_counted();
  const results::Results results =
      counted({"--strategy=rwx", "--workload=zone", "--param", "kib=64"});
  const Cell& cell = results.cells.front();
  REQUIRE(cell.status == CellStatus::ok);
  expect_exactly(cell, {"mmap-calls", "reserve", ""}, 1);
  expect_exactly(cell, {"munmap-calls", "reserve", ""}, 0);
  expect_exactly(cell, {"mmap-calls", "teardown", ""}, 0);
  expect_exactly(cell, {"munmap-calls", "teardown", ""}, 1);
  for (const char* metric : {"reserve", "first_touch", "teardown"}) {
    expect_exactly(cell, {"mprotect-calls", metric, ""}, 0);
    expect_exactly(cell, {"membarrier-calls", metric, ""}, 0);
    expect_about(cell, {"user-page-faults", metric, ""},
                 metric == std::string_view("first_touch") ? 1 : 0);
    expect_flushes_of_all_reasons(cell, metric);
  }
}

/// Of user code, alone; none where this machine counts none, which its reason says.
std::optional<double> minor_faults(const Cell& cell, std::string_view per) {
  const auto found = std::ranges::find_if(cell.counters, [&](const Counter& counter) {
    return counter.name == "minor-faults" && counter.scope == "user" && counter.per == per &&
           counter.beside.empty();
  });
  REQUIRE(found != cell.counters.end());
  CHECK((found->value.has_value() || !found->reason.empty()));
  return found->value;
}

TEST_CASE("a new method takes its part of a page fault in each view, in recycled pages none") {
  const results::Results results =
      counted({"--strategy=rwx,sysv-shm", "--workload=install", "--param", "size=1024", "batch=1",
               "memory=fresh,populated,recycled", "kib=256"});
  std::size_t cells = 0;
  for (const Cell& cell : results.cells) {
    if (cell.status != CellStatus::ok) continue;
    ++cells;
    const auto faults = minor_faults(cell, "install");
    if (!faults) continue;
    INFO(cell.id);
    const bool fresh = cell.id.find("memory=fresh") != std::string::npos;
    const double views = cell.strategy == "sysv-shm" ? 2 : 1;
    const double expected = fresh ? views * 1024 / static_cast<double>(page_size()) : 0;
    CHECK(*faults >= expected);
    CHECK(*faults < expected + 0.05);  // a page that the kernel took back, or one of the program's
  }
  CHECK(cells >= 3);
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
  while (!CPU_ISSET(first, &before)) ++first;
  CPU_SET(first, &one);
  REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
  const results::Results results =
      counted({"--strategy=rwx", "--workload=relink", "--param", "sites=64", "batch=1"});
  REQUIRE(sched_setaffinity(0, sizeof before, &before) == 0);
  std::size_t beside = 0;
  for (const Cell& cell : results.cells) {
    for (const Counter& counter : cell.counters) {
      if (counter.beside == "busy-thread") {
        CHECK_FALSE(counter.value.has_value());
        CHECK_FALSE(counter.reason.empty());
        const bool says_so = counter.reason.find("second processor") != std::string::npos;
        CHECK((says_so || counter.source == "tracepoint"));
        beside += says_so ? 1 : 0;
      }
    }
  }
  CHECK(beside > 0);
}

#if !PATCHBENCH_SANITIZED  // the check of undefined behaviour needs a pipe of its own
TEST_CASE("too few descriptors for all tracepoints do not end the run") {
  warn_where_not_counted();
  const auto cell_with = [](rlim_t descriptors) {
    const results::Results results = counted({"--strategy=rwx", "--workload=relink", "--param",
                                              "sites=64", "batch=1", "--filter=relink/rwx/"},
                                             "vma", {.limit = {{RLIMIT_NOFILE, descriptors}}});
    for (const Cell& cell : results.cells) {
      for (const Counter& counter : cell.counters) {
        CHECK(counter.value.has_value() == (counter.status == "ok"));
        // A count that is right may have one too: that it came out below zero.
        CHECK((counter.status == "ok" || !counter.reason.empty()));
      }
    }
    return results.cells.front();
  };
  constexpr rlim_t kEnough = 24;  // for one process that counts, and not for twice that
  const std::size_t counted_ones = tracepoints_of(cell_with(kEnough), "ok", "");
  CHECK((counted_ones > 0) == why_no_tracepoints().empty());
  constexpr rlim_t kNotForAChildToo = 42;  // beside the tracepoints that are kept open for it
  CHECK(tracepoints_of(cell_with(kNotForAChildToo), "ok", "") == counted_ones);
  constexpr rlim_t kTooFew = 20;
  const Cell refused = cell_with(kTooFew);
  constexpr std::size_t kRows = 8;    // of an event: alone and beside, and of each metric
  constexpr std::size_t kOthers = 4;  // standard streams, and where a child answers
  if (counted_ones == 0) return;
  if (counted_ones / kRows + kOthers < kTooFew) {
    WARN("not tested: " << kTooFew << " descriptors are enough for this kernel's tracepoints");
    return;
  }
  CHECK(tracepoints_of(refused, "unavailable", "ulimit -n") >= counted_ones);
  CHECK(std::ranges::any_of(refused.counters, [](const Counter& counter) {
    return counter.source == "software" && counter.status == "ok" && counter.per == "patch";
  }));
}
#endif

}  // namespace patchbench::harness
