// harness/programs/front_door.hpp - what the four programs have in common for whoever calls them:
// help, version, checks of options, messages on bad usage, and exit codes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include "analysis/quantity/answer.hpp"

namespace patchbench::harness {

struct ProgramText {
  const char* name;
  const char* summary;
  const char* footer;  // examples and exit codes, in lines of at most 100 characters
};

/// A command line without options but --help and --version. Help is as GNU programs show it.
class CommandLineParser {
 public:
  explicit CommandLineParser(const ProgramText& program);

  /// To add options to.
  [[nodiscard]] CLI::App& app() { return app_; }

  /// The text that --help or --version asks for; empty where neither is there. Throws UsageError,
  /// for an unknown option with the nearest known one.
  [[nodiscard]] std::optional<std::string> parse(int argc, const char* const* argv);

 private:
  CLI::App app_;
};

/// The exit code that `run` returns. What it throws is written to stderr after the program's name
/// and ends with kBadUsage (UsageError, results::FormatError) or kFailed (anything else).
[[nodiscard]] int guarded(const char* program, const std::function<int()>& run);

/// main(): parses, prints what --help and --version ask for, and else does `run`.
[[nodiscard]] int front_door(int argc, const char* const* argv, const ProgramText& program,
                             const std::function<void(CLI::App&)>& add_options,
                             const std::function<int()>& run);

// Checks for options. Each changes the text to what CLI11 converts to the option's variable; a
// message has the option's name in front of it.

/// "3%" and "3" become 0.03. Refuses what is not below 100 % and, unless `zero_allowed`, 0.
[[nodiscard]] CLI::Validator percentage(bool zero_allowed = false);

/// "90", "90s", "1.5m" and "2h" become seconds. Refuses what is not above 0.
[[nodiscard]] CLI::Validator duration();

/// CLI11's own Range takes 18446744073709551616 for an integer of 64 bits, and 010 for 8.
[[nodiscard]] CLI::Validator whole_number(std::uint64_t least, std::uint64_t most);

/// The message has the word that is nearest, and all of them.
[[nodiscard]] CLI::Validator one_of(std::vector<std::string> words);

/// The results file that a person named, by itself or by its directory. Throws UsageError.
[[nodiscard]] std::filesystem::path results_file(const std::filesystem::path& named);

/// What --advise asks about. Throws UsageError.
[[nodiscard]] std::vector<analysis::Profile> advised(const std::vector<std::string>& texts);

}  // namespace patchbench::harness
