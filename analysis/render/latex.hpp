// analysis/render/latex.hpp - what LaTeX reads: text without its special characters, and the
// package that looks values up.
#pragma once

#include <string>
#include <string_view>

namespace patchbench::analysis {

/// As it is typeset as it stands.
[[nodiscard]] std::string latex_text(std::string_view text);

/// patchbench.sty. It reads a file of \pbset and \pblack (view/latex.hpp) and defines
///
///   \pb{CASE}{METRIC}{WHAT}           the value; an error where there is none, with its reason
///   \pbassert{CASE}{METRIC}{VERDICT}  nothing; an error where the run's verdict is another one
///
/// so that a document which states a measurement is not built where the run does not say so.
[[nodiscard]] std::string_view latex_package();

}  // namespace patchbench::analysis
