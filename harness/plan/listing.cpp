#include "harness/plan/listing.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "harness/plan/parameters.hpp"
#include "harness/plan/preset.hpp"

namespace patchbench::harness {
namespace {

using Json = nlohmann::ordered_json;

std::string list_strategies(const Catalogue& catalogue, StrategyRole role) {
  std::string text;
  for (const StrategyEntry& entry : catalogue.strategies) {
    if (entry.info.role == role) {
      text += fmt::format("  {:<18}  {}{}\n", entry.info.id, entry.info.summary,
                          entry.info.only_workload.empty()
                              ? std::string()
                              : fmt::format(" ({} only)", entry.info.only_workload));
    }
  }
  return text;
}

/// An empty grid stands for the default.
std::string grid_text(const std::vector<std::string>& grid, const Parameter& parameter) {
  return grid.empty() ? parameter.default_value : fmt::format("{}", fmt::join(grid, ","));
}

std::string list_parameter(const Parameter& parameter) {
  const bool is_range =
      parameter.choices.empty() && !parameter.power_of_two && parameter.smallest_share == 0;
  return fmt::format(
      "    {}={}  {}\n        quick {}; standard {}; default {}\n", parameter.name,
      is_range ? fmt::format("{}..{}", parameter.min, parameter.max) : allowed_values(parameter),
      parameter.summary, grid_text(parameter.quick_grid, parameter),
      grid_text(parameter.standard_grid, parameter), parameter.default_value);
}

Json to_json(const Parameter& parameter) {
  Json json = {{"name", parameter.name},
               {"summary", parameter.summary},
               {"default", parameter.default_value},
               {"quick", parameter.quick_grid},
               {"standard", parameter.standard_grid}};
  if (parameter.smallest_share > 0) {
    json["minimum"] = parameter.smallest_share;
    json["maximum"] = 1;
  } else if (parameter.choices.empty()) {
    json["minimum"] = parameter.min;
    json["power_of_two"] = parameter.power_of_two;
    json["maximum"] = parameter.max;
  } else {
    json["choices"] = parameter.choices;
    if (parameter.why_unreadable != nullptr) json["file"] = true;
  }
  return json;
}

Json to_json(const WorkloadInfo& workload) {
  Json parameters = Json::array();
  for (const Parameter& parameter : workload.parameters) parameters.push_back(to_json(parameter));
  return {{"id", workload.id},
          {"summary", workload.summary},
          {"metrics", workload.metrics},
          {"parameters", std::move(parameters)}};
}

Json to_json(const StrategyInfo& strategy) {
  Json refused_by = Json::array();
  for (const Refusal& refusal : strategy.refused_by) {
    refused_by.push_back(policy_info(refusal.policy).id);
  }
  return {{"id", strategy.id},
          {"summary", strategy.summary},
          {"role", strategy.role == StrategyRole::control ? "control" : "strategy"},
          {"second_view", strategy.second_view},
          {"patches_code", strategy.patches_code},
          {"toggles_protection", strategy.toggles_protection},
          {"fork", strategy.fork},
          {"small_grid", strategy.small_grid},
          {"refused_by", std::move(refused_by)},
          {"code", strategy.code},
          {"only_workload",
           strategy.only_workload.empty() ? Json(nullptr) : Json(strategy.only_workload)}};
}

}  // namespace

std::string list_text(const Catalogue& catalogue) {
  std::string text = "Strategies\n" + list_strategies(catalogue, StrategyRole::strategy);
  text += "\nControls, part of every run\n" + list_strategies(catalogue, StrategyRole::control);
  text += fmt::format("  {:<18}  {}\n", kAgain, kAgainSummary);
  text += "\nWorkloads\n";
  for (const WorkloadInfo& workload : catalogue.workloads) {
    text += fmt::format("  {}  {}\n    metrics {}\n", workload.id, workload.summary,
                        fmt::join(workload.metrics, ", "));
    for (const Parameter& parameter : workload.parameters) text += list_parameter(parameter);
  }
  text += "\nPresets\n";
  for (const Preset& preset : kPresets) {
    text += fmt::format("  {:<10}  {}\n", preset.name, preset.summary);
  }
  return text;
}

std::string list_json(const Catalogue& catalogue) {
  Json strategies = Json::array();
  for (const StrategyEntry& entry : catalogue.strategies) strategies.push_back(to_json(entry.info));
  strategies.push_back(to_json(kAgainInfo));
  Json workloads = Json::array();
  for (const WorkloadInfo& workload : catalogue.workloads) workloads.push_back(to_json(workload));
  Json policies = Json::array();
  for (const PolicyInfo& policy : kPolicies) {
    policies.push_back({{"id", policy.id}, {"word", policy.word}, {"summary", policy.summary}});
  }
  Json presets = Json::array();
  for (const Preset& preset : kPresets) {
    presets.push_back(
        {{"name", preset.name}, {"summary", preset.summary}, {"budget_s", preset.until.budget_s}});
  }
  const Json all = {{"strategies", std::move(strategies)},
                    {"workloads", std::move(workloads)},
                    {"policies", std::move(policies)},
                    {"presets", std::move(presets)}};
  return all.dump(2) + "\n";
}

}  // namespace patchbench::harness
