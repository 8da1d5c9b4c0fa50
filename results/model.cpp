#include "results/model.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace patchbench::results {

bool passed(const SelfTest& test) {
  return !test.lines.empty() &&
         std::ranges::all_of(test.lines, [](const SelfTestLine& line) { return line.passed; });
}

std::string_view to_string(CellStatus status) {
  switch (status) {
    case CellStatus::ok:
      return "ok";
    case CellStatus::denied:
      return "denied";
    case CellStatus::unsupported:
      return "unsupported";
    case CellStatus::failed:
      return "failed";
    case CellStatus::crashed:
      return "crashed";
    case CellStatus::timeout:
      return "timeout";
  }
  return "failed";
}

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::faster:
      return "faster";
    case Verdict::slower:
      return "slower";
    case Verdict::same:
      return "same";
    case Verdict::inconclusive:
      return "inconclusive";
  }
  return "inconclusive";
}

std::string_view to_string(Availability availability) {
  switch (availability) {
    case Availability::available:
      return "available";
    case Availability::denied:
      return "denied";
    case Availability::unsupported:
      return "unsupported";
  }
  return "unsupported";
}

std::string_view to_string(Cheaper cheaper) {
  switch (cheaper) {
    case Cheaper::never:
      return "never";
    case Cheaper::always:
      return "always";
    case Cheaper::same:
      return "same";
    case Cheaper::below:
      return "below";
    case Cheaper::above:
      return "above";
    case Cheaper::inconclusive:
      return "inconclusive";
  }
  return "inconclusive";
}

std::string_view to_string(Role role) {
  switch (role) {
    case Role::strategy:
      return "strategy";
    case Role::control:
      return "control";
  }
  return "control";
}

std::string_view to_string(Guarantee guarantee) {
  switch (guarantee) {
    case Guarantee::architectural:
      return "architectural";
    case Guarantee::none:
      return "none";
    case Guarantee::not_needed:
      return "not-needed";
  }
  return "none";
}

ParamValue param_value(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  // "007" and "-0" stay words: as an integer they would change the id of their cell.
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  if (whole && std::to_string(number) == text) return number;
  return std::string(text);
}

std::string params_text(const Params& params) {
  std::string text;
  for (const auto& [name, value] : params) {
    if (!text.empty()) text += ',';
    text += name;
    text += '=';
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
      text += std::to_string(*number);
    } else {
      text += std::get<std::string>(value);
    }
  }
  return text;
}

std::string cell_id(std::string_view workload, std::string_view strategy, const Params& params) {
  std::string id(workload);
  id += '/';
  id += strategy;
  if (!params.empty()) {
    id += '/';
    id += params_text(params);
  }
  return id;
}

}  // namespace patchbench::results
