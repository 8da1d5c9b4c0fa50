#include "harness/run/zone_options.hpp"

#include <array>
#include <bit>
#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "harness/base/usage_error.hpp"
#include "strategies/mapping.hpp"

namespace patchbench::harness {
namespace {

constexpr std::string_view kUnits = "KMGT";  // each 1024 of the one before
constexpr std::string_view kNamedWindow = "window:";
constexpr std::string_view kReserveOption =
    std::string_view("--zone").substr(2);  // and no workload

/// All of it.
std::optional<std::uint64_t> number(std::string_view text, int base = 10) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return {};
  return value;
}

std::optional<std::uint64_t> number_or_hex(std::string_view text) {
  return text.starts_with("0x") ? number(text.substr(2), 16) : number(text);
}

std::optional<std::uint64_t> power_of_two(std::string_view text) {
  if (!text.starts_with("2^")) return number_or_hex(text);
  const auto exponent = number(text.substr(2));
  if (!exponent || *exponent >= 64) return {};
  return std::uint64_t{1} << *exponent;
}

std::string size_text(std::size_t bytes) {
  std::string unit;
  for (const char next : kUnits) {
    if (bytes % 1024 != 0) break;
    bytes /= 1024;
    unit = next;
  }
  return fmt::format("{}{}", bytes, unit);
}

std::string_view word_of(Pages pages) {
  switch (pages) {
    case Pages::transparent_huge:
      return "thp";
    case Pages::hugetlb:
      return "hugetlb";
    default:
      return "4k";
  }
}

std::string window_text(const ZoneOptions& options) {
  switch (options.window) {
    case CodeWindow::near:
      return "near";
    case CodeWindow::low2g:
      return "low2g";
    default:
      return fmt::format("{}{:#x}", kNamedWindow, options.window_at);
  }
}

}  // namespace

std::size_t parse_zone_size(const std::string& text) {
  std::string_view digits = text;
  std::uint64_t factor = 1;
  if (const auto unit = digits.empty() ? kUnits.npos : kUnits.find(digits.back());
      unit != kUnits.npos) {
    factor = std::uint64_t{1} << (10 * (unit + 1));
    digits.remove_suffix(1);
  }
  const auto count = number(digits);
  if (!count || *count == 0 || *count > std::numeric_limits<std::size_t>::max() / 4 / factor) {
    throw UsageError(fmt::format(
        "--zone={}: not a number of bytes above 0, or with K, M, G or T behind it, as 64M", text));
  }
  return *count * factor;
}

Pages parse_pages(const std::string& text) {
  std::vector<std::string> words;
  for (const Pages pages : {Pages::base, Pages::transparent_huge, Pages::hugetlb}) {
    words.emplace_back(word_of(pages));
    if (text == words.back()) return pages;
  }
  throw UsageError(fmt::format("--pages={}: {}", text, unknown_word("value", text, words)));
}

std::uintptr_t parse_alias_offset(const std::string& text) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 46U;  // half of what a process has (x86-64)
  const auto offset = power_of_two(text);
  if (!offset || !std::has_single_bit(*offset) || *offset < page_size() || *offset > kMost) {
    throw UsageError(fmt::format(
        "--alias-offset={}: not a power of two from {} (a page) to 2^46; give one as 2^33", text,
        page_size()));
  }
  return *offset;
}

void parse_placement(const std::string& text, ZoneOptions& options) {
  if (text == "near") {
    options.window = CodeWindow::near;
  } else if (text == "low2g") {
    options.window = CodeWindow::low2g;
  } else if (text.starts_with(kNamedWindow)) {
    const auto at = number_or_hex(std::string_view(text).substr(kNamedWindow.size()));
    if (!at || *at == 0 || *at >= std::uint64_t{1} << 56U) {
      throw UsageError(
          fmt::format("--placement={}: not an address; give one as window:0x200000000000", text));
    }
    options.window = CodeWindow::named;
    options.window_at = *at;
  } else {
    const std::array<std::string, 3> words = {"near", "low2g", "window:ADDRESS"};
    throw UsageError(fmt::format("--placement={}: {}", text, unknown_word("value", text, words)));
  }
}

std::vector<std::pair<std::string, std::string>> texts_of(const ZoneOptions& options) {
  std::vector<std::pair<std::string, std::string>> texts;
  if (options.reserve != 0) texts.emplace_back(kReserveOption, size_text(options.reserve));
  if (options.pages != Pages::base) texts.emplace_back("pages", word_of(options.pages));
  if (options.alias_offset != 0) {
    texts.emplace_back("alias-offset", fmt::format("2^{}", std::countr_zero(options.alias_offset)));
  }
  if (options.window != CodeWindow::arena) texts.emplace_back("placement", window_text(options));
  return texts;
}

}  // namespace patchbench::harness
