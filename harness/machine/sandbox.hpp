// harness/machine/sandbox.hpp - which system calls a seccomp filter answers by killing the caller.
//
// A filter that refuses a call with an errno is an error like any other. One that kills leaves no
// word: the process is gone, with SIGSYS. So calls that a sandbox may refuse are made in a forked
// child first, which makes nothing but them.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace patchbench::harness {

/// How a forked child ended.
struct Tried {
  int signal = 0;  // that killed it; 0: none did
  int answer = 0;  // what the step returned, 0 to 255
};

/// Runs `step` in a forked child and waits. Not in a process that has threads, nor in one whose
/// page faults are counted. Throws std::system_error where there can be no child.
[[nodiscard]] Tried try_in_child(const std::function<int()>& step);

/// Makes the calls that this program may make, each in a child where one child for all dies. What
/// follows says what was found, and nothing in a process that has not asked: children that measure
/// do not.
void try_calls();

/// Those for which a filter kills.
[[nodiscard]] const std::vector<std::string>& killed_calls();
[[nodiscard]] bool is_killed(std::string_view call);

/// "a seccomp filter kills membarrier"; empty where it does not.
[[nodiscard]] std::string why_killed(std::string_view call);

/// What to say of a process that died with SIGSYS where no call of the parent's own is at issue: "a
/// seccomp filter kills memfd_create".
[[nodiscard]] std::string reason_of_sigsys();
/// The call, where there is no doubt which; else empty.
[[nodiscard]] std::string call_of_sigsys();

/// Throws std::system_error naming a call without which no case can be measured, where a filter
/// kills for it.
void require_calls_of_the_parent();

/// Throws std::system_error where /proc is not there: it says which program this is, what a child
/// occupies and what the machine is.
void require_proc();

/// Why this thread cannot be pinned to the processor: "sched_setaffinity: Operation not permitted",
/// or that a filter kills for it. Empty where it can. Asked in a child.
[[nodiscard]] std::string why_not_pinned(int cpu);

/// Whether a filter is in force here (/proc/self/status); false where that cannot be read.
[[nodiscard]] bool has_seccomp_filter();

}  // namespace patchbench::harness
