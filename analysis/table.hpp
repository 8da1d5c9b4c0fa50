// analysis/table.hpp - the table at the end of a run: what a person started it for.
#pragma once

#include <string>

#include "results/model.hpp"

namespace patchbench::analysis {

struct TableOptions {
  int width = 100;      // columns of the terminal; narrower than 80 is treated as 80
  bool colour = false;  // ANSI colours on the verdicts
};

/// Send and patch cost of every strategy against the baseline, then the controls, then one line on
/// how to read it. UTF-8-free (plain ASCII), every line at most `width` columns, ends with a
/// newline.
[[nodiscard]] std::string terminal_table(const results::Results& results,
                                         const TableOptions& options = {});

}  // namespace patchbench::analysis
