#include "harness/process/child.hpp"

#include <cerrno>
#include <future>
#include <system_error>

#include <patchbench_catch.hpp>
#include <sys/mman.h>

#include "harness/base/progress.hpp"
#include "harness/machine/calibration.hpp"
#include "harness/machine/emulator.hpp"
#include "harness/machine/proc.hpp"
#include "harness/machine/sandbox.hpp"
#include "harness/process/denial.hpp"
#include "harness/programs/fake_catalogue_test.hpp"
#include "strategies/mapping.hpp"
#include "strategies/vmas.hpp"

namespace patchbench::harness {
namespace {

ChildTask zone_task(std::string_view strategy) {
  ChildTask task;
  task.cell = "zone/x/kib=64";
  task.strategy = strategy;
  task.workload = "zone";
  task.request.params = {{"kib", "64"}};
  task.batches = 3;
  task.budget_ms = 1;
  return task;
}

std::system_error refused(int error, const char* what) {
  return std::system_error(error, std::generic_category(), what);
}

}  // namespace

TEST_CASE("a task survives the way to the child") {
  ChildTask task = zone_task("rwx");
  task.request.params = {{"sites", "16"}, {"order", "it's \"odd\""}};
  task.request.seed = 0xFFFF'FFFF'FFFF'FFFF;
  task.request.arena.base = 0x2000'1234'0000;
  task.round = 3;
  task.order = 41;
  task.cpu = 5;
  task.parent = 1234;
  task.purpose = ChildPurpose::execute;
  task.metric = "patch";
  task.extent = Extent::more;
  task.left_out = {"send", "miss"};
  task.takes_turns = true;
  task.read = ReadPath::system_call;
  task.cpu_time = true;
  task.events = {{{.name = "tlb-flushes",
                   .set = "vma",
                   .source = "tracepoint",
                   .scope = "both",
                   .type = 2,
                   .config = 7,
                   .config1 = 1,
                   .config2 = 2,
                   .filter = "reason==3",
                   .beside = "busy-thread"}}};
  const ChildTask back = parse_child_task(to_json_text(task));
  CHECK(back.cell == task.cell);
  CHECK(back.strategy == task.strategy);
  CHECK(back.workload == task.workload);
  CHECK(back.request.params == task.request.params);
  CHECK(back.request.seed == task.request.seed);
  CHECK(back.request.arena.base == task.request.arena.base);
  CHECK(back.round == task.round);
  CHECK(back.order == task.order);
  CHECK(back.cpu == task.cpu);
  CHECK(back.batches == task.batches);
  CHECK(back.budget_ms == task.budget_ms);
  CHECK(back.parent == task.parent);
  CHECK(back.purpose == task.purpose);
  CHECK(back.metric == task.metric);
  CHECK(back.extent == task.extent);
  CHECK(back.left_out == task.left_out);
  CHECK(back.takes_turns == task.takes_turns);
  CHECK(back.read == task.read);
  CHECK(back.cpu_time == task.cpu_time);
  REQUIRE(back.events.size() == 1);
  REQUIRE(back.events[0].size() == 1);
  const Event& event = back.events[0][0];
  CHECK(event.name == "tlb-flushes");
  CHECK(event.set == "vma");
  CHECK(event.source == "tracepoint");
  CHECK(event.scope == "both");
  CHECK(event.type == 2);
  CHECK(event.config == 7);
  CHECK(event.config1 == 1);
  CHECK(event.config2 == 2);
  CHECK(event.filter == "reason==3");
  CHECK(event.beside == "busy-thread");
}

TEST_CASE("what is not a task is refused") {
  CHECK_THROWS(parse_child_task(""));
  CHECK_THROWS(parse_child_task("{}"));
}

TEST_CASE("a cell that works is measured in the order of its measurements") {
  const results::JournalEntry entry = do_task(fake_catalogue(), zone_task("rwx"));
  CHECK(entry.status == results::CellStatus::ok);
  REQUIRE(entry.metrics.size() == 2);
  CHECK(entry.metrics[0].name == "send");
  CHECK(entry.metrics[1].name == "patch");
  CHECK(entry.reason.empty());
  for (const results::JournalMetric& metric : entry.metrics) {
    CHECK(metric.latency_ns.value() > 0);
    CHECK(metric.throughput_ns.value() > 0);
    CHECK(metric.low.value() <= metric.median);
  }
  // Each calibration but the first and the last belongs to the metrics on both of its sides.
  CHECK(*entry.metrics[0].latency_ns + *entry.metrics[1].latency_ns >
        (*entry.calibration_before_ns + *entry.calibration_after_ns) / 2);
}

TEST_CASE("what is known already is not measured") {
  ChildTask task = zone_task("rwx");
  task.left_out = {"send"};
  const results::JournalEntry entry = do_task(fake_catalogue(), task);
  CHECK(entry.status == results::CellStatus::ok);
  REQUIRE(entry.metrics.size() == 1);
  CHECK(entry.metrics[0].name == "patch");
}

TEST_CASE("a wrong result is failed and never timed") {
  const results::JournalEntry entry = do_task(fake_catalogue(), zone_task("wrong"));
  CHECK(entry.status == results::CellStatus::failed);
  CHECK(entry.metrics.empty());
  CHECK(entry.reason == "wrong result: site 3 answered 17 instead of 4");
}

TEST_CASE("a counted child executes, times nothing, and says how many operations were between") {
  ChildTask task = zone_task("rwx");
  task.purpose = ChildPurpose::execute;
  task.metric = "patch";
  const results::JournalEntry entry = do_task(fake_catalogue(), task);
  CHECK(entry.status == results::CellStatus::ok);
  CHECK(entry.metrics.empty());
  CHECK_FALSE(entry.calibration_before_ns.has_value());
  REQUIRE(entry.counters.size() == 1);
  CHECK(entry.counters[0].name == kOperationsBetween);
  CHECK(entry.counters[0].value == 10);
  task.metric = "miss";
  CHECK(do_task(fake_catalogue(), task).status == results::CellStatus::unsupported);
}

TEST_CASE("a wrong result is not counted either") {
  ChildTask task = zone_task("wrong");
  task.purpose = ChildPurpose::execute;
  task.metric = "send";
  CHECK(do_task(fake_catalogue(), task).status == results::CellStatus::failed);
}

TEST_CASE("a processor that does not exist is a failure with its number") {
  ChildTask task = zone_task("rwx");
  task.cpu = 1023;
  const results::JournalEntry entry = do_task(fake_catalogue(), task);
  CHECK(entry.status == results::CellStatus::failed);
  CHECK(entry.reason.find("1023") != std::string::npos);
}

TEST_CASE("a probe answers with what it chose, or who refused") {
  ChildTask task;
  task.strategy = "file-dual";
  CHECK(do_task(fake_catalogue(), task).reason == "/tmp (ext4)");
}

TEST_CASE("a refusal is taken apart into call, errno and what to do") {
  const Denial denial = explain(refused(EACCES, "mmap (writable and executable)"));
  CHECK(denial.call == "mmap");
  CHECK(denial.error == "EACCES");
  CHECK(denial.reason.starts_with("mmap (writable and executable): Permission denied; "));
  CHECK(denial.reason.find("MemoryDenyWriteExecute") != std::string::npos);
}

TEST_CASE("advice fits the call and the errno") {
  CHECK(what_to_do("memfd_create", EACCES).find("memfd_noexec") != std::string_view::npos);
  CHECK(what_to_do("shmat", EPERM).find("seccomp") != std::string_view::npos);
  CHECK(what_to_do("mmap (no directory allows", EPERM).find("noexec") != std::string_view::npos);
  CHECK(what_to_do("mmap (read-execute view of a file in /dev/shm)", EPERM).find("/dev/shm") !=
        std::string_view::npos);
  CHECK(what_to_do("mmap (read-write-execute)", EPERM).find("MemoryDenyWriteExecute") !=
        std::string_view::npos);
  CHECK(what_to_do("mmap (read-write-execute)", EPERM).find("TMPDIR") == std::string_view::npos);
  CHECK(what_to_do("posix_spawnp", EAGAIN).find("ulimit -u") != std::string_view::npos);
  CHECK(what_to_do("mprotect", EACCES).find("execmem") != std::string_view::npos);
  CHECK(what_to_do("mmap", ENOMEM).find("max_map_count") != std::string_view::npos);
  CHECK(what_to_do("open", EISDIR).empty());
}

/// As many mappings as this process may have, but for a few.
bool use_all_mappings(std::int64_t most) {
  const std::size_t page = page_size();
  for (std::int64_t i = count_vmas(0, kEndOfAddresses).value_or(most); i + 4 < most; ++i) {
    // Neighbours differ in their protection, so that the kernel does not make one of them.
    const int protection = i % 2 == 0 ? PROT_READ : PROT_NONE;
    if (mmap(nullptr, page, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED) {
      return false;
    }
  }
  return true;
}

TEST_CASE("where mappings run out, vm.max_map_count is named and nothing else") {
  constexpr std::int64_t kSoManyTakeLong = 200'000;
  const auto most = read_integer("/proc/sys/vm/max_map_count");
  if (!most || *most > kSoManyTakeLong || PATCHBENCH_SANITIZED || in_qemu_user()) {
    WARN("not tested: this machine allows too many mappings, or does not say how many");
    return;
  }
  CHECK(limit_behind_enomem().find("max_map_count") == std::string::npos);
  CHECK_NOTHROW(require_room_to_toggle());
  const Tried tried = try_in_child([most] {
    if (!use_all_mappings(*most)) return 1;
    const std::string reason = explain(refused(ENOMEM, "mprotect (to read-write)")).reason;
    if (reason.find("vm.max_map_count allows") == std::string::npos) return 2;
    try {
      require_room_to_toggle();
      return 3;
    } catch (const std::system_error& none_left) {
      return explain(none_left).call == "mprotect" ? 0 : 4;
    }
  });
  CHECK(tried.signal == 0);
  CHECK(tried.answer == 0);
}

TEST_CASE("a limit that was not reached for has its own words, and no other advice") {
  const Denial denial = explain(refused(ENOMEM, "mmap (not tried: memory.max of /x)"));
  CHECK(denial.call == "mmap");
  CHECK(denial.error == "ENOMEM");
  CHECK(denial.reason == "mmap (not tried: memory.max of /x): Cannot allocate memory");
}

TEST_CASE("errors that are not errno's have no symbol") {
  const Denial denial =
      explain(std::system_error(std::make_error_code(std::future_errc::no_state), "waiting"));
  CHECK_FALSE(denial.error.has_value());
  CHECK(denial.call == "waiting");
}

TEST_CASE("each calibrator takes some time, and a mean is of both sides") {
  const Calibration seen = calibrate();
  CHECK(seen.latency_ns.value() > 0);
  CHECK(seen.throughput_ns.value() > 0);
  const Calibration mean = mean_of({.latency_ns = 1, .throughput_ns = 2},
                                   {.latency_ns = 2, .throughput_ns = std::nullopt});
  CHECK(mean.latency_ns == 1.5);
  CHECK_FALSE(mean.throughput_ns.has_value());
}

TEST_CASE("what calibrates throughput begins at a cache line, whatever the layout") {
  CHECK(reinterpret_cast<std::uintptr_t>(&independent_block) % 64 == 0);
}

TEST_CASE("durations as people write them") {
  CHECK(duration_text(0) == "0:00");
  CHECK(duration_text(59.6) == "1:00");
  CHECK(duration_text(725) == "12:05");
  CHECK(duration_text(3723) == "1:02:03");
  CHECK(duration_text(-5) == "0:00");
}

}  // namespace patchbench::harness
