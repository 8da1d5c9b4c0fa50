// harness/plan/preset.hpp - how much of the grid a run covers, and for how long it looks at each
// case.
#pragma once

#include <array>
#include <string_view>

#include "harness/plan/stopping.hpp"

namespace patchbench::harness {

/// Where strategies that have a small grid (strategies/registry.hpp) are measured, as long as
/// neither strategies nor workloads nor parameters were named.
enum class SmallGrid {
  whole,     // they have none
  point,     // at one point of each workload (WorkloadInfo::small_grid)
  deciding,  // and only of the workloads that the run's answer rests on
};

struct Preset {
  std::string_view name;
  std::string_view summary;
  bool quick_grid = false;  // Parameter::quick_grid instead of standard_grid
  SmallGrid small_grid = SmallGrid::point;
  /// Instead of a number of rounds (stopping.hpp): what is known is not measured any more.
  StopRule until;
  int batches = 0;       // of each measurement, in one child
  double budget_ms = 0;  // of timing in one child at most, over all of its measurements
  /// Where a rule ends the run and nothing but the preset was asked for, every how many rounds the
  /// cases are measured that the answer does not rest on (WorkloadInfo::decides). A multiple of
  /// controls_every.
  int others_every = 1;
  /// Controls explain and are not decided by: where a rule ends the run, every how many rounds they
  /// are measured. The baseline's twin is in all rounds.
  int controls_every = 1;
  int counted_rounds = 0;  // children of a case that count events, after the timed ones
  /// Whether these wait for as many clock ticks as CPU time takes, for each metric.
  bool counts_cpu_time = true;
};

inline constexpr std::array<Preset, 3> kPresets = {{
    {.name = "quick",
     .summary = "every strategy and workload at a few parameters; a minute that decides 3 %",
     .quick_grid = true,
     .small_grid = SmallGrid::deciding,
     .until = {.precision = 0.015, .budget_s = 58, .of_distance = 0.33},
     .batches = 14,
     .budget_ms = 60,
     .others_every = 12,
     .controls_every = 3,
     .counted_rounds = 1,
     .counts_cpu_time = false},
    {.name = "standard",
     .summary = "the whole grid, to 1 %, in 20 minutes at most",
     .quick_grid = false,
     .until = {.precision = 0.005, .budget_s = 1200, .of_distance = 0.02},
     .batches = 14,
     .budget_ms = 80,
     .counted_rounds = 3},
    {.name = "paper",
     .summary = "the whole grid, to half a percent, in less than two hours",
     .quick_grid = false,
     .small_grid = SmallGrid::whole,
     .until = {.precision = 0.0025, .budget_s = 6000, .of_distance = 0.01},
     .batches = 21,
     .budget_ms = 120,
     .counted_rounds = 5},
}};

/// nullptr when there is none of that name.
[[nodiscard]] constexpr const Preset* find_preset(std::string_view name) {
  for (const Preset& preset : kPresets) {
    if (preset.name == name) return &preset;
  }
  return nullptr;
}

}  // namespace patchbench::harness
