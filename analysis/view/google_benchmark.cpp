#include "analysis/view/google_benchmark.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "analysis/render/numbers.hpp"
#include "analysis/statistics/statistics.hpp"

namespace patchbench::analysis {
namespace {

using results::Metric;
using results::Results;
using Json = nlohmann::ordered_json;

/// "L1d" and "48K"; what does not read like that has no entry.
Json caches_of(const results::Cpu& cpu) {
  Json caches = Json::array();
  for (const auto& [name, size] : cpu.caches) {
    const auto bytes = bytes_of_size(size);
    const bool level = name.size() >= 2 && name[0] == 'L' && name[1] >= '1' && name[1] <= '9';
    if (!bytes || !level) continue;
    const std::string_view kind = std::string_view(name).substr(2);
    const char* type = kind == "d" ? "Data" : kind == "i" ? "Instruction" : "Unified";
    caches.push_back(Json{{"type", type}, {"level", name[1] - '0'}, {"size", *bytes}});
  }
  return caches;
}

/// "2025-11-20T10:00:00Z" with the offset as google/benchmark writes it.
std::string date_of(const std::string& started) {
  if (!started.ends_with('Z')) return started;
  return started.substr(0, started.size() - 1) + "+00:00";
}

Json context_of(const Results& results) {
  const results::Context& context = results.context;
  Json json = {{"date", date_of(results.run.started)},
               {"host_name", context.host.value_or("unknown")},
               {"executable", results.run.command.substr(0, results.run.command.find(' '))}};
  if (context.cpu.online) json["num_cpus"] = *context.cpu.online;
  if (context.governor) json["cpu_scaling_enabled"] = *context.governor != "performance";
  if (context.aslr) json["aslr_enabled"] = *context.aslr != 0;
  json["caches"] = caches_of(context.cpu);
  json["load_avg"] = Json::array();
  if (context.load_average) json["load_avg"].push_back(*context.load_average);
  for (const auto& [name, version] : context.libraries) {
    if (name == "benchmark") json["library_version"] = version;
  }
  json["library_build_type"] = context.build_type == "Debug" ? "debug" : "release";
  json["json_schema_version"] = 1;
  json["patchbench_run"] = results.run.id;
  json["baseline"] = results.baseline;
  json["cpu_model"] = context.cpu.model.value_or("unknown");
  json["kernel"] = context.kernel.value_or("unknown");
  json["compiler"] = context.compiler;
  json["compiler_flags"] = context.flags;
  json["git"] = context.git.value_or("unknown");
  json["cpu_time"] = "not measured: a copy of real_time";
  return json;
}

bool has_time_unit(const Metric& metric) {
  constexpr std::array<std::string_view, 4> kUnits = {"ns", "us", "ms", "s"};
  return std::ranges::find(kUnits, metric.unit) != kUnits.end();
}

/// Numbers families and their instances in the order in which they come.
class Families {
 public:
  struct Place {
    std::size_t family = 0;
    std::size_t instance = 0;
  };

  Place next(const Quantity& time) {
    const std::array<std::string, 3> key = {time.workload, time.strategy, time.name};
    auto found =
        std::ranges::find_if(known_, [&](const auto& family) { return family.first == key; });
    if (found == known_.end()) found = known_.insert(known_.end(), {key, 0});
    return {static_cast<std::size_t>(found - known_.begin()), found->second++};
  }

 private:
  std::vector<std::pair<std::array<std::string, 3>, std::size_t>> known_;
};

/// "cycles:u"
std::string member_name(const Quantity& one) {
  if (one.scope == "user") return one.name + ":u";
  return one.name + (one.scope == "kernel" ? ":k" : "");
}

void add_counters(Json& entry, const Quantities& run, const Quantity& time) {
  for (const Quantity& one : run.of(*time.cell)) {
    const bool own = one.per == time.name && one.beside.empty() && one.value;
    if (!own || one.set == kFacts || one.set == results::kSimulated) continue;
    if (is_multiplexed(*one.counter)) continue;
    const std::string name = member_name(one);
    if (!entry.contains(name)) entry[name] = *one.value;
  }
}

void add_entries(Json& entries, const Quantities& run, const Quantity& time,
                 Families::Place place) {
  const Metric& metric = *time.metric;
  const std::string name = time.cell->id + "/" + metric.name;
  const std::vector<double> values = present(metric.samples);
  const auto entry = [&](const std::string& shown, const char* type) {
    return Json{{"name", shown},
                {"family_index", place.family},
                {"per_family_instance_index", place.instance},
                {"run_name", name},
                {"run_type", type},
                {"repetitions", values.size()}};
  };
  const auto finish = [&](Json& json, std::size_t iterations, double value) {
    json["iterations"] = iterations;
    json["real_time"] = value;
    json["cpu_time"] = value;
    json["time_unit"] = metric.unit;
    entries.push_back(std::move(json));
  };
  for (std::size_t index = 0; index < values.size(); ++index) {
    Json json = entry(name, "iteration");
    json["repetition_index"] = index;
    json["threads"] = 1;
    finish(json, 1, values[index]);
  }
  const auto middle = median(values);
  if (!middle) return;
  Json json = entry(name + "_median", "aggregate");
  json["threads"] = 1;
  json["aggregate_name"] = "median";
  json["aggregate_unit"] = "time";
  add_counters(json, run, time);
  finish(json, values.size(), *middle);
}

}  // namespace

std::string google_benchmark_json(const Quantities& run) {
  Json entries = Json::array();
  Families families;
  for (const Quantity& one : run.all()) {
    const bool shown = one.metric != nullptr && is_ok(one.cell) && has_time_unit(*one.metric);
    if (shown) add_entries(entries, run, one, families.next(one));
  }
  const Json document = {{"context", context_of(run.results())},
                         {"benchmarks", std::move(entries)}};
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace patchbench::analysis
