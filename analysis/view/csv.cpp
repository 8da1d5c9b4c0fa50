#include "analysis/view/csv.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "analysis/quantity/selection.hpp"
#include "analysis/view/simulated.hpp"

namespace patchbench::analysis {
namespace {

using results::Cell;
using results::Counter;
using results::Metric;
using results::Results;

std::string quoted(std::string_view field) {
  if (field.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(field);
  std::string text = "\"";
  for (const char c : field) {
    if (c == '"') text += '"';
    text += c;
  }
  return text + '"';
}

std::vector<std::string> parameter_names(const Results& results) {
  std::vector<std::string> names;
  for (const Cell& cell : results.cells) {
    for (const auto& [name, value] : cell.params) {
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  return names;
}

std::string text_of(const results::ParamValue* value) {
  if (value == nullptr) return "";
  if (const auto* number = std::get_if<std::int64_t>(value)) return std::to_string(*number);
  return std::get<std::string>(*value);
}

/// "run,workload,strategy,1024,linear": what every row of a cell begins with.
std::string start_of(const Results& results, const Cell& cell,
                     const std::vector<std::string>& names) {
  std::string start =
      fmt::format("{},{},{}", quoted(results.run.id), quoted(cell.workload), quoted(cell.strategy));
  for (const std::string& name : names)
    start += ',' + quoted(text_of(find_param(cell.params, name)));
  return start;
}

template <typename T>
std::string or_nothing(const std::optional<T>& value) {
  return value ? fmt::format("{}", *value) : "";
}

void add_counter(const std::string& start, const Counter& counter, std::string& text) {
  const std::string what = fmt::format(
      "{},{},{},{},{},{},{}", start, quoted(counter.per), quoted(counter.beside),
      quoted(counter.name), quoted(counter.set), quoted(counter.source), quoted(counter.scope));
  const std::string how =
      fmt::format("{},{},{},{}", quoted(counter.status), or_nothing(counter.time_enabled),
                  or_nothing(counter.time_running), quoted(counter.reason));
  for (std::size_t process = 0; process < counter.samples.size(); ++process) {
    text += fmt::format("{},{},{},{}\n", what, process, counter.samples[process], how);
  }
  if (counter.samples.empty()) {
    text += fmt::format("{},,{},{}\n", what, or_nothing(counter.value), how);
  }
}

std::string counted_as_csv(const Results& results, bool simulated) {
  const std::vector<std::string> names = parameter_names(results);
  std::string text = "run,emulated,workload,strategy";
  for (const std::string& name : names) text += ',' + quoted(name);
  text +=
      ",per,beside,counter,set,source,scope,process,value,status,time_enabled,time_running,"
      "reason\n";
  for (const Cell& cell : results.cells) {
    std::string start = start_of(results, cell, names);
    start.insert(quoted(results.run.id).size(), results.context.emulated ? ",true" : ",false");
    for (const Counter& counter : cell.counters) {
      if (is_simulated(counter) == simulated) add_counter(start, counter, text);
    }
  }
  return text;
}

}  // namespace

std::string counters_as_csv(const Results& results) { return counted_as_csv(results, false); }

std::string simulated_as_csv(const Results& results) { return counted_as_csv(results, true); }

std::string samples_as_csv(const Results& results) {
  const std::vector<std::string> names = parameter_names(results);
  std::string text = "run,workload,strategy";
  for (const std::string& name : names) text += ',' + quoted(name);
  text += ",metric,unit,round,value\n";
  for (const Cell& cell : results.cells) {
    const std::string start = start_of(results, cell, names);
    for (const Metric& metric : cell.metrics) {
      for (std::size_t round = 0; round < metric.samples.size(); ++round) {
        const auto& sample = metric.samples[round];
        text += fmt::format("{},{},{},{},{}\n", start, quoted(metric.name), quoted(metric.unit),
                            round, sample ? fmt::format("{}", *sample) : "");
      }
    }
  }
  return text;
}

}  // namespace patchbench::analysis
