// A patch is executed by the call right after it, in every zone and every mode of publishing that
// this machine has.
#include "publish.hpp"

#include <set>
#include <string>

#include <patchbench_catch.hpp>

#include "child_findings_test.hpp"
#include "conformance_test.hpp"
#include "every_zone_test.hpp"

namespace patchbench::testing {
namespace {

/// The same check as that of the contract (check_nothing_stale), but published in `mode`.
template <class Zone>
Report stale_patches(PublishMode mode) {
  constexpr std::uint16_t kPatches = 200;
  WatchedZone<Zone> zone{ZoneRequest{.size = page_size()}};
  prepare_publishing(mode);
  int stale = 0;
  for (std::uint16_t value = 0; value < kPatches; ++value) {
    {
      const PatchScope scope{static_cast<Zone&>(zone), zone.exec(), sizeof(CodeWord)};
      const CodeWord replaced = value == 0 ? 0 : function_returning(value - 1);
      // The first time there is nothing yet to execute.
      const WritableAddress to =
          value == 0 ? static_cast<Zone&>(zone).writable(zone.exec()) : zone.writable(zone.exec());
      patch_word(to, replaced, function_returning(value));
      publish(zone.exec(), to, sizeof(CodeWord), Zone::kAlias, mode);
    }
    stale += call(zone.exec()) == value ? 0 : 1;
  }
  return stale == 0 ? kNothing : Report{std::to_string(stale) + " patches were executed as before"};
}

TEMPLATE_LIST_TEST_CASE("published in any mode, a patch is executed", "", EveryZone) {
  INFO("the zone of " << strategies_with<TestType>());
  if (!is_available<TestType>()) return;
  for (const PublishModeInfo& mode : publish_modes()) {
    INFO(mode.id);
    if (const std::string reason = why_unavailable(mode.mode); !reason.empty()) {
      WARN(kSkipped << mode.id << ", because " << reason);
      continue;
    }
    check_found_nothing(run_in_child([&] { return stale_patches<TestType>(mode.mode); }));
  }
}

TEST_CASE("modes of publishing have distinct names, by which they are found") {
  REQUIRE_FALSE(publish_modes().empty());
  CHECK(publish_modes().front().mode == PublishMode::none);
  CHECK(publish_modes().front().id == "none");
  std::set<std::string_view> ids;
  for (const PublishModeInfo& mode : publish_modes()) {
    CHECK(ids.insert(mode.id).second);
    CHECK_FALSE(mode.summary.empty());
    REQUIRE(find_publish_mode(mode.id) != nullptr);
    CHECK(find_publish_mode(mode.id)->mode == mode.mode);
  }
  CHECK(ids.count("membarrier") == 1);
  CHECK(find_publish_mode("no-such-mode") == nullptr);
}

TEST_CASE("patches through the executing address are architectural everywhere") {
  for (const PublishModeInfo& mode : publish_modes()) {
    CHECK(publish_is_architectural(AliasKind::same_address, mode.mode));
  }
}

TEST_CASE("a mode that does more than the default says so, and what it guarantees") {
  for (const AliasKind alias : {AliasKind::same_address, AliasKind::second_view}) {
    for (const PublishModeInfo& mode : publish_modes()) {
      INFO(mode.id);
      const std::string note = publish_note(alias, mode.mode);
      CHECK((note == "no architectural guarantee") == !publish_is_architectural(alias, mode.mode));
      CHECK((mode.mode == PublishMode::none || !note.empty()));
    }
  }
  CHECK(publish_note(AliasKind::same_address, PublishMode::none).empty());
}

TEST_CASE("the default is available everywhere") {
  CHECK(why_unavailable(PublishMode::none).empty());
}

}  // namespace
}  // namespace patchbench::testing
