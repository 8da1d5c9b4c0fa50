#include "harness/counting/emulated.hpp"

#include <memory>
#include <utility>

#include <fmt/format.h>

#include "harness/counters/emulated_instructions.hpp"
#include "harness/counters/simulated_counter.hpp"
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
    if (!entry) {
      return std::nullopt;
    }
    if (entry->status != results::CellStatus::ok) {
      return not_counted(cell.metrics, "unavailable",
                         fmt::format("{}: {}", to_string(entry->status), entry->reason));
    }
    return std::move(entry->counters);
  }

 private:
  std::chrono::milliseconds timeout_;
};

}  // namespace

FoundSource find_emulated(std::chrono::milliseconds timeout) {
  if (std::string reason = why_instructions_are_not_counted(); !reason.empty()) {
    return {.source = nullptr, .reason = std::move(reason)};
  }
  return {.source = std::make_unique<Emulated>(timeout), .reason = {}};
}

}  // namespace patchbench::harness
