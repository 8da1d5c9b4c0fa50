// harness/plan/preset.hpp - how much of the grid a run covers, and for how long it looks at each
// case.
#pragma once

#include <array>
#include <string_view>

#include "harness/plan/stopping.hpp"

namespace patchbench::harness {

struct Preset {
  std::string_view name;
  std::string_view summary;
  bool quick_grid = false;  // Parameter::quick_grid instead of standard_grid
  /// Strategies that have a small grid (strategies/registry.hpp) are measured at one point of it,
  /// as long as neither strategies nor workloads nor parameters were named.
  bool small_grid = true;
  /// Instead of a number of rounds (stopping.hpp): what is known is not measured any more.
  StopRule until;
  int batches = 0;       // of each measurement, in one child
  double budget_ms = 0;  // of timing in one child at most, over all of its measurements
  /// Controls explain and are not decided by: where a rule ends the run, every how many rounds they
  /// are measured. The baseline's twin is in all rounds.
  int controls_every = 1;
  int counted_rounds = 0;  // children of a case that count events, after the timed ones
};

inline constexpr std::array<Preset, 3> kPresets = {{
    {.name = "quick",
     .summary = "every strategy and workload at a few parameters; a minute that decides 3 %",
     .quick_grid = true,
     .until = {.precision = 0.015, .budget_s = 58, .of_distance = 0.33},
     .batches = 14,
     .budget_ms = 60,
     .controls_every = 3,
     .counted_rounds = 1},
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
     .small_grid = false,
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
