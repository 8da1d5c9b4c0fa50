// harness/counting/measured.hpp - --counters=auto|SET|EVENT: what the processor and the kernel
// count while a case's operations execute.
//
// Each case is counted in children of its own, as often as the preset has counted rounds; a child
// counts one group of events after the other. Events that this machine does not have are rows with
// a reason and never make a run fail.
#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "harness/counting/source.hpp"

namespace patchbench::harness {

/// What the journal's lines are marked with.
inline constexpr std::string_view kMeasured = "measured";

struct MeasuredRequest {
  std::span<const std::string> words;  // checked
  int rounds = 1;
  std::chrono::milliseconds timeout{};  // of a child
  std::string why_no_cpu_time = {};     // empty: it is asked for as the others are
};

/// There always is one: where nothing can be counted it says so of each event.
[[nodiscard]] std::unique_ptr<CounterSource> make_measured(const MeasuredRequest& request,
                                                           const results::Context& context);

/// How this machine counts `events`, for the record: library, PMU, number of counters, read path
/// and what it costs. `rounds` is left 0.
[[nodiscard]] results::Counting describe_counting(std::span<const WantedEvent> events);

}  // namespace patchbench::harness
