#include "harness/counters/simulated_counter.hpp"

#include <utility>

namespace patchbench::harness {

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
