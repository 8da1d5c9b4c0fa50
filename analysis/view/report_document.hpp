// analysis/view/report_document.hpp - what the report of a run says.
#pragma once

#include "analysis/render/document.hpp"
#include "results/model.hpp"

namespace patchbench::analysis {

/// An emulated run's has no times in it.
[[nodiscard]] Document make_document(const results::Results& results);

}  // namespace patchbench::analysis
