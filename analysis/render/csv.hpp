// analysis/render/csv.hpp - a table for other programs: R, pandas, a spreadsheet.
#pragma once

#include <string>

#include "analysis/render/document.hpp"

namespace patchbench::analysis {

/// The header, then the rows. Fields are quoted as RFC 4180 says; lines end with a newline alone.
[[nodiscard]] std::string csv_text(const TextTable& table);

}  // namespace patchbench::analysis
