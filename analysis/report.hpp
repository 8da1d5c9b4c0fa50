// analysis/report.hpp - a run's figures and its report, as files.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "results/model.hpp"

namespace patchbench::analysis {

struct ReportOutcome {
  /// What could not be made and why, in sentences for the terminal ("gnuplot not found: install the
  /// package gnuplot-nox for figures").
  std::vector<std::string> warnings;
  /// What was written, report.html first.
  std::vector<std::filesystem::path> files;
};

/// Writes report.html, plots/*.svg and plots/*.pdf below `dir`, replacing those of an earlier call.
/// Without gnuplot there are no plots, and a warning says which package is missing. Throws
/// std::system_error when `dir` cannot be written; results.json is not touched.
[[nodiscard]] ReportOutcome write_report(const results::Results& results,
                                         const std::filesystem::path& dir);

/// The same of several runs: machines.html and its figures (view/machines.hpp).
[[nodiscard]] ReportOutcome write_machines_report(std::span<const results::Results> runs,
                                                  const std::filesystem::path& dir);

}  // namespace patchbench::analysis
