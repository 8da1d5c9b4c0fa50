#include "analysis/quantity/machine_state.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "analysis/statistics/statistics.hpp"

namespace patchbench::analysis {
namespace {

using results::Metric;
using results::Results;

using Calibrations = std::vector<std::optional<double>> Metric::*;
using Calibration = std::optional<double> MachineState::*;

std::optional<double> median_of(const Results& results, Calibrations calibrations) {
  std::vector<double> values;
  for (const auto& cell : results.cells) {
    for (const Metric& metric : cell.metrics) {
      const std::vector<double> more = present(metric.*calibrations);
      values.insert(values.end(), more.begin(), more.end());
    }
  }
  return median(values);
}

std::vector<MachineState> states_of(std::span<const Results> runs) {
  std::vector<MachineState> states;
  for (const Results& run : runs) states.push_back(machine_state(run));
  return states;
}

bool calibrated(const std::vector<MachineState>& states) {
  return std::ranges::all_of(
      states, [](const MachineState& state) { return state.latency_ns && state.throughput_ns; });
}

/// Empty where a run has none.
std::vector<double> values_of(const std::vector<MachineState>& states, Calibration calibration) {
  std::vector<double> values;
  for (const MachineState& state : states) {
    if (!(state.*calibration)) return {};
    values.push_back(*(state.*calibration));
  }
  std::ranges::sort(values);
  return values;
}

std::string range_text(const std::vector<double>& sorted) {
  if (sorted.size() == 1) return fmt::format("{:.4g} ns", sorted.front());
  return fmt::format("{:.4g} to {:.4g} ns", sorted.front(), sorted.back());
}

}  // namespace

MachineState machine_state(const Results& results) {
  return {median_of(results, &Metric::latency_ns), median_of(results, &Metric::throughput_ns)};
}

std::optional<std::string> why_states_differ(std::span<const Results> first,
                                             std::span<const Results> second,
                                             const std::string& first_name,
                                             const std::string& second_name) {
  const std::vector<MachineState> one = states_of(first);
  const std::vector<MachineState> two = states_of(second);
  const bool several = first.size() >= 2 && second.size() >= 2;
  for (const auto* side : {&one, &two}) {
    if (several || calibrated(*side)) continue;
    return fmt::format("{} has no calibrations, so in which state the machine was is not known",
                       side == &one ? first_name : second_name);
  }
  struct Kind {
    Calibration calibration;
    const char* what;
  };
  for (const Kind& kind :
       {Kind{&MachineState::latency_ns, "one dependent multiplication"},
        Kind{&MachineState::throughput_ns, "one instruction that the front end bounds"}}) {
    const std::vector<double> left = values_of(one, kind.calibration);
    const std::vector<double> right = values_of(two, kind.calibration);
    if (left.empty() || right.empty()) continue;
    const double apart = std::max(left.front() / right.back(), right.front() / left.back()) - 1;
    if (apart <= kStateBound) continue;
    return fmt::format("{} took {} in {} and {} in {}: {:.1f} % apart, where {:.3g} % is allowed",
                       kind.what, range_text(left), first_name, range_text(right), second_name,
                       100 * apart, 100 * kStateBound);
  }
  return std::nullopt;
}

}  // namespace patchbench::analysis
