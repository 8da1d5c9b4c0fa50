// What linking leaves in memory: the same whoever links, nothing where it has no business, and
// nothing after unlinking.
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <patchbench_catch.hpp>

#include "workloads/send/allocation_count_test.hpp"
#include "workloads/send/send_fixture_test.hpp"

namespace patchbench::send {
namespace {

using Classes = std::vector<std::vector<std::uint32_t>>;

/// Site i meets i % 8 + 1 different classes: one, as many as a closed PIC holds, and more.
template <class Strategy>
Classes classes_to_meet(const SendPlan& plan) {
  Classes classes(plan.sites.size());
  for (std::uint32_t i = 0; i < classes.size(); ++i) {
    const std::uint32_t degree = kChecksClasses<Strategy> ? 1 + i % 8 : 1;
    for (std::uint32_t k = 0; k < degree; ++k) {
      classes[i].push_back((i + 5 * k) % (plan.heap_classes + 1));
    }
  }
  return classes;
}

/// Round k sends to each site its k-th class, or its last one again.
template <class Strategy>
void meet_by_sending(Sends<Strategy>& sends, const Classes& classes) {
  for (std::size_t k = 0; k < 8; ++k) {
    std::vector<std::uint32_t> row;
    for (const auto& met : classes) row.push_back(met[std::min(k, met.size() - 1)]);
    sends.drive({row});
  }
}

void check_same(const Bytes& found, const Bytes& expected, const std::string& what) {
  INFO(what);
  REQUIRE(found.size() == expected.size());
  CHECK(first_difference(found, expected) == std::nullopt);
}

/// The zone without the trampolines, which hold addresses of the program and of the machine.
template <class Machine>
Bytes code_of(Machine& machine) {
  const std::size_t begin = machine.layout().call_site;
  return bytes_at(machine.zone().exec().value() + begin, machine.layout().size - begin);
}

/// Bytes of a machine of this strategy at `arena`, prelinked.
template <class Strategy>
Bytes prelinked_code(SendPlan plan, const ArenaMap& arena) {
  plan.arena = arena;
  MachineOf<Strategy> machine{plan};
  machine.prelink(classes_to_meet<Strategy>(machine.plan()));
  return code_of(machine);
}

/// Code of prelinked machines by dispatch: that of the first strategy which has it.
class SameCode {
 public:
  explicit SameCode(SendPlan plan) : plan_(std::move(plan)) {}

  template <class Strategy>
  void check() {
    INFO(Strategy::kId);
    if (!is_allowed<Strategy>()) return;
    const Bytes code = prelinked_code<Strategy>(plan_, plan_.arena);
    const auto [first, is_new] = first_.try_emplace(Strategy::kDispatch, code);
    if (!is_new) {
      check_same(code, first->second, "the same code as the first strategy of this dispatch");
      ++compared_;
    }
  }
  template <class... Strategies>
  void check_all(std::tuple<Strategies...>* /*list*/) {
    (check<Strategies>(), ...);
  }
  [[nodiscard]] int compared() const { return compared_; }

 private:
  SendPlan plan_;
  std::map<Dispatch, Bytes> first_;
  int compared_ = 0;
};

/// Loops that execute sites, of machines of every strategy at one place: where they are, and their
/// bytes. Across dispatches too: walks, other than drivers, hold nothing of a dispatch.
class SameLoops {
 public:
  explicit SameLoops(SendPlan plan) : plan_(std::move(plan)) {}

  template <class Strategy>
  void check() {
    INFO(Strategy::kId);
    if (!is_allowed<Strategy>()) return;
    MachineOf<Strategy> machine{plan_};
    std::vector<std::uintptr_t> places = {reinterpret_cast<std::uintptr_t>(machine.driver())};
    Bytes walks;
    for (std::size_t number = 0; number < plan_.walks.size(); ++number) {
      const auto at = reinterpret_cast<std::uintptr_t>(machine.walk(number));
      CHECK(at == reinterpret_cast<std::uintptr_t>(machine.hooked_walk(number)));
      places.push_back(at);
      const SiteWalk& walk = plan_.walks[number];
      const Bytes bytes = bytes_at(
          at, NativeArchitecture::walk_size(Called::sites, walk.sites.size(), walk.stretch));
      walks.insert(walks.end(), bytes.begin(), bytes.end());
    }
    if (places_.empty()) {
      places_ = places;
      walks_ = walks;
    } else {
      CHECK(places == places_);
      check_same(walks, walks_, "the same walks as the first strategy's");
      ++compared_;
    }
  }
  template <class... Strategies>
  void check_all(std::tuple<Strategies...>* /*list*/) {
    (check<Strategies>(), ...);
  }
  [[nodiscard]] int compared() const { return compared_; }

