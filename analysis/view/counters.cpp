#include "analysis/view/counters.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "analysis/render/numbers.hpp"
#include "analysis/view/headline.hpp"
#include "analysis/view/publishing.hpp"

namespace patchbench::analysis {
namespace {

struct KnownSet {
  std::string_view title;
  std::string_view question;
};

/// In the order of kEventSets.
constexpr std::array<KnownSet, kEventSets.size()> kKnownSets = {{
    {"Counters: front end",
     "Does the processor fetch ahead past a send, or does it wait for the target?"},
    {"Counters: instruction cache",
     "What does changed code cost, and does the processor notice the change?"},
    {"Counters: mappings", "What does the kernel do for a patch?"},
    {"Counters: single events", ""},
    {"SIMULATED counters", "Counts of a model: not measured, not times."},
}};

/// "busy-thread" as words.
std::string with_spaces(std::string text) {
  std::ranges::replace(text, '-', ' ');
  return text;
}

// ---- which operations ----

/// Those of the headline, in its order; of a run without any of them, all.
std::vector<Operation> by_interest(const Quantities& run, const EventSet& set) {
  std::vector<Operation> ordered;
  for (const HeadlineColumn& column : headline_columns(run)) {
    for (const Operation& operation : set.operations) {
      if (operation.workload == column.workload && operation.params == column.params &&
          operation.per == column.metric) {
        add_once(ordered, operation);
      }
    }
  }
  return ordered.empty() ? set.operations : ordered;
}

/// The first `most` of this kind, alone or not.
void choose(const std::vector<Operation>& from, std::string_view per, bool alone, std::size_t most,
            std::vector<Operation>& chosen) {
  for (const Operation& operation : from) {
    if (most == 0) return;
    if (operation.per != per || operation.beside.empty() != alone) continue;
    chosen.push_back(operation);
    --most;
  }
}

/// The first of them, alone and beside whatever there was, and then the same in other modes.
void choose_patches(const std::vector<Operation>& from, std::string_view per,
                    std::vector<Operation>& chosen) {
  std::vector<Operation> first;
  choose(from, per, true, 1, first);
  if (first.empty()) choose(from, per, false, 1, first);
  if (first.empty()) return;
  std::vector<results::Params> modes;
  for (const Operation& operation : from) {
    const bool same = operation.per == per && operation.workload == first[0].workload &&
                      without_mode(operation.params) == without_mode(first[0].params);
    if (same) add_once(modes, operation.params);
  }
  for (const results::Params& params : modes) {
    std::vector<Operation> own = from;
    std::erase_if(own, [&](const Operation& operation) {
      return operation.workload != first[0].workload || operation.params != params;
    });
    choose(own, per, true, 1, chosen);
    choose(own, per, false, 1, chosen);
  }
}

// ---- findings ----

/// The sum over scopes.
struct Count {
  std::string id;
  double value = 0;  // of medians
  double low = 0;    // of the lowest of the processes, and so never above their lowest sum
  double high = 0;
  std::size_t processes = SIZE_MAX;
  bool exact = true;  // of what happened, unlike what hardware counts
};

/// Empty where a scope was not counted for its whole time, or not at all.
std::optional<Count> count_of(const Quantities& run, const EventSet& set, const std::string& event,
                              const Operation& operation, const std::string& id) {
  Count sum{id};
  for (const std::string_view scope : kScopes) {
    const Quantity* one = run.find(event_key(operation, id, set.id, event, scope));
    if (one == nullptr) continue;
    if (!one->value || is_multiplexed(*one->counter)) return std::nullopt;
    std::vector<double> samples = one->counter->samples;
    if (samples.empty()) samples = {*one->value};
    const auto [low, high] = std::ranges::minmax_element(samples);
    sum.value += *one->value;
    sum.low += *low;
    sum.high += *high;
    sum.processes = std::min(sum.processes, samples.size());
    sum.exact = sum.exact && one->counter->source != "hardware";
  }
  return sum.processes == SIZE_MAX ? std::nullopt : std::optional(sum);
}

/// Of the strategies and the floor.
std::vector<Count> counts_of(const Quantities& run, const EventSet& set, const std::string& event,
                             const Operation& operation) {
  std::vector<Count> counts;
  for (const std::string& id : run.strategies()) {
    if (run.is_control(id) && id != run.results().floor) continue;
    if (auto count = count_of(run, set, event, operation, id)) counts.push_back(std::move(*count));
  }
  return counts;
}

struct Group {
  std::vector<std::string> ids;
  double value = 0;  // the lowest
  double low = 0;
  double high = 0;
};

void join(Group& group, const Count& one) {
  const bool first = group.ids.empty();
  group.ids.push_back(one.id);
  group.value = first ? one.value : std::min(group.value, one.value);
  group.low = first ? one.low : std::min(group.low, one.low);
  group.high = first ? one.high : std::max(group.high, one.high);
}

/// "0 for rwx and memfd-dual; 2 for mprotect-toggle"; empty where no strategy has a value.
std::string exact_values(const std::vector<Count>& counts) {
  std::vector<std::pair<std::string, Group>> groups;
  for (const Count& one : counts) {
    const std::string number = bar_number(one.value);
    auto group =
        std::ranges::find_if(groups, [&](const auto& other) { return other.first == number; });
    if (group == groups.end()) group = groups.insert(groups.end(), {number, {}});
    join(group->second, one);
  }
  std::ranges::stable_sort(groups, [](const auto& left, const auto& right) {
    return left.second.value < right.second.value;
  });
  std::string text;
  for (const auto& [number, group] : groups) {
    const bool all = group.ids.size() == counts.size() && counts.size() > 1;
    const std::string low = bar_number(group.low);
    const std::string high = bar_number(group.high);
    text += fmt::format("{}{}{} for {}{}", text.empty() ? "" : "; ", number,
                        low == high ? "" : fmt::format(" [{}, {}]", low, high),
                        all ? "all of " : "", joined(group.ids));
  }
  return text;
}

/// The most that a process of the baseline and one of its twin differ by; empty where too few
/// counted either.
std::optional<double> twin_distance(const Quantities& run, const EventSet& set,
                                    const std::string& event, const Operation& operation) {
  const auto base = count_of(run, set, event, operation, run.results().baseline);
  const auto again = count_of(run, set, event, operation, std::string(results::kAgain));
  if (!base || !again || std::min(base->processes, again->processes) < kFewestProcesses) {
    return std::nullopt;
  }
  return std::max(base->high - again->low, again->high - base->low);
}

/// "80.1 to 84.2 for indirect-cell; 110 to 140 for rwx, memfd-dual (rwx and its twin again: up to
/// 12.3 apart)"; empty where there are not two groups further apart than that.
std::string differing_values(const std::optional<double>& apart, const std::string& baseline,
                             std::vector<Count> counts) {
  if (!apart) return "";
  std::erase_if(counts, [](const Count& one) { return one.processes < kFewestProcesses; });
  std::ranges::stable_sort(
      counts, [](const Count& left, const Count& right) { return left.low < right.low; });
  std::vector<Group> groups;
  for (const Count& one : counts) {
    if (groups.empty() || one.low - groups.back().high > *apart) groups.emplace_back();
    join(groups.back(), one);
  }
  if (groups.size() < 2) return "";
  std::string text;
  for (const Group& group : groups) {
    text += fmt::format("{}{} to {} for {}", text.empty() ? "" : "; ", bar_number(group.low),
                        bar_number(group.high), joined(group.ids));
  }
  return text +
         fmt::format(" ({} and its twin again: up to {} apart)", baseline, bar_number(*apart));
}

std::string values_of(const Quantities& run, const EventSet& set, const std::string& event,
                      const Operation& operation) {
  std::vector<Count> counts = counts_of(run, set, event, operation);
  const bool exact = std::ranges::all_of(counts, [](const Count& one) { return one.exact; });
  return exact ? exact_values(counts)
               : differing_values(twin_distance(run, set, event, operation), run.results().baseline,
                                  std::move(counts));
}

/// Whether hardware counted any of them.
bool are_hardware(const Quantities& run, const EventSet& set,
                  const std::vector<std::string>& events) {
  return any(run, [&](const Quantity& one) {
    return one.set == set.id && one.value && one.counter->source == "hardware" &&
           std::ranges::find(events, one.name) != events.end();
  });
}

/// What hardware's ranges mean, or why there are none.
std::string about_hardware(const Quantities& run, const EventSet& set, bool found) {
  if (!are_hardware(run, set, set.events)) return "";
  const std::size_t processes = processes_of(run, set);
  if (processes < kFewestProcesses) {
    return fmt::format(
        "Hardware events were counted in {} process{} a case: too few to know how they scatter, so "
        "no difference between strategies is stated (from {} on, as by --preset=standard).",
        processes, processes == 1 ? "" : "es", kFewestProcesses);
  }
  if (!found) return "";
  return fmt::format(
      "Hardware events: lowest to highest of {} processes; only what lies further apart than {} "
      "and the A/A control again, the same code counted twice, is distinguished.",
      processes, run.results().baseline);
}

struct Finding {
  const char* event;
  std::string_view words;
  std::string_view per;
};
constexpr std::array kFindings = {
    Finding{"branch-misses", "Mispredicted branches", "send"},
    Finding{"indirect-branch-misses", "Mispredicted indirect branches", "send"},
    Finding{"l1i-misses", "Misses of the first-level instruction cache", "patch_execute"},
    Finding{"smc-clears", "Restarts for code that was changed", "patch_execute"},
    Finding{"system-calls", "System calls", "patch"},
    Finding{"tlb-flushes", "Events tlb:tlb_flush", "patch"},
    Finding{"ipis-to-one", "Interrupts sent to one other processor", "patch"},
    Finding{"ipis-to-many", "Interrupts sent to several processors", "patch"},
};

/// The last of the chosen sends of mic, which has the most sites; every one of another operation.
std::vector<Operation> named(const Finding& finding, std::vector<Operation> operations) {
  std::erase_if(operations, [&](const Operation& operation) {
    return operation.per != finding.per || (finding.per == "send" && operation.workload != "mic");
  });
  if (finding.per == "send" && operations.size() > 1) {
    operations.erase(operations.begin(), std::prev(operations.end()));
  }
  return operations;
}

/// "Beside a busy thread", "With publish=cpuid", "With publish=cpuid, beside a busy thread"
std::string circumstances(const Operation& operation, const Operation& first) {
  const bool same = operation.params == first.params;
  std::string mode = same ? "" : "With publish=" + publish_mode(operation.params);
  if (operation.beside.empty()) return mode;
  return fmt::format("{}eside a {}", same ? "B" : mode + ", b", with_spaces(operation.beside));
}

/// Of one event: alone, then beside whatever there was, and both in other modes.
std::string sentence_of(const Quantities& run, const EventSet& set, const Finding& finding,
                        const std::vector<Operation>& operations) {
  std::string sentence;
  const std::vector<Operation> all = named(finding, operations);
  const Operation* spoken = nullptr;
  for (const Operation& operation : all) {
    const std::string values = values_of(run, set, finding.event, operation);
    if (values.empty()) continue;
    if (sentence.empty()) {
      sentence = fmt::format("{} {} ({}, {}): ", finding.words, operation_title(operation),
                             operation.workload, spaced(operation.params));
      spoken = &operation;
    } else {
      sentence += fmt::format(". {}: ", circumstances(operation, *spoken));
    }
    sentence += values;
  }
  return sentence.empty() ? "" : sentence + ".";
}

bool anybody_has(const Quantities& run, const EventSet& set, const std::string& event) {
  return any(run, [&](const Quantity& one) {
    return one.set == set.id && one.name == event && one.value;
  });
}

/// Why nobody has them, each reason once.
std::string missing_events(const Quantities& run, const EventSet& set) {
  Grouping reasons;
  for (const std::string& event : set.events) {
    if (anybody_has(run, set, event)) continue;
    for (const Quantity& one : run.all()) {
      if (one.set == set.id && one.name == event) reasons.add(why(run, one), event);
    }
  }
  std::string text;
  for (const auto& [reason, events] : reasons.groups()) {
    text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", joined(events), reason);
  }
  return text;
}

}  // namespace

std::string operation_title(const Operation& operation) {
  if (operation.beside.empty()) return "per " + operation.per;
  return fmt::format("per {}, beside a {}", operation.per, with_spaces(operation.beside));
}

std::vector<EventSet> event_sets(const Quantities& run) {
  std::vector<EventSet> sets;
  for (std::size_t i = 0; i < kEventSets.size(); ++i) {
    const auto in_set = [&](const Quantity& one) { return one.set == kEventSets[i]; };
    EventSet set{kEventSets[i], kKnownSets[i].title, kKnownSets[i].question,
                 distinct(run, in_set, [](const Quantity& one) { return one.name; }),
                 distinct(run, in_set, operation_of)};
    if (!set.events.empty()) sets.push_back(std::move(set));
  }
  return sets;
}

std::vector<Operation> chosen_operations(const Quantities& run, const EventSet& set) {
  constexpr std::size_t kMostSends = 3;
  const std::vector<Operation> all = by_interest(run, set);
  std::vector<Operation> chosen;
  choose(all, "send", true, kMostSends, chosen);
  for (const std::string_view per : {"patch", "patch_execute"}) choose_patches(all, per, chosen);
  // A run of something else: what it has.
  constexpr std::size_t kAFew = 4;
  if (chosen.empty()) {
    chosen.assign(all.begin(),
                  all.begin() + static_cast<std::ptrdiff_t>(std::min(kAFew, all.size())));
  }
  return chosen;
}

Key event_key(const Operation& operation, const std::string& strategy, std::string_view set,
              const std::string& event, std::string_view scope) {
  return {
      operation.workload, operation.params, operation.per, operation.beside, strategy, set, event,
      std::string(scope)};
}

std::string all_reasons(const Grouping& reasons) {
  const auto& groups = reasons.groups();
  if (groups.size() == 1) return groups.front().first;
  std::string text;
  for (const auto& [reason, strategies] : groups) {
    text += fmt::format("{}{} ({})", text.empty() ? "" : "; ", reason, joined(strategies));
  }
  return text;
}

std::vector<std::string> counter_summary(const Quantities& run) {
  std::vector<std::string> lines;
  for (const EventSet& set : event_sets(run)) {
    if (set.id == results::kSimulated) continue;
    const auto counted = std::ranges::count_if(
        set.events, [&](const std::string& event) { return anybody_has(run, set, event); });
    std::string line =
        fmt::format("{}: {} of {} events counted", set.title, counted, set.events.size());
    const std::string missing = missing_events(run, set);
    if (!missing.empty()) line += "; not available: " + missing;
    lines.push_back(std::move(line));
    for (std::string& finding : counter_findings(run, set)) add_once(lines, std::move(finding));
  }
  return lines;
}

std::size_t processes_of(const Quantities& run, const EventSet& set) {
  std::size_t most = 0;
  for (const Quantity& one : run.all()) {
    if (one.set != set.id || !one.value) continue;
    most = std::max({most, one.counter->samples.size(), std::size_t{1}});
  }
  return most;
}

std::vector<std::string> counter_findings(const Quantities& run, const EventSet& set) {
  std::vector<std::string> sentences;
  const std::vector<Operation> operations = chosen_operations(run, set);
  bool scattering = false;
  for (const Finding& finding : kFindings) {
    std::string sentence = sentence_of(run, set, finding, operations);
    if (sentence.empty()) continue;
    scattering = scattering || are_hardware(run, set, {finding.event});
    sentences.push_back(std::move(sentence));
  }
  std::string about = about_hardware(run, set, scattering);
  if (!about.empty()) sentences.push_back(std::move(about));
  return sentences;
}

bool has_counts(const Quantities& run, const EventSet& set) {
  return any(run, [&](const Quantity& one) { return one.set == set.id && one.value; });
}

std::string not_counted_sentence(const Quantities& run) {
  constexpr std::string_view kAnywhere =
      "bench-run --counters=simulated counts instructions on any machine.";
  std::vector<EventSet> sets = event_sets(run);
  std::erase_if(sets, [](const EventSet& set) { return set.id == results::kSimulated; });
  if (sets.empty()) {
    return fmt::format(
        "This run counted no events. bench-run --counters=auto counts those that "
        "this machine lets it count; {}",
        kAnywhere);
  }
  std::erase_if(sets, [&](const EventSet& set) { return has_counts(run, set); });
  if (sets.empty()) return "";
  Grouping reasons;
  for (const Quantity& one : run.all()) {
    const bool shown = std::ranges::find(sets, one.set, &EventSet::id) != sets.end();
    if (shown) reasons.add(why_not_counted(*one.counter), one.name);
  }
  std::string text = "Not counted for any strategy: ";
  for (const auto& [reason, events] : reasons.groups()) {
    text += fmt::format("{} ({}). ", joined(events), reason);
  }
  return fmt::format(
      "{}Where the processor has such counters, sysctl kernel.perf_event_paranoid=1 "
      "(scripts/tune-host) opens them to bench-run --counters=auto; {}",
      text, kAnywhere);
}

}  // namespace patchbench::analysis
