#include "harness/plan/plan.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <patchbench_catch.hpp>

#include "harness/base/usage_error.hpp"
#include "harness/plan/arena.hpp"
#include "harness/plan/parameters.hpp"
#include "harness/programs/fake_catalogue_test.hpp"
#include "results/matchers_test.hpp"

namespace patchbench::harness {
namespace {

/// The first rounds of a run.
std::vector<PlannedRound> plan_rounds(const std::vector<PlannedCell>& cells, int rounds,
                                      std::uint64_t seed, ChooseArena choose_arena) {
  RoundPlanner planner(cells, seed, choose_arena);
  std::vector<PlannedRound> result(static_cast<std::size_t>(rounds));
  std::ranges::generate(result, [&planner] { return planner.next(); });
  return result;
}

Selection quick() {
  Selection selection;
  selection.preset = find_preset("quick");
  return selection;
}

std::vector<std::string> ids(const std::vector<PlannedCell>& cells) {
  std::vector<std::string> result(cells.size());
  std::ranges::transform(cells, result.begin(), &PlannedCell::id);
  return result;
}

std::set<std::string> strategies_of(const std::vector<PlannedCell>& cells,
                                    std::string_view workload) {
  std::set<std::string> result;
  for (const PlannedCell& cell : cells) {
    if (cell.workload == workload) result.insert(cell.strategy);
  }
  return result;
}

std::vector<PlannedCell> plan(const Selection& selection) {
  return plan_cells(fake_catalogue(), selection, "rwx");
}

Arena some_arena(SeededRandom& random) { return random_arena(kHighRegion, random); }

std::string refusal(const Selection& selection) {
  try {
    static_cast<void>(plan(selection));
  } catch (const UsageError& error) {
    return error.what();
  }
  return "nothing was refused";
}

using Strings = std::set<std::string>;

}  // namespace

TEST_CASE("a share is a number up to 1, written in one way, and anything else is refused") {
  const WorkloadInfo workload = {.id = "some", .summary = {}, .parameters = {}, .metrics = {}};
  Parameter share;
  share.name = "p";
  share.smallest_share = 1e-6;
  CHECK(allowed_values(share) == "numbers from 1e-6 to 1");
  const auto value = [&](const char* text) {
    return checked_value("--param", workload, share, text);
  };
  CHECK(value("1") == "1");
  CHECK(value("0.5") == "0.5");
  CHECK(value("0.0001") == "1e-4");  // one case, however it is written
  CHECK(value("1e-04") == "1e-4");
  CHECK(value("1e-6") == "1e-6");
  for (const char* wrong :
       {"0", "-0.1", "1.0001", "2", "9e-7", "nan", "inf", "", "often", "0.1x"}) {
    CAPTURE(wrong);
    CHECK_THROWS_WITH(value(wrong),
                      results::contains(" p=") && results::contains("numbers from 1e-6 to 1"));
  }
}

TEST_CASE("where the path of a file will do, a word with a slash is one, and is asked for") {
  const WorkloadInfo workload = {.id = "some", .summary = {}, .parameters = {}, .metrics = {}};
  Parameter file;
  file.name = "trace";
  file.choices = {"shipped"};
  const auto value = [&](const char* text) {
    return checked_value("--param", workload, file, text);
  };
  CHECK_THROWS_WITH(value("./own"), results::contains("no such value"));
  file.why_unreadable = [](const std::string& path) {
    return path == "./own" ? std::string() : path + ":3: is damaged";
  };
  CHECK(allowed_values(file) == "shipped|DIR/FILE");
  CHECK(value("shipped") == "shipped");
  CHECK(value("./own") == "./own");
  CHECK_THROWS_WITH(value("./other"), "--param trace: ./other:3: is damaged");
  CHECK_THROWS_WITH(value("own"), results::contains("shipped|DIR/FILE"));
}

TEST_CASE("the id of a case may have a path in it") {
  Catalogue catalogue = fake_catalogue();
  std::vector<WorkloadInfo> workloads(catalogue.workloads.begin(), catalogue.workloads.end());
  Parameter file;
  file.name = "trace";
  file.default_value = "shipped";
  file.choices = {"shipped"};
  file.why_unreadable = [](const std::string&) { return std::string(); };
  workloads.front().parameters = {file};
  catalogue.workloads = workloads;
  const std::string workload = workloads.front().id;
  CHECK(parse_cell_id(catalogue, workload + "/rwx/trace=../a/b.trace").params ==
        ParamText{{"trace", "../a/b.trace"}});
  CHECK(parse_cell_id(catalogue, workload + "/rwx").params == ParamText{{"trace", "shipped"}});
}

TEST_CASE("what set-up takes grows with the parameters that say so") {
  WorkloadInfo workload;
  for (const auto& [name, usual] :
       {std::pair("kib", "1024"), std::pair("sites", "64"), std::pair("order", "linear")}) {
    Parameter parameter;
    parameter.name = name;
    parameter.default_value = usual;
    if (parameter.name == "kib") parameter.growth = {.ms = 6, .toggling_ms = 100};
    workload.parameters.push_back(parameter);
  }
  CHECK(setup_ms(workload, {{"kib", "1024"}, {"sites", "64"}, {"order", "shuffled"}}, false) == 6);
  CHECK(setup_ms(workload, {{"kib", "1048576"}, {"sites", "6400"}}, false) == 6 * 1024);
  CHECK(setup_ms(workload, {{"kib", "2048"}}, true) == 200);
  CHECK(setup_ms(workload, {{"sites", "64"}}, true) == 0);
}

TEST_CASE("controls and baseline stand beside whatever strategy is asked for") {
  Selection selection = quick();
  selection.strategies = {"memfd-dual"};
  const std::vector<PlannedCell> cells = plan(selection);
  CHECK(strategies_of(cells, "mic") == Strings{"rwx", "memfd-dual", "floor", "tag-cell", "again"});
  CHECK(strategies_of(cells, "zone") == Strings{"rwx", "memfd-dual", "floor", "again"});
}

TEST_CASE("a filter never takes controls or baseline away from what it leaves") {
  Selection selection = quick();
  selection.overrides = {{.name = "sites", .values = {"16", "1024"}}};
  selection.filter = std::regex("memfd-dual/sites=16,");
  const std::vector<PlannedCell> cells = plan(selection);
  CHECK(strategies_of(cells, "mic") == Strings{"rwx", "memfd-dual", "floor", "tag-cell", "again"});
  CHECK(strategies_of(cells, "zone").empty());
  for (const PlannedCell& cell : cells) CHECK(cell.params.front().second == "16");
}

TEST_CASE("a control can be asked for by name") {
  Selection selection = quick();
  selection.strategies = {"floor"};
  CHECK(strategies_of(plan(selection), "zone") == Strings{"rwx", "floor", "again"});
}

TEST_CASE("the twin runs the baseline") {
  Selection selection = quick();
  selection.strategies = {"again"};
  const auto cells = plan_cells(fake_catalogue(), selection, "file-dual");
  const auto again = std::ranges::find(cells, "again", &PlannedCell::strategy);
  REQUIRE(again != cells.end());
  CHECK(again->runs == "file-dual");
  CHECK(strategies_of(cells, "zone") == Strings{"file-dual", "floor", "again"});
}

TEST_CASE("without a baseline there is no twin") {
  const auto cells = plan_cells(fake_catalogue(), quick(), "");
  CHECK(std::ranges::find(cells, "again", &PlannedCell::strategy) == cells.end());
}

TEST_CASE("a strategy that runs no workload is a row with the reason, and in no round") {
  const auto cells = plan(quick());
  const auto nowhere = std::ranges::find(cells, "nowhere", &PlannedCell::strategy);
  REQUIRE(nowhere != cells.end());
  CHECK(nowhere->make == nullptr);
  CHECK(nowhere->unsupported == "it runs nothing");
  const auto index = static_cast<std::size_t>(nowhere - cells.begin());
  for (const PlannedRound& round : plan_rounds(cells, 3, 1, &some_arena)) {
    CHECK(std::ranges::find(round.order, index) == round.order.end());
  }
}

namespace {

/// Sites of file-dual cannot be shuffled.
const CellFactory* find_unshuffled(std::string_view strategy, std::string_view workload) {
  static const CellFactory unshuffled = [] {
    CellFactory cell = *fake_catalogue().find_cell("file-dual", "mic");
    cell.unsupported_at = [](const ParamText& params) -> std::string_view {
      const bool shuffled =
          std::ranges::count(params, std::pair<std::string, std::string>("order", "shuffled")) > 0;
      return shuffled ? "its sites are in order" : "";
    };
    return cell;
  }();
  if (strategy == "file-dual" && workload == "mic") return &unshuffled;
  return fake_catalogue().find_cell(strategy, workload);
}

}  // namespace

TEST_CASE(
    "what has no meaning with some parameters is left out of a preset, and refused with a reason") {
  Catalogue catalogue = fake_catalogue();
  catalogue.find_cell = &find_unshuffled;
  Selection selection = quick();
  selection.preset = find_preset("standard");
  selection.workloads = {"mic"};
  const auto shuffled_of = [&] {
    std::vector<PlannedCell> cells = plan_cells(catalogue, selection, "rwx");
    std::erase_if(cells, [](const PlannedCell& cell) {
      return cell.strategy != "file-dual" || cell.id.find("order=shuffled") == std::string::npos;
    });
    return cells;
  };
  CHECK(shuffled_of().empty());
  selection.overrides = {{.name = "order", .values = {"shuffled"}}};
  const std::vector<PlannedCell> asked_for = shuffled_of();
  REQUIRE_FALSE(asked_for.empty());
  CHECK(asked_for.front().make == nullptr);
  CHECK(asked_for.front().unsupported == "its sites are in order");
}

TEST_CASE("the standard grid is the product of the parameters' grids") {
  Selection selection = quick();
  selection.preset = find_preset("standard");
  selection.strategies = {"rwx"};
  selection.workloads = {"mic"};
  selection.filter = std::regex("/rwx/");
  std::vector<std::string> rwx;
  for (const std::string& id : ids(plan(selection))) {
    if (id.starts_with("mic/rwx/")) rwx.push_back(id);
  }
  CHECK(rwx == std::vector<std::string>{
                   "mic/rwx/sites=16,order=linear", "mic/rwx/sites=16,order=shuffled",
                   "mic/rwx/sites=1024,order=linear", "mic/rwx/sites=1024,order=shuffled",
                   "mic/rwx/sites=65536,order=linear", "mic/rwx/sites=65536,order=shuffled"});
}

TEST_CASE("a parameter outside the id appears where it differs from its default") {
  Selection selection = quick();
  selection.workloads = {"mic"};
  selection.overrides = {{.name = "work", .values = {"4", "9"}}};
  const auto cells = plan(selection);
  const auto names = ids(cells);
  CHECK(std::ranges::find(names, "mic/rwx/sites=1024,order=linear") != names.end());
  CHECK(std::ranges::find(names, "mic/rwx/sites=1024,order=linear,work=9") != names.end());
  CHECK(cells.front().params.size() == 4);
  CHECK(cells.front().shown.size() == 2);
}

TEST_CASE("overrides are taken as written once, in their order, and each value once") {
  Selection selection = quick();
  selection.workloads = {"zone"};
  selection.overrides = {{.name = "kib", .values = {"0128", "64", "128"}}};
  std::vector<std::string> values;
  for (const PlannedCell& cell : plan(selection)) {
    if (cell.strategy == "rwx") values.push_back(cell.params.front().second);
  }
  CHECK(values == std::vector<std::string>{"128", "64"});
}

TEST_CASE("what a parameter cannot be is refused with what it can be") {
  const auto [value, said] = GENERATE(
      std::pair<std::string, std::string>{"0", "out of range"}, std::pair{"-16", "out of range"},
      std::pair{"1048577", "out of range"}, std::pair{"99999999999999999999", "far too large"},
      std::pair{"12x", "not an integer"}, std::pair{"1e3", "not an integer"},
      std::pair{" 16", "not an integer"});
  Selection selection = quick();
  selection.overrides = {{.name = "sites", .values = {value}}};
  const std::string message = refusal(selection);
  CHECK(message.find("--param sites=" + value) != std::string::npos);
  CHECK(message.find(said) != std::string::npos);
  CHECK(message.find("1 to 1048576") != std::string::npos);
}

TEST_CASE("unknown words are refused with the nearest and the valid ones") {
  Selection selection = quick();
  SECTION("strategy") {
    selection.strategies = {"rwxx"};
    CHECK(
        refusal(selection).starts_with("unknown strategy 'rwxx': did you mean 'rwx'? Valid: rwx"));
  }
  SECTION("workload") {
    selection.workloads = {"zonne"};
    CHECK(refusal(selection) == "unknown workload 'zonne': did you mean 'zone'? Valid: mic, zone");
  }
  SECTION("nothing is near") {
    selection.workloads = {"spectral-norm"};
    CHECK(refusal(selection) == "unknown workload 'spectral-norm'. Valid: mic, zone");
  }
  SECTION("parameter of no selected workload") {
    selection.workloads = {"zone"};
    selection.overrides = {{.name = "sites", .values = {"16"}}};
    CHECK(refusal(selection) == "unknown parameter 'sites'. Valid: kib");
  }
  SECTION("word of a parameter") {
    selection.overrides = {{.name = "order", .values = {"linaer"}}};
    CHECK(refusal(selection).find("did you mean 'linear'") != std::string::npos);
  }
}

TEST_CASE("nothing left to measure is refused") {
  Selection selection = quick();
  SECTION("by the filter") {
    selection.filter = std::regex("no such cell");
    CHECK(refusal(selection).starts_with("--filter matches no case"));
  }
  SECTION("by strategies that do not belong to the workloads") {
    selection.strategies = {"tag-cell"};
    selection.workloads = {"zone"};
    CHECK(refusal(selection).find("no case together") != std::string::npos);
  }
}

TEST_CASE("a round has every case once, in an order of its own") {
  const auto cells = plan(quick());
  const auto rounds = plan_rounds(cells, 8, 42, &some_arena);
  REQUIRE(rounds.size() == 8);
  std::set<std::vector<std::size_t>> orders;
  std::set<std::uint64_t> seeds;
  std::set<std::uintptr_t> places;
  for (const PlannedRound& round : rounds) {
    const std::set<std::size_t> once(round.order.begin(), round.order.end());
    CHECK(once.size() == round.order.size());
    CHECK(
        static_cast<long>(once.size()) ==
        std::ranges::count_if(cells, [](const PlannedCell& cell) { return cell.make != nullptr; }));
    orders.insert(round.order);
    seeds.insert(round.seed);
    places.insert(round.arena.base);
  }
  CHECK(orders.size() == rounds.size());
  CHECK(seeds.size() == rounds.size());
  CHECK(places.size() == rounds.size());
}

TEST_CASE("a round's cells in groups: one workload, one set of parameters") {
  const auto cells = plan(quick());
  const auto rounds = plan_rounds(cells, 2, 7, &some_arena);
  for (const PlannedRound& round : rounds) {
    const auto groups = groups_of(cells, round.order);
    std::set<std::size_t> seen;
    std::set<std::pair<std::string, ParamText>> keys;
    for (const auto& group : groups) {
      REQUIRE_FALSE(group.empty());
      CHECK(keys.emplace(cells[group.front()].workload, cells[group.front()].params).second);
      for (const std::size_t cell : group) {
        CHECK(seen.insert(cell).second);
        CHECK(cells[cell].workload == cells[group.front()].workload);
        CHECK(cells[cell].params == cells[group.front()].params);
      }
    }
    CHECK(seen.size() == round.order.size());
    CHECK(groups.front().front() == round.order.front());
  }
}

TEST_CASE("the same seed gives the same plan, another seed another") {
  const auto cells = plan(quick());
  const auto one = plan_rounds(cells, 3, 7, &some_arena);
  const auto same = plan_rounds(cells, 3, 7, &some_arena);
  const auto other = plan_rounds(cells, 3, 8, &some_arena);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(one[i].order == same[i].order);
    CHECK(one[i].seed == same[i].seed);
    CHECK(one[i].arena.base == same[i].arena.base);
    CHECK(one[i].order != other[i].order);
  }
}

