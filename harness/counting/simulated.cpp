#include "harness/counting/simulated.hpp"

#include <memory>
#include <utility>

#include <fmt/format.h>

#include "harness/counters/emulated_instructions.hpp"
#include "harness/counters/simulated_counter.hpp"
#include "harness/counting/cachegrind.hpp"
#include "harness/process/launch.hpp"

namespace patchbench::harness {
namespace {

using results::Counter;

class Emulated : public SimulatedSource {
 public:
  explicit Emulated(std::chrono::milliseconds timeout) : timeout_(timeout) {}

  [[nodiscard]] std::string description() const override {
    return "the emulator's own count of instructions, by perf_event";
  }

  [[nodiscard]] std::optional<std::vector<Counter>> count(const CountedCell& cell,
                                                          SignalWatch& signals) override {
    ChildTask task = cell.task;
    task.purpose = ChildPurpose::count_instructions;
    auto entry = run_child(task, timeout_, signals);
    if (!entry) return std::nullopt;
    if (entry->status != results::CellStatus::ok) {
      return not_counted(cell.metrics, "unavailable",
                         fmt::format("{}: {}", to_string(entry->status), entry->reason));
    }
    return std::move(entry->counters);
  }

 private:
  std::chrono::milliseconds timeout_;
};

/// Where the event opens and repeats. For machines that are known to be emulated.
FoundSource find_emulated(std::chrono::milliseconds timeout) {
  if (std::string reason = why_instructions_are_not_counted(); !reason.empty()) {
    return {.source = nullptr, .reason = std::move(reason)};
  }
  return {.source = std::make_unique<Emulated>(timeout), .reason = {}};
}

}  // namespace

FoundSource find_simulated(const results::Context& context, std::chrono::milliseconds timeout) {
  if (!context.emulated) return find_cachegrind(timeout);
  if (context.virtualization == "qemu-user") {
    return {.source = nullptr,
            .reason =
                "qemu-user neither runs valgrind nor offers perf_event; scripts/guest boots a "
                "whole machine whose emulator counts instructions"};
  }
  FoundSource emulated = find_emulated(timeout);
  if (emulated.source) return emulated;
  FoundSource cachegrind = find_cachegrind(timeout);
  if (!cachegrind.source) {
    cachegrind.reason = fmt::format("{}; and {}", emulated.reason, cachegrind.reason);
  }
  return cachegrind;
}

}  // namespace patchbench::harness
