// What the kernel does for new code: how many pages a run of `install` faults in, exactly, by what
// the pages were before.
#include "workloads/install.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <patchbench_catch.hpp>
#include <sys/resource.h>

#include "strategies/emulator_test.hpp"
#include "strategies/mapping.hpp"
#include "workloads/cell_fixture_test.hpp"

namespace patchbench {
namespace {

constexpr std::size_t kInstalledKib = 256;

long minor_faults() {
  rusage usage{};
  REQUIRE(getrusage(RUSAGE_THREAD, &usage) == 0);
  return usage.ru_minflt;
}

const Measurement& measurement_of(const Instance& cell, std::string_view metric) {
  const auto all = cell.measurements();
  const auto found = std::ranges::find(all, metric, &Measurement::metric);
  REQUIRE(found != all.end());
  return *found;
}

/// Of one run of a metric, without what is prepared for it.
long faults_of(std::string_view strategy, std::string_view metric, ParamText changes) {
  changes.emplace_back("kib", std::to_string(kInstalledKib));
  const auto cell = find_cell(strategy, "install")->make(small_request("install", changes));
  cell->check();
  const Measurement& measured = measurement_of(*cell, metric);
  long faults = 0;
  for (int turn = 0; turn < 2; ++turn) {  // the first may fault in the program's own pages
    measured.prepare(measured.self);
    const long before = minor_faults();
    measured.run(measured.self);
    faults = minor_faults() - before;
  }
  return faults;
}

long pages() { return static_cast<long>(kInstalledKib * 1024 / page_size()); }

/// A page that the kernel took back meanwhile, or one of the program's own, is one more fault.
void expect_faults(std::string_view strategy, std::string_view metric, const char* memory,
                   long expected) {
  INFO(strategy << ", " << metric << ", memory=" << memory);
  const long faults = faults_of(strategy, metric, {{"memory", memory}});
  CHECK(faults >= expected);
  CHECK(faults <= expected + pages() / 8);
}

/// Whether this machine counts the faults of this program, and gives these strategies memory.
bool can_count(const std::vector<std::string_view>& strategies_needed) {
  if (testing::in_qemu_user()) {
    WARN("not counted: an emulator's faults are not the program's");
    return false;
  }
  return std::ranges::all_of(strategies(), [&](const StrategyEntry& entry) {
    return std::ranges::count(strategies_needed, entry.info.id) == 0 || is_allowed(entry);
  });
}

}  // namespace

TEST_CASE("install: fresh pages fault once for each view, recycled ones never") {
  if (!can_count({"rwx", "memfd-dual", "sysv-shm"})) return;
  for (const char* strategy : {"rwx", "memfd-dual", "sysv-shm"}) {
    const long views = strategy == std::string_view("rwx") ? 1 : 2;
    expect_faults(strategy, "install", "fresh", views * pages());
    expect_faults(strategy, "install_total", "fresh", views * pages());
    expect_faults(strategy, "install", "recycled", 0);
  }
}

TEST_CASE("install: pages that were faulted in beforehand do not fault when methods come") {
  if (!can_count({"rwx", "memfd-dual", "sysv-shm"})) return;
  if (const std::string reason = why_no_prefaulting(); !reason.empty()) {
    WARN("not tested: " << reason);
    return;
  }
  for (const char* strategy : {"rwx", "memfd-dual", "sysv-shm"}) {
    expect_faults(strategy, "install", "populated", 0);
    // The kernel counts its own accesses too; a view that is only read is found by few of them.
    CHECK(faults_of(strategy, "prefault", {{"memory", "populated"}}) >= pages());
    CHECK(faults_of(strategy, "install_total", {{"memory", "populated"}}) >= pages());
  }
  for (const char* strategy : {"rwx", "memfd-dual"}) {
    expect_faults(strategy, "install", "map-populated", 0);
  }
}

TEST_CASE("install: methods that are stored before any is called are found by one fault for many") {
  if (!can_count({"memfd-dual"})) return;
  const long faults = faults_of("memfd-dual", "install", {{"batch", "1000"}});
  CHECK(faults >= pages());
  if (page_size() == 4096) CHECK(faults <= pages() + pages() / 4);  // of 64 KiB, where it is 16
}

TEST_CASE("install: batches that do not divide the methods, and one that is larger than all") {
  for_each_cell([](const CellFactory& cell) {
    if (cell.workload != "install" || strategy_info(cell.strategy).small_grid) return;
    for (const char* batch : {"7", "1000000"}) {
      INFO(batch);
      const auto instance = cell.make(small_request("install", {{"batch", batch}}));
      CHECK_NOTHROW(instance->check());
    }
  });
}

TEST_CASE("install: what a call without MAP_POPULATE maps is refused, and names the call") {
  const auto make = [](std::string_view strategy) {
    return find_cell(strategy, "install")
        ->make(small_request("install", {{"memory", "map-populated"}}));
  };
  for (const StrategyEntry& entry : strategies()) {
    if (entry.info.id != "sysv-shm" || !is_allowed(entry)) continue;
    CHECK_THROWS_WITH(make("sysv-shm"),
                      Catch::Matchers::StartsWith("shmat (it has no MAP_POPULATE)"));
  }
  CHECK_THROWS_AS(find_cell("rwx", "install")->make(small_request("install", {{"memory", "used"}})),
                  std::invalid_argument);
}

TEST_CASE("install: memory is that of all methods, in each view") {
  if (!can_count({"rwx", "memfd-dual"})) return;
  const auto resident_kib = [](std::string_view strategy) {
    const auto cell =
        find_cell(strategy, "install")->make(small_request("install", {{"kib", "256"}}));
    cell->check();
    return cell->memory().rss_kib;
  };
  CHECK(resident_kib("rwx") == 256);
  CHECK(resident_kib("memfd-dual") == 2 * 256);
}

}  // namespace patchbench
