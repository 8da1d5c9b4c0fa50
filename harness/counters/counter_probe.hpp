// harness/counters/counter_probe.hpp - what of the sets of counters this machine has, as text and
// JSON: the part of bench-probe that is about counters.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "harness/counters/event.hpp"
#include "results/model.hpp"

namespace patchbench::harness {

/// Every event by set, whether it is counted here or why not, and how counters are read.
[[nodiscard]] std::string counters_text(std::span<const WantedEvent> events,
                                        const results::Counting& counting);

/// `object`, the text of a JSON object, with a member "counters": the fields of results::Counting,
/// and a list of "events".
[[nodiscard]] std::string with_counters_json(std::string_view object,
                                             std::span<const WantedEvent> events,
                                             const results::Counting& counting);

}  // namespace patchbench::harness
