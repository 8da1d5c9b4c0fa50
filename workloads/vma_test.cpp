// A zone of many mappings: what its islands make of it, by the kernel's own list, and what is
// noticed where they, a rollback or a hole are not what they should be.
#include "workloads/vma.hpp"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <patchbench_catch.hpp>
#include <sys/wait.h>

#include "strategies/emulator_test.hpp"
#include "strategies/memfd_dual.hpp"
#include "strategies/mprotect_toggle.hpp"
#include "strategies/rwx.hpp"
#include "workloads/cell_fixture_test.hpp"

namespace patchbench {
namespace {

std::unique_ptr<Instance> vma_cell(std::string_view strategy, const std::string& islands) {
  return find_cell(strategy, "vma")->make(small_request("vma", {{"islands", islands}}));
}

double stated(const Instance& cell, std::string_view name) {
  const std::vector<SiteCounter> counters = cell.counters();
  const auto found = std::ranges::find(counters, name, &SiteCounter::name);
  REQUIRE(found != counters.end());
  return found->value;
}

/// Two mappings from the beginning: a page in the middle is readable alone, whatever was done
/// before.
class SplitZone : public RwxZone {
 public:
  explicit SplitZone(const ZoneRequest& request) : RwxZone(request) {
    REQUIRE(mprotect(writable(exec()).data(), page_size(), PROT_READ | PROT_WRITE | PROT_EXEC) ==
            0);
    REQUIRE(madvise(writable(exec()).data(), page_size(), MADV_DONTDUMP) == 0);
  }
};
struct Split {
  using Zone = SplitZone;
  static constexpr Dispatch kDispatch = Dispatch::inline_cache;
};

/// From some moment on stores to the second page are lost.
class LosingZone : public RwxZone {
 public:
  static inline bool loses = false;
  using RwxZone::RwxZone;
  [[nodiscard]] WritableAddress writable(ExecAddress at) const noexcept {
    const auto offset = static_cast<std::size_t>(at - exec());
    const bool lost = loses && offset / page_size() == 1;
    return lost ? WritableAddress{scratch_.data() + offset % page_size()} : RwxZone::writable(at);
  }

