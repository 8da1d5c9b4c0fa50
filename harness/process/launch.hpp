// harness/process/launch.hpp - the parent's side of a child: start it, sleep, and say how it ended.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/base/signals.hpp"
#include "harness/process/child.hpp"
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

/// Raises this process' limit of open descriptors to what it may be: each child of a group needs
/// three.
void use_all_descriptors();

/// Takes an entry as soon as its child has ended. `worked_ms` is the time that the children of the
/// group have used so far, each in its own turns: the rest of the wall time was the parent's.
using TakeEntry = std::function<void(results::JournalEntry entry, double worked_ms)>;

/// Is passed a task before its child is started, and before each of its turns.
using SayWhoWorks = std::function<void(const ChildTask& task)>;

/// Runs the children of one group, tasks that are compared with each other. They are alive at the
/// same time, on the same processor: set up one after the other, they then measure one batch each
/// in turn, in laps, each lap in another order that `seed` decides, all at the same metric as long
/// as every child has batches of it. At any time one of them executes and the others wait. A state
/// of the machine that lasts longer than a lap, a few milliseconds, is then the same for all of
/// them: tango's pairing, with a process of its own for each side. Their wall_ms is that of their
/// own turns. Where descriptors do not suffice for all at once, the group is measured in parts,
/// which are then not of the same laps. What becomes of one child does not concern the others; a
/// child that uses more than `timeout` in its turns has ended with it. False when the run was asked
/// to stop; then no child is left.
[[nodiscard]] bool run_group(std::span<const ChildTask> tasks, std::chrono::milliseconds timeout,
                             std::uint64_t seed, SignalWatch& signals, const TakeEntry& take,
                             const SayWhoWorks& works = {});

}  // namespace patchbench::harness
