#include "harness/plan/catalogue.hpp"

#include <algorithm>

#include "strategies/publish.hpp"
#include "workloads/metrics.hpp"

namespace patchbench::harness {
namespace {

std::vector<results::HeadlineEntry> headline_of(const WorkloadInfo& workload, bool asked_for) {
  std::vector<results::HeadlineEntry> headline;
  if (!workload.headline || (workload.headline->empty() && asked_for)) {
    for (const std::string& metric : workload.metrics) headline.push_back({metric, {}});
    return headline;
  }
  for (const Headline& column : *workload.headline) {
    headline.push_back({column.metric, column.near});
  }
  return headline;
}

results::MetricEntry entry_of(const MetricTraits& metric) {
  return {.id = std::string(metric.id),
          .title = std::string(title_of(metric)),
          .meaning = std::string(metric.meaning),
          .unit = std::string(metric.unit),
          .executes_only = metric.executes_only,
          .countable = metric.is_countable,
          .patches = metric.patches,
          .publishes = metric.publishes,
          .among_hits = std::string(metric.among_hits),
          .installs = metric.installs,
          .replays = metric.replays,
          .beside_executors = metric.beside_executors,
          .undisturbed = std::string(metric.undisturbed),
          .leads_to = std::string(metric.leads_to),
          .in_bulk = metric.in_bulk,
          .over_islands = std::string(metric.over_islands)};
}

/// Those of all workloads, in the order of kMetrics; after them what only tests measure.
std::vector<results::MetricEntry> metrics_of(const Catalogue& catalogue) {
  std::vector<std::string> measured;
  for (const WorkloadInfo& workload : catalogue.workloads) {
    for (const std::string& metric : workload.metrics) {
      if (std::ranges::find(measured, metric) == measured.end()) measured.push_back(metric);
    }
  }
  std::vector<results::MetricEntry> metrics;
  for (const MetricTraits& metric : kMetrics) {
    if (std::erase(measured, metric.id) != 0) metrics.push_back(entry_of(metric));
  }
  for (const std::string& metric : measured) metrics.push_back(entry_of(traits_of(metric)));
  return metrics;
}

/// Of patches that end as the default of --publish has it.
results::Guarantee guarantee_of(const StrategyInfo& info) {
  if (!info.patches_code) return results::Guarantee::not_needed;
  const AliasKind alias = info.second_view ? AliasKind::second_view : AliasKind::same_address;
  return publish_is_architectural(alias, PublishMode::none) ? results::Guarantee::architectural
                                                            : results::Guarantee::none;
}

void describe_strategy(results::StrategyStatus& row, const StrategyInfo& info) {
  const auto give = [](std::optional<std::string>& to, std::string_view text) {
    if (!to && !text.empty()) to = text;
  };
  give(row.code, info.code);
  give(row.summary, info.summary);
  give(row.only_workload, info.only_workload);
  if (!row.second_view) row.second_view = info.second_view;
  if (!row.toggles_protection) {
    row.toggles_protection = info.toggles_protection;
    row.writable_and_executable = info.writable_and_executable;
    row.small_grid = info.small_grid;
    if (info.patches_code) give(row.fork, info.fork);
    for (const Refusal& refusal : info.refused_by) {
      row.refused_by.emplace_back(policy_info(refusal.policy).id);
    }
  }
  if (!row.guarantee) row.guarantee = guarantee_of(info);
  if (!row.role) {
    row.role =
        info.role == StrategyRole::control ? results::Role::control : results::Role::strategy;
  }
}

}  // namespace

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
  for (const StrategyEntry& entry : catalogue.strategies) ids.emplace_back(entry.info.id);
  return ids;
}

std::vector<std::string> workload_ids(const Catalogue& catalogue) {
  std::vector<std::string> ids;
  for (const WorkloadInfo& workload : catalogue.workloads) ids.push_back(workload.id);
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

void describe(results::Results& results, const Catalogue& catalogue,
              const std::vector<std::string>& asked_for) {
  for (results::StrategyStatus& row : results.strategies) {
    if (row.id == kAgain) {
      const StrategyEntry* twin = find_strategy(catalogue, results.baseline);
      if (twin != nullptr && !row.guarantee) row.guarantee = guarantee_of(twin->info);
      describe_strategy(row, kAgainInfo);
    } else if (const StrategyEntry* entry = find_strategy(catalogue, row.id); entry != nullptr) {
      describe_strategy(row, entry->info);
    }
  }
  for (const StrategyEntry& entry : catalogue.strategies) {
    if (entry.info.floor) results.floor = entry.info.id;
  }
  if (results.metrics.empty()) results.metrics = metrics_of(catalogue);
  if (!results.workloads.empty()) return;
  for (const WorkloadInfo& workload : catalogue.workloads) {
    const bool asked = std::ranges::find(asked_for, workload.id) != asked_for.end();
    results.workloads.push_back(
        {workload.id, workload.summary, workload.metrics, headline_of(workload, asked)});
  }
}

}  // namespace patchbench::harness
