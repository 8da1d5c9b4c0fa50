#include "harness/timing.hpp"

#include <algorithm>

#include <patchbench_catch.hpp>

#include "analysis/statistics.hpp"

namespace patchbench::harness {
namespace {

struct Calls {
  std::int64_t prepared = 0;
  std::int64_t run = 0;
  bool in_turn = true;  // every run had a preparation of its own
};

void prepare(void* self) { ++static_cast<Calls*>(self)->prepared; }

void run(void* self) noexcept {
  auto& calls = *static_cast<Calls*>(self);
  ++calls.run;
  calls.in_turn = calls.in_turn && calls.run == calls.prepared;
}

Measurement counting(Calls& calls) {
  return {.metric = "send", .unit = "ns", .operations = 10, .self = &calls, .run = &run};
}

}  // namespace

TEST_CASE("as many batches as asked for, and their median") {
  Calls calls;
  const auto metric = time_measurement(counting(calls), {.total_ns = 1e6, .batches = 7});
  CHECK(metric.name == "send");
  CHECK(metric.unit == "ns");
  CHECK(metric.batches.size() == 7);
  CHECK(metric.median == analysis::median(metric.batches));
  CHECK(calls.run > 7);
}

TEST_CASE("every run is prepared, outside the clock") {
  Calls calls;
  Measurement measurement = counting(calls);
  measurement.prepare = &prepare;
  static_cast<void>(time_measurement(measurement, {.total_ns = 1e6, .batches = 5}));
  CHECK(calls.prepared == calls.run);
  CHECK(calls.in_turn);
}

TEST_CASE("a run that costs more than the budget is still measured three times, and not more") {
  Calls calls;
  Measurement measurement = counting(calls);
  measurement.expected_ns = 1e9;
  const auto metric = time_measurement(measurement, {.total_ns = 1e6, .batches = 9});
  CHECK(metric.batches.size() == 3);
  CHECK(calls.run == 3);
}

TEST_CASE("between one and all batches the budget decides") {
  Calls calls;
  Measurement measurement = counting(calls);
  measurement.expected_ns = 0.25e6;
  // Just below the share that would be spent on finding the cost out again.
  measurement.expected_ns += 1;
  const auto metric = time_measurement(measurement, {.total_ns = 1e6, .batches = 9});
  CHECK(metric.batches.size() == 3);
  CHECK(calls.run == 3);
}

TEST_CASE("times are those of one operation") {
  // The same run, said to perform ten times as many operations: a tenth of the time for each. Wide
  // bounds, because this asks about a factor of ten and not about speed.
  Calls calls;
  Measurement one = counting(calls);
  Measurement ten = one;
  ten.operations = 100;
  const TimingBudget budget{.total_ns = 5e6, .batches = 9};
  const double ratio = time_measurement(one, budget).median / time_measurement(ten, budget).median;
  CHECK(ratio > 3);
  CHECK(ratio < 30);
}

TEST_CASE("the harness' own cost is measured on an empty function, per operation") {
  Calls calls;
  Measurement measurement = counting(calls);
  CHECK(overhead_ns(measurement) > 0);
  measurement.prepare = &prepare;
  CHECK(overhead_ns(measurement) > 0);
  CHECK(calls.run == 0);
  CHECK(calls.prepared == 0);
}

}  // namespace patchbench::harness
