// analysis/render/gnuplot.hpp - putting text into a gnuplot script, and running one.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace patchbench::analysis {

/// `text` as a gnuplot string. Single quotes: neither backquotes (which would run a command) nor
/// escapes nor @macros mean anything in them. Line breaks stay, other control characters become
/// spaces.
[[nodiscard]] std::string gnuplot_string(std::string_view text);

/// As gnuplot_string, for the labels of tics, which gnuplot takes for number formats.
[[nodiscard]] std::string gnuplot_tic_string(std::string_view text);

enum class GnuplotError { missing, failed };

struct GnuplotFailure {
  GnuplotError kind = GnuplotError::failed;
  std::string message;
};

/// Runs `program` (found on PATH, no shell between) with `script`, a file name in `directory`, as
/// the working directory. Start-up files of the user are not read. Killed after a minute. Empty
/// when it succeeded.
[[nodiscard]] std::optional<GnuplotFailure> run_gnuplot(const std::filesystem::path& directory,
                                                        const std::string& script,
                                                        const std::string& program = "gnuplot");

}  // namespace patchbench::analysis
