#include "harness/counting/source.hpp"

#include <algorithm>
#include <array>

#include "harness/counting/simulated.hpp"
#include "workloads/metrics.hpp"

namespace patchbench::harness {

std::span<const CounterChoice> counter_choices() {
  static constexpr std::array kChoices = {
      CounterChoice{.id = results::kSimulated,
                    .summary = "counts of a simulator or emulator, per send and per patch",
                    .find = &find_simulated}};
  return kChoices;
}

const CounterChoice* find_counter_choice(std::string_view id) {
  const auto choices = counter_choices();
  const auto found = std::ranges::find(choices, id, &CounterChoice::id);
  return found == choices.end() ? nullptr : &*found;
}

void SimulatedSource::describe(results::Context& context) const {
  context.simulator = description();
}

bool SimulatedSource::counts(std::string_view metric) const {
  return traits_of(metric).is_countable;
}

double SimulatedSource::expected_seconds(const CountedCell& cell) const {
  constexpr double kOfAMetric = 2;  // two children, twenty times slower
  return kOfAMetric * static_cast<double>(cell.metrics.size());
}

}  // namespace patchbench::harness
