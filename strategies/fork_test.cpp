// What a child of fork(2) does to the code that it inherits: each zone says so (zone_traits.hpp),
// and can be given code of its own.
#include <patchbench_catch.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include "child_findings_test.hpp"
#include "conformance_test.hpp"
#include "every_zone_test.hpp"

namespace patchbench::testing {
namespace {

/// Whether the child got as far as it should. Two patches, because a zone may alternate between two
/// places.
template <class Zone>
bool a_child_patches(Zone& zone, bool isolated) {
  const pid_t child = fork();
  if (child == 0) {
    try {
      if (isolated) isolate_after_fork(zone);
    } catch (const std::exception& refused) {
      std::fprintf(stderr, "%s\n", refused.what());
      _exit(2);
    }
    patch_function(zone, zone.exec(), function_returning(1), 2);
    const bool first = call(zone.exec()) == 2;
    patch_function(zone, zone.exec(), function_returning(2), 3);
    _exit(first && call(zone.exec()) == 3 ? 0 : 1);
  }
  int status = 0;
  return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

template <class Zone>
Report after_a_child_patched(bool isolated, bool changes_the_parent) {
  Violations found;
  Zone zone{ZoneRequest{.size = 4 * page_size()}};
  patch_function(zone, zone.exec(), 0, 1);
  const ExecAddress other = zone.exec() + 2 * page_size();
  patch_function(zone, other, 0, 9);
  found.expect(a_child_patches(zone, isolated), "the child does not execute its patches");
  const int seen = call(zone.exec());
  found.expect(seen == (changes_the_parent ? 3 : 1), "after the child's patch the parent executes ",
               std::to_string(seen));
  found.expect(call(other) == 9, "what nobody patched has changed");
  if (!changes_the_parent) {
    patch_function(zone, zone.exec(), function_returning(1), 4);
    found.expect(call(zone.exec()) == 4, "the parent cannot patch any more");
  }
  return found.take();
}

/// /proc/self/mem leads to the parent, so that the child does not execute what it patched.
template <class Zone>
inline constexpr bool kChildSeesItsPatches = !std::is_same_v<Zone, ProcSelfMemZone>;

TEMPLATE_LIST_TEST_CASE("after fork a zone is shared with the parent or not, as it says", "",
                        EveryZone) {
  INFO("the zone of " << strategies_with<TestType>());
  if (!is_available<TestType>() || !kChildSeesItsPatches<TestType>) return;
  check_found_nothing(run_in_child(
      [] { return after_a_child_patched<TestType>(false, fork_of<TestType>() == Fork::shared); }));
}

TEMPLATE_LIST_TEST_CASE("isolate_after_fork() parts the child's code from the parent's", "",
                        EveryZone) {
  INFO("the zone of " << strategies_with<TestType>());
  if (!is_available<TestType>()) return;
  check_found_nothing(run_in_child([] { return after_a_child_patched<TestType>(true, false); }));
}

TEMPLATE_LIST_TEST_CASE("an isolated zone is as another: it keeps its place and its protections",
                        "", EveryZone) {
  INFO("the zone of " << strategies_with<TestType>());
  if (!is_available<TestType>()) return;
  check_found_nothing(run_in_child([] {
    Violations found;
    TestType zone{ZoneRequest{.size = 4 * page_size()}};
    patch_function(zone, zone.exec(), 0, 1);
    const ExecAddress before = zone.exec();
    isolate_after_fork(zone);
    found.expect(zone.exec() == before && zone.size() == 4 * page_size(), "it is elsewhere");
    found.expect(call(zone.exec()) == 1, "its code is lost");
    expect_closed(found, zone, "after isolation");
    patch_function(zone, zone.exec(), function_returning(1), 2);
    found.expect(call(zone.exec()) == 2, "it cannot be patched");
    return found.take();
  }));
}

TEST_CASE("a child that patches through its parent's /proc/self/mem changes the parent alone") {
  if (!why_unavailable<ProcSelfMemZone>().empty()) return;
  check_found_nothing(run_in_child([] {
    Violations found;
    ProcSelfMemZone zone{ZoneRequest{.size = page_size()}};
    patch_function(zone, zone.exec(), 0, 1);
    const pid_t child = fork();
    if (child == 0) {
      patch_function(zone, zone.exec(), function_returning(1), 2);
      _exit(call(zone.exec()));
    }
    int status = 0;
    waitpid(child, &status, 0);
    found.expect(WEXITSTATUS(status) == 1, "the child executes what it patched");
    found.expect(call(zone.exec()) == 2, "the parent does not execute what the child patched");
    return found.take();
  }));
}

}  // namespace
}  // namespace patchbench::testing
