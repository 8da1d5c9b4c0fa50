// workloads/parameters.hpp - reading a case's parameters, and the declarations that several
// workloads share.
#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include "strategies/publish.hpp"
#include "workloads/workload.hpp"

namespace patchbench {

/// The value of a declared parameter. Throws std::invalid_argument when the request lacks it or it
/// is no number.
[[nodiscard]] std::int64_t integer_parameter(const CellRequest& request, std::string_view name);
[[nodiscard]] std::uint32_t count_parameter(const CellRequest& request, std::string_view name);
[[nodiscard]] const std::string& word_parameter(const CellRequest& request, std::string_view name);

/// The shortest text that is read as the same number: "0.001", "1e-4". Here, because the harness
/// writes shares too, and links no workload.
[[nodiscard]] inline std::string share_text(double share) {
  std::array<char, 32> room{};
  const auto written = std::to_chars(room.data(), room.data() + room.size(), share);
  std::string text(room.data(), written.ptr);
  // The standard's exponents have two digits.
  const std::size_t zero = text.find("e-0");
  return zero == std::string::npos ? text : text.erase(zero + 2, 1);
}
/// In (0, 1]; throws as integer_parameter() does.
[[nodiscard]] double share_parameter(const CellRequest& request, std::string_view name);

[[nodiscard]] Parameter sites_parameter(std::vector<std::string> standard_grid,
                                        std::vector<std::string> quick_grid);
/// The same of a workload that patches every site again and again before it is timed.
[[nodiscard]] Parameter patched_sites_parameter(std::vector<std::string> standard_grid,
                                                std::vector<std::string> quick_grid);
/// Operations of a method body: `work`, 8 by default. Empty leaves exaggerate the price of a send.
[[nodiscard]] Parameter work_parameter();
/// `on_miss`, of which each workload that misses has one policy: stated, not chosen.
[[nodiscard]] Parameter on_miss_parameter(std::string policy);
[[nodiscard]] Parameter cache_entries_parameter(std::vector<std::string> standard_grid);

inline constexpr std::string_view kPublishParameter = "publish";
/// `publish`, which a patch ends with (PublishMode): part of the id only where it is not `none`.
[[nodiscard]] Parameter publish_parameter();
/// `publish_per`: whether each patch of a scope publishes, or the scope at its end.
[[nodiscard]] Parameter publish_per_parameter(std::string by_default);
/// `none` where the workload has no such parameter. Throws std::invalid_argument. Here, because the
/// harness asks too, and links no workload.
[[nodiscard]] inline PublishMode publish_mode_of(const ParamText& params) {
  for (const auto& [name, value] : params) {
    if (name == kPublishParameter) {
      const PublishModeInfo* mode = find_publish_mode(value);
      if (mode == nullptr) {
        throw std::invalid_argument("publish=" + value + " is no mode of this architecture");
      }
      return mode->mode;
    }
  }
  return PublishMode::none;
}
/// The case's mode, in which this process may publish from now on. Throws Unsupported where the
/// machine does not have it, and std::system_error where the kernel refuses.
[[nodiscard]] PublishMode prepared_publish_mode(const CellRequest& request);

}  // namespace patchbench
