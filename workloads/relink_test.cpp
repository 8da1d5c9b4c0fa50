// Runs of relink in which some sites change: which, how many, and that no two runs are alike.
#include "workloads/relink.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <patchbench_catch.hpp>

#include "strategies/indirect_cell.hpp"
#include "strategies/rwx.hpp"
#include "workloads/cell_fixture_test.hpp"

namespace patchbench {
namespace {

constexpr std::uint32_t kSites = 64;

CellRequest request_of(std::uint32_t sites) {
  return small_request("relink", {{"sites", std::to_string(sites)}});
}

template <class Strategy>
RelinkCell<Strategy> cell_of(std::uint32_t sites, std::uint32_t batch = 1) {
  return RelinkCell<Strategy>{send::describe_two_class_sites(request_of(sites)), batch};
}

template <class Strategy>
const Measurement& find(const RelinkCell<Strategy>& cell, std::string_view metric) {
  const auto all = cell.measurements();
  const auto found =
      std::ranges::find_if(all, [&](const Measurement& m) { return m.metric == metric; });
  REQUIRE(found != all.end());
  return *found;
}

/// The sites whose receiver is of another class than in the pass before, for each pass of the drawn
/// run; those of the first pass differ from what they are linked for.
std::vector<std::set<std::uint32_t>> flips_by_pass(const send::ChangingSites& sites) {
  const std::size_t count = sites.order().size();
  std::vector<std::set<std::uint32_t>> passes(sites.run().passes);
  for (std::uint32_t site = 0; site < count; ++site) {
    send::Oop before = sites.oops(sites.side(site))[site];
    for (std::size_t pass = 0; pass < passes.size(); ++pass) {
      const send::Oop now = sites.drawn()[pass * count + site];
      if (now != before) passes[pass].insert(site);
      before = now;
    }
  }
  return passes;
}

std::uint64_t count(const std::vector<std::set<std::uint32_t>>& passes) {
  std::uint64_t sum = 0;
  for (const auto& pass : passes) sum += pass.size();
  return sum;
}

}  // namespace

TEMPLATE_TEST_CASE("relink: exactly the drawn sites miss, others in each pass", "", Rwx,
                   IndirectCell) {
  auto cell = cell_of<TestType>(kSites);
  cell.check();
  const Measurement& measured = find(cell, "miss_among_hits");
  std::set<std::set<std::uint32_t>> different;
  std::map<std::uint32_t, int> times;
  for (int run = 0; run < 3; ++run) {
    measured.prepare(measured.self);
    const auto flips = flips_by_pass(cell.sites());
    REQUIRE(flips.size() == 128);  // passes of 64 sends
    for (const auto& pass : flips) {
      REQUIRE(pass.size() == kSites / 16);
      different.insert(pass);
      for (const std::uint32_t site : pass) ++times[site];
    }
    const std::uint64_t before = cell.machine().misses();
    measured.run(measured.self);
    CHECK(cell.machine().misses() - before == count(flips));
    CHECK(measured.operations == static_cast<double>(count(flips)));

    measured.prepare_without(measured.self);
    CHECK(count(flips_by_pass(cell.sites())) == 0);
    measured.without(measured.self);
    CHECK(cell.machine().misses() - before == count(flips));
  }
  // Of 635,376 possible sets; and every site is drawn, 24 times of 384 on average.
  CHECK(different.size() > 3 * 128 - 4);
  CHECK(times.size() == kSites);
  CHECK(std::ranges::all_of(times, [](const auto& one) { return one.second < 60; }));
  cell.check();
}

TEMPLATE_TEST_CASE("relink: among hits one site of each stretch is patched before it is executed",
                   "", Rwx, IndirectCell) {
  auto cell = cell_of<TestType>(kSites);
  cell.check();
  const Measurement& measured = find(cell, "patch_execute_among_hits");
  const std::uint64_t before = cell.machine().misses();
  std::map<std::size_t, int> places;  // in the stretch
  measured.prepare(measured.self);
  const auto flips = flips_by_pass(cell.sites());
  const auto& list = cell.sites().run().list;
  REQUIRE(list.size() == 4 * flips.size());
  CHECK(measured.operations == static_cast<double>(list.size()));
  for (std::size_t i = 0; i < list.size(); ++i) {
    const auto patch = send::SitePatch::from(list[i]);
    REQUIRE(flips[i / 4].count(patch.site) == 1);
    const auto stretch = cell.sites().order().subspan(i % 4 * 16, 16);
    const auto found = std::ranges::find(stretch, patch.site);
    REQUIRE(found != stretch.end());
    ++places[static_cast<std::size_t>(found - stretch.begin())];
  }
  CHECK(count(flips) == list.size());
  CHECK(places.size() == 16);
  measured.run(measured.self);
  measured.prepare_without(measured.self);
  measured.without(measured.self);
  CHECK(cell.machine().misses() == before);
  cell.check();
}

TEMPLATE_TEST_CASE("relink: an isolated patch is of a site that is not executed in the run", "",
                   Rwx, IndirectCell) {
  for (const std::uint32_t sites : {2U, 3U, 9U, 50U, kSites, 1000U}) {
    INFO(sites << " sites");
    auto cell = cell_of<TestType>(sites);
    const Measurement& measured = find(cell, "patch_isolated");
    measured.prepare(measured.self);
    const auto& list = cell.sites().run().list;
    const auto half = cell.sites().half();
    const std::set<std::uint32_t> walked(half.begin(), half.end());
    CHECK(walked.size() == half.size());
    CHECK(list.size() == cell.sites().run().passes * ((half.size() + 15) / 16));
    REQUIRE(measured.operations == static_cast<double>(list.size()));
    REQUIRE(!list.empty());
    std::set<std::uint32_t> patched;
    for (const std::uint32_t packed : list) {
      const std::uint32_t site = send::SitePatch::from(packed).site;
      CHECK(send::SitePatch::from(packed).side != cell.sites().side(site));
      CHECK(patched.insert(site).second);
      CHECK(walked.count(site) == 0);
      if (sites >= 8) {  // no line of code has both
        CHECK(walked.count(site ^ 1U) == 0);
      }
    }
    CHECK(2 * patched.size() >= sites / 4);
    const std::vector<std::uint32_t> first = list;
    measured.run(measured.self);
    for (std::uint32_t site = 0; site < sites; ++site) {
      CHECK(cell.sites().side(site) == patched.count(site));
    }
    measured.prepare(measured.self);  // without a run after it
    measured.prepare(measured.self);
    CHECK((sites < kSites || cell.sites().run().list != first));
    cell.check();
  }
}

TEST_CASE("relink: a site's two classes fit into the list of a walk") {
  for (const std::uint32_t site : {0U, 1U, (1U << 20U) - 1}) {
    for (const unsigned side : {0U, 1U}) {
      const auto patch =
          send::SitePatch::from(send::SitePatch{.site = site, .side = side}.packed());
      CHECK(patch.site == site);
      CHECK(patch.side == side);
    }
  }
}

}  // namespace patchbench
