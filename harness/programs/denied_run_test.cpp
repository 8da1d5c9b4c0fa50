// bench-run and bench-probe where a sandbox or a limit refuses something: a row that names the call
// and the errno, advice that fits, and never a run that is lost.
#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <patchbench_catch.hpp>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/machine/emulator.hpp"
#include "harness/programs/look_up_test.hpp"
#include "harness/programs/seccomp_test.hpp"
#include "harness/programs/subprocess_test.hpp"
#include "harness/programs/temporary_directory_test.hpp"
#include "results/journal.hpp"
#include "results/json.hpp"
#include "strategies/publish.hpp"

namespace patchbench::harness {
namespace {

namespace fs = std::filesystem;
using results::CellStatus;

/// One round of the real program, without a report. A machine that cannot have what `prepare` sets
/// is no failure: `skipped`.
struct DeniedRun {
  DeniedRun(std::vector<std::string> arguments, std::function<bool()> prepare, Start start = {}) {
    start.arguments = std::move(arguments);
    start.arguments.insert(start.arguments.end(),
                           {"--rounds=1", "--no-report", "--out=" + (directory / "out").string()});
    start.program = PATCHBENCH_BENCH_RUN;
    start.prepare = std::move(prepare);
    finished = run_fake(start);
    skipped = finished.exit_code == kNotFiltered;
    if (skipped) WARN("not tested: this machine cannot be made to refuse that");
  }
  [[nodiscard]] results::Results results() const {
    INFO(finished.errors);
    REQUIRE(fs::exists(directory / "out/results.json"));
    return results::read_results(directory / "out");
  }
  [[nodiscard]] std::vector<results::JournalEntry> journal() const {
    return results::read_journal(directory / "out/samples.jsonl");
  }

