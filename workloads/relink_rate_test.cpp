// Runs of relink-rate: as many misses as the share asks for, exactly, and no two runs alike.
#include "workloads/relink_rate.hpp"

#include <cmath>
#include <cstdint>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <patchbench_catch.hpp>

#include "strategies/indirect_cell.hpp"
#include "strategies/rwx.hpp"
#include "workloads/cell_fixture_test.hpp"

namespace patchbench {
namespace {

template <class Strategy>
RelinkRateCell<Strategy> rate_cell(const std::string& sites, const std::string& share) {
  const CellRequest request = small_request("relink-rate", {{"sites", sites}, {"p", share}});
  return {send::describe_two_class_sites(request), share_parameter(request, "p")};
}

/// A miss of a run: the number of its pass, and the site.
using Misses = std::set<std::pair<std::uint64_t, std::uint32_t>>;

/// As the receivers of the drawn run say, `linked` being those for which sites are linked before.
Misses misses_of(const send::RelinkingRuns& runs, std::vector<send::Oop>& linked) {
  Misses misses;
  std::uint64_t pass = 0;
  for (const send::RunSegment& segment : runs.segments()) {
    for (std::uint64_t i = 0; i < segment.passes; ++i, ++pass) {
      const auto* receivers =
          segment.receivers + i * static_cast<std::uint64_t>(segment.stride) / sizeof(send::Oop);
      for (std::uint32_t site = 0; site < linked.size(); ++site) {
        if (receivers[site] != linked[site]) misses.insert({pass, site});
        linked[site] = receivers[site];
      }
    }
  }
  return misses;
}

/// Executes a run; then sites are linked for its last receivers, which are returned.
template <class Cell>
std::vector<send::Oop> linked_by_a_run(Cell& cell) {
  cell.check();
  const Measurement& measured = cell.measurements().front();
  measured.prepare(measured.self);
  const send::RunSegment& last = cell.runs().segments().back();
  const auto* receivers = last.receivers + (last.passes - 1) *
                                               static_cast<std::uint64_t>(last.stride) /
                                               sizeof(send::Oop);
  measured.run(measured.self);
  return {receivers, receivers + cell.machine().sites()};
}

}  // namespace

TEST_CASE("relink-rate: a run has the share that was asked for, and is no longer than that takes") {
  for (const std::uint32_t sites : {1U, 50U, 64U, 1000U, 1024U, 1U << 20U}) {
    for (const double share : {1.0, 0.7, 0.1, 0.01, 0.003, 1e-3, 1e-4, 1e-5, 1e-6}) {
      INFO(sites << " sites, " << share);
      const send::RunSize size = send::size_of_run(sites, share);
      const auto sends = static_cast<double>(size.passes * sites);
      REQUIRE(size.misses >= 1);
      CHECK(std::abs(static_cast<double>(size.misses) / (share * sends) - 1) <= 0.01);
      CHECK((sends >= 8192 || size.misses >= 1000));
      CHECK(sends <= sites + std::max(8192.0, 50 / share));
    }
  }
  CHECK(send::size_of_run(1024, 1).passes == 1);
  CHECK(send::size_of_run(1024, 1e-6).misses == 1);
  for (const double bad : {0.0, -0.1, 1.001, 1e-7, std::nan("")}) {
    CHECK_THROWS_AS(send::size_of_run(64, bad), std::invalid_argument);
  }
}

TEMPLATE_TEST_CASE("relink-rate: exactly the drawn sends miss, others in each run", "", Rwx,
                   IndirectCell) {
  // Passes with receivers of their own, all alike; and rows that are repeated.
  for (const auto* const share : {"1", "0.3", "0.01", "0.001", "1e-4"}) {
    INFO(share);
    auto cell = rate_cell<TestType>("64", share);
    std::vector<send::Oop> linked = linked_by_a_run(cell);
    const Measurement& measured = cell.measurements().front();
    CHECK(measured.operations == static_cast<double>(cell.runs().sends()));
    std::set<Misses> different;
    std::map<std::uint32_t, int> sites;
    for (int run = 0; run < 20; ++run) {
      measured.prepare(measured.self);
      const Misses drawn = misses_of(cell.runs(), linked);
      REQUIRE(drawn.size() == cell.runs().misses());
      different.insert(drawn);
      for (const auto& [pass, site] : drawn) ++sites[site];
      const std::uint64_t before = cell.machine().misses();
      measured.run(measured.self);
      REQUIRE(cell.machine().misses() - before == drawn.size());
    }
    const bool all_miss = cell.runs().misses() == cell.runs().sends();
    CHECK(different.size() == (all_miss ? 1 : 20));
    CHECK(sites.size() > 10);
    cell.check();
  }
}

TEST_CASE("relink-rate: the one miss of a long run is anywhere in it") {
  auto cell = rate_cell<Rwx>("1024", "1e-5");
  std::vector<send::Oop> linked = linked_by_a_run(cell);
  const Measurement& measured = cell.measurements().front();
  std::set<std::uint64_t> passes;
  const std::uint64_t all = cell.runs().sends() / 1024;
  REQUIRE(all > 90);
  std::uint64_t late = 0;
  for (int run = 0; run < 40; ++run) {
    measured.prepare(measured.self);
    const Misses drawn = misses_of(cell.runs(), linked);
    REQUIRE(drawn.size() == 1);
    passes.insert(drawn.begin()->first);
    late += drawn.begin()->first >= all / 2 ? 1 : 0;
    measured.run(measured.self);
  }
  CHECK(passes.size() > 20);
  CHECK(late > 5);
  CHECK(late < 35);
}

TEST_CASE("relink-rate: a share is written in one way, and what is none is refused") {
  CHECK(share_text(1) == "1");
  CHECK(share_text(0.1) == "0.1");
  CHECK(share_text(0.001) == "0.001");
  CHECK(share_text(0.0001) == "1e-4");
  CHECK(share_text(2.5e-5) == "2.5e-5");
  CHECK(share_text(1e-10) == "1e-10");
  const CellFactory* cell = find_cell("rwx", "relink-rate");
  REQUIRE(cell != nullptr);
  for (const auto* const bad : {"0", "-1", "1.5", "nan", "often", "0.1x", "1e-7"}) {
    INFO(bad);
    CHECK_THROWS_AS(cell->make(small_request("relink-rate", {{"p", bad}})), std::invalid_argument);
  }
}

}  // namespace patchbench
