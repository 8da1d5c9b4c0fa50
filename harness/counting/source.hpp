// harness/counting/source.hpp - where counters come from.
//
// One source, one file. A source counts in children of its own, which are never the timed ones, and
// says for every metric that it was asked for what it counted or why it could not.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/signals.hpp"
#include "harness/process/child.hpp"
#include "results/model.hpp"

namespace patchbench::harness {

/// Where a counted child runs and what its case is made with.
struct CountedPlace {
  std::uint64_t seed = 1;
  Arena arena;
  int cpu = -1;
};

/// A case, and which of its metrics are to be counted.
struct CountedCell {
  ChildTask task;  // strategy, workload, request and processor; what else it has is the source's
  std::vector<std::string> metrics;
  /// By counted round, the same for every case; the first is what the task has. A simulator, whose
  /// counts depend on none of it, takes the first alone.
  std::vector<CountedPlace> places;
};

/// One source of counters; see SimulatedSource for those that count the program's own instructions.
class CounterSource {
 public:
  CounterSource() = default;
  CounterSource(const CounterSource&) = delete;
  CounterSource& operator=(const CounterSource&) = delete;
  virtual ~CounterSource() = default;

  /// Puts down what counts, its version, and what it assumes.
  virtual void describe(results::Context& context) const = 0;
  /// Whether it has anything to say of a metric.
  [[nodiscard]] virtual bool counts(std::string_view metric) const = 0;
  /// Roughly what count() will take.
  [[nodiscard]] virtual double expected_seconds(const CountedCell& cell) const = 0;
  /// Empty when the run was asked to stop. A case that cannot be counted has counters without a
  /// value, with the reason; throws std::system_error only when no process can be had.
  [[nodiscard]] virtual std::optional<std::vector<results::Counter>> count(
      const CountedCell& cell, SignalWatch& signals) = 0;
};

/// Of a simulator or an emulator: what it counts are instructions of the program itself.
class SimulatedSource : public CounterSource {
 public:
  void describe(results::Context& context) const override;
  [[nodiscard]] bool counts(std::string_view metric) const override;
  [[nodiscard]] double expected_seconds(const CountedCell& cell) const override;

 protected:
  /// What counts, its version, and what it assumes.
  [[nodiscard]] virtual std::string description() const = 0;
};

/// A source that this machine has, or why it has none.
struct FoundSource {
  std::unique_ptr<CounterSource> source;
  std::string reason;
};

/// A word of --counters that is a source by itself.
struct CounterChoice {
  std::string_view id;       // also what the journal's lines are marked with
  std::string_view summary;  // for --help
  /// `timeout` is that of a timed child.
  FoundSource (*find)(const results::Context& context, std::chrono::milliseconds timeout);
};

[[nodiscard]] std::span<const CounterChoice> counter_choices();
/// nullptr when there is none of that name.
[[nodiscard]] const CounterChoice* find_counter_choice(std::string_view id);

}  // namespace patchbench::harness
