#include "harness/plan/parameters.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "harness/base/text_parts.hpp"
#include "harness/base/usage_error.hpp"
#include "workloads/parameters.hpp"

namespace patchbench::harness {
namespace {

const Parameter* find_parameter(const WorkloadInfo& workload, std::string_view name) {
  const auto found = std::ranges::find(workload.parameters, name, &Parameter::name);
  return found == workload.parameters.end() ? nullptr : &*found;
}

std::vector<std::string> parameter_names(const WorkloadInfo& workload) {
  std::vector<std::string> names;
  for (const Parameter& parameter : workload.parameters) names.push_back(parameter.name);
  return names;
}

ParamText defaults(const WorkloadInfo& workload) {
  ParamText params;
  for (const Parameter& parameter : workload.parameters) {
    params.emplace_back(parameter.name, parameter.default_value);
  }
  return params;
}

void set_params(const WorkloadInfo& workload, std::string_view text, ParamText& params) {
  for (const std::string& assignment : split(text, ',')) {
    const ParamOverride one = parse_override(assignment);
    const Parameter* parameter = find_parameter(workload, one.name);
    if (parameter == nullptr) {
      throw UsageError(unknown_word(fmt::format("parameter of workload '{}'", workload.id),
                                    one.name, parameter_names(workload)));
    }
    std::ranges::find(params, one.name, &std::pair<std::string, std::string>::first)->second =
        checked_value("--dump-code:", workload, *parameter, one.values.front());
  }
}

/// Workload, strategy and parameters, of which a value may be a path.
std::vector<std::string> parts_of_id(const Catalogue& catalogue, std::string_view id) {
  std::vector<std::string> parts = split(id, '/');
  const WorkloadInfo* workload = find_workload(catalogue, parts.front());
  const auto takes_paths = [](const Parameter& one) { return one.why_unreadable != nullptr; };
  if (workload != nullptr && std::ranges::any_of(workload->parameters, takes_paths)) {
    while (parts.size() > 3) {
      parts[2] += '/' + parts[3];
      parts.erase(parts.begin() + 3);
    }
  }
  return parts;
}

}  // namespace

ParamOverride parse_override(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    throw UsageError(fmt::format(
        "--param '{}' is not NAME=VALUE[,VALUE...]: write for example --param sites=1024", text));
  }
  ParamOverride result{.name = std::string(text.substr(0, equals)),
                       .values = split(text.substr(equals + 1), ',')};
  if (std::ranges::any_of(result.values, &std::string::empty)) {
    throw UsageError(fmt::format("--param '{}' has an empty value", text));
  }
  return result;
}

std::string checked_value(std::string_view option, const WorkloadInfo& workload,
                          const Parameter& parameter, std::string_view text) {
  const auto refuse = [&](std::string_view why) {
    return UsageError(fmt::format("{} {}={}: {}; workload '{}' takes {}", option, parameter.name,
                                  text, why, workload.id, allowed_values(parameter)));
  };
  if (parameter.why_unreadable != nullptr && text.find('/') != std::string_view::npos) {
    const std::string reason = parameter.why_unreadable(std::string(text));
    if (!reason.empty()) throw UsageError(fmt::format("{} {}: {}", option, parameter.name, reason));
    return std::string(text);
  }
  if (!parameter.choices.empty()) {
    if (std::ranges::find(parameter.choices, text) == parameter.choices.end()) {
      const std::optional<std::string> suggestion = nearest(text, parameter.choices);
      throw refuse(suggestion ? fmt::format("did you mean '{}'", *suggestion)
                              : std::string("no such value"));
    }
    return std::string(text);
  }
  if (parameter.smallest_share > 0) {
    const std::optional<double> share = to_number<double>(text);
    if (!share) throw refuse("not a number");
    if (!(*share >= parameter.smallest_share && *share <= 1)) throw refuse("out of range");
    return share_text(*share);
  }
  const std::optional<std::int64_t> value = to_number<std::int64_t>(text);
  if (!value) throw refuse("not an integer, or far too large");
  if (*value < parameter.min || *value > parameter.max) throw refuse("out of range");
  if (parameter.power_of_two && !std::has_single_bit(static_cast<std::uint64_t>(*value))) {
    throw refuse("not a power of two");
  }
  return std::to_string(*value);
}

std::vector<ParamText> combinations(const WorkloadInfo& workload,
                                    const std::vector<std::vector<std::string>>& values) {
  std::vector<ParamText> result = {{}};
  for (std::size_t i = 0; i < workload.parameters.size(); ++i) {
    std::vector<ParamText> longer;
    for (const ParamText& prefix : result) {
      for (const std::string& value : values.at(i)) {
        longer.push_back(prefix);
        longer.back().emplace_back(workload.parameters[i].name, value);
      }
    }
    result = std::move(longer);
  }
  return result;
}

results::Params shown_params(const WorkloadInfo& workload, const ParamText& params) {
  results::Params shown;
  for (std::size_t i = 0; i < params.size(); ++i) {
    const Parameter& parameter = workload.parameters.at(i);
    const std::string& value = params[i].second;
    if (!parameter.in_id && value == parameter.default_value) continue;
    shown.emplace_back(parameter.name, results::param_value(value));
  }
  return shown;
}

std::string allowed_values(const Parameter& parameter) {
  if (!parameter.choices.empty()) {
    return fmt::format("{}{}", fmt::join(parameter.choices, "|"),
                       parameter.why_unreadable != nullptr ? "|DIR/FILE" : "");
  }
  if (parameter.smallest_share > 0) {
    return fmt::format("numbers from {} to 1", share_text(parameter.smallest_share));
  }
  return fmt::format("{}{} to {}", parameter.power_of_two ? "powers of two from " : "",
                     parameter.min, parameter.max);
}

ParsedCell parse_cell_id(const Catalogue& catalogue, std::string_view id) {
  const std::vector<std::string> parts = parts_of_id(catalogue, id);
  if (parts.size() < 2 || parts.size() > 3) {
    throw UsageError(fmt::format(
        "'{}' is not a case: write WORKLOAD/STRATEGY/PARAMETERS, for example mic/rwx/sites=1024; "
        "--dry-run lists the cases of a run",
        id));
  }
  ParsedCell cell{.workload = find_workload(catalogue, parts[0]),
                  .strategy = find_strategy(catalogue, parts[1]),
                  .params = {}};
  if (cell.workload == nullptr) {
    throw UsageError(unknown_word("workload", parts[0], workload_ids(catalogue)));
  }
  if (parts[1] == kAgain) {
    throw UsageError(
        fmt::format("'{}' is the baseline a second time: ask for the baseline's case", id));
  }
  if (cell.strategy == nullptr) {
    throw UsageError(unknown_word("strategy", parts[1], strategy_ids(catalogue)));
  }
  cell.params = defaults(*cell.workload);
  if (parts.size() == 3 && !parts[2].empty()) set_params(*cell.workload, parts[2], cell.params);
  return cell;
}

}  // namespace patchbench::harness
