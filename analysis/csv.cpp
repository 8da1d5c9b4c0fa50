#include "analysis/csv.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "analysis/selection.hpp"

namespace patchbench::analysis {
namespace {

using results::Cell;
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

}  // namespace

std::string samples_as_csv(const Results& results) {
  const std::vector<std::string> names = parameter_names(results);
  std::string text = "run,workload,strategy";
  for (const std::string& name : names) text += ',' + quoted(name);
  text += ",metric,unit,round,value\n";
  for (const Cell& cell : results.cells) {
    std::string start = fmt::format("{},{},{}", quoted(results.run.id), quoted(cell.workload),
                                    quoted(cell.strategy));
    for (const std::string& name : names) {
      start += ',' + quoted(text_of(find_param(cell.params, name)));
    }
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
