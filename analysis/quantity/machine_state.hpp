// analysis/quantity/machine_state.hpp - in which state of the machine a run was measured, by its
// calibrations.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "analysis/statistics/run_shift.hpp"
#include "results/model.hpp"

namespace patchbench::analysis {

/// Medians over all calibrations of a run; empty where it has none.
struct MachineState {
  std::optional<double> latency_ns;     // of one dependent multiplication: the clock
  std::optional<double> throughput_ns;  // of one instruction that the front end bounds
};

[[nodiscard]] MachineState machine_state(const results::Results& results);

/// Runs whose calibrations differ by more than this share were in different states. The medians of
/// runs in a quiet state lie within 1 % of each other, those beside a neighbour 5 to 50 % above.
inline constexpr double kStateBound = 0.03;

/// Why a change between the two sides could be the machine's state; empty where it could not:
/// - a calibration of all runs of one side lies more than kStateBound above that of all runs of the
///   other (with several runs a side, states that both sides have met are part of the scatter
///   between runs);
/// - a run has no calibrations, unless both sides have two runs or more, which tell of their
///   scatter themselves.
///
/// `first_name` and `second_name` are how the sides are called.
[[nodiscard]] std::optional<std::string> why_states_differ(std::span<const results::Results> first,
                                                           std::span<const results::Results> second,
                                                           const std::string& first_name,
                                                           const std::string& second_name);

}  // namespace patchbench::analysis
