// harness/run/options.hpp - what a person asked bench-run for.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "analysis/quantity/answer.hpp"
#include "harness/counting/source.hpp"
#include "harness/plan/plan.hpp"
#include "harness/plan/stopping.hpp"
#include "results/model.hpp"
#include "strategies/policy.hpp"
#include "workloads/workload.hpp"

namespace patchbench::harness {

enum class ListFormat { none, text, json };

enum class SelfTestWanted { no, alone, before_the_run };

/// Of --counters.
struct CountersAsked {
  std::vector<const CounterChoice*> sources;  // "simulated"
  std::vector<std::string> events;            // sets and events, as typed, each once
  bool automatic = false;                     // not by their names
};

struct Options {
  Selection selection;
  int rounds = 0;                 // the preset's unless given; with `until` the fewest
  std::optional<StopRule> until;  // instead of a number of rounds
  double delta = 0;               // the share below which two costs are called the same
  std::uint64_t seed = 0;
  std::optional<std::string> baseline;
  CountersAsked counters;
  SelfTestWanted self_test = SelfTestWanted::no;
  std::optional<Policy> policy;  // that children set for themselves
  ZoneOptions zone = {};
  /// Children are pinned to one of them, the same for a whole round; none: they are not pinned.
  std::vector<int> cpus;
  std::optional<std::filesystem::path> out;
  ListFormat list = ListFormat::none;
  bool dry_run = false;
  std::optional<std::string> dump_code;  // a case's id
  bool report = true;
  std::optional<double> timeout_s;  // of a case of usual size, instead of the program's
  bool quiet = false;
  bool verbose = false;
  std::vector<analysis::Profile> profiles;  // that the answer is for; empty: the usual ones
  std::string command;                      // as typed, for the record
  /// What decides the plan, in one form however it was typed, with what was left to chance or to
  /// the machine (seed, processors): the same arguments give the same plan.
  std::vector<std::string> arguments;
  /// What results.json in *out says of the run to resume; empty for a new one.
  std::optional<results::Results> unfinished;
};

/// As ChildTask has it: empty for none.
[[nodiscard]] inline std::string policy_word(const Options& options) {
  return options.policy ? std::string(policy_info(*options.policy).word) : std::string();
}

}  // namespace patchbench::harness
