// Every zone of the registry survives the policies of the system, or is refused by them, as it says
// (policy.hpp). Policies cannot be taken back: each is set in a child.
#include "policy.hpp"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <type_traits>

#include <grp.h>
#include <patchbench_catch.hpp>
#include <sys/prctl.h>
#include <unistd.h>

#include "apply_policy.hpp"
#include "child_findings_test.hpp"
#include "conformance_test.hpp"
#include "every_zone_test.hpp"

namespace patchbench::testing {
namespace {

template <class Zone>
void expect_works(Violations& found, const std::string& name) {
  try {
    Zone zone{ZoneRequest{.size = 2 * page_size()}};
    found.expect(patches_and_executes(zone, zone.exec()), name, " does not execute its patches");
  } catch (const std::system_error& refused) {
    found.expect(false, name, " is refused: ", refused.what());
  }
}

template <class Zone>
void expect_refused(Violations& found, const std::string& name, const Refusal& stated) {
  std::string what;
  const int got = errno_of_refusal<Zone>(ZoneRequest{.size = 2 * page_size()}, &what);
  found.expect(got == stated.error, name, " gives ", std::to_string(got), " ", what);
  found.expect(what.starts_with(stated.call), name, " does not name ", stated.call, ": ", what);
}

void expect_works(Violations& found) {
  for_each_zone([&]<class Zone>(std::type_identity<Zone> /*zone*/) {
    expect_works<Zone>(found, strategies_with<Zone>());
  });
}

void expect_as_stated(Violations& found, Policy policy) {
  for_each_zone([&]<class Zone>(std::type_identity<Zone> /*zone*/) {
    const auto refusals = refusals_of<Zone>();
    const auto stated = std::ranges::find(refusals, policy, &Refusal::policy);
    if (stated == refusals.end()) {
      expect_works<Zone>(found, strategies_with<Zone>());
    } else {
      expect_refused<Zone>(found, strategies_with<Zone>(), *stated);
    }
  });
}

Report under(Policy policy) {
  const AppliedPolicy applied = apply(policy);
  if (applied.setting != PolicySetting::set) return {text_of({kSkipped, applied.reason})};
  Violations found;
  expect_as_stated(found, policy);
  return found.take();
}

// Root may do more than the mode of a file or segment says.
Report without_privileges() {
  constexpr uid_t kNobody = 65534;
  if (geteuid() == 0 &&
      (setgroups(0, nullptr) != 0 || setgid(kNobody) != 0 || setuid(kNobody) != 0)) {
    return {text_of({kSkipped, "root may not become another user"})};
  }
  // A process that changes its user may not open its own memory. One that began as that user may.
  prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
  Violations found;
  expect_works(found);
  return found.take();
}

TEST_CASE("no zone needs a privilege") { check_found_nothing(run_in_child(without_privileges)); }

TEST_CASE("a policy refuses the zones that say so, as they say, and no other") {
  for (const PolicyInfo& info : kPolicies) {
    DYNAMIC_SECTION(info.id) {
      check_found_nothing(run_in_child([&] { return under(info.policy); }));
    }
  }
}

// Its first process would survive what kills others, and a test of crashes would see none.
TEST_CASE("a process in the PID namespace of memfd_noexec dies as others do") {
  const ChildOutcome outcome = run_in_child([]() -> Report {
    const AppliedPolicy applied = apply(Policy::memfd_noexec);
    if (applied.setting != PolicySetting::set) return {text_of({kSkipped, applied.reason})};
    std::abort();
  });
  if (outcome.finished()) {
    check_found_nothing(outcome);
  } else {
    CHECK(outcome.ending() == "killed by signal 6 (Aborted)");
  }
}

TEST_CASE("a policy has a word of its own") {
  for (const PolicyInfo& info : kPolicies) {
    CHECK(std::ranges::count(kPolicies, info.word, &PolicyInfo::word) == 1);
  }
}

TEST_CASE("a zone says of a policy once how it is refused") {
  for_each_zone([]<class Zone>(std::type_identity<Zone> /*zone*/) {
    INFO("the zone of " << strategies_with<Zone>());
    for (const PolicyInfo& policy : kPolicies) {
      CHECK(std::ranges::count(refusals_of<Zone>(), policy.policy, &Refusal::policy) <= 1);
    }
  });
}

}  // namespace
}  // namespace patchbench::testing
