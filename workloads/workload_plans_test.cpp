// What the workloads describe: which classes sites meet, in which order receivers come, and where
// everything is put.
#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <numeric>
#include <random>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include <patchbench_catch.hpp>
#include <sys/mman.h>

#include "strategies/emulator_test.hpp"
#include "strategies/mapping.hpp"
#include "workloads/cell_fixture_test.hpp"
#include "workloads/registry.hpp"
#include "workloads/seeded_random.hpp"
#include "workloads/send/receiver_mix.hpp"

namespace patchbench {
namespace {

using send::SteadyState;

/// The shortest period up to `longest` with which a sequence repeats; 0 for none.
std::size_t period_of(const std::vector<std::uint32_t>& sequence, std::size_t longest) {
  for (std::size_t period = 1; period <= longest; ++period) {
    if (std::equal(sequence.begin() + static_cast<std::ptrdiff_t>(period), sequence.end(),
                   sequence.begin())) {
      return period;
    }
  }
  return 0;
}

/// The classes that come to one site, pass by pass.
std::vector<std::uint32_t> classes_at(const SteadyState& state, std::size_t site) {
  std::vector<std::uint32_t> classes;
  for (std::uint64_t pass = 0; pass < state.passes; ++pass) {
    classes.push_back(state.class_stream[pass * state.receivers_per_pass + site]);
  }
  return classes;
}

SteadyState describe_pic(const std::string& order, const std::string& degree = "4",
                         std::uint64_t seed = 1) {
  return Pic::describe(
      small_request("pic", {{"order", order}, {"degree", degree}, {"sites", "1024"}}, seed));
}

void check_only_own_classes(const SteadyState& state) {
  const std::size_t sites = state.classes_of_site.size();
  REQUIRE(state.receivers_per_pass == sites);
  REQUIRE(state.class_stream.size() == state.passes * sites);
  bool own = true;
  for (std::size_t i = 0; i < state.class_stream.size(); ++i) {
    const auto& classes = state.classes_of_site[i % sites];
    own = own && std::ranges::find(classes, state.class_stream[i]) != classes.end();
  }
  CHECK(own);
}

}  // namespace

TEST_CASE("plans: random receivers follow no pattern that a predictor could learn") {
  const SteadyState state = describe_pic("random");
  check_only_own_classes(state);
  // Neither the whole stream, up to half its length, nor what one site sees.
  CHECK(period_of(state.class_stream, state.class_stream.size() / 2) == 0);
  std::size_t periodic_sites = 0;
  for (std::size_t site = 0; site < 1024; ++site) {
    periodic_sites += period_of(classes_at(state, site), 20) != 0 ? 1 : 0;
  }
  CHECK(periodic_sites == 0);
  // Every class of a site comes equally often: a fourth of 60 passes, give or take.
  std::map<std::size_t, std::size_t> by_position;
  for (std::size_t i = 0; i < state.class_stream.size(); ++i) {
    const auto& classes = state.classes_of_site[i % 1024];
    ++by_position[static_cast<std::size_t>(std::ranges::find(classes, state.class_stream[i]) -
                                           classes.begin())];
  }
  for (const auto& [position, count] : by_position) {
    const double share =
        static_cast<double>(count) / static_cast<double>(state.class_stream.size());
    CHECK(share > 0.24);
    CHECK(share < 0.26);
  }
}

TEST_CASE("plans: cyclic receivers take their turns, not all sites in step") {
  for (const std::string degree : {"2", "3", "4", "5", "6"}) {
    INFO("degree " << degree);
    const SteadyState state = describe_pic("cyclic", degree);
    check_only_own_classes(state);
    std::set<std::size_t> phases;
    for (std::size_t site = 0; site < 1024; ++site) {
      const auto classes = classes_at(state, site);
      REQUIRE(period_of(classes, 20) == std::stoul(degree));
      const auto& own = state.classes_of_site[site];
      phases.insert(static_cast<std::size_t>(std::ranges::find(own, classes[0]) - own.begin()));
    }
    CHECK(phases.size() == std::stoul(degree));
    CHECK(state.passes % std::stoul(degree) == 0);  // the next run goes on where this one ends
  }
}

TEST_CASE("plans: a run has enough sends for its clock not to count") {
  for (const std::string sites : {"1", "16", "1024", "20000"}) {
    INFO(sites << " sites");
    const auto sends = [&](const SteadyState& state) {
      return state.passes * state.classes_of_site.size();
    };
    CHECK(sends(Mic::describe(small_request("mic", {{"sites", sites}}))) >= kSendsPerRun / 2);
    CHECK(sends(Pic::describe(small_request("pic", {{"sites", sites}}))) >= kSendsPerRun / 2);
    CHECK(sends(Mixed::describe(small_request("mixed", {{"sites", sites}}))) >= kSendsPerRun / 2);
  }
}

TEST_CASE("plans: the same seed gives the same sends, another one others") {
  const SteadyState one = describe_pic("random", "4", 7);
  const SteadyState again = describe_pic("random", "4", 7);
  const SteadyState other = describe_pic("random", "4", 8);
  CHECK(one.class_stream == again.class_stream);
  CHECK(one.classes_of_site == again.classes_of_site);
  CHECK(one.seed == again.seed);
  CHECK(one.class_stream != other.class_stream);
  CHECK(one.classes_of_site != other.classes_of_site);
}

TEST_CASE("plans: mixed has 90 % monomorphic, 9 % polymorphic and 1 % megamorphic sites") {
  for (const auto& [sites, polymorphic, megamorphic] :
       {std::tuple{100U, 9U, 1U}, std::tuple{1024U, 92U, 10U}, std::tuple{10000U, 900U, 100U}}) {
    INFO(sites << " sites");
    const SteadyState state =
        Mixed::describe(small_request("mixed", {{"sites", std::to_string(sites)}}));
    std::map<std::size_t, std::uint32_t> by_degree;
    std::uint32_t integers = 0;
    for (const auto& classes : state.classes_of_site) {
      ++by_degree[classes.size()];
      CHECK(std::set(classes.begin(), classes.end()).size() == classes.size());
      integers += classes == std::vector<std::uint32_t>{0} ? 1 : 0;
    }
    CHECK(by_degree[2] + by_degree[3] + by_degree[4] == polymorphic);
    CHECK(by_degree[16] == megamorphic);
    CHECK(by_degree[1] == sites - polymorphic - megamorphic);
    CHECK(by_degree.size() <= 5);
    if (sites == 10000) {  // a tenth of them, of 9,000 draws
      CHECK(integers > 800);
      CHECK(integers < 1000);
    }
    check_only_own_classes(state);
    // Not in the order in which they were made.
    CHECK(state.classes_of_site.front().size() + state.classes_of_site[1].size() < 32);
  }
}

TEST_CASE("plans: mixed has as many SmallIntegers as asked for") {
  const auto integers = [](const std::string& percent) {
    const SteadyState state =
        Mixed::describe(small_request("mixed", {{"sites", "1000"}, {"immediates", percent}}));
    return std::ranges::count(state.classes_of_site, std::vector<std::uint32_t>{0});
  };
  CHECK(integers("0") == 0);
  CHECK(integers("100") == 900);
}

TEST_CASE("plans: mic has 64 targets, or one for each site") {
  const auto targets = [](const SteadyState& state) {
    std::set<std::pair<std::uint32_t, std::uint32_t>> methods;
    for (std::size_t i = 0; i < state.classes_of_site.size(); ++i) {
      REQUIRE(state.classes_of_site[i].size() == 1);
      methods.insert({state.plan.selector_of_site[i], state.classes_of_site[i][0]});
      // The receiver that the site reads is of the class it is linked for.
      REQUIRE(state.class_stream[send::slot_of(state.plan, i)] == state.classes_of_site[i][0]);
    }
    return methods.size();
  };
  CHECK(targets(Mic::describe(small_request("mic", {{"sites", "4000"}}))) == 64);
  CHECK(targets(Mic::describe(small_request("mic", {{"sites", "4000"}, {"targets", "sites"}}))) ==
        4000);
}

TEST_CASE("plans: open-pic's receivers come from all classes, each site is linked by seven") {
  const SteadyState state =
      OpenPic::describe(small_request("open-pic", {{"classes", "256"}, {"sites", "1024"}}));
  const std::set<std::uint32_t> seen(state.class_stream.begin(), state.class_stream.end());
  CHECK(seen.size() == 256);
  CHECK(*seen.begin() == 1);
  CHECK(*seen.rbegin() == 256);
  for (const auto& classes : state.classes_of_site) CHECK(classes.size() == 7);
  CHECK(period_of(state.class_stream, state.class_stream.size() / 2) == 0);
}

TEST_CASE("plans: some classes are different ones, and no more than there are") {
  SeededRandom random{3};
  for (const std::uint32_t count : {0U, 1U, 6U, 16U}) {
    for (int turn = 0; turn < 100; ++turn) {
      const auto classes = send::some_classes(count, 16, random);
      const std::set<std::uint32_t> different(classes.begin(), classes.end());
      REQUIRE(different.size() == count);
      REQUIRE((count == 0 || (*different.begin() >= 1 && *different.rbegin() <= 16)));
    }
  }
  CHECK(send::some_classes(20, 16, random).size() == 16);
}

TEST_CASE("plans: a shuffled chain visits every site once, then ends") {
  for (const std::size_t sites : {std::size_t{1}, std::size_t{2}, std::size_t{1000}}) {
    std::vector<send::SitePlan> plan(sites);
    std::uint32_t at = send::chain_in_random_order(plan, 5);
    std::set<std::uint32_t> visited;
    std::size_t steps_forward = 0;
    while (at != sites) {
      REQUIRE(at < sites);
      REQUIRE(visited.insert(at).second);
      steps_forward += plan[at].next == at + 1 ? 1 : 0;
      at = plan[at].next;
    }
    CHECK(visited.size() == sites);
    if (sites == 1000) CHECK(steps_forward < 10);
  }
}

TEST_CASE("plans: a clustered chain visits every site once, runs of sites in layout order") {
  for (const std::size_t sites : {std::size_t{1}, std::size_t{65}, std::size_t{1000}}) {
    std::vector<send::SitePlan> plan(sites);
    std::uint32_t at = send::chain_in_random_order(plan, 5, 64);
    std::set<std::uint32_t> visited;
    std::size_t jumps = 0;
    while (at != sites) {
      REQUIRE(at < sites);
      REQUIRE(visited.insert(at).second);
      const std::uint32_t next = plan[at].next;
      if (next != at + 1 && next != sites) {
        ++jumps;
        CHECK(next % 64 == 0);  // to the beginning of a run, from the end of one
        CHECK((at % 64 == 63 || at + 1 == sites));
      }
      at = next;
    }
    CHECK(visited.size() == sites);
    if (sites == 1000) CHECK(jumps > 10);
  }
}

TEST_CASE("random: the same numbers everywhere, below their bound") {
  // The standard's own check value for std::mt19937_64, scaled: [rand.predef].
  std::mt19937_64 engine;
  engine.discard(9999);
  CHECK(engine() == 9981545732273789042U);
  SeededRandom random{5489};
  std::uint64_t last = 0;
  for (int i = 0; i < 10000; ++i) last = random.below(UINT64_MAX);
  CHECK(last == 9981545732273789041U);  // times (2^64 - 1) / 2^64
  SeededRandom small{1};
  std::map<std::uint64_t, int> counts;
  for (int i = 0; i < 6000; ++i) ++counts[small.below(6)];
  CHECK(counts.size() == 6);
  for (const auto& [value, count] : counts) {
    CHECK(value < 6);
    CHECK(count > 850);
  }
  std::vector<int> sequence(100);
  std::iota(sequence.begin(), sequence.end(), 0);
  std::vector<int> shuffled = sequence;
  small.shuffle(shuffled);
  CHECK(shuffled != sequence);
  CHECK(std::is_permutation(shuffled.begin(), shuffled.end(), sequence.begin()));
}

TEST_CASE("arena: places are apart, and data is within the reach of code") {
  constexpr std::uintptr_t kBase = 0x2000'0000'0000;
  const ArenaMap map = map_arena(Arena{kBase});
  CHECK(map.code - kBase < kAreaOffsetPages * page_size());
  CHECK(map.code % page_size() == 0);
  CHECK(map.writable_code == map.code + (std::uintptr_t{1} << 32U));  // RW = RX + 2^32
  const std::vector<std::uintptr_t> places = {map.code,      map.cells,  map.method_cache,
                                              map.receivers, map.stream, map.writable_code};
  CHECK(std::ranges::is_sorted(places));
  CHECK(map.cells >= map.code + kCodeRoom);
  CHECK(map.writable_code + kCodeRoom <= kBase + kArenaSize);
  // Cells and method cache are addressed from code: less than 2 GiB from its first byte.
  constexpr std::uintptr_t kLargestMethodCache = std::uintptr_t{16} << 20U;
  CHECK(map.method_cache + kLargestMethodCache - map.code < std::uintptr_t{1} << 31U);
  CHECK(map.placement().exec_at == map.code);
  CHECK(map.placement().writable_at == map.writable_code);
  // Further than any direct branch reaches, from anywhere in the code.
  CHECK(map.far_code - (map.code + kCodeRoom) > std::uintptr_t{2} << 30U);
  CHECK(map.far_code >= map.writable_code + kCodeRoom);
  CHECK(map.writable_far_code >= map.far_code + kCodeRoom);
  CHECK(map.writable_far_code + kCodeRoom <= kBase + kArenaSize);
  CHECK(map.far_placement().exec_at == map.far_code);
  CHECK(map.far_placement().writable_at == map.writable_far_code);
}

TEST_CASE(
    "arena: areas lie differently to each other in every arena, and the same in the same one") {
  constexpr std::uintptr_t kBase = 0x2000'0000'0000;
  std::set<std::uintptr_t> distances;
  for (std::uintptr_t i = 0; i < 32; ++i) {
    const ArenaMap map = map_arena(Arena{kBase + i * 65536});
    distances.insert(map.cells - map.code);
    CHECK(map.cells == map_arena(Arena{kBase + i * 65536}).cells);
  }
  CHECK(distances.size() > 16);
}

TEST_CASE("arena: a large zone moves data behind it, and not out of reach") {
  constexpr std::uintptr_t kBase = 0x2000'0000'0000;
  const ArenaMap map = map_arena(Arena{kBase}, {.reserve = kMostReserved});
  CHECK(map.cells >= map.code + kMostReserved);
  CHECK(map.method_cache > map.cells);
  CHECK(map.method_cache - map.code < (std::uintptr_t{1} << 31U) - (std::uintptr_t{16} << 20U));
  CHECK(map.writable_code > map.stream);
  const ZoneRequest request = map.zone_request(5000);
  CHECK(request.size == kMostReserved);
  CHECK(request.committed == 5000);
  CHECK(map_arena(Arena{kBase}).zone_request(5000).size == 5000);
}

TEST_CASE("arena: a zone that is too small or too large for a case is said so") {
  const ArenaMap small = map_arena(Arena{}, {.reserve = 4096});
  CHECK_THROWS_AS(small.zone_request(4097), Unsupported);
  CHECK(small.zone_request(4096).size == 4096);
  const ArenaMap large = map_arena(Arena{}, {.reserve = kMostReserved + 1});
  CHECK_THROWS_AS(large.zone_request(4096), Unsupported);
  const ArenaMap beyond = map_arena(Arena{}, {.reserve = std::size_t{1} << 44U});
  try {
    static_cast<void>(beyond.zone_request(4096));
    FAIL("a zone larger than any memory is granted");
  } catch (const std::system_error& refused) {
    CHECK(refused.code().value() == ENOMEM);
  }
}

TEST_CASE("arena: the writable view stands where it was asked for, on huge pages if need be") {
  constexpr std::uintptr_t kBase = 0x2000'0000'0000;
  const ArenaMap far = map_arena(Arena{kBase}, {.alias_offset = std::uintptr_t{1} << 40U});
  CHECK(far.writable_code == far.code + (std::uintptr_t{1} << 40U));
  const ArenaMap huge = map_arena(Arena{kBase + 65536}, {.pages = Pages::transparent_huge});
  CHECK(huge.code % kHugePage == 0);
  CHECK(huge.writable_code % kHugePage == 0);
  CHECK(huge.zone_request(1).pages == Pages::transparent_huge);
}

TEST_CASE("arena: code goes into the window that was chosen, its data within reach") {
  const ArenaMap low = map_arena(Arena{}, {.window = CodeWindow::low2g});
  CHECK(low.code + low.room <= std::uintptr_t{1} << 31U);
  const ArenaMap near = map_arena(Arena{}, {.window = CodeWindow::near});
  const auto program = reinterpret_cast<std::uintptr_t>(&is_allowed);
  const auto distance = static_cast<std::intptr_t>(near.code - program);
  CHECK(std::abs(distance) <= static_cast<std::intptr_t>(send::NativeArchitecture::kMaxZoneSize));
  constexpr std::uintptr_t kWindow = 0x3000'0000'0000;
  const ArenaMap named = map_arena(Arena{}, {.window = CodeWindow::named, .window_at = kWindow});
  CHECK(named.code >= kWindow);
  for (const ArenaMap& map : {low, near, named}) {
    CHECK(map.cells >= map.code + map.room);
    CHECK(map.method_cache > map.cells);
    CHECK(map.method_cache - map.code < std::uintptr_t{1} << 31U);
  }
  CHECK_THROWS_AS(named.zone_request(kWindowedRoom + 1), Unsupported);
}

TEST_CASE("arena: a full window is refused by its name") {
  constexpr std::uintptr_t kWindow = 0x3000'0000'0000;
  const Mapping full = Mapping::reserved(send::NativeArchitecture::kMaxZoneSize, kWindow);
  try {
    static_cast<void>(map_arena(Arena{}, {.window = CodeWindow::named, .window_at = kWindow}));
    FAIL("a full window has room");
  } catch (const std::system_error& refused) {
    CHECK(refused.code().value() == ENOMEM);
    CHECK(std::string(refused.what()).find("0x300000000000-") != std::string::npos);
  }
}

TEST_CASE("every workload works with a zone that is asked for, in a window") {
  const std::vector<ZoneOptions> asked = {
      {.reserve = std::size_t{64} << 20U, .alias_offset = std::uintptr_t{1} << 33U},
      {.window = CodeWindow::low2g}};
  for (const ZoneOptions& options : asked) {
    for_each_cell([&](const CellFactory& factory) {
      if (!factory.make || factory.strategy == "memfd-dual-constant") return;
      CellRequest request = small_request(factory.workload);
      request.zone = options;
      request.arena = Arena{0x2000'0000'0000};  // with room for the writable view behind it
      const auto instance = factory.make(request);
      instance->check();
      CHECK(instance->memory().vmas >= 0);
    });
  }
}

TEST_CASE("sites: their place within cache lines is the seed's, the same in all workloads") {
  std::set<std::size_t> possible;
  for (std::uint64_t draw = 0; draw < 64; ++draw) {
    possible.insert(send::NativeArchitecture::site_shift(draw));
  }
  std::set<std::size_t> found;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    const std::size_t shift = send::draw_site_shift(seed);
    CHECK(shift == send::draw_site_shift(seed));
    CHECK(Mic::describe(small_request("mic", {}, seed)).plan.site_shift == shift);
    found.insert(shift);
  }
  CHECK(found == possible);
  const std::size_t shift = send::draw_site_shift(5);
  CHECK(Pic::describe(small_request("pic", {}, 5)).plan.site_shift == shift);
  CHECK(OpenPic::describe(small_request("open-pic", {}, 5)).plan.site_shift == shift);
  CHECK(Mixed::describe(small_request("mixed", {}, 5)).plan.site_shift == shift);
  CHECK(send::describe_two_class_sites(small_request("relink", {}, 5)).plan.site_shift == shift);
}

