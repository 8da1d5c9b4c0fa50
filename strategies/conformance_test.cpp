// Every zone of the registry is held to the contract of CodeZone; a new line there is held to it by
// itself.
#include "conformance_test.hpp"

#include <set>
#include <string_view>

#include <patchbench_catch.hpp>

#include "every_zone_test.hpp"

namespace patchbench::testing {
namespace {

TEMPLATE_LIST_TEST_CASE("a zone keeps the contract of CodeZone", "", EveryZone) {
  STATIC_REQUIRE(CodeZone<TestType>);
  INFO("the zone of " << strategies_with<TestType>());
  if (!is_available<TestType>()) return;
  for (const Check& check : kChecks<TestType>) CHECK(violations_of(check) == kNothing);
}

TEST_CASE("every check of the contract can be made on this machine") {
  for (const Check& check : kChecks<RwxZone>) {
    if (const std::string_view reason = why_not(check.name); !reason.empty()) {
      WARN(kSkipped << check.name << ", because " << reason);
    }
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
  CHECK(only_workload<ScatteredCells>() == "mic");
  CHECK(only_workload<SharedStub>() == "pic");
  CHECK(only_workload<NewestFirst>() == "pic");
}

}  // namespace
}  // namespace patchbench::testing
