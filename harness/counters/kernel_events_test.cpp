#include "harness/counters/kernel_events.hpp"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <fmt/format.h>
#include <linux/perf_event.h>
#include <patchbench_catch.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/counters/tracefs.hpp"
#include "harness/programs/temporary_directory_test.hpp"

namespace patchbench::harness {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTracing = "sys/kernel/tracing";

/// A machine's /sys with one tracefs, complete but for `without`.
class FakeTracefs {
 public:
  explicit FakeTracefs(std::string_view without = "", const char* place = kTracing)
      : place_(place) {
    int id = 700;
    for (const char* name :
         {"raw_syscalls/sys_enter", "syscalls/sys_enter_mprotect", "syscalls/sys_enter_mmap",
          "syscalls/sys_enter_munmap", "syscalls/sys_enter_membarrier",
          "exceptions/page_fault_user", "ipi/ipi_send_cpu", "ipi/ipi_send_cpumask"}) {
      if (name != without) root.write(path("events", name, "id"), fmt::format("{}\n", id));
      ++id;
    }
    if (without != "tlb/tlb_flush") {
      root.write(path("events", "tlb/tlb_flush", "id"), "187\n");
      describe(R"({ 0, "flush on task switch" }, { 4, "remote IPI send" })");
    }
  }

  [[nodiscard]] fs::path path(const char* a, const char* b, const char* c) const {
    return fs::path(place_) / a / b / c;
  }
  void describe(std::string_view symbols) const {
    root.write(path("events", "tlb/tlb_flush", "format"),
               fmt::format("name: tlb_flush\nID: 187\nformat:\n\tfield:int reason;\toffset:8;\n\n"
                           "print fmt: \"pages:%ld reason:%s (%d)\", REC->pages, "
                           "__print_symbolic(REC->reason, {}), REC->reason\n",
                           symbols));
  }

  TemporaryDirectory root;

 private:
  const char* place_;
};

std::vector<WantedEvent> events_of(const fs::path& root) { return kernel_events(root, 2); }

const WantedEvent& find(const std::vector<WantedEvent>& events, std::string_view name,
                        std::string_view beside = "") {
  const auto found = std::ranges::find_if(events, [&](const WantedEvent& wanted) {
    return wanted.event.name == name && wanted.event.beside == beside;
  });
  INFO(name);
  REQUIRE(found != events.end());
  return *found;
}

bool has(const std::vector<WantedEvent>& events, std::string_view name) {
  return std::ranges::any_of(events, [&](const auto& one) { return one.event.name == name; });
}

/// Every tracepoint is missing with this status, for a reason that says this; software events are
/// there all the same.
void expect_no_tracepoints(const fs::path& root, std::string_view status, std::string_view says) {
  for (const WantedEvent& wanted : events_of(root)) {
    INFO(wanted.event.name << ": " << wanted.reason);
    if (wanted.event.source == "software") {
      CHECK(wanted.status == "ok");
    } else {
      CHECK(wanted.status == status);
      CHECK(wanted.reason.find(says) != std::string::npos);
    }
  }
}

/// Root may read everything: another user, for as long as it lives.
class Unprivileged {
 public:
  Unprivileged() : was_(geteuid()) {
    constexpr uid_t kNobody = 65534;
    if (was_ == 0) REQUIRE(seteuid(kNobody) == 0);
  }
  Unprivileged(const Unprivileged&) = delete;
  Unprivileged& operator=(const Unprivileged&) = delete;
  ~Unprivileged() { static_cast<void>(seteuid(was_)); }

 private:
  uid_t was_;
};

}  // namespace

TEST_CASE("tracepoints are found by what this kernel calls them") {
  const FakeTracefs kernel;
  const auto events = events_of(kernel.root.path());
  const WantedEvent& mprotect = find(events, "mprotect-calls");
  CHECK(mprotect.status == "ok");
  CHECK(mprotect.event.type == PERF_TYPE_TRACEPOINT);
  CHECK(mprotect.event.config == 701);
  CHECK(mprotect.event.source == "tracepoint");
  CHECK(mprotect.event.scope == "both");
  CHECK(mprotect.event.filter.empty());
  CHECK(find(events, "tlb-flushes").event.config == 187);
  const FakeTracefs old("", "sys/kernel/debug/tracing");
  CHECK(find(events_of(old.root.path()), "mprotect-calls").event.config == 701);
}

