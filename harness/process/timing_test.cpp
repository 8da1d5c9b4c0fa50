#include "harness/process/timing.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <patchbench_catch.hpp>

#include "analysis/statistics/statistics.hpp"

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

TEST_CASE("a run that costs more than the budget is still measured once, and not more") {
  Calls calls;
  Measurement measurement = counting(calls);
  measurement.expected_ns = 1e9;
  const auto metric = time_measurement(measurement, {.total_ns = 1e6, .batches = 9});
  CHECK(metric.batches.size() == 1);
  CHECK(calls.run == 1);
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

TEST_CASE("plain batches have a lower decile") {
  Calls calls;
  const auto metric = time_measurement(counting(calls), {.total_ns = 1e6, .batches = 9});
  std::vector<double> sorted = metric.batches;
  std::ranges::sort(sorted);
  REQUIRE(metric.low.has_value());
  CHECK(*metric.low == Approx(sorted[0] + 0.8 * (sorted[1] - sorted[0])));
}

namespace {

struct Pair {
  std::string calls;  // in the order made: p, r, q (preparation of the next), w
  int more = 0;       // steps of run() beyond those of without()
  int steps = 0;

  void step(int count) {
    for (int i = 0; i < count; ++i) done = i;
  }

  volatile int done = 0;  // a loop without it would be none
};

Pair& pair_of(void* self) { return *static_cast<Pair*>(self); }

Measurement difference(Pair& pair) {
  return {.metric = "miss_among_hits",
          .operations = 10,
          .self = &pair,
          .prepare = [](void* self) { pair_of(self).calls += 'p'; },
          .run =
              [](void* self) noexcept {
                pair_of(self).calls += 'r';
                pair_of(self).step(pair_of(self).steps + pair_of(self).more);
              },
          .prepare_without = [](void* self) { pair_of(self).calls += 'q'; },
          .without =
              [](void* self) noexcept {
                pair_of(self).calls += 'w';
                pair_of(self).step(pair_of(self).steps);
              }};
}

}  // namespace

TEST_CASE("a difference runs with and without in turn, each with its own preparation") {
  Pair pair;
  const auto metric = time_measurement(difference(pair), {.total_ns = 1e5, .batches = 5});
  CHECK(metric.batches.size() == 5);
  REQUIRE(pair.calls.size() % 4 == 0);
  std::string expected;
  for (std::size_t i = 0; i < pair.calls.size() / 4; ++i) expected += "prqw";
  CHECK(pair.calls == expected);
}

TEST_CASE("preparations of a difference may be missing") {
  Pair pair;
  Measurement measurement = difference(pair);
  measurement.prepare = nullptr;
  measurement.prepare_without = nullptr;
  static_cast<void>(time_measurement(measurement, {.total_ns = 1e5, .batches = 5}));
  CHECK(pair.calls.find_first_not_of("rw") == std::string::npos);
  CHECK(pair.calls.starts_with("rwrw"));
}

TEST_CASE("a difference is what only run() does, per operation, and has no quartile") {
  // Ten times the difference: factors, as above, and not speed.
  const auto median_of = [](int more) {
    Pair pair;
    pair.steps = 1'000;
    pair.more = more;
    const auto metric = time_measurement(difference(pair), {.total_ns = 2e7, .batches = 21});
    CHECK_FALSE(metric.low.has_value());
    return metric.median;
  };
  const double ratio = median_of(100'000) / median_of(10'000);
  CHECK(ratio > 3);
  CHECK(ratio < 30);
  CHECK(median_of(-900) < 0);
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
