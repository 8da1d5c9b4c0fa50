#include "analysis/counted_results_test.hpp"

#include <string_view>

namespace patchbench::analysis {
namespace {

using results::Cell;
using results::Counter;

/// Sends of cells stall more; patches of mprotect-toggle are the kernel's.
double made_up(const Cell& cell, std::string_view event, std::string_view scope,
               std::string_view per) {
  const bool cells = cell.strategy.starts_with("indirect-cell") || cell.strategy == "target-cell";
  const bool toggles = cell.strategy == "mprotect-toggle";
  const double weight = event == "cycles" ? 1 : event == "instructions" ? 1.7 : 0.02;
  if (scope == "kernel") return per == "send" ? 0.001 : toggles ? 5120 * weight : 0.03 * weight;
  if (per == "send") return (cells ? 14.2 : 11.1) * weight;
  if (per == "patch_execute") return (cells ? 30 : 850) * weight;
  return (toggles ? 310 : 34) * weight;
}

void add(Cell& cell, const CountedOptions& options, const Counter& counter) {
  const bool hardware = counter.source == "hardware";
  if (hardware && !options.pmu) {
    cell.counters.push_back(without_value(counter, "unavailable", kNoPmu));
  } else if (counter.scope == "kernel" && !options.kernel) {
    cell.counters.push_back(without_value(counter, "unavailable", kParanoid));
  } else if (counter.source == "tracepoint" && !options.tracepoints) {
    cell.counters.push_back(without_value(counter, "unavailable", kNoTracefs));
  } else {
    cell.counters.push_back(counter);
    Counter& added = cell.counters.back();
    added.samples = {*added.value * 0.97, *added.value, *added.value * 1.04};
    if (hardware && options.multiplexed && cell.strategy == "memfd-dual") {
      added.status = "multiplexed";
      added.time_enabled = 1'000'000;
      added.time_running = 430'000;
    }
  }
}

void add_hardware(Cell& cell, const CountedOptions& options, const std::string& per) {
  for (const char* scope : {"user", "kernel"}) {
    for (const char* name :
         {"cycles", "instructions", "branches", "branch-misses", "indirect-branch-misses",
          "frontend-stall-cycles", "decoder-resteers"}) {
      add(cell, options,
          event("prefetch", "hardware", name, scope, per, made_up(cell, name, scope, per)));
    }
    for (const char* name : {"l1i-misses", "itlb-misses", "smc-clears"}) {
      add(cell, options,
          event("icache", "hardware", name, scope, per, made_up(cell, name, scope, per)));
    }
  }
}

void add_kernel(Cell& cell, const CountedOptions& options, const std::string& per) {
  const bool toggled = per != "send" && cell.strategy == "mprotect-toggle";
  for (const char* beside : {"", "busy-thread"}) {
    const bool alone = std::string_view(beside).empty();
    const double ipis = toggled && !alone ? 1.98 : 0;
    for (Counter counter :
         {event("vma", "software", "minor-faults", "user", per, 0),
          event("vma", "tracepoint", "system-calls", "both", per, toggled ? 2 : 0),
          event("vma", "tracepoint", "mprotect-calls", "both", per, toggled ? 2 : 0),
          event("vma", "tracepoint", "mmap-calls", "both", per, 0),
          event("vma", "tracepoint", "tlb-flushes", "both", per, toggled ? (alone ? 2 : 5.97) : 0),
          event("vma", "tracepoint", "ipis-to-one", "both", per, ipis)}) {
      counter.beside = beside;
      add(cell, options, counter);
    }
  }
}

}  // namespace

Counter event(const std::string& set, const std::string& source, const std::string& name,
              const std::string& scope, const std::string& per, double value) {
  Counter counter;
  counter.name = name;
  counter.source = source;
  counter.scope = scope;
  counter.per = per;
  counter.value = value;
  counter.status = "ok";
  counter.set = set;
  return counter;
}

Counter without_value(Counter counter, const std::string& status, const std::string& reason) {
  counter.value.reset();
  counter.samples.clear();
  counter.status = status;
  counter.reason = reason;
  return counter;
}

results::Results measured_run(const CountedOptions& options) {
  results::Results results =
      sample_run({.rounds = 3, .standard = options.standard, .emulated = options.emulated}).results;
  for (Cell& cell : results.cells) {
    if (cell.status != results::CellStatus::ok) continue;
    if (cell.workload != "mic" && cell.workload != "relink") continue;
    for (const results::Metric& metric : cell.metrics) {
      add_hardware(cell, options, metric.name);
      add_kernel(cell, options, metric.name);
    }
  }
  results.context.counting = results::Counting{
      .library = "libpfm 4.13.0",
      .pmu = options.pmu ? std::optional<std::string>("made-up PMU") : std::nullopt,
      .counters = options.pmu ? std::optional(4) : std::nullopt,
      .read_path = "read",
      .read_ns = 412,
      .rounds = 3,
      .bracket = {{"cycles:u", 97}}};
  return results;
}

}  // namespace patchbench::analysis
