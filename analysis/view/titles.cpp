#include "analysis/view/titles.hpp"

#include <algorithm>

namespace patchbench::analysis {
namespace {

using Metrics = std::vector<results::MetricEntry>;

const results::MetricEntry* find_described(const Metrics& metrics, std::string_view metric) {
  const auto found = std::ranges::find(metrics, metric, &results::MetricEntry::id);
  return found == metrics.end() ? nullptr : &*found;
}

}  // namespace

std::string metric_title(const results::Results& results, std::string_view metric) {
  return metric_title(results.metrics, metric);
}

std::string metric_title(const Metrics& metrics, std::string_view metric) {
  const auto* described = find_described(metrics, metric);
  return described == nullptr ? std::string(metric) : described->title;
}

std::string among_hits(const results::Results& results, std::string_view metric) {
  const auto* described = find_described(results.metrics, metric);
  return described == nullptr ? "" : described->among_hits;
}

bool has_a_column_for_each_mode(const results::Results& results, std::string_view metric) {
  const auto* described = find_described(results.metrics, metric);
  return described != nullptr && described->publishes;
}

}  // namespace patchbench::analysis
