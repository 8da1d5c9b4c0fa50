// Every zone of the registry is held to the contract of CodeZone; a new line there is held to it by
// itself.
#include "conformance_test.hpp"

#include <set>
#include <tuple>
#include <type_traits>

#include <patchbench_catch.hpp>

#include "registry.hpp"

namespace patchbench::testing {
namespace {

using EveryStrategy = decltype(std::tuple_cat(StrategyList{}, ControlList{}));

// The zones of the strategies, each once: controls and strategies share some.
template <class Zones, class Strategies>
struct Distinct;
template <class Zones>
struct Distinct<Zones, std::tuple<>> {
  using Type = Zones;
};
template <class... Zones, class First, class... Rest>
struct Distinct<std::tuple<Zones...>, std::tuple<First, Rest...>> {
  using Zone = typename First::Zone;
  using With = std::conditional_t<(std::is_same_v<Zone, Zones> || ...), std::tuple<Zones...>,
                                  std::tuple<Zones..., Zone>>;
  using Type = typename Distinct<With, std::tuple<Rest...>>::Type;
};
using EveryZone = Distinct<std::tuple<>, EveryStrategy>::Type;

template <class Visit, class... Strategies>
void for_each_strategy(Visit visit, std::tuple<Strategies...> /*list*/) {
  (visit(Strategies{}), ...);
}

// "rwx, indirect-cell-rwx": how the zone is known outside.
template <class Zone>
std::string strategies_with() {
  std::string names;
  for_each_strategy(
      [&names]<class Strategy>(Strategy /*strategy*/) {
        if constexpr (std::is_same_v<typename Strategy::Zone, Zone>) {
          names += (names.empty() ? "" : ", ") + std::string(Strategy::kId);
        }
      },
      EveryStrategy{});
  return names;
}

TEMPLATE_LIST_TEST_CASE("a zone keeps the contract of CodeZone", "", EveryZone) {
  STATIC_REQUIRE(CodeZone<TestType>);
  INFO("the zone of " << strategies_with<TestType>());
  for (const Check& check : kChecks<TestType>) {
    CHECK(violations_of(check) == Report{});
  }
}

TEST_CASE("strategies have distinct ids and say what they are") {
  std::set<std::string_view> ids;
  for_each_strategy(
      [&ids]<class Strategy>(Strategy /*strategy*/) {
        INFO(Strategy::kId);
        CHECK(ids.insert(Strategy::kId).second);
        CHECK_FALSE(Strategy::kId.empty());
        CHECK_FALSE(Strategy::kSummary.empty());
        CHECK(Strategy::kId.find_first_not_of("abcdefghijklmnopqrstuvwxyz-") ==
              std::string_view::npos);
      },
      EveryStrategy{});
}

TEST_CASE("controls of one workload say so, strategies belong to all") {
  for_each_strategy(
      []<class Strategy>(Strategy /*strategy*/) { CHECK(only_workload<Strategy>().empty()); },
      StrategyList{});
  CHECK(only_workload<Floor>().empty());
  CHECK(only_workload<TagCell>() == "mic");
  CHECK(only_workload<SharedStub>() == "pic");
}

}  // namespace
}  // namespace patchbench::testing
