// analysis/quantity/selection.hpp - finding metrics in a cell, and parameters.
//
// Pointers returned point into what was passed and live as long.
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

/// What a run says of a metric; nullptr where it does not describe it.
[[nodiscard]] const results::MetricEntry* find_described(
    const std::vector<results::MetricEntry>& metrics, std::string_view metric);
/// The metric of the same change among sends that hit, which a predictor cannot learn; empty where
/// the run describes none of that kind.
[[nodiscard]] std::string among_hits(const results::Results& results, std::string_view metric);

/// The samples, and 0 in the rounds in which a difference was not above that: for ranks.
[[nodiscard]] std::vector<std::optional<double>> with_zeros(const results::Metric& metric);

[[nodiscard]] const results::ParamValue* find_param(const results::Params& params,
                                                    std::string_view name);
/// Empty where there is none, or it is a word.
[[nodiscard]] std::optional<std::int64_t> integer_param(const results::Params& params,
                                                        std::string_view name);
[[nodiscard]] results::Params without_param(const results::Params& params, std::string_view name);

using Preference = std::pair<std::string, std::int64_t>;

/// The one that comes nearest to the preferences (by ratio, the first preference decides first);
/// the first one where several are as near. Empty for none.
[[nodiscard]] std::optional<results::Params> nearest(const std::vector<results::Params>& sets,
                                                     std::span<const Preference> wanted);

}  // namespace patchbench::analysis
