#include "harness/programs/program.hpp"

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string_view>
#include <variant>

#include "harness/base/exit_code.hpp"
#include "harness/base/signals.hpp"
#include "harness/base/terminal.hpp"
#include "harness/machine/sandbox.hpp"
#include "harness/plan/listing.hpp"
#include "harness/process/child.hpp"
#include "harness/process/layouts.hpp"
#include "harness/programs/command_line.hpp"
#include "harness/programs/front_door.hpp"
#include "harness/run/code_dump.hpp"
#include "harness/run/run.hpp"
#include "harness/run/self_test.hpp"

namespace patchbench::harness {
namespace {

int say_layout(const Catalogue& catalogue, const Settings& settings) {
  constexpr std::uintptr_t kLine = 64;
  say(stdout, "{}\n", settings.layout_marker);
  for (const StrategyEntry& strategy : catalogue.strategies) {
    for (const WorkloadInfo& workload : catalogue.workloads) {
      const CellFactory* cell = catalogue.find_cell(strategy.info.id, workload.id);
      if (cell != nullptr && cell->make != nullptr) {
        say(stdout, "{}/{} {}\n", strategy.info.id, workload.id,
            reinterpret_cast<std::uintptr_t>(cell->make) % kLine);
      }
    }
  }
  return kDone;
}

int obey(const Catalogue& catalogue, const Options& options, const Settings& settings) {
  if (options.list != ListFormat::none) {
    const bool json = options.list == ListFormat::json;
    say(stdout, "{}", json ? list_json(catalogue) : list_text(catalogue));
    return kDone;
  }
  require_proc();
  require_calls_of_the_parent();
  if (options.dump_code) return dump_code(catalogue, options);
  if (options.self_test == SelfTestWanted::alone) return self_test_alone(options, settings);
  return options.dry_run ? dry_run(catalogue, options, settings)
                         : run(catalogue, options, settings);
}

/// What a person said goes before what the program itself set.
Settings with_timeout(Settings settings, const Options& options) {
  constexpr double kMsOfSecond = 1e3;
  if (options.timeout_s) {
    settings.child_timeout =
        std::chrono::milliseconds(static_cast<std::int64_t>(*options.timeout_s * kMsOfSecond));
  }
  return settings;
}

}  // namespace

int program_main(int argc, const char* const* argv, const Catalogue& catalogue,
                 const Settings& settings) {
  if (argc == 2 && std::string_view(argv[1]) == kChildArgument) {
    return child_main(catalogue, layout_number(settings.layout_marker));
  }
  if (argc >= 2 && std::string_view(argv[1]) == kLayoutArgument) {
    return say_layout(catalogue, settings);
  }
  turn_write_signals_into_errors();
  return guarded("bench-run", [&] {
    try_calls();
    const auto parsed = parse_command_line(argc, argv, catalogue);
    if (const auto* answer = std::get_if<Answer>(&parsed)) {
      say(stdout, "{}", answer->text);
      return kDone;
    }
    const auto& options = std::get<Options>(parsed);
    return obey(catalogue, options, with_timeout(settings, options));
  });
}

}  // namespace patchbench::harness