TEST_CASE(
    "sites: every workload that executes sends draws where they lie, but the one about that") {
  std::set<std::uintptr_t> possible;
  for (std::uint64_t draw = 0; draw < 64; ++draw) {
    possible.insert(send::NativeArchitecture::site_shift(draw));
  }
  std::set<std::string_view> seen;
  for (const WorkloadInfo& workload : workloads()) {
    const CellFactory* cell = find_cell("floor", workload.id);
    if (cell->make == nullptr) cell = find_cell("indirect-cell", workload.id);
    if (cell->dump == nullptr) continue;
    INFO(workload.id);
    std::set<std::uintptr_t> places;
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
      const auto snapshots = cell->dump(small_request(workload.id, {{"sites", "2"}}, seed));
      for (const CodePiece& piece : snapshots.front().pieces) {
        if (piece.name != "send-site") continue;
        places.insert(piece.address % 64);
        break;
      }
    }
    if (places.empty()) continue;  // it has no send sites
    seen.insert(workload.id);
    CHECK(places.size() == possible.size());
  }
  for (const char* id :
       {"mic", "pic", "open-pic", "mixed", "link", "relink", "relink-rate", "layout"}) {
    CHECK(seen.contains(id));
  }
}

TEST_CASE("sites: layout puts them where it is told, and draws their place where it is not") {
  std::set<std::size_t> places;
  for (std::uint64_t draw = 0; draw < 64; ++draw) {
    const std::size_t shift = send::NativeArchitecture::site_shift(draw);
    places.insert(shift);
    for (const std::uint64_t seed : {1U, 2U}) {
      const CellRequest request =
          small_request("layout", {{"offset", std::to_string(shift)}}, seed);
      CHECK(Layout::describe(request).plan.site_shift == shift);
    }
  }
  const CellRequest drawn = small_request("layout", {{"offset", "drawn"}}, 5);
  CHECK(Layout::describe(drawn).plan.site_shift == send::draw_site_shift(5));
  for (std::size_t bytes = 0; bytes < 64; bytes += 8) {
    if (places.contains(bytes)) continue;
    CHECK_THROWS_AS(Layout::describe(small_request("layout", {{"offset", std::to_string(bytes)}})),
                    Unsupported);
  }
  CHECK_THROWS_AS(Layout::describe(small_request("layout", {{"offset", "3"}})), Unsupported);
}

TEST_CASE("arena: its memory is counted, and nothing else") {
  const ArenaMap map = map_arena(Arena{0x2000'0000'0000});
  const std::size_t page = page_size();
  // Neighbours on both sides, which a loader or an allocator may well be.
  const Mapping below = Mapping::anonymous(page, PROT_READ, map.base - page);
  const Mapping above = Mapping::anonymous(page, PROT_READ, map.base + kArenaSize);
  CHECK(memory_in_arena(map).vmas == 0);
  const Mapping touched = Mapping::anonymous(3 * page, PROT_READ | PROT_WRITE, map.cells);
  const Mapping untouched = Mapping::anonymous(page, PROT_READ, map.writable_code);
  static_cast<volatile char*>(touched.address())[0] = 1;
  const MemoryUse use = memory_in_arena(map);
  CHECK(use.vmas == 2);
  CHECK(use.mapped_kib == static_cast<std::int64_t>(4 * page / 1024));
  if (testing::in_qemu_user()) {
    WARN("skipped: the smaps that qemu-user shows tell nothing of what is resident");
  } else {
    CHECK(use.rss_kib == static_cast<std::int64_t>(page / 1024));
  }
}

}  // namespace patchbench
