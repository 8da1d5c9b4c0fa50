// Sites through their whole life by real misses, held against the model, for every strategy.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <patchbench_catch.hpp>

#include "workloads/send/send_fixture_test.hpp"

namespace patchbench::send {
namespace {

std::vector<std::vector<std::uint32_t>> random_passes(const SendPlan& plan, std::size_t passes,
                                                      SeededRandom& random) {
  std::vector<std::vector<std::uint32_t>> rows(passes);
  for (auto& row : rows) {
    for (std::size_t i = 0; i < plan.sites.size(); ++i) {
      // Site i meets at most i % 10 + 1 of the classes, so that all states stay populated; class 0
      // are the SmallIntegers.
      const std::uint64_t classes = i % 10 + 1;
      row.push_back(
          static_cast<std::uint32_t>((i + random.below(classes)) % (plan.heap_classes + 1)));
    }
  }
  return rows;
}

/// One random step. Mostly sends; as in a VM unlinking is rare, or nothing would ever grow.
template <class Strategy>
void random_step(Sends<Strategy>& sends) {
  const SendPlan& plan = sends.machine().plan();
  const std::uint64_t dice = sends.random().below(1000);
  if (dice < 2) {
    sends.machine().unlink_all();
    sends.model().unlink_all();
    sends.check_states();
  } else if (dice < 5) {
    const auto selector = static_cast<std::uint32_t>(sends.random().below(plan.selectors));
    sends.machine().unlink_selector(selector);
    sends.model().unlink_selector(selector);
    sends.check_states();
  } else if (dice < 10) {
    sends.machine().clear_method_cache();
    sends.model().clear_method_cache();
  } else {
    const auto site = static_cast<std::uint32_t>(sends.random().below(plan.sites.size()));
    sends.send(site, static_cast<std::uint32_t>(sends.random().below(plan.heap_classes + 1)));
  }
}

template <class Strategy>
void send_at_random(const SmallPlan& small, int steps) {
  Sends<Strategy> sends{make_plan(small)};
  for (int step = 0; step < steps; ++step) random_step(sends);
  sends.check_states();
  CHECK(sends.machine().misses() > 0);
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("machine: a site's life by real misses", "", EveryStrategy) {
  INFO(TestType::kId);
  if (!is_allowed<TestType>()) return;
  Sends<TestType> sends{make_plan({.sites = 3})};
  auto& machine = sends.machine();
  constexpr std::uint32_t kSite = 1;
  CHECK(name_of_state(machine, kSite) == "unlinked");
  CHECK(machine.state(kSite) == SiteState::unlinked);
  const std::string states[] = {"mic",          "closed-pic-2", "closed-pic-3", "closed-pic-4",
                                "closed-pic-5", "closed-pic-6", "open-pic"};
  const std::uint32_t classes[] = {3, 0, 7, 1, 12, 5, 9};  // 0: SmallIntegers
  const std::size_t met = kChecksClasses<TestType> ? 7 : 1;
  for (std::size_t k = 0; k < met; ++k) {
    sends.send(kSite, classes[k]);
    CHECK(machine.misses() == k + 1);
    CHECK(name_of_state(machine, kSite) == states[k]);
    for (std::size_t known = 0; known <= k; ++known) sends.send(kSite, classes[known]);
    CHECK(machine.misses() == k + 1);
  }
  CHECK(name_of_state(machine, 0) == "unlinked");
  CHECK(name_of_state(machine, 2) == "unlinked");
}

TEMPLATE_LIST_TEST_CASE("machine: a closed PIC grows in place", "", EveryStrategy) {
  INFO(TestType::kId);
  if (!kChecksClasses<TestType> || !is_allowed<TestType>()) return;
  Sends<TestType> sends{make_plan({.sites = 3})};
  auto& machine = sends.machine();
  sends.send(2, 1);
  const SiteValue mic = machine.read_site(2);
  CHECK(mic == machine.mic_value(2, 1));
  sends.send(2, 2);
  const SiteValue pic = machine.read_site(2);
  CHECK(machine.state(2) == SiteState::closed_pic);
  if (!MachineOf<TestType>::Pics::kReplacesTag) {
    CHECK(pic.tag == mic.tag);  // the first case compares with the tag that the site loads
  }
  for (std::uint32_t c = 3; c <= kMaxPicCases; ++c) {
    sends.send(2, c);
    CHECK(machine.read_site(2) == pic);
  }
  sends.send(2, 0);
  CHECK(machine.read_site(2).target == machine.code().open_pic(machine.plan().selector_of_site[2]));
}

TEST_CASE("machine: scattered cells lie on lines of their own, at no constant distance") {
  constexpr auto kScattered = Dispatch::cell_cache_scattered;
  for (const std::size_t sites : {1U, 2U, 3U, 16U, 24U, 1000U, 1024U, 70'000U}) {
    INFO(sites << " sites");
    std::set<std::size_t> offsets;
    std::map<std::size_t, std::size_t> distances;
    std::size_t last = 0;
    for (std::uint32_t i = 0; i < sites; ++i) {
      const std::size_t offset = cell_offset(kScattered, i, sites);
      REQUIRE(offset % 64 == 0);
      REQUIRE(offset + 64 <= cells_size(kScattered, sites));
      REQUIRE(offsets.insert(offset).second);
      ++distances[offset - last];
      last = offset;
    }
    CHECK(cells_size(kScattered, sites) < 2 * sites * 64 + 64);
    for (const auto& [distance, count] : distances) CHECK((sites < 100 || count <= sites / 8));
  }
}

TEMPLATE_LIST_TEST_CASE("machine: the order in which a cell PIC compares", "", EveryStrategy) {
  INFO(TestType::kId);
  if constexpr (MachineOf<TestType>::kCellPics) {
    if (!is_allowed<TestType>()) return;
    Sends<TestType> sends{make_plan({.sites = 3})};
    std::vector<ClassTag> met;
    for (std::uint32_t c = 1; c <= kMaxPicCases; ++c) {
      sends.send(1, c);
      met.push_back(sends.machine().table().tag_of_class(c));
      if (c < 2) continue;
      std::vector<ClassTag> expected = met;
      if (MachineOf<TestType>::Pics::kNewestFirst) {
        std::reverse(expected.begin() + 1, expected.end());
      }
      const auto* slots = reinterpret_cast<const CellPicSlots*>(
          slots_address<TestType::kDispatch>(sends.machine().plan(), 1));
      for (unsigned slot = 0; slot < kMaxPicCases; ++slot) {
        INFO(c << " cases, slot " << slot);
        CHECK(slots->slots[slot].tag == (slot < c ? expected[slot] : kNoClass));
      }
    }
  }
}

TEMPLATE_LIST_TEST_CASE("machine: sends answer right wherever the first site is", "",
                        EveryStrategy) {
  INFO(TestType::kId);
  if (!is_allowed<TestType>()) return;
  for (std::uint64_t draw = 0; draw < 8; ++draw) {
    const std::size_t shift = NativeArchitecture::site_shift(draw);
    for (const SiteOrder order : {SiteOrder::linear, SiteOrder::shuffled, SiteOrder::standalone}) {
      INFO("shift " << shift << ", order " << static_cast<int>(order));
      Sends<TestType> sends{make_plan({.sites = 9, .order = order, .site_shift = shift})};
      CHECK(sends.machine().site(0).value() % 64 == shift);
      const std::vector<std::uint32_t> row{3, 0, 7, 1, 12, 5, 9, 3, 3};
      for (std::uint32_t i = 0; order == SiteOrder::standalone && i < 9; ++i) {
        sends.send(i, row[i]);
        sends.send(i, row[i]);
      }
      if (order != SiteOrder::standalone) sends.drive({row, row, row});
      sends.machine().unlink_all();
      sends.model().unlink_all();
      sends.check_states();
    }
  }
}

TEMPLATE_LIST_TEST_CASE("machine: random sends agree with the model", "", EveryStrategy) {
  INFO(TestType::kId);
  if (!kChecksClasses<TestType> || !is_allowed<TestType>()) return;
  constexpr int kSteps = 4000;
  SECTION("growing PICs") { send_at_random<TestType>({}, kSteps); }
  SECTION("from MIC to open PIC") { send_at_random<TestType>({.closed_pics = false}, kSteps); }
  SECTION("relinking") { send_at_random<TestType>({.on_miss = MissPolicy::relink}, kSteps); }
  SECTION("one selector, empty methods") {
    send_at_random<TestType>({.selectors = 1, .cache_entries = 4, .work = 0}, kSteps);
  }
  SECTION("one lookup for all selectors") {
    send_at_random<TestType>({.closed_pics = false, .generic_lookup = true}, kSteps);
  }
  SECTION("code emitted on demand") {
    if (!patched_at_run_time(TestType::kDispatch)) return;
    send_at_random<TestType>({.emission = Emission::on_demand}, kSteps);
  }
}

namespace {

/// Whether nothing but traps stands there.
bool is_trapped(ExecAddress at, std::size_t size) {
  const Bytes found = bytes_at(at.value(), size);
  for (std::size_t i = 0; i < size; i += sizeof NativeArchitecture::kTrapWord) {
    if (std::memcmp(&found[i], &NativeArchitecture::kTrapWord, sizeof(std::uint32_t)) != 0) {
      return false;
    }
  }
  return true;
}

template <class Machine>
std::size_t emitted_methods(const Machine& machine) {
  std::size_t emitted = 0;
  for (std::uint32_t method = 0; method < machine.table().methods(); ++method) {
    const bool is_there =
        !is_trapped(machine.code().checked_entry(method), machine.layout().method_stride);
    emitted += is_there ? 1 : 0;
  }
  return emitted;
}

template <class Machine>
std::size_t emitted_open_pics(const Machine& machine) {
  std::size_t emitted = 0;
  for (std::uint32_t selector = 0; selector < machine.plan().selectors; ++selector) {
    const bool is_there =
        !is_trapped(machine.code().open_pic(selector), NativeArchitecture::kOpenPicStride);
    emitted += is_there ? 1 : 0;
  }
  return emitted;
}

}  // namespace

TEMPLATE_LIST_TEST_CASE(
    "machine: what is emitted on demand is what was needed, until it is "
    "discarded",
    "", EveryStrategy) {
  INFO(TestType::kId);
  if (!patched_at_run_time(TestType::kDispatch) || !kChecksClasses<TestType>) return;
  if (!is_allowed<TestType>()) return;
  Sends<TestType> sends{make_plan({.emission = Emission::on_demand})};
  auto& machine = sends.machine();
  for (int life = 0; life < 2; ++life) {
    CHECK(emitted_methods(machine) == 0);
    CHECK(emitted_open_pics(machine) == 0);
    for (std::uint32_t met = 1; met <= kMaxPicCases; ++met) {
      sends.send(0, met);
      sends.send(0, met);
      CHECK(emitted_methods(machine) == met);
    }
    CHECK(emitted_open_pics(machine) == 0);
    sends.send(0, kMaxPicCases + 1);  // the PIC is full
    CHECK(emitted_open_pics(machine) == 1);
    sends.send(0, 0);  // a miss of the method cache, behind the open PIC
    CHECK(emitted_methods(machine) == kMaxPicCases + 2);
    machine.unlink_all();
    sends.model().unlink_all();
    machine.discard_emitted();
    sends.model().clear_method_cache();
  }
}

TEMPLATE_LIST_TEST_CASE(
    "machine: methods that moved answer as before, in the other half of their "
    "room",
    "", EveryStrategy) {
  INFO(TestType::kId);
  if (!patched_at_run_time(TestType::kDispatch) || !kChecksClasses<TestType>) return;
  if (!is_allowed<TestType>()) return;
  Sends<TestType> sends{make_plan({.on_miss = MissPolicy::relink, .spare_methods = true})};
  auto& machine = sends.machine();
  const ExecAddress first_place = machine.code().checked_entry(0);
  for (int turn = 0; turn < 3; ++turn) {
    for (std::uint32_t site = 0; site < machine.sites(); ++site) sends.send(site, site % 12);
    const ExecAddress before = machine.code().checked_entry(1);
    machine.copy_methods(0, machine.table().methods(), turn == 1);
    {
      [[maybe_unused]] const auto scope = machine.scope_over(0, machine.sites());
      for (std::uint32_t site = 0; site < machine.sites(); ++site) {
        const ExecAddress old = machine.read_site(site).target;
        machine.retarget_unpublished(site, old,
                                     machine.next_mic_target(machine.code().method_at(old)));
      }
      machine.publish_scope(machine.sites() - 1);
    }
    machine.finish_compaction();
    sends.model().clear_method_cache();
    CHECK(machine.code().checked_entry(1) != before);
    CHECK((machine.code().checked_entry(0) == first_place) == (turn == 1));
    const std::uint64_t misses = machine.misses();
    // The copies are executed, and what they do where the class is another one: their jump leads to
    // the miss trampoline from where they are.
    for (std::uint32_t site = 0; site < machine.sites(); ++site) sends.send(site, site % 12);
    CHECK(machine.misses() == misses);
    for (std::uint32_t site = 0; site < machine.sites(); ++site) sends.send(site, (site + 1) % 12);
    CHECK(machine.misses() == misses + machine.sites());
  }
}

TEMPLATE_LIST_TEST_CASE("machine: drivers of random sends answer the model's sums", "",
                        EveryStrategy) {
  INFO(TestType::kId);
  if (!kChecksClasses<TestType> || !is_allowed<TestType>()) return;
  const SiteOrder order = GENERATE(SiteOrder::linear, SiteOrder::shuffled);
  const MissPolicy on_miss = GENERATE(MissPolicy::grow, MissPolicy::relink);
  Sends<TestType> sends{make_plan({.sites = 40, .order = order, .on_miss = on_miss})};
  for (int run = 0; run < 4; ++run) {
    // Calls and returns stay paired: were it not so, the second pass would not come back.
    sends.drive(random_passes(sends.machine().plan(), 25, sends.random()));
    CHECK(sends.machine().driver()(nullptr, 0, 0) == 0);
    if (run == 1) {
      sends.machine().unlink_selector(1);
      sends.model().unlink_selector(1);
    } else if (run == 2) {
      sends.machine().unlink_all();
      sends.model().unlink_all();
    }
    sends.check_states();
  }
}

TEMPLATE_LIST_TEST_CASE("machine: unchecked sites run what they were linked for", "",
                        EveryStrategy) {
  INFO(TestType::kId);
  if (!is_allowed<TestType>()) return;
  Sends<TestType> sends{make_plan({.order = SiteOrder::linear})};
  std::vector<std::uint32_t> row;
  for (std::uint32_t i = 0; i < sends.machine().sites(); ++i) row.push_back(i % 13);
  sends.drive({row, row, row});
  CHECK(sends.machine().misses() == sends.machine().sites());
}

TEMPLATE_LIST_TEST_CASE("machine: patches from C++, one by one and in batches", "", EveryStrategy) {
  INFO(TestType::kId);
  if (!is_allowed<TestType>()) return;
  MachineOf<TestType> machine{make_plan({})};
  Sends<TestType> receivers{make_plan({})};
  std::vector<SiteValue> values;
  for (std::uint32_t i = 0; i < machine.sites(); ++i) values.push_back(machine.mic_value(i, 1));
  machine.prelink(std::vector<std::vector<std::uint32_t>>(machine.sites(), {1}));
  const auto check_sites = [&](std::uint32_t class_index) {
    for (std::uint32_t i = 0; i < machine.sites(); ++i) {
      const Oop receiver = receivers.receiver(class_index);
      INFO("site " << i);
      REQUIRE(machine.read_site(i) == machine.mic_value(i, class_index));
      REQUIRE(machine.call_site()(&receiver, machine.site(i).value()) ==
              receivers.oracle(i, receiver));
    }
    CHECK(machine.misses() == 0);
  };
  check_sites(1);
  for (const std::uint32_t class_index : {5U, 0U, 12U}) {
    for (std::uint32_t i = 0; i < machine.sites(); ++i) {
      machine.relink(i, machine.read_site(i), machine.mic_value(i, class_index));
    }
    check_sites(class_index);
    {
      [[maybe_unused]] const auto scope = machine.scope_over_sites();
      for (std::uint32_t i = 0; i < machine.sites(); ++i) {
        machine.relink_in_scope(i, machine.mic_value(i, class_index), values[i]);
      }
    }
    check_sites(1);
  }
}

namespace {

/// What a hook was called with. It patches sites as the list says: of each entry the site, for
/// class 5 where it is still to come in the pass.
template <class Strategy>
struct HookCalls {
  MachineOf<Strategy>* machine = nullptr;
  std::vector<std::uint32_t> indices;
  bool stack_is_aligned = true;

  static void note(void* self, std::uint32_t site) noexcept {
    auto& calls = *static_cast<HookCalls*>(self);
    alignas(16) volatile char on_stack[16] = {};
    calls.stack_is_aligned &= reinterpret_cast<std::uintptr_t>(&on_stack[0]) % 16 == 0;
    calls.indices.push_back(site);
    const SiteValue old = calls.machine->read_site(site);
    const SiteValue first = calls.machine->mic_value(site, 1);
    calls.machine->relink(site, old, old == first ? calls.machine->mic_value(site, 5) : first);
  }
};

/// Sites that read receivers of their own, and walks over them: all in random order, all with a
/// hook before each 4, and a few.
SendPlan plan_with_walks() {
  SendPlan plan = make_plan({.sites = 22, .on_miss = MissPolicy::relink});
  give_each_site_its_receiver(plan.sites);
  const std::vector<std::uint32_t> order = random_order(22, 3);
  plan.walks = {{.sites = order, .stretch = 0},
                {.sites = order, .stretch = 4},
                {.sites = {7, 3, 7}, .stretch = 1}};
  return plan;
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("machine: a walk executes its sites, each pass with its receivers", "",
                        EveryStrategy) {
  INFO(TestType::kId);
  if (!is_allowed<TestType>()) return;
  Sends<TestType> sends{plan_with_walks()};
  auto& machine = sends.machine();
  std::vector<Oop> stream;
  std::uint64_t expected = 0;
  for (std::uint32_t i = 0; i < 5 * machine.sites(); ++i) {
    stream.push_back(sends.receiver(1));
    expected += sends.oracle(i % machine.sites(), stream.back());
  }
  const auto stride = static_cast<std::int64_t>(machine.sites() * sizeof(Oop));
  // The first pass links the sites; sums are the same with a miss and without.
  for (int run = 0; run < 2; ++run) {
    CHECK(machine.walk(0)(stream.data(), 5, stride) == expected);
    CHECK(machine.misses() == machine.sites());
  }
  CHECK(machine.walk(0)(nullptr, 0, 0) == 0);
}

TEMPLATE_LIST_TEST_CASE("machine: a hook patches sites that are still to come and others", "",
                        EveryStrategy) {
  INFO(TestType::kId);
  if (!kChecksClasses<TestType> || !is_allowed<TestType>()) return;
  const SendPlan plan = plan_with_walks();
  const std::vector<std::uint32_t>& order = plan.walks[0].sites;
  Sends<TestType> sends{plan};
  auto& machine = sends.machine();
  machine.prelink(std::vector<std::vector<std::uint32_t>>(22, {1}));
  // Six stretches a pass. In both passes: the last site of the stretch, one far ahead, one that is
  // behind; then the same ones back.
  std::vector<std::uint32_t> list = {order[3], order[21], order[0], order[15], order[2], order[20]};
  list.insert(list.end(), list.begin(), list.end());
  std::vector<std::uint32_t> class_of(22, 1);
  std::vector<Oop> stream(44);
  std::uint64_t expected = 0;
  for (std::size_t pass = 0; pass < 2; ++pass) {
    for (std::size_t i = 0; i < 22; ++i) {
      if (i % 4 == 0) {
        std::uint32_t& patched = class_of[list[pass * 6 + i / 4]];
        patched = patched == 1 ? 5 : 1;
      }
      const std::uint32_t site = order[i];
      stream[pass * 22 + site] = sends.receiver(class_of[site]);
      expected += sends.oracle(site, stream[pass * 22 + site]);
    }
  }
  HookCalls<TestType> calls{.machine = &machine, .indices = {}};
  const auto stride = static_cast<std::int64_t>(22 * sizeof(Oop));
  const std::uint64_t sum = machine.hooked_walk(1)(stream.data(), 2, stride, list.data(),
                                                   &HookCalls<TestType>::note, &calls);
  CHECK(sum == expected);
  CHECK(machine.misses() == 0);
  CHECK(calls.indices == list);
  CHECK(calls.stack_is_aligned);
  CHECK(machine.hooked_walk(1)(nullptr, 0, 0, nullptr, nullptr, nullptr) == 0);

  // A hook before each call, of one site twice.
  const std::vector<std::uint32_t> others = {1, 2, 1};
  const std::uint64_t few = machine.hooked_walk(2)(stream.data(), 1, 0, others.data(),
                                                   &HookCalls<TestType>::note, &calls);
  CHECK(few == 2 * sends.oracle(7, stream[7]) + sends.oracle(3, stream[3]));
}

TEST_CASE("machine: code that direct calls could not reach across is refused") {
  SendPlan plan = make_plan({.sites = 1, .heap_classes = 1 << 16, .selectors = 16, .work = 256});
  CHECK_THROWS_AS(MachineOf<Floor>{plan}, std::invalid_argument);
  plan.work = 0;
  plan.selectors = 1;
  CHECK_NOTHROW(MachineOf<Floor>{plan});
}

TEMPLATE_LIST_TEST_CASE("machine: sends of every class through one open PIC", "", EveryStrategy) {
  INFO(TestType::kId);
  if (!kChecksClasses<TestType> || !is_allowed<TestType>()) return;
  // 300 classes in 64 places: hits at all three probes, and entries that are driven out.
  Sends<TestType> sends{
      make_plan({.sites = 4, .closed_pics = false, .heap_classes = 300, .cache_entries = 64})};
  for (int turn = 0; turn < 3; ++turn) {
    for (std::uint32_t c = 0; c <= 300; ++c) {
      sends.send(0, c);
      sends.send(1, 300 - c);
      sends.send(0, c);
    }
  }
  CHECK(sends.machine().method_cache_misses() > 300);
  // In a cache with room for all nobody misses twice.
  Sends<TestType> roomy{
      make_plan({.sites = 1, .closed_pics = false, .heap_classes = 9, .cache_entries = 4096})};
  for (int turn = 0; turn < 3; ++turn) {
    for (std::uint32_t c = 0; c <= 9; ++c) roomy.send(0, c);
  }
  CHECK(roomy.machine().misses() == 2);
  CHECK(roomy.machine().method_cache_misses() == 8);
}

}  // namespace patchbench::send
