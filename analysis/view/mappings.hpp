// analysis/view/mappings.hpp - how many mappings (the kernel's VMAs) a strategy occupies: before,
// while and after a cell is there, and while a patch is open.
#pragma once

#include <optional>

#include "analysis/quantity/quantities.hpp"
#include "analysis/render/document.hpp"

namespace patchbench::analysis {

/// The cells of the headline. Empty where no cell says how many its process had.
[[nodiscard]] std::optional<Section> mappings_section(const Quantities& run);

}  // namespace patchbench::analysis
