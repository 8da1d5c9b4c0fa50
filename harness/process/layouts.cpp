#include "harness/process/layouts.hpp"

#include <system_error>

#include <fmt/format.h>

#include "harness/base/text_parts.hpp"
#include "results/file.hpp"

namespace patchbench::harness {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "patchbench-layout:";

/// The marker of another layout of the same build.
std::string marker_of(int layout, std::string_view marker) {
  const std::size_t hash = marker.find(':', kPrefix.size());
  return fmt::format("{}{}{}", kPrefix, layout, marker.substr(hash));
}

fs::path file_of(int layout, const fs::path& directory) {
  const std::string name = fmt::format("bench-run-layout-{}", layout);
  std::error_code ignored;
  for (const fs::path& place : {directory / "layouts", directory / "../libexec/patchbench"}) {
    if (fs::exists(place / name, ignored)) return place / name;
  }
  return {};
}

/// Empty when `file` may be used.
std::string why_not(int layout, const fs::path& file, std::string_view marker) {
  if (file.empty()) return fmt::format("bench-run-layout-{} is missing", layout);
  try {
    if (results::read_text(file).find(marker_of(layout, marker)) == std::string::npos) {
      return fmt::format("{} is of another build", file.filename().string());
    }
  } catch (const std::system_error& error) {
    return error.what();
  }
  return {};
}

}  // namespace

std::optional<int> layout_number(std::string_view marker) {
  if (!marker.starts_with(kPrefix)) return std::nullopt;
  marker.remove_prefix(kPrefix.size());
  const auto number = take_number<int>(marker);
  return marker.starts_with(':') ? number : std::nullopt;
}

Layouts find_layouts(std::string_view marker, const fs::path& directory) {
  Layouts found;
  if (!layout_number(marker)) return found;
  for (int layout = 1; layout < kLayouts; ++layout) {
    fs::path file = file_of(layout, directory);
    if (const std::string reason = why_not(layout, file, marker); !reason.empty()) {
      found.programs.resize(1);
      found.warning = fmt::format(
          "one layout of the executable instead of {} ({}): where its code happens to stand is a "
          "constant part of every difference between strategies, and no interval covers it",
          kLayouts, reason);
      return found;
    }
    found.programs.push_back(std::move(file));
  }
  return found;
}

Layouts find_layouts(std::string_view marker) {
  return find_layouts(marker, fs::read_symlink("/proc/self/exe").parent_path());
}

int layout_of_round(const Layouts& layouts, int round, bool is_twin) {
  return (round + (is_twin ? 1 : 0)) % static_cast<int>(layouts.programs.size());
}

}  // namespace patchbench::harness
