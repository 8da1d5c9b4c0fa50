#include "harness/counters/counter_probe.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "harness/counters/event_sets.hpp"
#include "results/visitors.hpp"

namespace patchbench::harness {
namespace {

using Json = nlohmann::ordered_json;

/// Events that differ in their scope alone share a line.
struct Line {
  const WantedEvent* first = nullptr;
  std::string scopes;
};

bool same_but_scope(const WantedEvent& one, const WantedEvent& other) {
  return one.event.name == other.event.name && one.event.encoded_from == other.event.encoded_from &&
         one.event.beside == other.event.beside && one.status == other.status &&
         one.reason == other.reason;
}

std::vector<Line> lines_of(std::span<const WantedEvent> events, std::string_view set) {
  std::vector<Line> lines;
  for (const WantedEvent& wanted : events) {
    if (wanted.event.set != set) continue;
    const auto line = std::ranges::find_if(
        lines, [&wanted](const Line& known) { return same_but_scope(*known.first, wanted); });
    if (line == lines.end()) {
      lines.push_back({.first = &wanted, .scopes = wanted.event.scope});
    } else {
      line->scopes += ", " + wanted.event.scope;
    }
  }
  return lines;
}

std::string line_text(const Line& line) {
  const Event& event = line.first->event;
  std::string text =
      fmt::format("  {:<11}  {} ({}; {}{}){}\n", line.first->status, event.name, event.source,
                  line.scopes, event.beside.empty() ? "" : "; beside a " + event.beside,
                  event.encoded_from.empty() ? "" : ": " + event.encoded_from);
  if (!line.first->reason.empty()) text += fmt::format("               {}\n", line.first->reason);
  return text;
}

std::string counting_text(const results::Counting& counting) {
  const std::string pmu =
      counting.pmu ? fmt::format("PMU {}", *counting.pmu)
                   : "which does not know this processor: generic events and raw codes are left";
  std::string text = fmt::format("counters by {}, {}\n", counting.library, pmu);
  if (counting.counters) {
    text += fmt::format("  {} count at the same time; more are counted one group after the other\n",
                        *counting.counters);
  }
  for (const results::ReadCost& read : counting.reads) {
    text += fmt::format("  a group of {} events is read by {} in {:.0f} ns{}\n", read.source,
                        read.path, read.ns, read.used ? "" : " (not used: slower)");
  }
  return text;
}

Json event_json(const WantedEvent& wanted) {
  const Event& event = wanted.event;
  return {{"set", event.set},
          {"name", event.name},
          {"source", event.source},
          {"scope", event.scope},
          {"beside", event.beside.empty() ? Json(nullptr) : Json(event.beside)},
          {"type", event.type},
          {"config", fmt::format("{:#x}", event.config)},
          {"event", event.encoded_from.empty() ? Json(nullptr) : Json(event.encoded_from)},
          {"status", wanted.status},
          {"reason", wanted.reason.empty() ? Json(nullptr) : Json(wanted.reason)}};
}

}  // namespace

std::string counters_text(std::span<const WantedEvent> events, const results::Counting& counting) {
  std::string text = counting_text(counting);
  for (const EventSet& set : event_sets()) {
    text += fmt::format("{}: {}\n", set.id, set.summary);
    for (const Line& line : lines_of(events, set.id)) text += line_text(line);
  }
  return text;
}

std::string with_counters_json(std::string_view object, std::span<const WantedEvent> events,
                               const results::Counting& counting) {
  Json list = Json::array();
  for (const WantedEvent& wanted : events) list.push_back(event_json(wanted));
  Json document = Json::parse(object);
  document["counters"] = results::to_json(counting);
  document["counters"]["events"] = std::move(list);
  return document.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace patchbench::harness
