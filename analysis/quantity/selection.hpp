// analysis/quantity/selection.hpp - finding cells, metrics and parameters in a run's results.
//
// Pointers and references returned point into the results that were passed and live as long.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "results/model.hpp"

namespace patchbench::analysis {

/// nullptr where the cell has none of that name.
[[nodiscard]] const results::Metric* find_metric(const results::Cell& cell, std::string_view name);
[[nodiscard]] const results::Ratio* find_ratio(const results::Cell& cell, std::string_view metric);
[[nodiscard]] const results::StrategyStatus* find_strategy(const results::Results& results,
                                                           std::string_view id);
[[nodiscard]] const results::Cell* find_cell(const results::Results& results,
                                             std::string_view workload, std::string_view strategy,
                                             const results::Params& params);

/// The samples, and 0 in the rounds in which a difference was not above that: for ranks.
[[nodiscard]] std::vector<std::optional<double>> with_zeros(const results::Metric& metric);

/// The metric of a cell that may be used as a number: the cell is `ok` and the metric has a median.
/// Otherwise nullptr.
[[nodiscard]] const results::Metric* usable_metric(const results::Cell* cell,
                                                   std::string_view name);

[[nodiscard]] const results::ParamValue* find_param(const results::Params& params,
                                                    std::string_view name);
/// Empty where there is none, or it is a word.
[[nodiscard]] std::optional<std::int64_t> integer_param(const results::Params& params,
                                                        std::string_view name);
[[nodiscard]] results::Params without_param(const results::Params& params, std::string_view name);

/// In the order of the run.
[[nodiscard]] std::vector<std::string> workloads_in_order(const results::Results& results);
/// The distinct parameter sets of a workload's cells, in the order of the run.
[[nodiscard]] std::vector<results::Params> param_sets(const results::Results& results,
                                                      std::string_view workload);

struct Preference {
  std::string_view param;
  std::int64_t value = 0;
};

/// The parameter set that comes nearest to the preferences (by ratio, the first preference decides
/// first); the run's first one where several are as near. Empty where the workload has no cell.
[[nodiscard]] std::optional<results::Params> representative(const results::Results& results,
                                                            std::string_view workload,
                                                            std::span<const Preference> wanted);
[[nodiscard]] std::optional<results::Params> nearest(const std::vector<results::Params>& sets,
                                                     std::span<const Preference> wanted);

/// Why a strategy has no number: its own reason where this machine refused it, else the cell's.
/// Never empty.
[[nodiscard]] std::string why_missing(const results::Results& results, std::string_view strategy,
                                      const results::Cell* cell);

}  // namespace patchbench::analysis
