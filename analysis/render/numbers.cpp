#include "analysis/render/numbers.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <system_error>

#include <fmt/format.h>

namespace patchbench::analysis {
namespace {

constexpr double kLargeRatio = 999.5;  // from here on rounded to three digits

std::string large_ratio(double ratio) {
  const double step = std::pow(10, std::floor(std::log10(ratio)) - 2);
  return grouped(std::llround(std::round(ratio / step) * step));
}

}  // namespace

std::string short_number(double value) {
  // The thresholds are where rounding would add a digit.
  const double size = std::abs(value);
  if (size > 0 && size < 0.0995) return fmt::format("{:.3f}", value).substr(1);  // ".020"
  if (size < 9.995) return fmt::format("{:.2f}", value);
  if (size < 99.95) return fmt::format("{:.1f}", value);
  if (size < 9999.5) return fmt::format("{:.0f}", value);
  if (size < 99950) return fmt::format("{:.1f}k", value / 1000);
  if (size < 999500) return fmt::format("{:.0f}k", value / 1000);
  if (size < 99.95e6) return fmt::format("{:.1f}M", value / 1e6);
  return fmt::format("{:.2g}", value);
}

std::string short_interval(const std::array<double, 2>& interval) {
  return fmt::format("[{},{}]", short_number(interval[0]), short_number(interval[1]));
}

std::string bar_number(double value) {
  const double size = std::abs(value);
  const double nearest = std::round(value);
  if (std::abs(value - nearest) < 1e-9 || size >= 999.5) return grouped(std::llround(value));
  if (size < 0.0005) return value > 0 ? "<0.001" : ">-0.001";
  if (size < 0.0995) return fmt::format("{:.3f}", value);
  return fmt::format("{:.3g}", value);
}

std::string full_number(double value) {
  if (value == 0) return "0";
  const double size = std::abs(value);
  if (size >= 9999.5) return grouped(std::llround(value));
  const int digits = 3 - static_cast<int>(std::floor(std::log10(size)));
  return fmt::format("{:.{}f}", value, std::clamp(digits, 0, 6));
}

std::string count_number(double value) {
  if (value == std::floor(value) && std::abs(value) < 1e15) return grouped(std::llround(value));
  return full_number(value);
}

std::string full_interval(const std::optional<std::array<double, 2>>& interval) {
  if (!interval) return "";
  return fmt::format("[{}, {}]", full_number((*interval)[0]), full_number((*interval)[1]));
}

std::string exact_number(double value) {
  constexpr double kThousand = 1000;
  if (std::abs(value) >= kThousand - 0.005) return grouped(std::llround(value));
  std::string text = fmt::format("{:.2f}", value);
  return text == "-0.00" ? "0.00" : text;
}

std::string duration_text(double ns) {
  constexpr std::array<const char*, 4> kUnits = {"ns", "us", "ms", "s"};
  std::size_t unit = 0;
  while (ns >= 999.5 && unit + 1 < kUnits.size()) {
    ns /= 1000;
    ++unit;
  }
  return fmt::format("{} {}", ns < 0.01 ? short_number(ns) : bar_number(ns), kUnits.at(unit));
}

std::string ratio_text(double ratio) {
  return (ratio < kLargeRatio ? bar_number(ratio) : large_ratio(ratio)) + "x";
}

std::string ratio_number(double ratio) {
  if (ratio >= kLargeRatio) return large_ratio(ratio);
  std::string text = fmt::format("{:#.3g}", ratio);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

std::string grouped(std::int64_t value) {
  std::string digits = std::to_string(value);
  const std::size_t first = digits.starts_with('-') ? 1 : 0;
  for (std::size_t at = digits.size(); at > first + 3; at -= 3) digits.insert(at - 3, 1, ',');
  return digits;
}

std::optional<std::int64_t> bytes_of_size(std::string_view size) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), value);
  if (error != std::errc() || value < 0 || value > (std::int64_t{1} << 40)) return std::nullopt;
  const std::string_view unit = size.substr(static_cast<std::size_t>(end - size.data()));
  if (unit.empty()) return value;
  if (unit == "K") return value * 1024;
  if (unit == "M") return value * 1024 * 1024;
  return std::nullopt;
}

}  // namespace patchbench::analysis
