#include "harness/counters/asked_events.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <tuple>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <linux/perf_event.h>

#include "harness/base/usage_error.hpp"
#include "harness/counters/cpu_time.hpp"
#include "harness/counters/event_sets.hpp"
#include "harness/counters/event_split.hpp"
#include "harness/counters/kernel_events.hpp"
#include "harness/counters/pfm.hpp"

namespace patchbench::harness {
namespace {

/// What the sets have on this machine: the processor's events, then the kernel's.
std::vector<WantedEvent> events_of_sets(const results::Context& context) {
  std::vector<WantedEvent> events = resolve_rows(rows_for(context));
  std::ranges::move(kernel_events(), std::back_inserter(events));
  std::ranges::move(cpu_time_rows(), std::back_inserter(events));
  return events;
}

bool fits_scope(const Event& event, std::string_view scope) {
  return scope.empty() || event.scope == scope;
}

/// "indirect-branch-misses:u": those of its rows that the modifier leaves.
std::vector<WantedEvent> rows_named(const std::vector<WantedEvent>& events,
                                    const ScopedName& asked) {
  std::vector<WantedEvent> found;
  std::ranges::copy_if(events, std::back_inserter(found), [&](const WantedEvent& one) {
    return one.event.name == asked.name && fits_scope(one.event, asked.scope);
  });
  for (WantedEvent& one : found) {
    one.event.set.clear();  // asked for alone
  }
  return found;
}

/// Whether what the event counts can be separated by who executed. The scheduler and the clocks are
/// the kernel's, and a tracepoint is in it: an event that leaves it out would count nothing.
bool has_both_parts(const Event& event) {
  if (event.source != "software") return event.source == "hardware";
  return event.config == PERF_COUNT_SW_PAGE_FAULTS ||
         event.config == PERF_COUNT_SW_PAGE_FAULTS_MIN ||
         event.config == PERF_COUNT_SW_PAGE_FAULTS_MAJ;
}

/// An event of libpfm4.
std::vector<WantedEvent> encoded(const std::string& word, std::string_view scope) {
  const EncodedEvent encoded = pfm_encode(word);
  if (!encoded.event) {
    throw UsageError(fmt::format("event '{}' of --counters: libpfm4: {}", word, encoded.error));
  }
  WantedEvent one{.event = *encoded.event, .status = "ok", .reason = {}};
  if (!scope.empty() || !has_both_parts(one.event)) return {one};
  WantedEvent kernel = one;
  one.event.scope = "user";
  kernel.event.scope = "kernel";
  return {one, kernel};
}

std::vector<WantedEvent> events_of_word(const std::string& word,
                                        const std::vector<WantedEvent>& sets) {
  std::vector<WantedEvent> events;
  if (find_event_set(word) != nullptr) {
    std::ranges::copy_if(sets, std::back_inserter(events),
                         [&](const WantedEvent& one) { return one.event.set == word; });
    return events;
  }
  const ScopedName asked = split_scope(word);
  events = rows_named(sets, asked);
  if (events.empty()) events = rows_named(flushes_of_hidden_reason(asked.name, sets), asked);
  return events.empty() ? encoded(word, asked.scope) : events;
}

EventRefusal refusal_of(const Event& event, const results::Context& context) {
  if (std::string reason = why_not_on_arm(event, context); !reason.empty()) {
    return {.status = "unsupported", .reason = std::move(reason)};
  }
  std::string reason = why_not_counted(event);
  return {.status = reason.empty() ? "" : "unavailable", .reason = std::move(reason)};
}

/// Opens what may be there; what does not count says why.
void try_to_count(WantedEvent& wanted, const results::Context& context) {
  if (wanted.status == "ok" && wanted.event.name != kCpuTime) {
    keep_first_counted(wanted,
                       [&context](const Event& event) { return refusal_of(event, context); });
  }
}

/// The rows that there are on any machine, as far as their names and scopes go.
std::vector<Event> rows_anywhere() {
  std::vector<Event> rows;
  const auto add = [&rows](const std::vector<WantedEvent>& wanted) {
    std::ranges::transform(wanted, std::back_inserter(rows), &WantedEvent::event);
  };
  add(resolve_rows(generic_rows()));
  add(resolve_rows(arm_rows()));
  add(kernel_events());
  add(cpu_time_rows());
  return rows;
}

/// "system-calls counts user code and kernel together"
[[noreturn]] void refuse_scope(const std::string& name, const std::set<std::string>& scopes) {
  const char* counts = scopes.contains("both")    ? "user code and kernel together"
                       : !scopes.contains("user") ? "the kernel alone"
                                                  : "user code and kernel apart";
  throw UsageError(fmt::format("{} counts {}; write --counters={}", name, counts, name));
}

/// False for a word that names no row. Throws UsageError for one whose rows have another scope.
bool check_row(const ScopedName& asked) {
  std::vector<Event> rows = rows_anywhere();
  for (const WantedEvent& hidden : flushes_of_hidden_reason(asked.name, kernel_events())) {
    rows.push_back(hidden.event);
  }
  std::set<std::string> scopes;
  for (const Event& row : rows) {
    if (row.name == asked.name) scopes.insert(row.scope);
  }
  if (!scopes.empty() && !asked.scope.empty() && !scopes.contains(asked.scope)) {
    refuse_scope(asked.name, scopes);
  }
  return !scopes.empty();
}

std::vector<std::string> known_words() {
  std::vector<std::string> words = {"auto", "none", "simulated"};
  std::ranges::transform(event_sets(), std::back_inserter(words),
                         [](const EventSet& set) { return std::string(set.id); });
  std::ranges::transform(rows_anywhere(), std::back_inserter(words), &Event::name);
  std::ranges::move(pfm_event_names(), std::back_inserter(words));
  return words;
}

}  // namespace

void check_event_word(const std::string& word) {
  const ScopedName asked = split_scope(word);
  if (find_event_set(word) != nullptr || check_row(asked)) return;
  const EncodedEvent event = pfm_encode(word);
  if (event.event) {
    if (!asked.scope.empty() && asked.scope != "both" && !has_both_parts(*event.event)) {
      refuse_scope(asked.name, {"both"});
    }
    return;
  }
  constexpr std::size_t kMost = 5;
  const auto near = nearest_words(word, known_words(), kMost);
  const auto pmu = pfm_pmu();
  throw UsageError(fmt::format(
      "unknown event '{}' of --counters (libpfm4: {}{}){} bench-probe lists the sets and their "
      "events",
      word, event.error, pmu ? "" : "; it does not know this processor, raw codes like r00c2 work",
      near.empty() ? ";" : fmt::format(": did you mean {}?", fmt::join(near, ", "))));
}

std::vector<WantedEvent> asked_events(std::span<const std::string> words,
                                      const results::Context& context) {
  using Key = std::tuple<std::string, std::string, std::string>;
  const std::vector<WantedEvent> sets = events_of_sets(context);
  std::vector<WantedEvent> asked;
  std::set<Key> seen;
  for (const std::string& word : words) {
    for (WantedEvent& wanted : events_of_word(word, sets)) {
      if (seen.insert({wanted.event.name, wanted.event.scope, wanted.event.beside}).second) {
        try_to_count(wanted, context);
        asked.push_back(std::move(wanted));
      }
    }
  }
  return asked;
}

std::vector<WantedEvent> all_sets(const results::Context& context) {
  std::vector<std::string> words;
  std::ranges::transform(event_sets(), std::back_inserter(words),
                         [](const EventSet& set) { return std::string(set.id); });
  return asked_events(words, context);
}

}  // namespace patchbench::harness
