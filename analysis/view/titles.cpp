#include "analysis/view/titles.hpp"

#include "analysis/quantity/selection.hpp"

namespace patchbench::analysis {
namespace {

using Metrics = std::vector<results::MetricEntry>;

}  // namespace

std::string metric_title(const results::Results& results, std::string_view metric) {
  return metric_title(results.metrics, metric);
}

std::string metric_title(const Metrics& metrics, std::string_view metric) {
  const auto* described = find_described(metrics, metric);
  return described == nullptr ? std::string(metric) : described->title;
}

bool has_a_column_for_each_mode(const results::Results& results, std::string_view metric) {
  const auto* described = find_described(results.metrics, metric);
  return described != nullptr && described->publishes;
}

}  // namespace patchbench::analysis