 private:
  SendPlan plan_;
  std::vector<std::uintptr_t> places_;
  Bytes walks_;
  int compared_ = 0;
};

/// Lines of /proc/self/maps that are views of the zone's code through which it could be written.
int writable_views(const SendPlan& plan, std::size_t size) {
  std::ifstream maps("/proc/self/maps");
  REQUIRE(maps);
  int views = 0;
  for (std::string line; std::getline(maps, line);) {
    unsigned long long begin = 0;
    unsigned long long end = 0;
    char protection[5] = {};
    REQUIRE(std::sscanf(line.c_str(), "%llx-%llx %4s", &begin, &end, protection) == 3);
    const auto overlaps = [&](std::uintptr_t at) { return begin < at + size && at < end; };
    // At the zone's two places, or any other view of its memfd.
    const bool of_code = overlaps(plan.arena.code) || overlaps(plan.arena.writable_code) ||
                         line.find("memfd:patchbench-") != std::string::npos;
    views += of_code && protection[1] == 'w' ? 1 : 0;
  }
  return views;
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("linked code: prelinking leaves what real misses leave", "",
                        EveryStrategy) {
  INFO(TestType::kId);
  if (!is_allowed<TestType>()) return;
  const SiteOrder order = GENERATE(SiteOrder::linear, SiteOrder::shuffled);
  const SendPlan plan = make_plan({.sites = 40, .order = order});
  const Classes classes = classes_to_meet<TestType>(plan);

  // Twice at the same place, zone and machine, because code holds addresses of both.
  std::optional<Sends<TestType>> sends;
  sends.emplace(plan);
  const Bytes unlinked = everything_of(sends->machine());
  meet_by_sending(*sends, classes);
  const Bytes by_misses = everything_of(sends->machine());
  std::vector<std::string> states;
  for (std::uint32_t i = 0; i < plan.sites.size(); ++i) {
    states.push_back(name_of_state(sends->machine(), i));
  }

  sends.emplace(plan);
  check_same(everything_of(sends->machine()), unlinked, "unlinked, both times");
  sends->machine().prelink(classes);
  check_same(everything_of(sends->machine()), by_misses, "linked, both ways");
  CHECK(by_misses != unlinked);
  for (std::uint32_t i = 0; i < plan.sites.size(); ++i) {
    CHECK(name_of_state(sends->machine(), i) == states[i]);
  }
}

TEMPLATE_LIST_TEST_CASE("linked code: unlinking all sites leaves no trace in them", "",
                        EveryStrategy) {
  INFO(TestType::kId);
  if (!is_allowed<TestType>()) return;
  const SendPlan plan = make_plan({.sites = 40, .order = SiteOrder::shuffled});
  const Classes classes = classes_to_meet<TestType>(plan);
  Sends<TestType> sends{plan};
  auto& machine = sends.machine();
  const std::vector<Bytes> unlinked = bytes_of_sites(machine);
  meet_by_sending(sends, classes);
  const Bytes first_life = everything_of(machine);
  for (int life = 0; life < 3; ++life) {
    machine.unlink_all();
    sends.model().unlink_all();
    CHECK(bytes_of_sites(machine) == unlinked);
    meet_by_sending(sends, classes);
    check_same(everything_of(machine), first_life, "the same history, the same bytes");
  }
}

TEMPLATE_LIST_TEST_CASE("linked code: unlinking a selector touches its sites alone", "",
                        EveryStrategy) {
  INFO(TestType::kId);
  if (!is_allowed<TestType>()) return;
  const SendPlan plan = make_plan({.sites = 40, .order = SiteOrder::linear});
  const Classes classes = classes_to_meet<TestType>(plan);
  Sends<TestType> sends{plan};
  auto& machine = sends.machine();
  const std::vector<Bytes> unlinked = bytes_of_sites(machine);
  meet_by_sending(sends, classes);
  const std::vector<Bytes> linked = bytes_of_sites(machine);
  machine.unlink_selector(1);
  sends.model().unlink_selector(1);
  const std::vector<Bytes> found = bytes_of_sites(machine);
  for (std::uint32_t i = 0; i < plan.sites.size(); ++i) {
    INFO("site " << i);
    CHECK(found[i] == (plan.selector_of_site[i] == 1 ? unlinked[i] : linked[i]));
  }
  // The others' PICs still work, and those that were given back serve again.
  meet_by_sending(sends, classes);
  sends.check_states();
}

TEMPLATE_LIST_TEST_CASE("linked code: closed PICs are given back and taken again", "",
                        EveryStrategy) {
  INFO(TestType::kId);
  if (!kChecksClasses<TestType> || !is_allowed<TestType>()) return;
  // Each site has room for one PIC: after far more PICs than sites none may have been lost.
  Sends<TestType> sends{make_plan({.sites = 6})};
  for (std::uint32_t turn = 0; turn < 50; ++turn) {
    for (std::uint32_t site = 0; site < 6; ++site) {
      for (std::uint32_t k = 0; k < 2 + (turn + site) % 7; ++k) {
        sends.send(site, (site + turn + k) % 13);
      }
    }
    sends.machine().unlink_selector(turn % 3);
    sends.model().unlink_selector(turn % 3);
    if (turn % 8 == 7) {
      sends.machine().unlink_all();
      sends.model().unlink_all();
    }
  }
  sends.check_states();
}

TEST_CASE("linked code: strategies of one dispatch execute the same bytes at the same place") {
  SameCode same{make_plan({.sites = 40, .order = SiteOrder::shuffled})};
  same.check_all(static_cast<StrategyList*>(nullptr));
  same.check_all(static_cast<ControlList*>(nullptr));
  // At least rwx, memfd-dual and floor; indirect-cell and indirect-cell-rwx.
  CHECK(same.compared() >= 3);
}

TEST_CASE("linked code: walks and drivers are the same code at the same address") {
  SendPlan plan = make_plan({.sites = 40});
  give_each_site_its_receiver(plan.sites);
  const std::vector<std::uint32_t> order = random_order(40, 3);
  plan.walks = {{.sites = order, .stretch = 0},
                {.sites = order, .stretch = 1},
                {.sites = {order.begin(), order.begin() + 20}, .stretch = 16}};
  SameLoops loops{plan};
  loops.check_all(static_cast<StrategyList*>(nullptr));
  loops.check_all(static_cast<ControlList*>(nullptr));
  CHECK(loops.compared() >= 3);
  // All that the zone holds behind the trampolines, methods and walks among it.
  SameCode same{plan};
  same.check_all(static_cast<StrategyList*>(nullptr));
  same.check_all(static_cast<ControlList*>(nullptr));
  CHECK(same.compared() >= 3);
}

TEST_CASE("linked code: an unchecked call skips the check and differs in nothing else") {
  const SendPlan plan = make_plan({.sites = 12, .order = SiteOrder::linear});
  std::vector<Bytes> sites;
  std::vector<SiteValue> values;
  Bytes methods;
  {
    MachineOf<Floor> checked{plan};
    checked.prelink(Classes(12, {3}));
    sites = bytes_of_sites(checked);
    for (std::uint32_t i = 0; i < 12; ++i) values.push_back(checked.read_site(i));
    methods = code_of(checked);
  }
  MachineOf<Unchecked> unchecked{plan};
  unchecked.prelink(Classes(12, {3}));
  const std::size_t before_sites = unchecked.layout().driver - unchecked.layout().call_site;
  for (std::uint32_t i = 0; i < 12; ++i) {
    CHECK(unchecked.read_site(i).tag == values[i].tag);
    CHECK(unchecked.read_site(i).target ==
          values[i].target + NativeArchitecture::unchecked_entry_offset());
    std::size_t different = 0;
    const Bytes found = bytes_of_site(unchecked, i);
    for (std::size_t k = 0; k < found.size(); ++k) different += found[k] != sites[i][k] ? 1 : 0;
    CHECK(different <= sizeof(std::uint32_t));
  }
  const auto head = [&](const Bytes& code) {
    return Bytes(code.begin(), code.begin() + static_cast<std::ptrdiff_t>(before_sites));
  };
  check_same(head(code_of(unchecked)), head(methods), "methods, stubs and open PICs");
}

TEMPLATE_LIST_TEST_CASE("linked code: what a patch stores never crosses an aligned quadword", "",
                        EveryStrategy) {
  INFO(TestType::kId);
  if (!is_allowed<TestType>()) return;
  const auto in_one_quadword = [](std::uintptr_t at) { return at % 8 + 4 <= 8; };
  const SiteOrder order = GENERATE(SiteOrder::linear, SiteOrder::shuffled, SiteOrder::standalone);
  Sends<TestType> sends{make_plan({.sites = 40, .order = order})};
  const auto& machine = sends.machine();
  for (std::uint32_t i = 0; i < machine.sites(); ++i) {
    const std::uintptr_t site = machine.site(i).value();
    CHECK(in_one_quadword(
        site - NativeArchitecture::site_offset(i) +
        NativeArchitecture::first_tag_offset(TestType::kDispatch, machine.plan().order) +
        NativeArchitecture::tag_distance(i)));
    CHECK(in_one_quadword(
        site + NativeArchitecture::site_target_offset(TestType::kDispatch, machine.plan().order)));
    CHECK(in_one_quadword(machine.pics().at(i).value() + NativeArchitecture::kPicJumpOffset));
  }
}

TEMPLATE_LIST_TEST_CASE("linked code: no allocation on the way through a miss", "", EveryStrategy) {
  INFO(TestType::kId);
  if (!is_allowed<TestType>()) return;
  Sends<TestType> sends{make_plan({.sites = 40, .order = SiteOrder::linear})};
  auto& machine = sends.machine();
  const std::uint64_t sites = machine.sites();
  // Pass k: another class for every site, through all states and into the method cache's misses.
  const std::uint64_t passes = kChecksClasses<TestType> ? 12 : 1;
  std::vector<Oop> stream;
  for (std::uint32_t pass = 0; pass < passes; ++pass) {
    for (std::uint32_t i = 0; i < sites; ++i) stream.push_back(sends.receiver((i + pass) % 13));
  }
  const auto stride = static_cast<std::int64_t>(sites * sizeof(Oop));
  const std::uint64_t before = testing::allocations();
  for (int life = 0; life < 2; ++life) {
    machine.driver()(stream.data(), passes, stride);
    machine.unlink_selector(0);
    machine.driver()(stream.data(), passes, stride);
    machine.unlink_all();
    machine.clear_method_cache();
  }
  const std::uint64_t after = testing::allocations();
  CHECK(after == before);
  CHECK(machine.misses() >= 2 * sites);
  if (kChecksClasses<TestType>) {
    CHECK(machine.misses() >= 14 * sites);
    CHECK(machine.method_cache_misses() > 0);
  }
}

TEMPLATE_LIST_TEST_CASE("linked code: after sealing no view of the code is writable", "",
                        EveryStrategy) {
  INFO(TestType::kId);
  if constexpr (std::is_same_v<typename TestType::Zone, SealedZone>) {
    const SendPlan plan = make_plan({.sites = 40, .order = SiteOrder::linear});
    Sends<TestType> sends{plan};
    auto& machine = sends.machine();
    std::vector<std::uint32_t> row(plan.sites.size());
    for (std::uint32_t i = 0; i < row.size(); ++i) row[i] = i % 13;
    sends.drive({row});  // links every site
    CHECK(writable_views(plan, machine.zone().size()) == 1);
    machine.seal();
    CHECK(writable_views(plan, machine.zone().size()) == 0);
    sends.drive({row, row});
    if constexpr (MachineOf<TestType>::kCellPics) {
      // Cells go on being linked, through every state.
      meet_by_sending(sends, classes_to_meet<TestType>(plan));
      machine.unlink_all();
      sends.model().unlink_all();
      meet_by_sending(sends, classes_to_meet<TestType>(plan));
    }
  }
}

}  // namespace patchbench::send
