// analysis/view/break_even.hpp - from how many sends a patch on another strategy is the better one.
#pragma once

#include <optional>
#include <string_view>

#include "analysis/quantity/quantities.hpp"
#include "analysis/render/chart.hpp"
#include "analysis/render/document.hpp"

namespace patchbench::analysis {

/// A row for each two strategies of which the run says which is the better. How the number is found
/// stands in analysis/view/conclusions.hpp.
[[nodiscard]] Section break_even_section(const Quantities& run);

inline constexpr std::string_view kBreakEvenCaption =
    "What one patch and the sends until the next cost together, as a ratio to the baseline in the "
    "same rounds, with its 95 % interval. At the left patches decide, at the right sends do. Where "
    "a line crosses 1 lies the break-even with the baseline; where two lines cross, that of these "
    "two.";

/// Over sends a patch, a panel for each number of sites. Empty where the run has no patches and
/// sends of as many sites.
[[nodiscard]] std::optional<LineChart> break_even_chart(const Quantities& run);

}  // namespace patchbench::analysis
