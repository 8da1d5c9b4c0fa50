// harness/programs/command_line.hpp - the command line of bench-run.
#pragma once

#include <string>
#include <variant>

#include "harness/plan/catalogue.hpp"
#include "harness/run/options.hpp"

namespace patchbench::harness {

/// --help and --version: text for stdout, and nothing else to do.
struct Answer {
  std::string text;
};

/// Throws UsageError with a message that names the option and what it takes. Every word is compared
/// with the catalogue here, so that a slip costs no measuring time. --resume=DIR gives the options
/// of the run in DIR; others beside it must not contradict them.
[[nodiscard]] std::variant<Options, Answer> parse_command_line(int argc, const char* const* argv,
                                                               const Catalogue& catalogue);

}  // namespace patchbench::harness