 private:
  mutable std::vector<std::byte> scratch_ = std::vector<std::byte>(page_size());
};
struct Losing {
  using Zone = LosingZone;
  static constexpr Dispatch kDispatch = Dispatch::inline_cache;
};

}  // namespace

TEST_CASE("vma: islands are single pages, none at an edge, in random order") {
  for (const auto& [pages, islands] : {std::pair<std::size_t, std::size_t>{16, 0},
                                       {16, 1},
                                       {300, 100},
                                       {20'000, 100},
                                       {10, 500}}) {
    INFO(pages << " pages, " << islands << " islands");
    const IslandPlan plan = plan_islands(pages, islands, 1);
    CHECK(plan.pages >= pages);
    CHECK((plan.pages == pages || plan.pages < 2 * islands + 100));
    CHECK(plan.islands.size() == islands);
    CHECK(std::ranges::count(plan.is_island, true) == static_cast<std::ptrdiff_t>(islands));
    std::vector<std::uint32_t> changed = plan.islands;
    changed.insert(changed.end(), plan.singles.begin(), plan.singles.end());
    std::ranges::sort(changed);
    CHECK(changed.front() > 0);
    CHECK(changed.back() + 1 < plan.pages);
    for (std::size_t i = 1; i < changed.size(); ++i) REQUIRE(changed[i] > changed[i - 1] + 1);
    for (const std::uint32_t page : plan.islands) REQUIRE(plan.is_island[page]);
    if (islands < 100) continue;
    CHECK_FALSE(std::ranges::is_sorted(plan.islands));
    CHECK(plan_islands(pages, islands, 1).islands == plan.islands);
    CHECK(plan_islands(pages, islands, 2).islands != plan.islands);
  }
}

TEST_CASE("vma: k islands make 2k + 1 mappings of the executable view") {
  if (testing::in_qemu_user()) return;  // what was split once it lists as split for good
  for (const StrategyEntry& entry : strategies()) {
    const CellFactory* factory = find_cell(entry.info.id, "vma");
    if (factory == nullptr || factory->make == nullptr || !is_allowed(entry)) continue;
    for (const std::size_t islands : {std::size_t{0}, std::size_t{1}, std::size_t{150}}) {
      INFO(entry.info.id << ", " << islands << " islands");
      const auto cell = vma_cell(entry.info.id, std::to_string(islands));
      cell->check();
      CHECK(stated(*cell, "mappings-without-islands") == 1);
      CHECK(stated(*cell, "mappings-afterwards") ==
            (entry.info.id == "sysv-shm" ? static_cast<double>(2 * islands + 1) : 1));
      CHECK(stated(*cell, "mappings-with-islands") == static_cast<double>(2 * islands + 1));
      CHECK(stated(*cell, "zone-pages") >= static_cast<double>(2 * islands + 1));
      CHECK(cell->memory().vmas >= static_cast<std::int64_t>(2 * islands + 1));
    }
  }
}

TEST_CASE("vma: more islands than vm.max_map_count allows is a reason, not a crash") {
  std::int64_t most = 0;
  if (!(std::ifstream("/proc/sys/vm/max_map_count") >> most) || most > 100'000 ||
      testing::in_qemu_user()) {
    WARN("not tested: vm.max_map_count is unknown, or too large to be reached in a test");
    return;
  }
  const auto before = count_vmas(0, kEndOfAddresses);
  for (const std::int64_t islands : {most / 2 - 1, most / 2 + 1, std::int64_t{10'000'000}}) {
    INFO(islands << " islands");
    try {
      static_cast<void>(vma_cell("memfd-dual", std::to_string(islands)));
      FAIL("the kernel has more mappings than it allows");
    } catch (const Unsupported& lacking) {
      const std::string reason = lacking.what();
      INFO(reason);
      CHECK(reason.find("vm.max_map_count is " + std::to_string(most)) != std::string::npos);
      CHECK(reason.find(std::to_string(2 * islands + 1) + " mappings") != std::string::npos);
      CHECK(reason.find("ENOMEM after " + std::to_string(most / 2 - 100).substr(0, 2)) !=
            std::string::npos);
    }
  }
  const auto after = count_vmas(0, kEndOfAddresses);
  CHECK(after.value_or(0) < before.value_or(0) + 10);
}

TEST_CASE("vma: no child of fork is left behind") {
  {
    const auto cell = vma_cell("rwx", "20");
    cell->check();
    for (const Measurement& measurement : cell->measurements()) {
      if (measurement.metric != "vma_fork") continue;
      measurement.prepare(measurement.self);
      measurement.run(measurement.self);
    }
  }
  CHECK(waitpid(-1, nullptr, WNOHANG) == -1);
  CHECK(errno == ECHILD);
  CHECK(exit_status_of([](void*) noexcept { return 7; }, nullptr) == 7);
}

TEST_CASE("vma: a page that was touched has memory, and one that was given back has none") {
  if (testing::in_qemu_user()) return;
  const Mapping pages = Mapping::anonymous(2 * page_size(), PROT_READ | PROT_WRITE, {});
  pages.bytes()[0] = std::byte{1};
  CHECK(is_resident(ExecAddress{pages.bytes()}));
  CHECK_FALSE(is_resident(ExecAddress{pages.bytes() + page_size()}));
  REQUIRE(madvise(pages.address(), page_size(), MADV_DONTNEED) == 0);
  CHECK_FALSE(is_resident(ExecAddress{pages.bytes()}));
}

TEST_CASE("vma: a zone that is not one mapping when it should be is noticed") {
  if (testing::in_qemu_user()) return;
  const CellRequest request = small_request("vma", {{"islands", "5"}});
  CHECK_NOTHROW(Vma::make<Rwx>(request)->check());
  CHECK_THROWS_AS(Vma::make<Split>(request)->check(), WrongResult);
}

TEST_CASE("vma: stores that are lost are noticed") {
  const CellRequest request = small_request("vma", {{"islands", "5"}});
  const auto cell = Vma::make<Losing>(request);
  CHECK_NOTHROW(cell->check());
  // What a timed run rolled back is compared before the next. (A zone that loses all stores from
  // its beginning has zeros to execute, which end the process on some architectures.)
  for (const char* metric : {"vma_rollback_copy", "vma_rollback_mprotect"}) {
    INFO(metric);
    const auto timed = Vma::make<Losing>(request);
    const auto all = timed->measurements();
    const auto one = std::ranges::find(all, metric, &Measurement::metric);
    REQUIRE(one != all.end());
    one->prepare(one->self);
    LosingZone::loses = true;
    one->run(one->self);
    LosingZone::loses = false;
    CHECK_THROWS_AS(one->prepare(one->self), WrongResult);
  }
}

TEST_CASE("vma: what a strategy's memory cannot do is not measured") {
  const auto measures = [](std::string_view strategy, std::string_view metric) {
    const auto cell = vma_cell(strategy, "3");
    const auto all = cell->measurements();
    return std::ranges::find(all, metric, &Measurement::metric) != all.end();
  };
  if (!testing::in_qemu_user()) {  // which may execute on what was dropped
    CHECK(measures("rwx", "vma_rollback_dontneed"));
    CHECK(measures("mprotect-toggle", "vma_rollback_dontneed"));
  }
  CHECK_FALSE(measures("memfd-dual", "vma_rollback_dontneed"));  // it drops nothing that is shared
  CHECK(measures("memfd-dual", "vma_rollback_remap"));
  CHECK(measures("memfd-dual", "vma_rollback_mprotect"));
  CHECK_FALSE(measures("mprotect-toggle", "vma_rollback_mprotect"));  // it closes after each store
  CHECK(find_cell("indirect-cell", "vma")->make == nullptr);
  CHECK(find_cell("floor", "vma")->make == nullptr);
}

}  // namespace patchbench
