// harness/policies/leaks.hpp - what each strategy leaves on the machine when its process is killed,
// found out by killing one after each of its system calls.
//
// Not at random moments: a window of one call is hit once in a run here, and once in thousands by a
// timer. Each process reserves a zone, patches and executes in it, and gives it back.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <vector>

#include "workloads/workload.hpp"

namespace patchbench::harness {

struct Leak {
  std::string after;  // the last call that was made: "shmget"
  std::string what;   // "a System V segment"

  friend bool operator==(const Leak&, const Leak&) = default;
};

struct LeaksOfStrategy {
  std::string id;
  std::string condition;    // "" or "without O_TMPFILE"
  std::string unavailable;  // why nothing was tried: refused here, or ptrace is
  int calls = 0;            // processes that were killed, each after one call more
  std::vector<Leak> leaks;
};

struct Leaks {
  bool segments_go_with_last_user = false;  // kernel.shm_rmid_forced=1
  std::vector<LeaksOfStrategy> strategies;
};

/// Strategies as registered, those without code of their own to patch left out. All that was left
/// is removed. A process that outlives its parent by `patience` is left. The caller has one thread
/// and no children. Throws std::system_error where there can be no child or no directory.
[[nodiscard]] Leaks find_leaks(std::span<const StrategyEntry> strategies,
                               std::chrono::milliseconds patience = std::chrono::seconds(2));

[[nodiscard]] std::string leaks_text(const Leaks& leaks);
[[nodiscard]] std::string leaks_json(const Leaks& leaks);

}  // namespace patchbench::harness
