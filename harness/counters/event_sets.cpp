#include "harness/counters/event_sets.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "harness/counters/pfm.hpp"

namespace patchbench::harness {
namespace {

/// Those of a row's names that libpfm4 has here.
std::vector<Event> encoded(const EventRow& row) {
  std::vector<Event> events;
  for (const std::string& name : row.events) {
    if (auto one = pfm_encode(name); one.event) events.push_back(std::move(*one.event));
  }
  return events;
}

std::string reason_for_none(const EventRow& row) {
  if (!row.missing.empty()) return row.missing;
  const auto pmu = pfm_pmu();
  return fmt::format("libpfm4 has none of {} {}", fmt::join(row.events, ", "),
                     pmu ? fmt::format("for this processor ({})", *pmu)
                         : "here, and does not know this processor");
}

WantedEvent wanted(const EventRow& row, const std::vector<Event>& events, std::string scope) {
  WantedEvent one;
  if (!events.empty()) {
    one.event = events.front();
    one.otherwise.assign(events.begin() + 1, events.end());
    one.status = "ok";
  } else {
    one.event.source = "hardware";
    one.status = "unsupported";
    one.reason = reason_for_none(row);
  }
  one.event.name = row.name;
  one.event.set = row.set;
  one.event.scope = std::move(scope);
  return one;
}

}  // namespace

const std::vector<EventSet>& event_sets() {
  static const std::vector<EventSet> sets = {
      {.id = "prefetch", .summary = "what the front end makes of the branches"},
      {.id = "icache", .summary = "instruction cache, its TLB, and code that changes"},
      {.id = "vma", .summary = "page faults, system calls, TLB flushes, data TLB"}};
  return sets;
}

const EventSet* find_event_set(std::string_view id) {
  const auto found = std::ranges::find(event_sets(), id, &EventSet::id);
  return found == event_sets().end() ? nullptr : &*found;
}

EventRows rows_for(const results::Context& context) {
  const std::string vendor = context.cpu.vendor.value_or("");
  if (context.arch == "aarch64") return arm_rows();
  if (vendor == "GenuineIntel") return intel_rows(context.cpu.model_number.value_or(0));
  constexpr int kFirstZen = 0x17;
  const int family = context.cpu.family.value_or(0);
  if ((vendor == "AuthenticAMD" || vendor == "HygonGenuine") && family >= kFirstZen) {
    return zen_rows(family);
  }
  return generic_rows();
}

std::vector<WantedEvent> resolve_rows(const EventRows& rows) {
  std::vector<WantedEvent> events;
  for (const EventRow& row : rows) {
    const std::vector<Event> codes = encoded(row);
    events.push_back(wanted(row, codes, "user"));
    events.push_back(wanted(row, codes, "kernel"));
  }
  return events;
}

void keep_first_counted(WantedEvent& wanted,
                        const std::function<EventRefusal(const Event&)>& refusal_of) {
  EventRefusal best = refusal_of(wanted.event);
  for (const Event& code : wanted.otherwise) {
    if (best.status.empty()) return;
    Event event = code;
    event.name = wanted.event.name;
    event.set = wanted.event.set;
    event.scope = wanted.event.scope;
    if (refusal_of(event).status.empty()) {
      wanted.event = std::move(event);
      return;
    }
  }
  if (!best.status.empty()) {
    wanted.status = std::move(best.status);
    wanted.reason = std::move(best.reason);
  }
}

}  // namespace patchbench::harness