TEST_CASE("each name is counted by the tracepoint that it is named for") {
  const FakeTracefs kernel;
  const auto events = events_of(kernel.root.path());
  struct Named {
    const char* name;
    std::uint64_t id;  // FakeTracefs numbers its tracepoints in order
  };
  for (const Named& one :
       {Named{"system-calls", 700}, Named{"mprotect-calls", 701}, Named{"mmap-calls", 702},
        Named{"munmap-calls", 703}, Named{"membarrier-calls", 704}, Named{"user-page-faults", 705},
        Named{"ipis-to-one", 706}, Named{"ipis-to-many", 707}, Named{"tlb-flushes", 187}}) {
    INFO(one.name);
    CHECK(find(events, one.name).event.config == one.id);
    CHECK(find(events, one.name, "busy-thread").event.config == one.id);
  }
}

TEST_CASE("every event has one name, and is counted alone and beside a busy thread") {
  const FakeTracefs kernel;
  std::set<std::tuple<std::string, std::string, std::string>> names;
  const auto events = events_of(kernel.root.path());
  for (const WantedEvent& wanted : events) {
    const Event& event = wanted.event;
    CHECK(names.emplace(event.name, event.scope, event.beside).second);
    CHECK(event.set == "vma");
    CHECK((event.scope == "user" || event.scope == "kernel" || event.scope == "both"));
  }
  for (const auto& [name, scope, beside] : names) {
    CHECK(names.contains({name, scope, beside.empty() ? "busy-thread" : ""}));
  }
}

TEST_CASE("what the scheduler does is not counted where the kernel is left out") {
  const FakeTracefs kernel;
  const auto events = events_of(kernel.root.path());
  CHECK(find(events, "context-switches").event.scope == "kernel");
  CHECK(find(events, "cpu-migrations").event.scope == "kernel");
}

TEST_CASE("flushes of the TLB are counted by each reason, and by none of them") {
  const FakeTracefs kernel;
  auto events = events_of(kernel.root.path());
  CHECK(find(events, "tlb-flushes").event.filter.empty());
  CHECK(find(events, "tlb-flushes:flush-on-task-switch").event.filter == "reason==0");
  CHECK(find(events, "tlb-flushes:remote-ipi-send").event.filter == "reason==4");
  CHECK(find(events, "tlb-flushes:other").event.filter == "reason!=0&&reason!=4");
  CHECK(find(events, "tlb-flushes:other", "busy-thread").event.filter == "reason!=0&&reason!=4");

  kernel.describe(R"({ 0x7, "a (new) reason" })");
  events = events_of(kernel.root.path());
  CHECK(find(events, "tlb-flushes:a-new-reason").event.filter == "reason==7");
}

TEST_CASE("reasons without numbers are left to the sum") {
  const FakeTracefs kernel;
  for (const char* symbols :
       {"", R"({ TLB_FLUSH_ON_TASK_SWITCH, "flush on task switch" })", "{ 1"}) {
    kernel.describe(symbols);
    const auto events = events_of(kernel.root.path());
    CHECK(find(events, "tlb-flushes").status == "ok");
    CHECK_FALSE(has(events, "tlb-flushes:other"));
    CHECK_FALSE(has(events, "tlb-flushes:flush-on-task-switch"));
  }
  fs::remove(kernel.root / kernel.path("events", "tlb/tlb_flush", "format"));
  CHECK(find(events_of(kernel.root.path()), "tlb-flushes").status == "ok");
}

