// analysis/render/numbers.hpp - numbers as people read them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace patchbench::analysis {

/// A cost or a ratio, not negative: about three significant digits in at most five characters
/// (below 10^8), thousands as "k": "1.02", "13.0", "297", "12.3k", ".020".
[[nodiscard]] std::string short_number(double value);

/// "[0.98,1.06]"
[[nodiscard]] std::string short_interval(const std::array<double, 2>& interval);

/// A count: three significant digits, whole numbers with all of theirs, and "<0.001" for what would
/// round to 0 but is not.
[[nodiscard]] std::string bar_number(double value);

/// Four significant digits, never an exponent.
[[nodiscard]] std::string full_number(double value);

/// As full_number, but a count is not given decimals that it cannot have.
[[nodiscard]] std::string count_number(double value);

/// "[0.9812, 1.061]"; empty for none.
[[nodiscard]] std::string full_interval(const std::optional<std::array<double, 2>>& interval);

/// Two decimals below 1,000: "22.44"; never "-0.00".
[[nodiscard]] std::string exact_number(double value);

/// Nanoseconds in the unit that people use: "1.71 ns", "13.2 us", "4.05 ms".
[[nodiscard]] std::string duration_text(double ns);

/// "0.088x", "1.03x", "15,300x"
[[nodiscard]] std::string ratio_text(double ratio);

/// As ratio_text, without the x, and with three digits also where the last are 0: "1.00", "15,300".
[[nodiscard]] std::string ratio_number(double ratio);

/// "1,024"
[[nodiscard]] std::string grouped(std::int64_t value);

/// "48K" or "2M" as sysfs writes the size of a cache, in bytes; empty where it does not read like
/// that.
[[nodiscard]] std::optional<std::int64_t> bytes_of_size(std::string_view size);

}  // namespace patchbench::analysis
