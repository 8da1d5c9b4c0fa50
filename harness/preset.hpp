// harness/preset.hpp - how much of the grid a run covers, and for how long it looks at each cell.
#pragma once

#include <array>
#include <string_view>

namespace patchbench::harness {

struct Preset {
  std::string_view name;
  std::string_view summary;
  bool quick_grid = false;  // Parameter::quick_grid instead of standard_grid
  int rounds = 0;
  int batches = 0;         // of each measurement, in one child
  double budget_ms = 0;    // of timing in one child at most, over all of its measurements
  int counted_rounds = 0;  // children of a cell that count events, after the timed ones
};

inline constexpr std::array<Preset, 3> kPresets = {{
    {.name = "quick",
     .summary = "every strategy and workload at a few parameters; a first look in two minutes",
     .quick_grid = true,
     .rounds = 7,
     .batches = 41,
     .budget_ms = 80,
     .counted_rounds = 1},
    {.name = "standard",
     .summary = "the whole grid, in less than an hour",
     .quick_grid = false,
     .rounds = 20,
     .batches = 61,
     .budget_ms = 120,
     .counted_rounds = 3},
    {.name = "paper",
     .summary = "the whole grid with rounds enough to decide a few percent, in less than two hours",
     .quick_grid = false,
     .rounds = 50,
     .batches = 101,
     .budget_ms = 200,
     .counted_rounds = 5},
}};

/// nullptr when there is none of that name.
[[nodiscard]] constexpr const Preset* find_preset(std::string_view name) {
  for (const Preset& preset : kPresets) {
    if (preset.name == name) {
      return &preset;
    }
  }
  return nullptr;
}

}  // namespace patchbench::harness
