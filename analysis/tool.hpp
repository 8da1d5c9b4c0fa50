// analysis/tool.hpp - what main() does alike in every program but bench-run.
#pragma once

#include <cstdio>
#include <exception>
#include <string>

#include <CLI/CLI.hpp>

namespace patchbench::analysis {

inline constexpr int kDone = 0;
inline constexpr int kBadUsage = 2;

struct Tool {
  const char* name;
  const char* summary;
  const char* footer;  // examples and exit codes
  std::string version;
  int failed = kBadUsage;  // the exit code after an exception
};

/// Has `add_options(CLI::App&)` say what there is to choose from, parses, and returns what `run()`
/// does. --help and --version end with kDone, bad usage with kBadUsage; what is thrown is said on
/// stderr after the program's name.
template <typename AddOptions, typename Run>
int tool_main(int argc, const char* const* argv, const Tool& tool, AddOptions add_options,
              Run run) {
  try {
    CLI::App app(tool.summary, tool.name);
    app.footer(tool.footer);
    app.set_version_flag("--version", std::string(tool.name) + " " + tool.version);
    add_options(app);
    try {
      app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      return app.exit(error) == 0 ? kDone : kBadUsage;
    }
    return run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", tool.name, error.what());
    return tool.failed;
  }
}

}  // namespace patchbench::analysis
