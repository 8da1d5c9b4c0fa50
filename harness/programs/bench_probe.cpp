// bench-probe: what of this machine will disturb a run, and what it counts, before there is one.
#include <algorithm>
#include <cstdio>
#include <iterator>
#include <string>
#include <vector>

#include "harness/base/exit_code.hpp"
#include "harness/base/terminal.hpp"
#include "harness/base/usage_error.hpp"
#include "harness/counters/asked_events.hpp"
#include "harness/counters/counter_probe.hpp"
#include "harness/counters/perf_event.hpp"
#include "harness/counting/measured.hpp"
#include "harness/machine/disturbances.hpp"
#include "harness/machine/environment.hpp"
#include "harness/machine/sandbox.hpp"
#include "harness/policies/leaks.hpp"
#include "harness/policies/survival.hpp"
#include "harness/policies/wishes.hpp"
#include "harness/programs/front_door.hpp"
#include "harness/programs/trace_text.hpp"
#include "workloads/trace.hpp"

namespace patchbench::harness {
namespace {

constexpr const char* kSummary =
    "Names what will disturb a run on this machine, what can be counted here, and which "
    "strategies\n"
    "survive which policy.";

constexpr const char* kFooter = R"(Examples:
  bench-probe             what disturbs a run here, where that was read, and the command that changes
                          it; then every event of the sets of counters, and why one is missing
  bench-probe --policies  which strategy patches and executes under which policy, tried here
  bench-probe --wishes    what the kernel answers to the wishes of 2007, each tried, with its cost
  bench-probe --leaks     what each strategy leaves behind when its process is killed
  bench-probe --trace=ruby-yaml   how many classes a trace's sites see, and how often they change;
                          --trace=./my.trace of a file, --trace=- of the standard input
  bench-probe --json      the same for programs; what is not known is null

Nothing is changed and nothing is guessed: policies are set in processes that end. scripts/tune-host
apply changes what can be changed, and restores it.

Exit codes: 0 done, whatever was found; 1 the machine could not be looked at; 2 bad usage.)";

constexpr ProgramText kText = {.name = "bench-probe", .summary = kSummary, .footer = kFooter};

int probe_policies(bool json) {
  const SurvivalMatrix matrix = find_survival();
  say(stdout, "{}", json ? survival_json(matrix) : survival_text(matrix));
  if (!json) say(stdout, "\n{}", wishes_text(answer_later_questions()));
  return kDone;
}

int probe_wishes(bool json) {
  std::vector<WishAnswer> answers = answer_wishes();
  std::ranges::move(answer_later_questions(), std::back_inserter(answers));
  say(stdout, "{}", json ? wishes_json(answers) : wishes_text(answers));
  return kDone;
}

int probe_leaks(bool json) {
  const Leaks leaks = find_leaks(strategies());
  say(stdout, "{}", json ? leaks_json(leaks) : leaks_text(leaks));
  return kDone;
}

int probe_trace(const std::string& word, bool json) {
  const auto show = [json](const trace::Trace& trace) {
    say(stdout, "{}", json ? trace_json(trace) : trace_text(trace));
  };
  try {
    if (word == "-") {
      trace::with_lines_of_file(
          word, true, [&](trace::TraceLines lines) { show(read_trace(std::move(lines))); });
    } else {
      show(load_trace(word));
    }
  } catch (const std::invalid_argument& error) {
    throw UsageError(error.what());
  }
  return kDone;
}

int probe(bool json) {
  try_calls();
  const std::vector<Finding> findings =
      find_disturbances({.environment = {}, .count_cycles = count_cycles});
  const std::vector<WantedEvent> events = all_sets(read_environment({}, {}));
  const results::Counting counting = describe_counting(events);
  if (json) {
    say(stdout, "{}", with_counters_json(findings_json(findings), events, counting));
  } else {
    say(stdout, "{}\n{}", findings_text(findings), counters_text(events, counting));
  }
  return kDone;
}

}  // namespace
}  // namespace patchbench::harness

int main(int argc, char** argv) {
  using namespace patchbench::harness;
  bool json = false;
  bool policies = false;
  bool wishes = false;
  bool leaks = false;
  std::string trace;
  return front_door(
      argc, argv, kText,
      [&](CLI::App& app) {
        app.add_flag("--policies", policies,
                     "Which strategy survives which policy; one that needs rights is shown as such")
            ->disable_flag_override();
        app.add_flag("--wishes", wishes,
                     "What this kernel answers to the wishes of \"JIT emulator needs\" (2007), and "
                     "to mseal(2) and IPE, which came later")
            ->disable_flag_override()
            ->excludes("--policies");
        app.add_flag("--leaks", leaks,
                     "What each strategy leaves behind when its process is killed, after each of "
                     "its system calls")
            ->disable_flag_override()
            ->excludes("--policies")
            ->excludes("--wishes");
        app.add_option("--trace", trace,
                       "What a trace's sends do to inline caches: a shipped trace, the path of a "
                       "file, or - for the standard input")
            ->type_name("TRACE")
            ->excludes("--policies")
            ->excludes("--wishes")
            ->excludes("--leaks");
        app.add_flag("--json", json, "For programs");
      },
      [&] {
        if (!trace.empty()) return probe_trace(trace, json);
        if (policies) return probe_policies(json);
        if (wishes) return probe_wishes(json);
        return leaks ? probe_leaks(json) : probe(json);
      });
}
