// harness/process/child.hpp - one case of one round, in a process of its own.
//
// The parent starts its own executable again with kChildArgument as the only argument, writes a
// ChildTask to descriptor kTaskFd and reads one line from kAnswerFd: a JournalEntry as
// samples.jsonl has it. Everything that can go wrong inside the child is part of that line, except
// for what kills it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "harness/counters/event_group.hpp"
#include "harness/counters/event_split.hpp"
#include "harness/counters/fixed_runs.hpp"
#include "harness/plan/catalogue.hpp"
#include "results/model.hpp"

namespace patchbench::harness {

inline constexpr const char* kChildArgument = "--child";
inline constexpr int kTaskFd = 3;
inline constexpr int kAnswerFd = 4;
/// Of a child that takes turns: a socket to which it writes the index of the metric that it is
/// about to measure, and where it waits for a byte, before each batch.
inline constexpr int kTurnFd = 6;

enum class ChildPurpose {
  time,                // every measurement, against the clock
  execute,             // a fixed number of operations of one: counted from outside, see `metric`
  count_instructions,  // of every measurement, by harness/counters/emulated_instructions.hpp
  count_events,        // of every measurement, by harness/counters/count_events.hpp
};

struct ChildTask {
  std::string cell;      // its id; for the journal and for messages
  std::string strategy;  // the one that is executed
  std::string workload;  // empty: probe the strategy instead
  CellRequest request;
  int round = 0;
  int order = 0;
  int cpu = -1;                       // to be pinned to; -1: not pinned
  int batches = 0;                    // of each measurement
  double budget_ms = 0;               // of timing, over all measurements
  std::vector<std::string> left_out;  // metrics that are known well enough
  bool takes_turns = false;           // with the other children of its group (run_group)
  std::int64_t parent = 0;            // process id: a child whose parent is gone does not start
  std::string policy;  // set before anything else (strategies/policy.hpp); empty: none
  ChildPurpose purpose = ChildPurpose::time;
  std::string metric;                 // to execute
  Extent extent = Extent::fewer;      // to execute
  EventGroups events;                 // to count
  std::vector<int> processors;        // that the parent may use
  ReadPath read = ReadPath::fastest;  // by which
  bool cpu_time = false;              // to be counted beside the events
  /// What the parent starts, a layout of this executable; empty: this one. Nothing that a child
  /// needs to know.
  std::filesystem::path program = {};
  /// How much more time than usual it has: larger cases take longer. The parent's alone, too.
  double patience = 1;
};

/// In the answer of a child that executed: a counter of this name whose value is
/// operations_between().
inline constexpr const char* kOperationsBetween = "operations-between";

[[nodiscard]] std::string to_json_text(const ChildTask& task);
/// Throws std::exception for anything that to_json_text did not write.
[[nodiscard]] ChildTask parse_child_task(std::string_view text);

/// Does the task: never throws for what the case does. A successful probe's `reason` is what the
/// strategy chose
/// ("/tmp (ext4)").
[[nodiscard]] results::JournalEntry do_task(const Catalogue& catalogue, const ChildTask& task);

/// main() of a child. Returns its exit code: 0 when an answer was written, whatever it says.
/// `layout` is that of this executable, for the journal.
[[nodiscard]] int child_main(const Catalogue& catalogue, std::optional<int> layout);

}  // namespace patchbench::harness
