// analysis/view/table.hpp - the table at the end of a run: what a person started it for.
#pragma once

#include <string>

#include "results/model.hpp"

namespace patchbench::analysis {

struct TableOptions {
  int width = 100;      // columns of the terminal; below 80 is treated as 80
  bool colour = false;  // ANSI colours on verdicts and failures
};

/// Cost and ratio of every strategy in the headline's columns (analysis/view/headline.hpp), then
/// the controls, then how to read it. As many columns side by side as fit, the others in further
/// tables below. Where the run has several modes of --publish, then what each costs against none.
/// Names of strategies that a table has a cell without architectural guarantee of are marked, with
/// a footnote. Then how much was counted, and what that says; then the simulated counts, where the
/// run has any. Of an emulated run, whose times mean nothing, instead of costs how many cells of
/// each strategy are ok. Plain ASCII apart from what the results themselves hold; no line longer
/// than the width; ends with a newline.
[[nodiscard]] std::string terminal_table(const results::Results& results,
                                         const TableOptions& options = {});

}  // namespace patchbench::analysis