TEST_CASE("later rounds do not change earlier ones") {
  const auto cells = plan(quick());
  const auto few = plan_rounds(cells, 2, 7, &some_arena);
  const auto many = plan_rounds(cells, 20, 7, &some_arena);
  CHECK(few[1].order == many[1].order);
  CHECK(few[1].arena.base == many[1].arena.base);
}

TEST_CASE("the shuffle is the documented one") {
  // Written out from the outputs of mt19937_64: a change of either would change every published
  // order.
  SeededRandom random(5489);
  std::mt19937_64 outputs(5489);
  std::vector<std::size_t> order = {0, 1, 2, 3};
  std::vector<std::size_t> expected = order;
  for (const std::size_t last : {std::size_t{3}, std::size_t{2}, std::size_t{1}}) {
    // The upper bits of an output choose among 0 ... last.
    const double share = static_cast<double>(outputs() >> 11U) * 0x1p-53;
    std::swap(expected[last],
              expected[static_cast<std::size_t>(share * static_cast<double>(last + 1))]);
  }
  random.shuffle(order);
  CHECK(order == expected);
}

TEST_CASE("the shuffle favours no order") {
  SeededRandom random(1);
  std::map<std::vector<std::size_t>, int> seen;
  for (int i = 0; i < 6000; ++i) {
    std::vector<std::size_t> order = {0, 1, 2};
    random.shuffle(order);
    ++seen[order];
  }
  REQUIRE(seen.size() == 6);
  for (const auto& [order, count] : seen) {
    CHECK(count > 850);
    CHECK(count < 1150);
  }
}

TEST_CASE("arenas are page starts whatever the page size, inside their region, and not all alike") {
  SeededRandom random(3);
  std::set<std::uint64_t> offsets;
  for (int i = 0; i < 1000; ++i) {
    const Arena arena = random_arena(kLowRegion, random);
    CHECK(arena.base % (64U << 10U) == 0);
    CHECK(arena.base >= kLowRegion.start);
    CHECK(arena.base < kLowRegion.start + kLowRegion.bytes);
    offsets.insert(arena.base % (2U << 20U));
  }
  CHECK(offsets.size() == 32);
}

TEST_CASE("this machine has room for an arena, and asking leaves nothing mapped") {
  const auto choose = find_arena();
  REQUIRE(choose.has_value());
  SeededRandom random(9);
  const Arena arena = (*choose)(random);
  CHECK(is_mappable(arena));
  CHECK(is_mappable(arena));
}

}  // namespace patchbench::harness
