#include "workloads/trace.hpp"

#include <algorithm>
#include <set>
#include <stdexcept>
#include <string>

#include "workloads/send/architecture.hpp"
#include "workloads/trace/shipped_traces.hpp"

namespace patchbench {
namespace {

/// It has sites of every degree, in shares near to those usually quoted.
constexpr std::string_view kQuickTrace = "ruby-yaml";

bool names_a_file(std::string_view word) { return word.find('/') != std::string_view::npos; }

std::vector<std::string> names_of_traces() {
  std::vector<std::string> names;
  for (const trace::ShippedTrace& one : trace::shipped_traces()) names.emplace_back(one.name);
  return names;
}

Parameter trace_parameter() {
  return {.name = std::string{kTraceParameter},
          .summary = "a shipped trace, or the path of a file, which has a slash in it (./my.trace)",
          .default_value = std::string{kQuickTrace},
          .standard_grid = names_of_traces(),
          .quick_grid = {std::string{kQuickTrace}},
          .choices = names_of_traces(),
          .why_unreadable = &why_no_trace};
}

Parameter sends_parameter() {
  return {.name = "sends",
          .summary = "of the trace that are replayed at most, from its beginning; 0: all",
          .default_value = "0",
          .standard_grid = {"0"},
          .quick_grid = {"0"},
          .min = 0,
          .max = static_cast<std::int64_t>(trace::kMostSends),
          .choices = {},
          .in_id = false};
}

/// on_miss, of which this workload has two policies: a trace says when a class changes.
Parameter policy_parameter() {
  Parameter parameter = on_miss_parameter("grow");
  parameter.choices.emplace_back("relink");
  return parameter;
}

/// Of which the lookups of open PICs are a question of their own.
Parameter method_cache_parameter() {
  Parameter parameter = cache_entries_parameter({"1024"});
  parameter.in_id = false;
  return parameter;
}

send::MissPolicy policy_of(const CellRequest& request) {
  const std::string& word = word_parameter(request, "on_miss");
  if (word == "grow") return send::MissPolicy::grow;
  if (word == "relink") return send::MissPolicy::relink;
  throw std::invalid_argument("on_miss=" + word + " is neither grow nor relink");
}

/// Class 0 of a machine is SmallInteger; the others are numbered as they come.
std::vector<std::uint32_t> machine_classes(const trace::TraceNames& names) {
  std::vector<std::uint32_t> classes;
  std::uint32_t heap_class = 0;
  for (std::uint32_t i = 0; i < names.classes.size(); ++i) {
    classes.push_back(names.immediate == i ? 0 : ++heap_class);
  }
  return classes;
}

/// In the order in which they are first sent.
std::vector<send::UnderstoodSelector> understood_in(const trace::Trace& trace,
                                                    const std::vector<std::uint32_t>& classes) {
  std::vector<send::UnderstoodSelector> pairs;
  std::set<std::pair<std::uint32_t, std::uint32_t>> known;
  for (const trace::TraceSend& call : trace.calls) {
    const std::uint32_t selector = trace.names.sites[call.site].selector;
    if (known.emplace(call.class_index, selector).second) {
      pairs.push_back({.class_index = classes[call.class_index], .selector = selector});
    }
  }
  return pairs;
}

}  // namespace

trace::Trace load_trace(const std::string& word, std::uint64_t most_sends) {
  if (names_a_file(word)) {
    trace::Trace read;
    trace::with_lines_of_file(word, false, [&](trace::TraceLines lines) {
      read = read_trace(std::move(lines), most_sends);
    });
    return read;
  }
  for (const trace::ShippedTrace& one : trace::shipped_traces()) {
    if (one.name == word) return read_trace(trace::TraceLines(word, one.text), most_sends);
  }
  throw std::invalid_argument("trace=" + word +
                              " is no shipped trace; a file's path has a slash in it: ./" + word);
}

std::string why_no_trace(const std::string& path) {
  try {
    trace::with_lines_of_file(path, false,
                              [](trace::TraceLines lines) { check_trace(std::move(lines)); });
  } catch (const trace::TraceError& error) {
    return error.what();
  }
  return {};
}

TraceSends describe_trace(const CellRequest& request) {
  TraceSends sends;
  const std::uint32_t most = count_parameter(request, "sends");
  sends.trace = load_trace(word_parameter(request, kTraceParameter),
                           most == 0 ? trace::kMostSends : std::uint64_t{most});
  sends.machine_class = machine_classes(sends.trace.names);
  sends.seed = request.seed;
  send::SendPlan& plan = sends.plan;
  plan.arena = map_arena(request.arena, request.zone);
  plan.site_shift = send::draw_site_shift(request.seed);
  plan.work = count_parameter(request, "work");
  plan.cache_entries = count_parameter(request, "cache_entries");
  plan.publish = prepared_publish_mode(request);
  plan.order = send::SiteOrder::standalone;
  plan.on_miss = policy_of(request);
  plan.closed_pics = plan.on_miss == send::MissPolicy::grow;
  const std::size_t immediates = sends.trace.names.immediate ? 1 : 0;
  plan.heap_classes = static_cast<std::uint32_t>(
      std::max<std::size_t>(1, sends.trace.names.classes.size() - immediates));
  plan.selectors = static_cast<std::uint32_t>(sends.trace.names.selectors.size());
  plan.understood = understood_in(sends.trace, sends.machine_class);
  plan.sites.resize(sends.trace.names.sites.size());
  for (const trace::TraceSite& site : sends.trace.names.sites) {
    plan.selector_of_site.push_back(site.selector);
  }
  return sends;
}

void require_room_for(const TraceSends& sends, Dispatch dispatch) {
  const auto methods = static_cast<std::uint32_t>(sends.plan.understood.size());
  try {
    static_cast<void>(
        send::checked_layout<send::NativeArchitecture>(sends.plan, methods, dispatch));
  } catch (const std::invalid_argument& too_large) {
    throw std::invalid_argument("the trace " + sends.trace.name + " has " +
                                std::to_string(sends.plan.sites.size()) + " sites, " +
                                std::to_string(sends.plan.selectors) + " selectors and " +
                                std::to_string(methods) + " methods: " + too_large.what() +
                                ", or record a shorter part of the program");
  }
}

WidestSite widest_site(const TraceSends& sends) {
  const std::vector<std::uint32_t> degrees = trace::degrees_of(sends.trace);
  const auto site = static_cast<std::uint32_t>(std::ranges::max_element(degrees) - degrees.begin());
  WidestSite widest{.plan = sends.plan, .classes = {{}}};
  widest.plan.sites.resize(1);
  widest.plan.selector_of_site = {sends.plan.selector_of_site[site]};
  for (const trace::TraceSend& call : sends.trace.calls) {
    if (call.site == site) widest.classes.front().push_back(sends.machine_class[call.class_index]);
  }
  return widest;
}

WorkloadInfo TraceReplay::info() {
  return {.id = std::string{kId},
          .summary = "the sends of a recorded program in their order, from unlinked sites on",
          .parameters = {trace_parameter(), sends_parameter(), policy_parameter(),
                         method_cache_parameter(), work_parameter(), publish_parameter()},
          .metrics = {"replay", "replay_warm"},
          .headline = std::vector<Headline>{},
          .small_grid = {{std::string{kTraceParameter}, std::string{kQuickTrace}}}};
}

}  // namespace patchbench
