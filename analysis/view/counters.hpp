// analysis/view/counters.hpp - what was counted beside the times: which events, during which
// operation, and why some are missing.
//
// Sets of events that hardware and the kernel counted never share a table, a figure or a file with
// simulated ones. What an emulator's processor counted is called emulated wherever it is shown.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "analysis/quantity/quantities.hpp"
#include "analysis/render/document.hpp"
#include "analysis/render/wrap.hpp"

namespace patchbench::analysis {

/// A key without strategy and event.
using Operation = Key;

/// "per patch, beside a busy thread"
[[nodiscard]] std::string operation_title(const Operation& operation);

/// Events that answer one question.
struct EventSet {
  std::string_view id;                // one of kEventSets
  std::string_view title;             // of its table and figure
  std::string_view question;          // what its numbers are asked for
  std::vector<std::string> events;    // names, in the order of the run
  std::vector<Operation> operations;  // in the order of the run
};

/// Those of the run, in the order of the customary questions; simulated ones last.
[[nodiscard]] std::vector<EventSet> event_sets(const Quantities& run);

/// The few that a figure or a summary shows: at most three sends, a patch, a patch with its
/// execution, and these beside a busy thread; patches in every mode of --publish that was counted.
[[nodiscard]] std::vector<Operation> chosen_operations(const Quantities& run, const EventSet& set);

/// The key of a set's event in a strategy's operation.
[[nodiscard]] Key event_key(const Operation& operation, const std::string& strategy,
                            std::string_view set, const std::string& event, std::string_view scope);

/// One sentence of the reasons, with whose they are where they differ.
[[nodiscard]] std::string all_reasons(const Grouping& reasons);

/// Whether any event of the set has a value.
[[nodiscard]] bool has_counts(const Quantities& run, const EventSet& set);

/// One paragraph: the measured sets of which no event has a value, why, and what changes that.
/// Empty where each has some.
[[nodiscard]] std::string not_counted_sentence(const Quantities& run);

/// Processes that have to count a hardware event before it is said to differ.
inline constexpr std::size_t kFewestProcesses = 3;

/// How many processes counted the set's events in a cell; 0 where none did.
[[nodiscard]] std::size_t processes_of(const Quantities& run, const EventSet& set);

/// What the numbers say: system calls a patch, flushes and interrupts alone and beside a busy
/// thread, misses. Sentences of numbers of this run alone; empty where it has none.
///
/// What the kernel counts is exact of what happened, and said as it is: medians, with the lowest
/// and the highest of the processes where these differ.
///
/// Hardware events scatter. Of these only differences are said, and only where kFewestProcesses or
/// more counted every strategy, the baseline and its twin `again`: the strategies, from the lowest
/// to the highest of their processes, fall into groups, and each group lies further from the next
/// than any process of the baseline lies from any of `again`. (Ranges of three values that merely
/// do not overlap are seen in one of ten pairs of equal distributions; beyond that distance, by
/// simulation with normal, lognormal and bimodal ones, in fewer than one of a hundred.)
[[nodiscard]] std::vector<std::string> counter_findings(const Quantities& run, const EventSet& set);

/// For a terminal: of each measured set how much was counted, why not more, and what was found.
[[nodiscard]] std::vector<std::string> counter_summary(const Quantities& run);

/// A section for each set that was measured, with the chosen operations.
[[nodiscard]] std::vector<Section> counter_sections(const Quantities& run);
/// Every operation of the sets that have more than was chosen.
[[nodiscard]] std::vector<Section> counter_details(const Quantities& run);

}  // namespace patchbench::analysis
