#include "analysis/headline.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string_view>

#include <fmt/format.h>

#include "analysis/publishing.hpp"
#include "analysis/selection.hpp"
#include "analysis/titles.hpp"

namespace patchbench::analysis {
namespace {

using results::Results;

struct Wanted {
  std::string_view workload;
  std::string_view metric;
  std::vector<Preference> preferences;
};

/// In the order of the table.
std::vector<Wanted> customary() {
  return {
      {"mic", "send", {{"sites", 1024}}},
      {"mic", "send", {{"sites", 16384}}},
      {"pic", "send", {{"degree", 4}, {"sites", 1024}}},
      {"open-pic", "send", {{"classes", 256}, {"cache_entries", 1024}}},
      {"mixed", "send", {{"sites", 1024}}},
      {"link", "link", {{"sites", 1024}}},
      {"relink", "patch", {{"batch", 1}, {"sites", 1024}}},
      {"relink", "patch_isolated", {{"batch", 1}, {"sites", 1024}}},
      {"relink", "patch_execute", {{"batch", 1}, {"sites", 1024}}},
      {"relink", "execute", {{"batch", 1}, {"sites", 1024}}},
      {"relink", "miss", {{"batch", 1}, {"sites", 1024}}},
      {"relink", "patch", {{"batch", 1}, {"sites", 64}}},
      {"relink", "patch_isolated", {{"batch", 1}, {"sites", 64}}},
      {"relink", "patch_execute", {{"batch", 1}, {"sites", 64}}},
      {"relink", "execute", {{"batch", 1}, {"sites", 64}}},
  };
}

bool measured(const Results& results, const HeadlineColumn& column) {
  return std::any_of(results.cells.begin(), results.cells.end(), [&](const results::Cell& cell) {
    return cell.workload == column.workload && cell.params == column.params &&
           find_metric(cell, column.metric) != nullptr;
  });
}

/// A run that interests for something else: everything that its workloads measure, once.
std::vector<HeadlineColumn> first_of_each(const Results& results) {
  std::vector<HeadlineColumn> columns;
  for (const std::string& workload : workloads_in_order(results)) {
    const results::Params params = param_sets(results, workload).front();
    for (const results::Cell& cell : results.cells) {
      if (cell.workload != workload || cell.params != params) continue;
      for (const results::Metric& metric : cell.metrics) {
        const bool known = std::any_of(columns.begin(), columns.end(), [&](const auto& column) {
          return column.workload == workload && column.metric == metric.name;
        });
        if (!known) columns.push_back({workload, metric.name, params, {}});
      }
    }
  }
  return columns;
}

/// The column in every mode that was measured.
std::vector<HeadlineColumn> in_every_mode(const Results& results, const HeadlineColumn& column) {
  std::vector<HeadlineColumn> modes;
  for (const results::Params& params : modes_of(results, column.workload, column.params)) {
    HeadlineColumn mode{column.workload, column.metric, params, publish_mode(params)};
    if (measured(results, mode)) modes.push_back(std::move(mode));
  }
  return modes;
}

/// Columns of patches in every mode, those of anything else in their own.
std::vector<HeadlineColumn> with_modes(const Results& results,
                                       const std::vector<HeadlineColumn>& columns) {
  constexpr std::array<std::string_view, 5> kPatches = {
      "publish", "patch", "patch_isolated", "patch_execute", "patch_execute_among_hits"};
  std::vector<HeadlineColumn> all;
  for (const HeadlineColumn& column : columns) {
    std::vector<HeadlineColumn> modes = in_every_mode(results, column);
    if (modes.size() < 2) {
      all.push_back(column);
    } else if (std::find(kPatches.begin(), kPatches.end(), column.metric) != kPatches.end()) {
      all.insert(all.end(), modes.begin(), modes.end());
    } else {
      all.push_back(column);
      all.back().mode = publish_mode(column.params);
    }
  }
  return all;
}

}  // namespace

std::vector<HeadlineColumn> headline_columns(const Results& results) {
  std::vector<HeadlineColumn> columns;
  for (const Wanted& wanted : customary()) {
    const auto params = representative(results, wanted.workload, wanted.preferences);
    if (!params) continue;
    HeadlineColumn column{std::string(wanted.workload), std::string(wanted.metric), *params, {}};
    if (HeadlineColumn better = column; !among_hits(wanted.metric).empty()) {
      better.metric = among_hits(wanted.metric);
      if (measured(results, better)) column = std::move(better);
    }
    const bool repeated = std::any_of(columns.begin(), columns.end(), [&](const auto& known) {
      return known.workload == column.workload && known.metric == column.metric &&
             known.params == column.params;
    });
    if (!repeated && measured(results, column)) columns.push_back(std::move(column));
  }
  return with_modes(results, columns.empty() ? first_of_each(results) : columns);
}

std::string short_number(double value) {
  // The thresholds are where rounding would add a digit.
  const double size = std::abs(value);
  if (size > 0 && size < 0.0995) return fmt::format("{:.3f}", value).substr(1);  // ".020"
  if (size < 9.995) return fmt::format("{:.2f}", value);
  if (size < 99.95) return fmt::format("{:.1f}", value);
  if (size < 9999.5) return fmt::format("{:.0f}", value);
  if (size < 99950) return fmt::format("{:.1f}k", value / 1000);
  if (size < 999500) return fmt::format("{:.0f}k", value / 1000);
  if (size < 99.95e6) return fmt::format("{:.1f}M", value / 1e6);
  return fmt::format("{:.2g}", value);
}

std::string short_interval(const std::array<double, 2>& interval) {
  return fmt::format("[{},{}]", short_number(interval[0]), short_number(interval[1]));
}

std::string grouped(std::int64_t value) {
  std::string digits = std::to_string(value);
  const std::size_t first = digits.starts_with('-') ? 1 : 0;
  for (std::size_t at = digits.size(); at > first + 3; at -= 3) digits.insert(at - 3, 1, ',');
  return digits;
}

}  // namespace patchbench::analysis
