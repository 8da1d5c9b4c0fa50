// Where the machine checks where indirect branches arrive, every zone asks for the check, and keeps
// it over patches.
#include "landing_pads.hpp"

#include <csignal>

#include <patchbench_catch.hpp>

#include "child_process_test.hpp"
#include "emulator_test.hpp"
#include "every_zone_test.hpp"
#include "tiny_code_test.hpp"

namespace patchbench::testing {
namespace {

/// The tiny function has no landing pad, and is called through a pointer.
template <class Zone>
ChildOutcome call_without_a_pad(bool checked) {
  return run_in_child([checked]() -> Report {
    Zone zone{ZoneRequest{.size = 1, .landing_pads = checked}};
    return patches_and_executes(zone, zone.exec()) ? kNothing : Report{"a patch was not executed"};
  });
}

TEMPLATE_LIST_TEST_CASE("a call that arrives at no landing pad is stopped where that is asked for",
                        "", EveryZone) {
  INFO("the zone of " << strategies_with<TestType>());
  if (!is_available<TestType>()) return;
  const ChildOutcome unchecked = call_without_a_pad<TestType>(false);
  INFO(unchecked.error_output);
  CHECK(unchecked.finished());
  CHECK(unchecked.report == kNothing);
  const ChildOutcome checked = call_without_a_pad<TestType>(true);
  INFO(checked.ending());
  CHECK(checked.signal() == (landing_pad_protection() != 0 ? SIGILL : 0));
}

TEST_CASE("the emulator's processor checks landing pads, so that something is tested there") {
  if (in_qemu_user()) CHECK(landing_pad_protection() != 0);
}

}  // namespace
}  // namespace patchbench::testing
