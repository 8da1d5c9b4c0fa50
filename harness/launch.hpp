// harness/launch.hpp - the parent's side of a child: start it, sleep, and say how it ended.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "harness/child.hpp"
#include "harness/signals.hpp"
#include "results/model.hpp"
#include "strategies/mapping.hpp"

namespace patchbench::harness {

/// How much of what a child wrote to stderr goes into the reason of its failure: the end of it, in
/// whole lines where there are any, with " | " between them.
inline constexpr std::size_t kStderrTail = 1024;

/// Another program that executes the child: a simulator.
struct Wrapper {
  std::vector<std::string> command;  // a program, searched on PATH, and its options
  const Fd* report = nullptr;        // becomes the child's descriptor kReportFd
};
inline constexpr int kReportFd = 5;

/// Starts this executable, or the task's `program`, again for `task` and waits. The entry has a
/// status for every way a child can end: its own answer, else `timeout`, `crashed` (a signal) or
/// `failed` (an exit code, no answer), with the end of its stderr. It also has the processor time
/// that this process used while the child ran: next to none, as it waits in poll(2) until the child
/// says or does something. Empty when the run was asked to stop meanwhile; the child is then gone
/// too. No process and no descriptor is left behind. Throws std::system_error when not even a
/// process can be had.
///
/// With a `wrapper` that program runs this executable, without randomised addresses where the
/// kernel lets itself be asked for that.
[[nodiscard]] std::optional<results::JournalEntry> run_child(const ChildTask& task,
                                                             std::chrono::milliseconds timeout,
                                                             SignalWatch& signals,
                                                             const Wrapper* wrapper = nullptr);

}  // namespace patchbench::harness