  TemporaryDirectory directory;
  Finished finished;
  bool skipped = false;
};

const std::vector<std::string> kRelink = {"--workload=relink", "--param", "sites=64"};

std::vector<std::string> relink(std::vector<std::string> more) {
  more.insert(more.end(), kRelink.begin(), kRelink.end());
  return more;
}

std::vector<std::string> zone(std::string strategies, std::string kib) {
  return {"--strategy=" + std::move(strategies), "--workload=zone", "--param",
          "kib=" + std::move(kib)};
}

std::function<bool()> filtered(long number, int error) {
  return [number, error] { return filter_call(number, error); };
}

/// What the entry of the case says, which was refused at its set-up.
void check_refused(const DeniedRun& run, std::string_view cell, std::string_view call,
                   std::string_view error, std::string_view words) {
  INFO(cell);
  const auto journal = run.journal();
  const auto entry = std::ranges::find(journal, cell, &results::JournalEntry::cell);
  REQUIRE(entry != journal.end());
  INFO(entry->reason);
  CHECK(entry->status == CellStatus::denied);
  CHECK(entry->call == call);
  CHECK(entry->error == error);
  CHECK(says(entry->reason, words));
}

}  // namespace

TEST_CASE("a filter that kills for membarrier denies its cases alone") {
  if (find_publish_mode("membarrier") == nullptr ||
      !why_unavailable(PublishMode::membarrier).empty()) {
    return;
  }
  const DeniedRun run(relink({"--strategy=rwx", "--publish=none,membarrier"}),
                      filtered(SYS_membarrier, kKill));
  if (run.skipped) return;
  CHECK(run.finished.exit_code == 0);
  const results::Results results = run.results();
  CHECK(cell_of(results, "relink/rwx/sites=64,batch=1").status == CellStatus::ok);
  const results::Cell& denied = cell_of(results, "relink/rwx/sites=64,batch=1,publish=membarrier");
  CHECK(denied.status == CellStatus::denied);
  CHECK(says(denied.reason, "a seccomp filter kills membarrier"));
}

TEST_CASE("a filter that kills for memfd_create denies what is made of memfds") {
  const DeniedRun run(relink({"--strategy=rwx,memfd-dual"}), filtered(SYS_memfd_create, kKill));
  if (run.skipped) return;
  CHECK(run.finished.exit_code == 0);
  const results::Results results = run.results();
  const results::StrategyStatus& denied = strategy_of(results, "memfd-dual");
  CHECK(denied.status == results::Availability::denied);
  CHECK(denied.call == "memfd_create");
  CHECK(says(denied.reason, "a seccomp filter kills memfd_create"));
  CHECK(cell_of(results, "relink/rwx/sites=64,batch=1").status == CellStatus::ok);
}

TEST_CASE("where pinning is refused cases are measured without it, and say so") {
  const int error = GENERATE(EPERM, kKill);
  const DeniedRun run(relink({"--strategy=rwx"}), filtered(SYS_sched_setaffinity, error));
  if (run.skipped) return;
  CHECK(run.finished.exit_code == 0);
  CHECK(says(run.finished.errors, "warning: not pinned"));
  CHECK(says(run.finished.errors, "sched_setaffinity"));
  const results::Results results = run.results();
  CHECK_FALSE(results.context.cpu.pinned.has_value());
  const results::Cell& cell = cell_of(results, "relink/rwx/sites=64,batch=1");
  CHECK(cell.status == CellStatus::ok);
  CHECK(std::ranges::find(cell.notes, "not pinned to a processor") != cell.notes.end());
}

TEST_CASE("a probe where perf_event_open is refused names what refuses it") {
  const int error = GENERATE(EPERM, kKill);
  const Finished probed = run_fake(
      {.prepare = filtered(SYS_perf_event_open, error), .program = PATCHBENCH_BENCH_PROBE});
  if (probed.exit_code == kNotFiltered) return;
  CHECK(probed.exit_code == 0);
  CHECK(says(probed.output, error == kKill ? "a seccomp filter kills" : "seccomp filter"));
  // As root another level changes nothing.
  if (geteuid() == 0) CHECK_FALSE(says(probed.output, "CAP_PERFMON: sysctl"));
}

TEST_CASE("anonymous memory that is refused is not on a filesystem") {
  const DeniedRun run(relink({"--strategy=rwx"}), filter_writable_and_executable);
  if (run.skipped) return;
  CHECK(run.finished.exit_code == 0);
  const std::string reason = strategy_of(run.results(), "rwx").reason;
  CHECK(says(reason, "MemoryDenyWriteExecute"));
  CHECK_FALSE(says(reason, "TMPDIR"));
}

TEST_CASE("without fallocate a memfd is written instead") {
  const int error = GENERATE(ENOSYS, EOPNOTSUPP);
  const DeniedRun run(relink({"--strategy=memfd-dual"}), filtered(SYS_fallocate, error));
  if (run.skipped) return;
  CHECK(run.finished.exit_code == 0);
  CHECK(cell_of(run.results(), "relink/memfd-dual/sites=64,batch=1").status == CellStatus::ok);
}

TEST_CASE("that no process may be started is no full disk") {
#ifdef SYS_clone3
  const auto no_clone3 = filtered(SYS_clone3, ENOSYS);
#else
  const auto no_clone3 = [] { return true; };
#endif
  const DeniedRun run(relink({"--strategy=rwx"}),
                      [no_clone3] { return no_clone3() && filter_call(SYS_clone, EAGAIN); });
  if (run.skipped) return;
  CHECK(run.finished.exit_code == 1);
  CHECK(says(run.finished.errors, "ulimit -u"));
  CHECK_FALSE(says(run.finished.errors, "make room"));
}

TEST_CASE("without /proc it says what is missing") {
  const DeniedRun run(relink({"--strategy=rwx"}), [] {
    return unshare(CLONE_NEWNS) == 0 && mount("none", "/", nullptr, MS_REC | MS_PRIVATE, "") == 0 &&
           mount("none", "/proc", "tmpfs", 0, "") == 0;
  });
  if (run.skipped || in_qemu_user()) return;
  CHECK(run.finished.exit_code == 1);
  CHECK(says(run.finished.errors, "/proc is not mounted"));
}

TEST_CASE("a valgrind that may not run was found") {
  constexpr int kSetMdwe = 65;
  const DeniedRun run(relink({"--strategy=memfd-dual", "--counters=simulated"}), [] {
    return std::system("valgrind --version > /dev/null 2>&1") == 0 &&
           prctl(kSetMdwe, 1, 0, 0, 0) == 0;
  });
  if (run.skipped || PATCHBENCH_SANITIZED || run.finished.signal != 0) return;
  CHECK(says(run.finished.errors, "valgrind is there and does not run here"));
  CHECK_FALSE(says(run.finished.errors, "was not found"));
}

TEST_CASE("limits of the process are named by the case that meets them") {
  if (PATCHBENCH_SANITIZED || in_qemu_user()) return;  // which take address space for themselves
  constexpr rlim_t kGiB = rlim_t{1} << 30U;
  const DeniedRun space(zone("rwx", "1048576"), {}, {.limit = std::pair(RLIMIT_AS, kGiB)});
  check_refused(space, "zone/rwx/kib=1048576", "mmap", "ENOMEM", "ulimit -v");
  const DeniedRun size(zone("memfd-dual", "16384"), {},
                       {.limit = std::pair(RLIMIT_FSIZE, rlim_t{8} << 20U)});
  CHECK(size.finished.exit_code == 0);
  check_refused(size, "zone/memfd-dual/kib=16384", "ftruncate", "EFBIG", "ulimit -f");
}

TEST_CASE("with too few descriptors a run ends with the limit's name, or is whole") {
  bool whole = false;
  for (const rlim_t descriptors : std::array<rlim_t, 5>{8, 12, 16, 24, 64}) {
    CAPTURE(descriptors);
    const DeniedRun run(relink({"--strategy=memfd-dual", "--counters=none"}), {},
                        {.limit = std::pair(RLIMIT_NOFILE, descriptors)});
    whole = run.finished.exit_code == 0;
    if (whole) {
      CHECK(cell_of(run.results(), "relink/memfd-dual/sites=64,batch=1").status == CellStatus::ok);
    } else {
      CHECK(run.finished.exit_code == 1);
      // A sanitizer looks at memory through a pipe of its own, and takes its lack for a finding.
      if (!PATCHBENCH_SANITIZED) CHECK(says(run.finished.errors, "ulimit -n"));
    }
  }
  CHECK(whole);
}

TEST_CASE("limits of System V segments are named by the case that meets them") {
  const auto limited = [](const char* file, const char* value) {
    return [file, value] {
      if (unshare(CLONE_NEWIPC) != 0) return false;
      std::ofstream limit(file);
      limit << value << std::flush;
      return limit.good();
    };
  };
  const DeniedRun largest(zone("sysv-shm", "4096"), limited("/proc/sys/kernel/shmmax", "1048576"));
  if (largest.skipped) return;
  CHECK(largest.finished.exit_code == 0);
  check_refused(largest, "zone/sysv-shm/kib=4096", "shmget", "EINVAL", "kernel.shmmax");
  const DeniedRun all(zone("sysv-shm", "4096"), limited("/proc/sys/kernel/shmall", "256"));
  CHECK(all.finished.exit_code == 0);
  check_refused(all, "zone/sysv-shm/kib=4096", "shmget", "ENOSPC", "kernel.shmall");
}

TEST_CASE("a full file system is an error of the case, and no SIGBUS") {
  const TemporaryDirectory small;
  const DeniedRun run(zone("file-dual", "4096"),
                      [&small] {
                        return unshare(CLONE_NEWNS) == 0 &&
                               mount("none", "/", nullptr, MS_REC | MS_PRIVATE, "") == 0 &&
                               mount("none", small.path().c_str(), "tmpfs", 0, "size=1m") == 0;
                      },
                      {.variables = {{"PATCHBENCH_EXEC_DIR", small.path().string()}}});
  if (run.skipped) return;
  CHECK(run.finished.exit_code == 0);
  check_refused(run, "zone/file-dual/kib=4096", "fallocate", "ENOSPC", "the filesystem is full");
}

TEST_CASE("a read-only root is an error that names the directory") {
  const DeniedRun run(relink({"--strategy=rwx"}), [] {
    return unshare(CLONE_NEWNS) == 0 && mount("none", "/", nullptr, MS_REC | MS_PRIVATE, "") == 0 &&
           mount("/", "/", nullptr, MS_BIND, "") == 0 && chdir("/") == 0 && chroot(".") == 0 &&
           mount("none", "/", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, "") == 0;
  });
  if (run.skipped || run.finished.exit_code == 0) return;  // what is mounted elsewhere is not root
  CHECK(run.finished.exit_code == 2);
  CHECK(says(run.finished.errors, "Read-only file system"));
  CHECK(says(run.finished.errors, "--out"));
}

}  // namespace patchbench::harness
