// harness/counters/asked_events.hpp - from the words of --counters to events that this machine
// counts, or not and why.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/counters/event.hpp"
#include "results/model.hpp"

namespace patchbench::harness {

/// A set, a row of one, or an event that libpfm4 knows; :u and :k behind a row or an event count
/// user code or the kernel alone. Throws UsageError naming `word` and those that are near it.
void check_event_word(const std::string& word);

/// What the words ask for, each event once: user code and the kernel apart, unless a word says
/// which; what the kernel does not tell apart, once. Everything with status `ok` was opened here
/// and counted. The words have been checked.
[[nodiscard]] std::vector<WantedEvent> asked_events(std::span<const std::string> words,
                                                    const results::Context& context);

/// Every event of every set, as above: for bench-probe.
[[nodiscard]] std::vector<WantedEvent> all_sets(const results::Context& context);

}  // namespace patchbench::harness
