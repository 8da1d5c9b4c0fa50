// analysis/view/relink_rate.hpp - what sends cost by the share of them that relinks.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "analysis/quantity/quantities.hpp"
#include "analysis/render/chart.hpp"
#include "analysis/render/document.hpp"

namespace patchbench::analysis {

/// A row for each two strategies of which the run says which costs less, at every measured share or
/// up to one. Without a table where no shares were measured.
[[nodiscard]] Section rate_pairs_section(const results::Answer& answer);

/// send + p * relink of each strategy, and how far that is from what was measured.
[[nodiscard]] Section rate_models_section(const results::Answer& answer);

inline constexpr std::string_view kRateRatioCaption =
    "What a send costs where a share of the sends misses and relinks its site, as a ratio to the "
    "baseline in the same rounds, with its 95 % interval. Where a line crosses 1 lies the "
    "break-even with the baseline; where two lines cross, that of these two.";
inline constexpr std::string_view kRateCostCaption =
    "What a send costs by the share of sends that misses and relinks its site: the median over "
    "rounds, with its 95 % interval. At the left hits alone decide; from where a line rises, "
    "relinking does.";

/// Over the share, a panel for each set of other parameters. Empty where fewer than two shares were
/// measured, and of an emulated run.
[[nodiscard]] std::optional<LineChart> rate_ratio_chart(const Quantities& run);
[[nodiscard]] std::optional<LineChart> rate_cost_chart(const Quantities& run);

}  // namespace patchbench::analysis
