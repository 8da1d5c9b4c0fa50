// harness/machine/disturbances.hpp - what of this machine will disturb a run, and how to change it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/machine/environment.hpp"

namespace patchbench::harness {

enum class Effect { none, disturbs, unknown };

struct Finding {
  std::string name;                  // "governor"
  std::optional<std::string> value;  // as read; empty where it could not be
  std::string source;                // the file or call that says so
  Effect effect = Effect::unknown;   // unknown where there is no value, never a guess
  std::string why;                   // what it does to a run, or why it is not known
  std::string command;               // that changes it; empty where none does
};

/// Counts cycles of this process in user mode: 0, or the errno of perf_event_open(2), or ENODATA
/// where there is a counter that counts nothing, as some virtual machines have it.
[[nodiscard]] int count_cycles();

struct ProbeSources {
  EnvironmentSources environment;
  int (*count_cycles)() = harness::count_cycles;
};

/// In a fixed order, one for each thing that is looked at. Changes nothing and starts no program.
/// Sources name files as they are called on the machine, wherever `environment.root` is.
[[nodiscard]] std::vector<Finding> find_disturbances(const ProbeSources& sources);

[[nodiscard]] std::string_view to_string(Effect effect);
[[nodiscard]] std::string findings_text(const std::vector<Finding>& findings);
[[nodiscard]] std::string findings_json(const std::vector<Finding>& findings);

}  // namespace patchbench::harness
