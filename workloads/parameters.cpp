#include "workloads/parameters.hpp"

#include <charconv>
#include <stdexcept>
#include <system_error>

namespace patchbench {

const std::string& word_parameter(const CellRequest& request, std::string_view name) {
  for (const auto& [key, value] : request.params) {
    if (key == name) return value;
  }
  throw std::invalid_argument("the case lacks its parameter " + std::string{name});
}

std::int64_t integer_parameter(const CellRequest& request, std::string_view name) {
  const std::string& text = word_parameter(request, name);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    throw std::invalid_argument("parameter " + std::string{name} + "=" + text + " is not a number");
  }
  return value;
}

std::uint32_t count_parameter(const CellRequest& request, std::string_view name) {
  const std::int64_t value = integer_parameter(request, name);
  if (value < 0 || value > UINT32_MAX) {
    throw std::invalid_argument("parameter " + std::string{name} + " is out of range");
  }
  return static_cast<std::uint32_t>(value);
}

double share_parameter(const CellRequest& request, std::string_view name) {
  const std::string& text = word_parameter(request, name);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !(value > 0 && value <= 1)) {
    throw std::invalid_argument("parameter " + std::string{name} + "=" + text +
                                " is not a number in (0, 1]");
  }
  return value;
}

Parameter sites_parameter(std::vector<std::string> standard_grid,
                          std::vector<std::string> quick_grid) {
  return {.name = "sites",
          .summary = "number of send sites",
          .default_value = "1024",
          .standard_grid = std::move(standard_grid),
          .quick_grid = std::move(quick_grid),
          .min = 1,
          .max = 1 << 20,
          .choices = {}};
}

Parameter patched_sites_parameter(std::vector<std::string> standard_grid,
                                  std::vector<std::string> quick_grid) {
  Parameter parameter = sites_parameter(std::move(standard_grid), std::move(quick_grid));
  parameter.growth = {.ms = 12, .toggling_ms = 135};
  return parameter;
}

Parameter work_parameter() {
  return {.name = "work",
          .summary = "operations of a method body",
          .default_value = "8",
          .standard_grid = {"8"},
          .quick_grid = {"8"},
          .min = 0,
          .max = 256,
          .choices = {},
          .in_id = false};
}

Parameter on_miss_parameter(std::string policy) {
  return {.name = "on_miss",
          .summary = "what a miss does to a linked site: grow a PIC, or relink the MIC",
          .default_value = policy,
          .standard_grid = {policy},
          .quick_grid = {policy},
          .choices = {policy},
          .in_id = false};
}

Parameter cache_entries_parameter(std::vector<std::string> standard_grid) {
  return {.name = "cache_entries",
          .summary = "entries of the method cache, a power of two",
          .default_value = "1024",
          .standard_grid = std::move(standard_grid),
          .quick_grid = {"1024"},
          .min = 4,
          .max = 1 << 20,
          .power_of_two = true,
          .choices = {}};
}

Parameter publish_per_parameter(std::string by_default) {
  return {.name = "publish_per",
          .summary = "whether each patch of a scope publishes, or the scope at its end",
          .default_value = by_default,
          .standard_grid = {by_default},
          .quick_grid = {by_default},
          .choices = {"patch", "scope"},
          .in_id = false};
}

Parameter publish_parameter() {
  std::vector<std::string> choices;
  for (const PublishModeInfo& mode : publish_modes()) choices.emplace_back(mode.id);
  return {.name = std::string{kPublishParameter},
          .summary = "what a patch ends with beside the maintenance that it must have",
          .default_value = "none",
          .standard_grid = {"none"},
          .quick_grid = {"none"},
          .choices = std::move(choices),
          .in_id = false,
          .why_unavailable = [](std::string_view value) {
            const PublishModeInfo* mode = find_publish_mode(value);
            return mode == nullptr ? std::string{} : why_unavailable(mode->mode);
          }};
}

PublishMode prepared_publish_mode(const CellRequest& request) {
  const PublishMode mode = publish_mode_of(request.params);
  if (const std::string reason = why_unavailable(mode); !reason.empty()) throw Unsupported(reason);
  prepare_publishing(mode);
  return mode;
}

}  // namespace patchbench
