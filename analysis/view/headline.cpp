#include "analysis/view/headline.hpp"

#include <algorithm>

#include "analysis/quantity/selection.hpp"
#include "analysis/view/publishing.hpp"
#include "analysis/view/titles.hpp"

namespace patchbench::analysis {
namespace {

bool measured(const Quantities& run, const HeadlineColumn& column) {
  return std::any_of(run.strategies().begin(), run.strategies().end(),
                     [&](const auto& id) { return cost_of(run, column, id).metric != nullptr; });
}

/// A run that interests for something else: everything that its workloads measure, once.
std::vector<HeadlineColumn> first_of_each(const Quantities& run) {
  std::vector<HeadlineColumn> columns;
  for (const std::string& workload : workloads(run)) {
    const results::Params params = param_sets(run, workload).front();
    const auto here = [&](const Quantity& one) {
      return one.set == kTimes && one.workload == workload && one.params == params;
    };
    for (std::string& metric : distinct(run, here, [](const Quantity& one) { return one.name; })) {
      columns.push_back({workload, std::move(metric), params, {}});
    }
  }
  return columns;
}

/// The column in every mode that was measured.
std::vector<HeadlineColumn> in_every_mode(const Quantities& run, const HeadlineColumn& column) {
  std::vector<HeadlineColumn> modes;
  for (const results::Params& params : modes_of(run, column.workload, column.params)) {
    HeadlineColumn mode{column.workload, column.metric, params, publish_mode(params)};
    if (measured(run, mode)) modes.push_back(std::move(mode));
  }
  return modes;
}

/// Columns of patches in every mode, those of anything else in their own.
std::vector<HeadlineColumn> with_modes(const Quantities& run,
                                       const std::vector<HeadlineColumn>& columns) {
  std::vector<HeadlineColumn> all;
  for (const HeadlineColumn& column : columns) {
    std::vector<HeadlineColumn> modes = in_every_mode(run, column);
    if (modes.size() < 2) {
      all.push_back(column);
    } else if (has_a_column_for_each_mode(run.results(), column.metric)) {
      all.insert(all.end(), modes.begin(), modes.end());
    } else {
      all.push_back(column);
      all.back().mode = publish_mode(column.params);
    }
  }
  return all;
}

}  // namespace

bool same_operation(const HeadlineColumn& one, const HeadlineColumn& other) {
  return one.workload == other.workload && one.metric == other.metric && one.params == other.params;
}

std::vector<HeadlineColumn> headline_columns(const Quantities& run) {
  std::vector<HeadlineColumn> columns;
  for (const results::WorkloadEntry& workload : run.results().workloads) {
    for (const results::HeadlineEntry& wanted : workload.headline) {
      const auto params = nearest(param_sets(run, workload.id), wanted.near);
      if (!params) continue;
      HeadlineColumn column{workload.id, wanted.metric, *params, {}};
      HeadlineColumn better{workload.id, among_hits(run.results(), wanted.metric), *params, {}};
      if (!better.metric.empty() && measured(run, better)) column = std::move(better);
      const bool repeated = std::ranges::any_of(
          columns, [&](const HeadlineColumn& known) { return same_operation(known, column); });
      if (!repeated && measured(run, column)) columns.push_back(std::move(column));
    }
  }
  return with_modes(run, columns.empty() ? first_of_each(run) : columns);
}

Quantity cost_of(const Quantities& run, const HeadlineColumn& column, const std::string& strategy) {
  return run.time({column.workload, column.params}, strategy, column.metric);
}

}  // namespace patchbench::analysis
