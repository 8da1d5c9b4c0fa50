// harness/run/settings.hpp - what the program itself and tests set, and no user.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "harness/machine/environment.hpp"

namespace patchbench::harness {

struct Settings {
  std::string_view layout_marker;  // empty: the program has one layout and does not say so
  std::chrono::milliseconds child_timeout{30'000};
  std::optional<double> budget_ms;      // instead of the preset's
  std::optional<int> self_test_rounds;  // at most, instead of kMostSelfTestRounds
  EnvironmentSources sources;
};

}  // namespace patchbench::harness
