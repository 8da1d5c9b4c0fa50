// bench-probe: what of this machine will disturb a run, before there is one.
#include <cstdio>
#include <exception>

#include <CLI/CLI.hpp>

#include "harness/disturbances.hpp"
#include "harness/run.hpp"
#include "harness/terminal.hpp"

namespace patchbench::harness {
namespace {

constexpr const char* kExamples = R"(Examples:
  bench-probe           what disturbs a run here, where that was read, and the command that changes it
  bench-probe --json    the same for programs; what is not known is null

Nothing is changed and nothing is guessed. scripts/tune-host apply changes what can be changed, and restores it.

Exit codes: 0 done, whatever was found; 2 bad usage.)";

int probe_main(int argc, char** argv) {
  bool json = false;
  CLI::App app("Names what will disturb a run on this machine.", "bench-probe");
  app.footer(kExamples);
  app.set_version_flag("--version", "bench-probe " + version_text());
  app.add_flag("--json", json, "For programs");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kBadUsage;
  }
  const std::vector<Finding> findings = find_disturbances({});
  say(stdout, "{}", json ? findings_json(findings) : findings_text(findings));
  return kDone;
}

}  // namespace
}  // namespace patchbench::harness

int main(int argc, char** argv) {
  try {
    return patchbench::harness::probe_main(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench-probe: %s\n", error.what());
    return 1;
  }
}
