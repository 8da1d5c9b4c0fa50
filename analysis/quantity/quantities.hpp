// analysis/quantity/quantities.hpp - everything that a run knows, as one list with one index.
//
// Times, what was counted, what was simulated and the memory of a cell are quantities: a value, or
// none and a reason. Whoever shows some of them names them by key, and searches no cells.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "results/model.hpp"

namespace patchbench::analysis {

/// What a quantity belongs to: one of these, or else one of kEventSets.
inline constexpr std::string_view kCells = "cells";    // no value: that there is such a cell
inline constexpr std::string_view kTimes = "times";    // a metric
inline constexpr std::string_view kFacts = "facts";    // what the harness states: bytes of a site
inline constexpr std::string_view kMemory = "memory";  // a member of results::Memory

/// Events that answer one question. Simulated ones are a set of their own, whatever a file says.
inline constexpr std::array<std::string_view, 5> kEventSets = {"prefetch", "icache", "vma",
                                                               "events", results::kSimulated};

inline constexpr std::array<std::string_view, 3> kScopes = {"user", "both", "kernel"};

/// Members that are empty are not asked for: workload, parameters, `per` and `beside` alone are an
/// operation.
struct Key {
  std::string workload = {};
  results::Params params = {};
  std::string per = {};     // of what was counted: a metric, or "site"
  std::string beside = {};  // what else the process did meanwhile: "busy-thread"
  std::string strategy = {};
  std::string_view set = {};
  std::string name = {};   // of a metric, an event, a member of memory
  std::string scope = {};  // of what was counted

  auto operator<=>(const Key&) const = default;  // NOLINT(modernize-use-nullptr): of version 14
  bool operator==(const Key&) const = default;
};

/// Pointers point into the results.
struct Quantity : Key {
  std::optional<double> value = {};         // of a time only where its cell is ok
  const results::Cell* cell = nullptr;      // nullptr: not part of the run
  const results::Metric* metric = nullptr;  // of a time
  const results::Ratio* ratio = nullptr;    // of a time, to the baseline
  const results::Counter* counter = nullptr;
};

/// Whether the cell was executed, and was right.
[[nodiscard]] bool is_ok(const results::Cell* cell);

class Quantities {
 public:
  /// Of results that outlive it; implicit, so that whoever shows a run takes its results as they
  /// are. An emulator's counts of time are left out: they are nobody's.
  Quantities(const results::Results& results);
  Quantities(const Quantities&) = delete;
  Quantities& operator=(const Quantities&) = delete;
  Quantities(Quantities&&) = default;
  Quantities& operator=(Quantities&&) = default;
  ~Quantities() = default;

  [[nodiscard]] const results::Results& results() const { return *results_; }
  /// In the order of the run.
  [[nodiscard]] std::span<const Quantity> all() const { return all_; }
  /// Of one of the results' cells.
  [[nodiscard]] std::span<const Quantity> of(const results::Cell& cell) const;
  /// nullptr where the run has none.
  [[nodiscard]] const Quantity* find(const Key& key) const;
  /// As find; of what the run does not have without a value, with the cell that it would be of.
  [[nodiscard]] Quantity at(Key key) const;
  /// Of a metric.
  [[nodiscard]] Quantity time(const Key& operation, std::string strategy,
                              std::string_view metric) const;
  [[nodiscard]] const results::Cell* cell(const Key& operation, std::string strategy) const;

  /// Every id of the run once: strategies before controls, in its order.
  [[nodiscard]] const std::vector<std::string>& strategies() const { return strategies_; }
  /// nullptr where the run has no row for it.
  [[nodiscard]] const results::StrategyStatus* status(std::string_view strategy) const;
  /// No way to change code, but what those are held against. Files that do not say so are older
  /// than controls that palette.hpp does not know.
  [[nodiscard]] bool is_control(std::string_view strategy) const;

 private:
  void add(const results::Cell& cell);

  const results::Results* results_;
  std::vector<Quantity> all_;
  std::vector<std::size_t> starts_;     // of each cell's in all_, and the end
  std::vector<const Quantity*> index_;  // by key
  std::map<std::string_view, const results::StrategyStatus*, std::less<>> statuses_;
  std::vector<std::string> strategies_;
};

template <typename T>
void add_once(std::vector<T>& all, T one) {
  if (std::ranges::find(all, one) == all.end()) all.push_back(std::move(one));
}

/// What `of` gives for the quantities that `where` selects, each once, in the order of the run.
template <typename Where, typename Of>
[[nodiscard]] auto distinct(const Quantities& run, Where where, Of of) {
  std::vector<std::decay_t<decltype(of(run.all().front()))>> values;
  for (const Quantity& one : run.all()) {
    if (where(one)) add_once(values, of(one));
  }
  return values;
}

/// In the order of the run.
template <typename Where>
[[nodiscard]] std::vector<Quantity> select(const Quantities& run, Where where) {
  std::vector<Quantity> found;
  std::ranges::copy_if(run.all(), std::back_inserter(found), where);
  return found;
}

template <typename Where>
[[nodiscard]] bool any(const Quantities& run, Where where) {
  return std::any_of(run.all().begin(), run.all().end(), where);
}

/// Those that the run measured and `is_meant`, in its order.
template <typename IsMeant>
[[nodiscard]] std::vector<std::string> measured_metrics(const Quantities& run, IsMeant is_meant) {
  std::vector<std::string> metrics;
  for (const results::MetricEntry& metric : run.results().metrics) {
    const bool measured = std::invoke(is_meant, metric) && any(run, [&](const Quantity& one) {
                            return one.set == kTimes && one.name == metric.id;
                          });
    if (measured) metrics.push_back(metric.id);
  }
  return metrics;
}

/// Workload, parameters, `per` and `beside`.
[[nodiscard]] Key operation_of(const Key& key);
/// The distinct parameter sets of a workload's cells, in the order of the run.
[[nodiscard]] std::vector<results::Params> param_sets(const Quantities& run,
                                                      std::string_view workload);
[[nodiscard]] std::vector<std::string> workloads(const Quantities& run);

/// Why a strategy has no number: its own reason where this machine refused it, else the cell's.
/// Never empty.
[[nodiscard]] std::string why_missing(const Quantities& run, std::string_view strategy,
                                      const results::Cell* cell);
/// Why it has no value; what could count nothing of an operation may say so of one of a set's
/// events alone. Never empty.
[[nodiscard]] std::string why(const Quantities& run, const Quantity& one);

/// The reason, or else the status, of a counter without a value.
[[nodiscard]] std::string why_not_counted(const results::Counter& counter);
/// kFacts, or one of kEventSets.
[[nodiscard]] std::string_view set_of(const results::Counter& counter);
/// Counted for a part of the time alone, and scaled.
[[nodiscard]] bool is_multiplexed(const results::Counter& counter);

}  // namespace patchbench::analysis