TEST_CASE("a reason that cannot be looked up is a row that says why") {
  const TemporaryDirectory root;
  fs::create_directories(root / "sys/kernel");
  const auto hidden = events_of(root.path());
  const auto rows = flushes_of_hidden_reason("tlb-flushes:remote-ipi-send", hidden);
  REQUIRE(rows.size() == 2);  // alone and beside a busy thread
  for (const WantedEvent& row : rows) {
    CHECK(row.event.name == "tlb-flushes:remote-ipi-send");
    CHECK(row.event.scope == "both");
    CHECK(row.status == "unavailable");
    CHECK(row.reason == find(hidden, "tlb-flushes").reason);
  }
  CHECK(flushes_of_hidden_reason("tlb-flushes:", hidden).empty());
  CHECK(flushes_of_hidden_reason("tlb-flashes:remote", hidden).empty());

  const FakeTracefs kernel;
  CHECK(flushes_of_hidden_reason("tlb-flushes:typo", events_of(kernel.root.path())).empty());
  kernel.describe("");
  const auto unnumbered =
      flushes_of_hidden_reason("tlb-flushes:remote-ipi-send", events_of(kernel.root.path()));
  REQUIRE(unnumbered.size() == 2);
  CHECK(unnumbered.front().status == "unavailable");
  CHECK(unnumbered.front().reason.find("does not say") != std::string::npos);
}

TEST_CASE("names of another field are not taken for reasons") {
  CHECK(symbols_of("__print_symbolic(REC->state, { 1, \"R\" }), __print_symbolic(REC->reason, "
                   "{ 2, \"S\" })",
                   "reason") == std::vector<Symbol>{{2, "S"}});
  CHECK(symbols_of("__print_symbolic(REC->state, { 1, \"R\" }), REC->reason", "reason").empty());
}

TEST_CASE("a kernel without tracepoints, and one whose tracefs is not mounted, say so") {
  const TemporaryDirectory root;
  fs::create_directories(root / "sys/kernel");
  expect_no_tracepoints(root.path(), "unavailable", "this kernel has no tracepoints");
  fs::create_directories(root / kTracing);
  expect_no_tracepoints(root.path(), "unavailable", "mount -t tracefs nodev /sys/kernel/tracing");
}

TEST_CASE("a tracefs that may not be read says so") {
  const FakeTracefs kernel;
  fs::permissions(kernel.root.path(), fs::perms::all);
  REQUIRE(chmod((kernel.root / kTracing).c_str(), 0) == 0);
  {
    const Unprivileged other;
    expect_no_tracepoints(kernel.root.path(), "unavailable",
                          "/sys/kernel/tracing may not be read (EACCES)");
  }
  fs::permissions(kernel.root / kTracing, fs::perms::all);
  const fs::path id = kernel.root / kernel.path("events", "syscalls/sys_enter_mprotect", "id");
  REQUIRE(chmod(id.c_str(), 0) == 0);
  const Unprivileged other;
  const auto events = events_of(kernel.root.path());
  CHECK(find(events, "mprotect-calls").status == "unavailable");
  CHECK(find(events, "mprotect-calls").reason.find("sys_enter_mprotect/id cannot be read") !=
        std::string::npos);
  CHECK(find(events, "mmap-calls").status == "ok");
}

TEST_CASE("a tracepoint that this kernel does not have is unsupported, and the others are not") {
  const FakeTracefs kernel("ipi/ipi_send_cpu");
  const auto events = events_of(kernel.root.path());
  CHECK(find(events, "ipis-to-one").status == "unsupported");
  CHECK(find(events, "ipis-to-one").reason.find("ipi:ipi_send_cpu") != std::string::npos);
  CHECK(find(events, "ipis-to-one", "busy-thread").status == "unsupported");
  CHECK(find(events, "ipis-to-many").status == "ok");
  const FakeTracefs arm("tlb/tlb_flush");
  CHECK(find(events_of(arm.root.path()), "tlb-flushes").status == "unsupported");
}

TEST_CASE("a number that is none is not asked for") {
  const FakeTracefs kernel;
  for (const char* text : {"", "many", "-3"}) {
    kernel.root.write(kernel.path("events", "raw_syscalls/sys_enter", "id"), text);
    CHECK(find(events_of(kernel.root.path()), "system-calls").status == "unavailable");
  }
}

TEST_CASE("with one processor nothing is counted beside a busy thread") {
  const FakeTracefs kernel("ipi/ipi_send_cpu");
  const auto events = kernel_events(kernel.root.path(), 1);
  CHECK(find(events, "mprotect-calls").status == "ok");
  CHECK(find(events, "mprotect-calls", "busy-thread").status == "unavailable");
  CHECK(find(events, "mprotect-calls", "busy-thread").reason.find("second processor") !=
        std::string::npos);
  CHECK(find(events, "ipis-to-one", "busy-thread").status == "unsupported");
}

}  // namespace patchbench::harness
