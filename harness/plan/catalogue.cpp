#include "harness/plan/catalogue.hpp"

#include <algorithm>

#include "workloads/metrics.hpp"

namespace patchbench::harness {

const StrategyEntry* find_strategy(const Catalogue& catalogue, std::string_view id) {
  const auto found = std::ranges::find_if(
      catalogue.strategies, [id](const StrategyEntry& entry) { return entry.info.id == id; });
  return found == catalogue.strategies.end() ? nullptr : &*found;
}

const WorkloadInfo* find_workload(const Catalogue& catalogue, std::string_view id) {
  const auto found = std::ranges::find_if(
      catalogue.workloads, [id](const WorkloadInfo& workload) { return workload.id == id; });
  return found == catalogue.workloads.end() ? nullptr : &*found;
}

std::vector<std::string> strategy_ids(const Catalogue& catalogue) {
  std::vector<std::string> ids;
  for (const StrategyEntry& entry : catalogue.strategies) {
    ids.emplace_back(entry.info.id);
  }
  return ids;
}

std::vector<std::string> workload_ids(const Catalogue& catalogue) {
  std::vector<std::string> ids;
  for (const WorkloadInfo& workload : catalogue.workloads) {
    ids.push_back(workload.id);
  }
  return ids;
}

std::vector<std::string> execute_only_metrics(const Catalogue& catalogue) {
  std::vector<std::string> metrics;
  for (const WorkloadInfo& workload : catalogue.workloads) {
    for (const std::string& metric : workload.metrics) {
      const bool known = std::ranges::find(metrics, metric) != metrics.end();
      if (traits_of(metric).executes_only && !known) metrics.push_back(metric);
    }
  }
  return metrics;
}

}  // namespace patchbench::harness
