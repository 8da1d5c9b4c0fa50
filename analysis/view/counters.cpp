#include "analysis/view/counters.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "analysis/quantity/comparable.hpp"
#include "analysis/quantity/selection.hpp"
#include "analysis/render/numbers.hpp"
#include "analysis/view/catalogue.hpp"
#include "analysis/view/headline.hpp"
#include "analysis/view/publishing.hpp"

namespace patchbench::analysis {
namespace {

using results::Cell;
using results::Counter;
using results::Results;

struct KnownSet {
  std::string_view id;
  std::string_view title;
  std::string_view question;
};

constexpr KnownSet kSingle{"events", "Counters: single events", ""};

/// In the order of reports.
constexpr std::array kKnownSets = {
    KnownSet{"prefetch", "Counters: prefetch",
             "Does the processor fetch ahead past a send, or does it wait for the target?"},
    KnownSet{"icache", "Counters: instruction cache",
             "What does changed code cost, and does the processor notice the change?"},
    KnownSet{"vma", "Counters: mappings", "What does the kernel do for a patch?"},
    kSingle,
    KnownSet{results::kSimulated, "SIMULATED counters",
             "Counts of a model: not measured, not times."},
};

/// One of kKnownSets, whatever a file says: ids become names of files.
const KnownSet& set_of(const Counter& counter) {
  const std::string_view id =
      counter.source == results::kSimulated ? results::kSimulated : std::string_view(counter.set);
  const auto* const known = std::find_if(kKnownSets.begin(), kKnownSets.end(),
                                         [&](const KnownSet& set) { return set.id == id; });
  return known == kKnownSets.end() ? kSingle : *known;
}

template <typename T>
void add_once(std::vector<T>& all, T one) {
  if (std::find(all.begin(), all.end(), one) == all.end()) all.push_back(std::move(one));
}

Operation operation_of(const Cell& cell, const Counter& counter) {
  return {cell.workload, cell.params, counter.per, counter.beside};
}

/// An emulator's time is nobody's.
bool is_shown(const Results& results, const Counter& counter) {
  return is_event(counter) &&
         (times_mean_something(results.context) || !counter.name.ends_with("-ns"));
}

// ---- which operations ----

/// Those of the headline, in its order; of a run without any of them, all.
std::vector<Operation> by_interest(const Results& results, const EventSet& set) {
  std::vector<Operation> ordered;
  for (const HeadlineColumn& column : headline_columns(results)) {
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

/// "busy-thread" as words.
std::string with_spaces(std::string text) {
  std::replace(text.begin(), text.end(), '-', ' ');
  return text;
}

/// The sum over scopes.
struct Count {
  double value = 0;  // of medians
  double low = 0;    // of the lowest of the processes, and so never above their lowest sum
  double high = 0;
  std::size_t processes = 0;
  bool exact = true;  // of what happened, unlike what hardware counts
};

struct CountOf {
  std::string id;
  Count count;
};

/// Empty where a scope was not counted for its whole time, or not at all.
std::optional<Count> count_of(const EventCounters& counters) {
  std::optional<Count> sum;
  for (const Counter* counter : counters) {
    if (counter == nullptr) continue;
    if (!counter->value || is_multiplexed(*counter)) return std::nullopt;
    std::vector<double> samples = counter->samples;
    if (samples.empty()) samples = {*counter->value};
    const auto [low, high] = std::minmax_element(samples.begin(), samples.end());
    if (!sum) sum = Count{0, 0, 0, samples.size(), true};
    sum->value += *counter->value;
    sum->low += *low;
    sum->high += *high;
    sum->processes = std::min(sum->processes, samples.size());
    sum->exact = sum->exact && counter->source != "hardware";
  }
  return sum;
}

std::optional<Count> count_of(const Results& results, const EventSet& set, std::string_view event,
                              const Operation& operation, std::string_view id) {
  const Cell* cell = find_cell(results, operation.workload, id, operation.params);
  if (cell == nullptr) return std::nullopt;
  return count_of(find_event(*cell, set, event, operation));
}

/// Of the strategies and the floor.
std::vector<CountOf> counts_of(const Results& results, const EventSet& set, std::string_view event,
                               const Operation& operation) {
  std::vector<CountOf> counts;
  for (const std::string& id : strategies_in_order(results)) {
    if (is_control(results, id) && id != "floor") continue;
    if (const auto count = count_of(results, set, event, operation, id)) {
      counts.push_back({id, *count});
    }
  }
  return counts;
}

struct Group {
  std::vector<std::string> ids;
  double value = 0;  // the lowest
  double low = 0;
  double high = 0;
};

void join(Group& group, const CountOf& one) {
  const bool first = group.ids.empty();
  group.ids.push_back(one.id);
  group.value = first ? one.count.value : std::min(group.value, one.count.value);
  group.low = first ? one.count.low : std::min(group.low, one.count.low);
  group.high = first ? one.count.high : std::max(group.high, one.count.high);
}

/// "0 for rwx and memfd-dual; 2 for mprotect-toggle"; empty where no strategy has a value.
std::string exact_values(const std::vector<CountOf>& counts) {
  std::vector<std::pair<std::string, Group>> groups;
  for (const CountOf& one : counts) {
    const std::string number = bar_number(one.count.value);
    auto group = std::find_if(groups.begin(), groups.end(),
                              [&](const auto& other) { return other.first == number; });
    if (group == groups.end()) group = groups.insert(groups.end(), {number, {}});
    join(group->second, one);
  }
  std::stable_sort(groups.begin(), groups.end(), [](const auto& left, const auto& right) {
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
std::optional<double> twin_distance(const Results& results, const EventSet& set,
                                    std::string_view event, const Operation& operation) {
  const auto base = count_of(results, set, event, operation, results.baseline);
  const auto again = count_of(results, set, event, operation, "again");
  if (!base || !again || std::min(base->processes, again->processes) < kFewestProcesses) {
    return std::nullopt;
  }
  return std::max(base->high - again->low, again->high - base->low);
}

/// "80.1 to 84.2 for indirect-cell; 110 to 140 for rwx, memfd-dual (rwx and again: up to 12.3
/// apart)"; empty where there are not two groups further apart than that.
std::string differing_values(const Results& results, const EventSet& set, std::string_view event,
                             const Operation& operation, std::vector<CountOf> counts) {
  const auto apart = twin_distance(results, set, event, operation);
  if (!apart) return "";
  std::erase_if(counts, [](const CountOf& one) { return one.count.processes < kFewestProcesses; });
  std::stable_sort(counts.begin(), counts.end(), [](const CountOf& left, const CountOf& right) {
    return left.count.low < right.count.low;
  });
  std::vector<Group> groups;
  for (const CountOf& one : counts) {
    if (groups.empty() || one.count.low - groups.back().high > *apart) groups.emplace_back();
    join(groups.back(), one);
  }
  if (groups.size() < 2) return "";
  std::string text;
  for (const Group& group : groups) {
    text += fmt::format("{}{} to {} for {}", text.empty() ? "" : "; ", bar_number(group.low),
                        bar_number(group.high), joined(group.ids));
  }
  return text +
         fmt::format(" ({} and again: up to {} apart)", results.baseline, bar_number(*apart));
}

std::string values_of(const Results& results, const EventSet& set, std::string_view event,
                      const Operation& operation) {
  std::vector<CountOf> counts = counts_of(results, set, event, operation);
  const bool exact =
      std::all_of(counts.begin(), counts.end(), [](const CountOf& one) { return one.count.exact; });
  return exact ? exact_values(counts)
               : differing_values(results, set, event, operation, std::move(counts));
}

/// Whether hardware counted any of them.
bool are_hardware(const Results& results, const EventSet& set,
                  const std::vector<std::string>& events) {
  return std::any_of(results.cells.begin(), results.cells.end(), [&](const Cell& cell) {
    return std::any_of(cell.counters.begin(), cell.counters.end(), [&](const Counter& counter) {
      return counter.value && counter.source == "hardware" && set_of(counter).id == set.id &&
             std::find(events.begin(), events.end(), counter.name) != events.end();
    });
  });
}

/// What hardware's ranges mean, or why there are none.
std::string about_hardware(const Results& results, const EventSet& set, bool found) {
  if (!are_hardware(results, set, set.events)) return "";
  const std::size_t processes = processes_of(results, set);
  if (processes < kFewestProcesses) {
    return fmt::format(
        "Hardware events were counted in {} process{} a cell: too few to know how they scatter, so "
        "no difference between strategies is stated (from {} on, as by --preset=standard).",
        processes, processes == 1 ? "" : "es", kFewestProcesses);
  }
  if (!found) return "";
  return fmt::format(
      "Hardware events: lowest to highest of {} processes; only what lies further apart than {} "
      "and "
      "again, the same code counted twice, is distinguished.",
      processes, results.baseline);
}

struct Finding {
  std::string_view event;
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
std::string sentence_of(const Results& results, const EventSet& set, const Finding& finding,
                        const std::vector<Operation>& operations) {
  std::string sentence;
  const std::vector<Operation> all = named(finding, operations);
  const Operation* spoken = nullptr;
  for (const Operation& operation : all) {
    const std::string values = values_of(results, set, finding.event, operation);
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

}  // namespace

std::string operation_title(const Operation& operation) {
  if (operation.beside.empty()) return "per " + operation.per;
  return fmt::format("per {}, beside a {}", operation.per, with_spaces(operation.beside));
}

bool is_event(const Counter& counter) {
  constexpr std::array<std::string_view, 3> kAlways = {"hardware", "tracepoint",
                                                       results::kSimulated};
  if (std::find(kAlways.begin(), kAlways.end(), counter.source) != kAlways.end()) return true;
  // The harness' own facts are of source software too, and are never missing.
  return counter.source == "software" &&
         (!counter.set.empty() || counter.time_enabled || !counter.value);
}

std::vector<EventSet> event_sets(const Results& results) {
  std::vector<EventSet> sets;
  for (const KnownSet& known : kKnownSets) {
    EventSet set{known.id, known.title, known.question, {}, {}};
    for (const Cell& cell : results.cells) {
      for (const Counter& counter : cell.counters) {
        if (!is_shown(results, counter) || set_of(counter).id != known.id) continue;
        add_once(set.events, counter.name);
        add_once(set.operations, operation_of(cell, counter));
      }
    }
    if (!set.events.empty()) sets.push_back(std::move(set));
  }
  return sets;
}

std::vector<Operation> chosen_operations(const Results& results, const EventSet& set) {
  constexpr std::size_t kMostSends = 3;
  const std::vector<Operation> all = by_interest(results, set);
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

EventCounters find_event(const Cell& cell, const EventSet& set, std::string_view event,
                         const Operation& operation) {
  EventCounters found{};
  for (const Counter& counter : cell.counters) {
    if (counter.name != event || counter.per != operation.per ||
        counter.beside != operation.beside || !is_event(counter) || set_of(counter).id != set.id) {
      continue;
    }
    const auto* const scope = std::find(kScopes.begin(), kScopes.end(), counter.scope);
    if (scope != kScopes.end()) {
      found[static_cast<std::size_t>(std::distance(kScopes.begin(), scope))] = &counter;
    }
  }
  return found;
}

std::string why_not_counted(const Counter& counter) {
  if (!counter.reason.empty()) return counter.reason;
  return counter.status.empty() || counter.status == "ok" ? "no value" : counter.status;
}

std::string why_not_counted(const Results& results, const Cell& cell, const EventSet& set,
                            std::string_view event, const Operation& operation) {
  if (cell.status != results::CellStatus::ok) return why_missing(results, cell.strategy, &cell);
  // A source that could count nothing of an operation may say so of one of its events alone.
  std::vector<std::string_view> events{event};
  events.insert(events.end(), set.events.begin(), set.events.end());
  for (const std::string_view one : events) {
    for (const Counter* counter : find_event(cell, set, one, operation)) {
      if (counter != nullptr && !counter->value) return why_not_counted(*counter);
    }
  }
  return "not counted";
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

bool is_multiplexed(const Counter& counter) {
  return counter.status == "multiplexed" || (counter.time_enabled && counter.time_running &&
                                             *counter.time_running < *counter.time_enabled);
}

namespace {

bool anybody_has(const Results& results, const EventSet& set, std::string_view event) {
  return std::any_of(results.cells.begin(), results.cells.end(), [&](const Cell& cell) {
    return std::any_of(cell.counters.begin(), cell.counters.end(), [&](const Counter& counter) {
      return counter.value && counter.name == event && is_event(counter) &&
             set_of(counter).id == set.id;
    });
  });
}

/// Why nobody has them, each reason once.
std::string missing_events(const Results& results, const EventSet& set) {
  Grouping reasons;
  for (const std::string& event : set.events) {
    if (anybody_has(results, set, event)) continue;
    for (const Cell& cell : results.cells) {
      for (const Counter& counter : cell.counters) {
        const bool own = counter.name == event && is_event(counter) && !counter.value;
        if (own && set_of(counter).id == set.id) reasons.add(why_not_counted(counter), event);
      }
    }
  }
  std::string text;
  for (const auto& [reason, events] : reasons.groups()) {
    text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", joined(events), reason);
  }
  return text;
}

}  // namespace

std::vector<std::string> counter_summary(const Results& results) {
  std::vector<std::string> lines;
  for (const EventSet& set : event_sets(results)) {
    if (set.id == results::kSimulated) continue;
    const auto counted =
        std::count_if(set.events.begin(), set.events.end(),
                      [&](const std::string& event) { return anybody_has(results, set, event); });
    std::string line =
        fmt::format("{}: {} of {} events counted", set.title, counted, set.events.size());
    const std::string missing = missing_events(results, set);
    if (!missing.empty()) line += "; not available: " + missing;
    lines.push_back(std::move(line));
    for (std::string& finding : counter_findings(results, set)) add_once(lines, std::move(finding));
  }
  return lines;
}

std::size_t processes_of(const Results& results, const EventSet& set) {
  std::size_t most = 0;
  for (const Cell& cell : results.cells) {
    for (const Counter& counter : cell.counters) {
      if (!counter.value || !is_event(counter) || set_of(counter).id != set.id) continue;
      most = std::max({most, counter.samples.size(), std::size_t{1}});
    }
  }
  return most;
}

std::vector<std::string> counter_findings(const Results& results, const EventSet& set) {
  std::vector<std::string> sentences;
  const std::vector<Operation> operations = chosen_operations(results, set);
  bool scattering = false;
  for (const Finding& finding : kFindings) {
    std::string sentence = sentence_of(results, set, finding, operations);
    if (sentence.empty()) continue;
    scattering = scattering || are_hardware(results, set, {std::string(finding.event)});
    sentences.push_back(std::move(sentence));
  }
  std::string about = about_hardware(results, set, scattering);
  if (!about.empty()) sentences.push_back(std::move(about));
  return sentences;
}

}  // namespace patchbench::analysis
