#include "analysis/quantity/selection.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace patchbench::analysis {

using results::Cell;
using results::Metric;
using results::Params;
using results::Results;

const Metric* find_metric(const Cell& cell, std::string_view name) {
  const auto found = std::find_if(cell.metrics.begin(), cell.metrics.end(),
                                  [&](const Metric& metric) { return metric.name == name; });
  return found == cell.metrics.end() ? nullptr : &*found;
}

const results::Ratio* find_ratio(const Cell& cell, std::string_view metric) {
  const auto found =
      std::find_if(cell.ratios.begin(), cell.ratios.end(),
                   [&](const results::Ratio& ratio) { return ratio.metric == metric; });
  return found == cell.ratios.end() ? nullptr : &*found;
}

const results::StrategyStatus* find_strategy(const Results& results, std::string_view id) {
  for (const auto& strategy : results.strategies) {
    if (strategy.id == id) return &strategy;
  }
  return nullptr;
}

const Cell* find_cell(const Results& results, std::string_view workload, std::string_view strategy,
                      const Params& params) {
  for (const Cell& cell : results.cells) {
    if (cell.workload == workload && cell.strategy == strategy && cell.params == params) {
      return &cell;
    }
  }
  return nullptr;
}

const Metric* usable_metric(const Cell* cell, std::string_view name) {
  if (cell == nullptr || cell->status != results::CellStatus::ok) return nullptr;
  const Metric* metric = find_metric(*cell, name);
  return metric != nullptr && metric->median ? metric : nullptr;
}

std::vector<std::optional<double>> with_zeros(const Metric& metric) {
  std::vector<std::optional<double>> samples = metric.samples;
  for (const int round : metric.not_above_zero) {
    if (static_cast<std::size_t>(round) < samples.size()) {
      samples[static_cast<std::size_t>(round)] = 0;
    }
  }
  return samples;
}

const results::ParamValue* find_param(const Params& params, std::string_view name) {
  for (const auto& [key, value] : params) {
    if (key == name) return &value;
  }
  return nullptr;
}

std::optional<std::int64_t> integer_param(const Params& params, std::string_view name) {
  const results::ParamValue* value = find_param(params, name);
  if (value == nullptr || !std::holds_alternative<std::int64_t>(*value)) return std::nullopt;
  return std::get<std::int64_t>(*value);
}

Params without_param(const Params& params, std::string_view name) {
  Params rest;
  for (const auto& param : params) {
    if (param.first != name) rest.push_back(param);
  }
  return rest;
}

std::vector<std::string> workloads_in_order(const Results& results) {
  std::vector<std::string> ids;
  for (const Cell& cell : results.cells) {
    if (std::find(ids.begin(), ids.end(), cell.workload) == ids.end()) ids.push_back(cell.workload);
  }
  return ids;
}

std::vector<Params> param_sets(const Results& results, std::string_view workload) {
  std::vector<Params> sets;
  for (const Cell& cell : results.cells) {
    if (cell.workload != workload) continue;
    if (std::find(sets.begin(), sets.end(), cell.params) == sets.end()) {
      sets.push_back(cell.params);
    }
  }
  return sets;
}

std::optional<Params> representative(const Results& results, std::string_view workload,
                                     std::span<const Preference> wanted) {
  return nearest(param_sets(results, workload), wanted);
}

std::optional<Params> nearest(const std::vector<Params>& sets, std::span<const Preference> wanted) {
  const auto distance = [&](const Params& params) {
    std::vector<double> distances;
    for (const Preference& preference : wanted) {
      const auto value = integer_param(params, preference.param);
      distances.push_back(value && *value > 0
                              ? std::abs(std::log(static_cast<double>(*value) /
                                                  static_cast<double>(preference.value)))
                              : std::numeric_limits<double>::max());
    }
    return distances;
  };
  const auto found = std::min_element(
      sets.begin(), sets.end(),
      [&](const Params& left, const Params& right) { return distance(left) < distance(right); });
  return found == sets.end() ? std::nullopt : std::optional(*found);
}

std::string why_missing(const Results& results, std::string_view strategy, const Cell* cell) {
  const auto* status = find_strategy(results, strategy);
  if (status != nullptr && status->status != results::Availability::available) {
    if (!status->reason.empty()) return status->reason;
    return std::string(to_string(status->status));
  }
  if (cell == nullptr) return "not part of this run";
  if (cell->status == results::CellStatus::ok) return "not measured";
  const std::string word(to_string(cell->status));
  return cell->reason.empty() ? word : word + ": " + cell->reason;
}

}  // namespace patchbench::analysis
