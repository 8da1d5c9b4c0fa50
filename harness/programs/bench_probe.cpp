// bench-probe: what of this machine will disturb a run, and what it counts, before there is one.
#include <cstdio>
#include <vector>

#include <CLI/CLI.hpp>

#include "analysis/tool.hpp"
#include "harness/base/exit_code.hpp"
#include "harness/base/terminal.hpp"
#include "harness/counters/asked_events.hpp"
#include "harness/counters/counter_probe.hpp"
#include "harness/counting/measured.hpp"
#include "harness/machine/disturbances.hpp"
#include "harness/machine/environment.hpp"

namespace patchbench::harness {
namespace {

constexpr const char* kExamples = R"(Examples:
  bench-probe           what disturbs a run here, where that was read, and the command that changes it;
                        then every event of the sets of counters, and why one is missing
  bench-probe --json    the same for programs; what is not known is null

Nothing is changed and nothing is guessed. scripts/tune-host apply changes what can be changed, and restores it.

Exit codes: 0 done, whatever was found; 2 bad usage.)";

int probe(bool json) {
  const std::vector<Finding> findings = find_disturbances({});
  const std::vector<WantedEvent> events = all_sets(read_environment({}, {}));
  const results::Counting counting = describe_counting(events);
  if (json) {
    say(stdout, "{}", with_counters_json(findings_json(findings), events, counting));
  } else {
    say(stdout, "{}\n{}", findings_text(findings), counters_text(events, counting));
  }
  return analysis::kDone;
}

}  // namespace
}  // namespace patchbench::harness

int main(int argc, char** argv) {
  using namespace patchbench::harness;
  bool json = false;
  return patchbench::analysis::tool_main(
      argc, argv,
      {.name = "bench-probe",
       .summary = "Names what will disturb a run on this machine, and what can be counted here.",
       .footer = kExamples,
       .version = version_text(),
       .failed = 1},
      [&](CLI::App& app) { app.add_flag("--json", json, "For programs"); },
      [&] { return probe(json); });
}
