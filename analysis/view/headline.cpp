#include "analysis/view/headline.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "analysis/quantity/selection.hpp"
#include "analysis/view/publishing.hpp"
#include "analysis/view/titles.hpp"

namespace patchbench::analysis {
namespace {

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
  constexpr std::array<std::string_view, 5> kPatches = {
      "publish", "patch", "patch_isolated", "patch_execute", "patch_execute_among_hits"};
  std::vector<HeadlineColumn> all;
  for (const HeadlineColumn& column : columns) {
    std::vector<HeadlineColumn> modes = in_every_mode(run, column);
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

std::vector<HeadlineColumn> headline_columns(const Quantities& run) {
  std::vector<HeadlineColumn> columns;
  for (const Wanted& wanted : customary()) {
    const auto params = nearest(param_sets(run, wanted.workload), wanted.preferences);
    if (!params) continue;
    HeadlineColumn column{std::string(wanted.workload), std::string(wanted.metric), *params, {}};
    if (HeadlineColumn better = column; !among_hits(wanted.metric).empty()) {
      better.metric = among_hits(wanted.metric);
      if (measured(run, better)) column = std::move(better);
    }
    const bool repeated = std::any_of(columns.begin(), columns.end(), [&](const auto& known) {
      return known.workload == column.workload && known.metric == column.metric &&
             known.params == column.params;
    });
    if (!repeated && measured(run, column)) columns.push_back(std::move(column));
  }
  return with_modes(run, columns.empty() ? first_of_each(run) : columns);
}

Quantity cost_of(const Quantities& run, const HeadlineColumn& column, const std::string& strategy) {
  return run.time({column.workload, column.params}, strategy, column.metric);
}

}  // namespace patchbench::analysis
