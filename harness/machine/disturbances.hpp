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

struct ProbeSources {
  EnvironmentSources environment;
  int (*count_cycles)();  // as harness::count_cycles of counters/perf_event.hpp
};

/// In a fixed order, one for each thing that is looked at. Changes nothing and starts no program.
/// Sources name files as they are called on the machine, wherever `environment.root` is.
[[nodiscard]] std::vector<Finding> find_disturbances(const ProbeSources& sources);

/// What makes the times of a run with this context noisier, or not times at all.
[[nodiscard]] std::vector<std::string> warnings_of(const results::Context& context);

[[nodiscard]] std::string_view to_string(Effect effect);
[[nodiscard]] std::string findings_text(const std::vector<Finding>& findings);
[[nodiscard]] std::string findings_json(const std::vector<Finding>& findings);

}  // namespace patchbench::harness
