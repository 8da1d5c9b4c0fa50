#include "harness/process/timing.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <vector>

#include <benchmark/benchmark.h>

#include "analysis/statistics/statistics.hpp"
#include "harness/base/clock.hpp"

namespace patchbench::harness {
namespace {

struct Schedule {
  std::int64_t iterations = 1;  // of run(), in each batch
  int batches = 1;
};

/// Collects what Google Benchmark would print.
class BatchReporter : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context& /*context*/) override { return true; }

  void ReportRuns(const std::vector<Run>& report) override {
    for (const Run& run : report) {
      if (run.run_type == Run::RT_Iteration) {
        iteration_ns_.push_back(run.real_accumulated_time * 1e9 /
                                static_cast<double>(run.iterations));
      }
    }
  }

  /// Nanoseconds an iteration, one value a batch.
  [[nodiscard]] const std::vector<double>& iteration_ns() const { return iteration_ns_; }

 private:
  std::vector<double> iteration_ns_;
};

/// With its preparation, which is outside the clock.
[[nodiscard]] std::int64_t time_one(void* self, void (*prepare)(void*),
                                    void (*timed)(void*) noexcept) {
  if (prepare != nullptr) prepare(self);
  const std::int64_t start = now_ns();
  timed(self);
  return now_ns() - start;
}

[[nodiscard]] std::int64_t time_one_run(const Measurement& measurement) {
  return time_one(measurement.self, measurement.prepare, measurement.run);
}

/// run() less without().
[[nodiscard]] std::int64_t time_one_difference(const Measurement& measurement) {
  const std::int64_t with = time_one_run(measurement);
  return with - time_one(measurement.self, measurement.prepare_without, measurement.without);
}

void run_loop(benchmark::State& state, const Measurement& measurement) {
  void (*const run)(void*) noexcept = measurement.run;
  void* const self = measurement.self;
  for ([[maybe_unused]] auto _ : state) run(self);
}

void run_prepared_loop(benchmark::State& state, const Measurement& measurement) {
  for ([[maybe_unused]] auto _ : state) {
    state.SetIterationTime(static_cast<double>(time_one_run(measurement)) * 1e-9);
  }
}

bool is_difference(const Measurement& measurement) { return measurement.without != nullptr; }

/// `count` iterations, each with its preparations; wall time of all.
double time_runs(const Measurement& measurement, std::int64_t count) {
  const std::int64_t start = now_ns();
  for (std::int64_t i = 0; i < count; ++i) {
    if (is_difference(measurement)) {
      static_cast<void>(time_one_difference(measurement));
    } else if (measurement.prepare != nullptr) {
      static_cast<void>(time_one_run(measurement));  // the time stamps cost something too
    } else {
      measurement.run(measurement.self);
    }
  }
  return static_cast<double>(now_ns() - start);
}

/// Where others had the processor since the last batch: an iteration that is not timed, however
/// long it is. Cases of one ratio must not differ in whether they begin warm.
void begin_batch(const Measurement& measurement, const BeforeBatch& before_batch) {
  if (before_batch) {
    before_batch();
    time_runs(measurement, 1);
  }
}

std::vector<double> benchmark_batches(const Measurement& measurement, const Schedule& schedule,
                                      const BeforeBatch& before_batch) {
  benchmark::ClearRegisteredBenchmarks();
  const bool prepared = measurement.prepare != nullptr;
  auto* registered =
      benchmark::RegisterBenchmark(measurement.metric.c_str(), [&](benchmark::State& state) {
        begin_batch(measurement, before_batch);
        (prepared ? run_prepared_loop : run_loop)(state, measurement);
      });
  registered->Iterations(schedule.iterations)->Repetitions(schedule.batches);
  if (prepared) {
    registered->UseManualTime();
  } else {
    registered->UseRealTime();
  }
  BatchReporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter, ".");
  benchmark::ClearRegisteredBenchmarks();
  if (reporter.iteration_ns().empty()) {
    throw std::runtime_error("Google Benchmark reported no batch of " + measurement.metric);
  }
  return reporter.iteration_ns();
}

