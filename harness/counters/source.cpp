#include "harness/counters/source.hpp"

#include <algorithm>
#include <array>

#include "harness/counters/simulated.hpp"
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

results::Counter simulated_counter(std::string_view name, std::string_view metric) {
  results::Counter counter;
  counter.name = name;
  counter.source = results::kSimulated;
  counter.scope = "user";
  counter.per = metric;
  counter.status = "ok";
  return counter;
}

std::vector<results::Counter> not_counted(std::span<const std::string> metrics,
                                          std::string_view status, const std::string& reason) {
  std::vector<results::Counter> counters;
  for (const std::string& metric : metrics) {
    for (const std::string_view name : results::kSimulatedCounters) {
      results::Counter counter = simulated_counter(name, metric);
      counter.status = status;
      counter.reason = reason;
      counters.push_back(std::move(counter));
    }
  }
  return counters;
}

}  // namespace patchbench::harness
