// analysis/view/report_document.hpp - what the report of a run says.
#pragma once

#include "analysis/quantity/quantities.hpp"
#include "analysis/render/document.hpp"

namespace patchbench::analysis {

/// An emulated run's has no times in it.
[[nodiscard]] Document make_document(const Quantities& run);

}  // namespace patchbench::analysis
