#include "analysis/quantity/selection.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace patchbench::analysis {

using results::Cell;
using results::Metric;
using results::Params;

const Metric* find_metric(const Cell& cell, std::string_view name) {
  const auto found =
      std::ranges::find_if(cell.metrics, [&](const Metric& metric) { return metric.name == name; });
  return found == cell.metrics.end() ? nullptr : &*found;
}

const results::Ratio* find_ratio(const Cell& cell, std::string_view metric) {
  const auto found = std::ranges::find_if(
      cell.ratios, [&](const results::Ratio& ratio) { return ratio.metric == metric; });
  return found == cell.ratios.end() ? nullptr : &*found;
}

const results::MetricEntry* find_described(const std::vector<results::MetricEntry>& metrics,
                                           std::string_view metric) {
  const auto found = std::ranges::find(metrics, metric, &results::MetricEntry::id);
  return found == metrics.end() ? nullptr : &*found;
}

std::string among_hits(const results::Results& results, std::string_view metric) {
  const auto* described = find_described(results.metrics, metric);
  return described == nullptr ? "" : described->among_hits;
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

std::optional<Params> nearest(const std::vector<Params>& sets, std::span<const Preference> wanted) {
  const auto distance = [&](const Params& params) {
    std::vector<double> distances;
    for (const auto& [param, nearest_to] : wanted) {
      const auto value = integer_param(params, param);
      distances.push_back(value && *value > 0 ? std::abs(std::log(static_cast<double>(*value) /
                                                                  static_cast<double>(nearest_to)))
                                              : std::numeric_limits<double>::max());
    }
    return distances;
  };
  const auto found = std::min_element(
      sets.begin(), sets.end(),
      [&](const Params& left, const Params& right) { return distance(left) < distance(right); });
  return found == sets.end() ? std::nullopt : std::optional(*found);
}

}  // namespace patchbench::analysis
