// Every call that a zone makes is made to fail, one after the other: the constructor must name it
// and leave nothing behind; the patch path must end the process and say why.
#include <algorithm>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <system_error>

#include <patchbench_catch.hpp>
#include <sys/shm.h>

#include "child_findings_test.hpp"
#include "conformance_test.hpp"
#include "every_zone_test.hpp"
#include "failing_calls_test.hpp"
#include "policy.hpp"
#include "publish.hpp"

namespace patchbench::testing {
namespace {

struct Injected {
  Call call;
  int error;
};

// The kernel's refusals: a constructor that meets one to the end must throw.
constexpr std::array kRefusals{
    Injected{Call::mmap, ENOMEM},
    Injected{Call::mmap, EACCES},
    Injected{Call::mprotect, EACCES},
    Injected{Call::shmget, ENOSPC},
    Injected{Call::shmat, EACCES},
    Injected{Call::shmctl, EPERM},
    Injected{Call::memfd_create, EMFILE},
    Injected{Call::memfd_create, EINVAL},
    Injected{Call::ftruncate, EPERM},
    Injected{Call::fallocate, ENOSPC},
    Injected{Call::open, EACCES},
    Injected{Call::open, EMFILE},
    Injected{Call::mremap, ENOMEM},
    Injected{Call::shm_open, EACCES},
    Injected{Call::shm_unlink, EACCES},
    Injected{Call::pwrite, EIO},
    Injected{Call::pkey_alloc, ENOSPC},
    Injected{Call::pkey_mprotect, EINVAL},
    Injected{Call::socketpair, EMFILE},
    Injected{Call::fork, EAGAIN},
    Injected{Call::process_vm_writev, EFAULT},
};

// What a zone can do without.
constexpr std::array kTolerated{
    Injected{Call::madvise, EINVAL},   Injected{Call::fallocate, EOPNOTSUPP},
    Injected{Call::fallocate, ENOSYS}, Injected{Call::fstatfs, ENOSYS},
    Injected{Call::getrlimit, EINVAL},
};

const ZoneRequest kRequest{.size = 64 * kKiB};

template <class Zone>
CallCounts calls_of_constructor() {
  count_calls();
  const Zone zone{kRequest};
  return calls_made();
}

int count_of(const CallCounts& counts, Call call) {
  return counts.at(static_cast<std::size_t>(call));
}

// Where it is the removal itself that fails, nothing can remove the segment or the name, so the
// test does.
void forgive_what_removal_left() {
  const std::string prefix = text_of({"patchbench-", std::to_string(getpid()), "-"});
  for (const auto& entry : std::filesystem::directory_iterator("/dev/shm")) {
    if (entry.path().filename().string().starts_with(prefix)) std::filesystem::remove(entry.path());
  }
  for (const Segment& segment : segments_created_by(getpid())) {
    shmctl(segment.id, IPC_RMID, nullptr);
  }
}

template <class Zone>
Report refusal(const Injected& injected, int nth) {
  Violations found;
  const std::string which = text_of({std::to_string(nth), ". ", name_of(injected.call)});
  const Holdings before = holdings();
  std::string what;
  let_fail(injected.call, nth, injected.error, true);
  const int error = errno_of_refusal<Zone>(kRequest, &what);
  let_nothing_fail();
  if constexpr (!is_made_by_library<Zone>()) {  // that keeps no errno, and may have another way
    found.expect(error == injected.error, which, " failing gives ", std::to_string(error));
    found.expect(what.starts_with(name_of(injected.call)), which,
                 " failing is reported as: ", what);
  }
  forgive_what_removal_left();
  found.expect_nothing_gained_since(before, which + " failing");
  return found.take();
}

// A call that fails once may have a way around it; then the zone must be a whole one.
template <class Zone>
Report refusal_or_recovery(const Injected& injected, int nth) {
  Violations found;
  const std::string which = text_of({std::to_string(nth), ". ", name_of(injected.call)});
  const Holdings before = holdings();
  let_fail(injected.call, nth, injected.error, false);
  try {
    Zone zone{kRequest};
    found.expect(patches_and_executes(zone, zone.exec()), which, " failing breaks the zone");
  } catch (const std::system_error& refused) {
    found.expect(is_made_by_library<Zone>() || refused.code().value() == injected.error, which,
                 ": ", refused.what());
  }
  let_nothing_fail();
  forgive_what_removal_left();
  found.expect_nothing_gained_since(before, which + " failing once");
  return found.take();
}

TEMPLATE_LIST_TEST_CASE("a constructor names the call that fails and leaves nothing behind", "",
                        EveryZone) {
  INFO("the zone of " << strategies_with<TestType>());
  if (!is_available<TestType>()) return;
  const CallCounts counts = calls_of_constructor<TestType>();
  if (!is_made_by_library<TestType>()) {
    CHECK(count_of(counts, Call::mmap) + count_of(counts, Call::shmat) > 0);
  }
  for (const Injected& injected : kRefusals) {
    for (int nth = 1; nth <= count_of(counts, injected.call); ++nth) {
      check_found_nothing(run_in_child([&] { return refusal<TestType>(injected, nth); }));
      check_found_nothing(
          run_in_child([&] { return refusal_or_recovery<TestType>(injected, nth); }));
    }
  }
}

TEMPLATE_LIST_TEST_CASE("a zone does without what it only prefers", "", EveryZone) {
  INFO("the zone of " << strategies_with<TestType>());
  if (!is_available<TestType>()) return;
  for (const Injected& injected : kTolerated) {
    INFO(name_of(injected.call));
    check_found_nothing(run_in_child([&] {
      let_fail(injected.call, 1, injected.error, true);
      TestType zone{kRequest};
      Violations found;
      found.expect(patches_and_executes(zone, zone.exec()), "it does not execute its patches");
      return found.take();
    }));
  }
}

TEMPLATE_LIST_TEST_CASE("every call of a constructor is one that is made to fail", "", EveryZone) {
  INFO("the zone of " << strategies_with<TestType>());
  if (!is_available<TestType>()) return;
  const CallCounts counts = calls_of_constructor<TestType>();
  const auto is_in = [](const auto& list, Call call) {
    return std::ranges::count(list, call, &Injected::call) > 0;
  };
  for (std::size_t i = 0; i < counts.size(); ++i) {
    INFO(kCallNames.at(i));
    const auto call = static_cast<Call>(i);
    CHECK((counts.at(i) == 0 || is_in(kRefusals, call) || is_in(kTolerated, call)));
  }
}

template <class Zone>
CallCounts calls_of_one_scope_with(int patches) {
  Zone zone{kRequest};
  count_calls();
  {
    const PatchScope scope{zone};
    for (int i = 0; i < patches; ++i) {
      store_function(zone, zone.exec() + static_cast<std::size_t>(i) * sizeof(CodeWord), 0, 1);
    }
  }
  return calls_made();
}

TEMPLATE_LIST_TEST_CASE("a scope costs its two ends and nothing a patch", "", EveryZone) {
  INFO("the zone of " << strategies_with<TestType>());
  if (!is_available<TestType>()) return;
  CallCounts expected{};
  expected.at(static_cast<std::size_t>(Call::mprotect)) = toggles_protection<TestType>() ? 2 : 0;
  if (is_staged<TestType>()) expected = calls_of_one_scope_with<TestType>(1);  // who writes calls
  CHECK(calls_of_one_scope_with<TestType>(1) == expected);
  CHECK(calls_of_one_scope_with<TestType>(1000) == expected);
}

TEST_CASE("memfd_create without MFD_EXEC is tried where the flag is refused") {
  for (const int error : {EINVAL, EACCES}) {
    check_found_nothing(run_in_child([error] {
      count_calls();
      let_fail(Call::memfd_create, 1, error, false);
      MemfdDualZone zone{kRequest};
      Violations found;
      found.expect(count_of(calls_made(), Call::memfd_create) == 2, "it was not tried again");
      found.expect(patches_and_executes(zone, zone.exec()), "it does not execute its patches");
      return found.take();
    }));
  }
}

// As in a directory of a file system without O_TMPFILE.
void check_named_file(Violations& found, const std::string& directory) {
  count_calls();
  let_fail(Call::open, 1, EOPNOTSUPP, true);
  FileDualZone zone{kRequest};
  found.expect(count_of(calls_made(), Call::mkostemp) == 1, "no named file was made");
  found.expect(std::filesystem::is_empty(directory), "the file keeps its name");
  found.expect(patches_and_executes(zone, zone.exec()), "it does not execute its patches");
}

void check_named_file_refused(Violations& found, Call call) {
  let_fail(Call::open, 1, EOPNOTSUPP, true);
  let_fail(call, 1, EROFS, true);
  std::string what;
  const int error = errno_of_refusal<FileDualZone>(kRequest, &what);
  let_nothing_fail();
  found.expect(error == EROFS && what.starts_with(name_of(call)), what);
}

Report without_o_tmpfile() {
  std::string directory = std::filesystem::temp_directory_path() / "patchbench-named-XXXXXX";
  if (mkdtemp(directory.data()) == nullptr) throw_errno("mkdtemp");
  setenv("PATCHBENCH_EXEC_DIR", directory.c_str(), 1);
  Violations found;
  check_named_file(found, directory);
  check_named_file_refused(found, Call::mkostemp);
  check_named_file_refused(found, Call::unlink);
  std::filesystem::remove_all(directory);
  return found.take();
}

TEST_CASE("file-dual does without O_TMPFILE") {
  check_found_nothing(run_in_child(without_o_tmpfile));
}

void publish_nothing(PublishMode mode) {
  std::byte byte{};
  publish(ExecAddress{&byte}, WritableAddress{&byte}, 1, AliasKind::second_view, mode);
}

/// Skipped where the kernel has no membarrier(2) to fail.
Report with_membarrier(const std::function<void(Violations&)>& body) {
  if (const std::string reason = why_unavailable(PublishMode::membarrier); !reason.empty()) {
    return {kSkipped + reason};
  }
  Violations found;
  body(found);
  return found.take();
}

TEST_CASE("membarrier is called once for each publishing in its mode, and in no other") {
  check_found_nothing(run_in_child([] {
    return with_membarrier([](Violations& found) {
      prepare_publishing(PublishMode::membarrier);
      count_calls();
      publish_nothing(PublishMode::none);
      found.expect(count_of(calls_made(), Call::membarrier) == 0, "the default calls it");
      for (int i = 0; i < 5; ++i) publish_nothing(PublishMode::membarrier);
      found.expect(count_of(calls_made(), Call::membarrier) == 5, "5 publishings called it ",
                   std::to_string(count_of(calls_made(), Call::membarrier)), " times");
    });
  }));
}

TEST_CASE("a kernel without membarrier is one without that mode, and says so") {
  check_found_nothing(run_in_child([] {
    Violations found;
    let_fail(Call::membarrier, 1, ENOSYS, true);
    const std::string reason = why_unavailable(PublishMode::membarrier);
    found.expect(reason.starts_with("membarrier: Function not implemented"), reason);
    found.expect(why_unavailable(PublishMode::none).empty(), "the default is gone too");
    return found.take();
  }));
}

TEST_CASE("being refused membarrier's registration is an error of the set-up") {
  check_found_nothing(run_in_child([] {
    Violations found;
    let_fail(Call::membarrier, 1, EPERM, true);
    try {
      prepare_publishing(PublishMode::membarrier);
      found.expect(false, "it went on");
    } catch (const std::system_error& refused) {
      found.expect(refused.code().value() == EPERM, "another error");
      found.expect(std::string_view{refused.what()}.starts_with("membarrier"), refused.what());
    }
    return found.take();
  }));
}

TEST_CASE("membarrier failing in the patch path ends the process and says so") {
  const ChildOutcome outcome = run_in_child([] {
    let_fail(Call::membarrier, 1, EPERM, true);
    publish_nothing(PublishMode::membarrier);
    return Report{"the patch went on"};
  });
  CHECK(outcome.signal() == SIGABRT);
  CHECK(outcome.error_output == "publish: membarrier: Operation not permitted\n");
}

// Not injected: what the kernel says to a process that did not register.
TEST_CASE("publishing by membarrier needs its preparation") {
  const ChildOutcome outcome = run_in_child([] {
    return with_membarrier([](Violations& /*found*/) { publish_nothing(PublishMode::membarrier); });
  });
  if (outcome.finished()) {
    check_found_nothing(outcome);  // skipped
    CHECK(outcome.report.size() == 1);
  } else {
    CHECK(outcome.signal() == SIGABRT);
    CHECK(outcome.error_output == "publish: membarrier: Operation not permitted\n");
  }
}

void check_ends_with_mprotect(const ChildOutcome& outcome) {
  CHECK(outcome.signal() == SIGABRT);
  CHECK(outcome.error_output == "mprotect-toggle: mprotect: Cannot allocate memory\n");
}

TEST_CASE("mprotect failing in the patch path ends the process and says so") {
  for (const int end : {1, 2}) {  // begin_patch, end_patch
    check_ends_with_mprotect(run_in_child([end]() -> Report {
      MprotectToggleZone zone{kRequest};
      let_fail(Call::mprotect, end, ENOMEM, false);
      patch_function(zone, zone.exec(), 0, 1);
      return {"the patch went on"};
    }));
  }
}

}  // namespace
}  // namespace patchbench::testing
