// Every zone of the registry survives the policies of the system, or is refused by them, as it says
// (policy.hpp). Policies cannot be taken back: each is set in a child.
#include "policy.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <fstream>
#include <string>
#include <type_traits>

#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <patchbench_catch.hpp>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "child_findings_test.hpp"
#include "conformance_test.hpp"
#include "every_zone_test.hpp"

// In Linux since 6.3 and not yet in this distribution's headers.
#ifndef PR_SET_MDWE
#  define PR_SET_MDWE 65
#  define PR_MDWE_REFUSE_EXEC_GAIN (1UL << 0)
#endif
#ifndef MFD_EXEC
#  define MFD_EXEC 0x0010U
#endif

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

Report under_mdwe() {
  if (prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) != 0) {
    return {text_of({kSkipped, "this kernel has no PR_SET_MDWE"})};
  }
  Violations found;
  expect_as_stated(found, Policy::mdwe);
  return found.take();
}

// The third argument of all three calls that it judges; the low half suffices, the flags are small.
constexpr std::uint32_t kThirdArgument = offsetof(seccomp_data, args) + 2 * sizeof(std::uint64_t);

// As systemd's MemoryDenyWriteExecute= did before it used PR_SET_MDWE: no mmap that is writable and
// executable, no mprotect to executable, no shmat with SHM_EXEC.
bool refuse_write_execute_as_systemd_did() {
  constexpr std::uint32_t kWritableExecutable = PROT_WRITE | PROT_EXEC;
  std::array program{
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 3, 0),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 5, 0),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_shmat, 6, 0),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kThirdArgument),
      sock_filter BPF_STMT(BPF_ALU | BPF_AND | BPF_K, kWritableExecutable),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kWritableExecutable, 5, 4),
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kThirdArgument),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 3, 2),
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kThirdArgument),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, SHM_EXEC, 1, 0),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
  };
  const sock_fprog filter{.len = program.size(), .filter = program.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) == 0;
}

Report under_seccomp() {
  if (!refuse_write_execute_as_systemd_did()) {
    return {text_of({kSkipped, "this kernel takes no seccomp filter"})};
  }
  Violations found;
  expect_as_stated(found, Policy::seccomp);
  return found.take();
}

Report with_executable_memfds_refused() {
  std::ofstream("/proc/sys/vm/memfd_noexec") << "2";
  const Fd executable{memfd_create("probe", MFD_CLOEXEC | MFD_EXEC)};
  if (executable || errno != EACCES) {
    return {text_of({kSkipped, "vm.memfd_noexec cannot be set to 2"})};
  }
  Violations found;
  expect_as_stated(found, Policy::memfd_noexec);
  return found.take();
}

// The setting belongs to a PID namespace, of which only the child of who makes it is a member.
Report in_another_pid_namespace() {
  if (unshare(CLONE_NEWPID) != 0) return {text_of({kSkipped, "no right to make a PID namespace"})};
  ChildOutcome outcome = run_in_child(with_executable_memfds_refused);
  if (!outcome.finished()) {
    outcome.report.push_back(text_of({outcome.ending(), " ", outcome.error_output}));
  }
  return outcome.report;
}

Report under_file_size_limit() {
  const SoftLimit limit{RLIMIT_FSIZE, page_size()};
  Violations found;
  expect_as_stated(found, Policy::file_size_limit);
  return found.take();
}

// Root may do more than the mode of a file or segment says.
Report without_privileges() {
  constexpr uid_t kNobody = 65534;
  if (geteuid() == 0 &&
      (setgroups(0, nullptr) != 0 || setgid(kNobody) != 0 || setuid(kNobody) != 0)) {
    return {text_of({kSkipped, "root may not become another user"})};
  }
  Violations found;
  expect_works(found);
  return found.take();
}

TEST_CASE("no zone needs a privilege") { check_found_nothing(run_in_child(without_privileges)); }

TEST_CASE("PR_SET_MDWE refuses memory that is or was writable") {
  check_found_nothing(run_in_child(under_mdwe));
}

TEST_CASE("a seccomp filter as systemd's refuses SysV segments too") {
  check_found_nothing(run_in_child(under_seccomp));
}

TEST_CASE("vm.memfd_noexec=2 refuses a flag and not the memory") {
  check_found_nothing(run_in_child(in_another_pid_namespace));
}

TEST_CASE("RLIMIT_FSIZE is an error of the zones that are files") {
  check_found_nothing(run_in_child(under_file_size_limit));
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