std::vector<double> difference_batches(const Measurement& measurement, const Schedule& schedule,
                                       const BeforeBatch& before_batch) {
  std::vector<double> batches;
  batches.reserve(static_cast<std::size_t>(schedule.batches));
  for (int batch = 0; batch < schedule.batches; ++batch) {
    begin_batch(measurement, before_batch);
    std::int64_t sum = 0;
    for (std::int64_t i = 0; i < schedule.iterations; ++i) sum += time_one_difference(measurement);
    batches.push_back(static_cast<double>(sum) / static_cast<double>(schedule.iterations));
  }
  return batches;
}

std::vector<double> run_batches(const Measurement& measurement, const Schedule& schedule,
                                const BeforeBatch& before_batch = {}) {
  return is_difference(measurement) ? difference_batches(measurement, schedule, before_batch)
                                    : benchmark_batches(measurement, schedule, before_batch);
}

/// Wall time of one iteration, `prepare` included, because the budget pays for both. Doubles the
/// count until it is long enough for the clock, and warms everything up on the way.
/// Never longer than about one batch, however large the budget is. The fastest counts: whoever took
/// the processor away in between says nothing about the cost.
double estimate_iteration_ns(const Measurement& measurement, double share_ns) {
  // One run that is known to eat much of the budget is not spent on finding that out again.
  const double expected_ns = measurement.expected_ns * (is_difference(measurement) ? 2 : 1);
  if (expected_ns > share_ns / 4) return expected_ns;
  const double enough_ns = std::min(share_ns / 32, kLongestBatchNs / 2);
  // The first run may have to leave a state that what was measured before left behind, or find that
  // there is nothing to prepare.
  time_runs(measurement, 1);
  double best = std::numeric_limits<double>::infinity();
  for (std::int64_t count = 1;; count *= 2) {
    best = std::min(best, time_runs(measurement, count) / static_cast<double>(count));
    if (best * static_cast<double>(count) >= enough_ns) return best;
  }
}

Schedule choose_schedule(double iteration_ns, const TimingBudget& budget) {
  const double affordable = budget.total_ns / std::max(iteration_ns, 1.0);
  const int wanted = std::max(budget.batches, 1);
  if (affordable < wanted) {
    return {.iterations = 1, .batches = std::max(static_cast<int>(affordable), 1)};
  }
  const double iterations = std::min(affordable / wanted, kLongestBatchNs / iteration_ns);
  return {.iterations = std::max<std::int64_t>(1, static_cast<std::int64_t>(iterations)),
          .batches = wanted};
}

bool has_clock_share(const Measurement& measurement) {
  return measurement.prepare != nullptr && !is_difference(measurement);
}

}  // namespace

results::JournalMetric time_measurement(const Measurement& measurement, const TimingBudget& budget,
                                        const BeforeBatch& before_batch,
                                        std::optional<double>* subtracted_ns) {
  const double iteration_ns = estimate_iteration_ns(measurement, budget.total_ns);
  std::int64_t waited_ns = 0;
  const BeforeBatch wait = [&] {
    const std::int64_t from = now_ns();
    before_batch();
    waited_ns += now_ns() - from;
  };
  const std::int64_t start = now_ns();
  results::JournalMetric metric;
  metric.name = measurement.metric;
  metric.unit = measurement.unit;
  metric.batches = run_batches(measurement, choose_schedule(iteration_ns, budget),
                               before_batch ? wait : BeforeBatch());
  metric.batches_ms = static_cast<double>(now_ns() - start - waited_ns) * 1e-6;
  const double share = has_clock_share(measurement) ? overhead_ns(measurement) : 0;
  if (subtracted_ns != nullptr && has_clock_share(measurement)) *subtracted_ns = share;
  for (double& batch : metric.batches) batch = batch / measurement.operations - share;
  metric.median = analysis::median(metric.batches).value();
  if (const auto low = analysis::lower_decile(metric.batches);
      !is_difference(measurement) && low > 0.0) {
    metric.low = low;
  }
  return metric;
}

double overhead_ns(const Measurement& measurement) {
  constexpr Schedule kSchedule = {.iterations = 1000, .batches = 3};
  Measurement empty = measurement;
  empty.metric = "empty";
  empty.self = nullptr;
  empty.run = [](void*) noexcept {};
  if (empty.prepare != nullptr) empty.prepare = [](void*) {};
  const std::vector<double> batches = benchmark_batches(empty, kSchedule, {});
  return analysis::median(batches).value() / measurement.operations;
}

}  // namespace patchbench::harness
