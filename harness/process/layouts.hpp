// harness/process/layouts.hpp - the same program with its code at other addresses modulo 64.
//
// Where a loop of C++ stands relative to the lines of the caches decides up to a third of its cost,
// and each strategy has its own instance of the loops that patch. So the build links the same
// objects several times, behind padding of different sizes (harness/CMakeLists.txt), and the
// children of one round after the other are started from one layout after the other: layout is then
// a random factor inside a case's interval, not a constant difference between cases.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace patchbench::harness {

inline constexpr int kLayouts = 4;

struct Layouts {
  /// To start children from, by layout; an empty path is this executable. Never empty.
  std::vector<std::filesystem::path> programs = {{}};
  /// Why there are fewer than kLayouts and what that means; empty where there are all, or this
  /// program has no layouts at all.
  std::string warning;
};

/// The layouts that were linked from the same objects as this executable, which stands in
/// `directory` and whose layout_marker() is `marker`; empty for a program without layouts. They are
/// files bench-run-layout-N in layouts/ beside it, as a build has them, or in
/// ../libexec/patchbench, as an installation has them. Either all are used or this executable
/// alone: with one missing, rounds would not visit all places alike.
[[nodiscard]] Layouts find_layouts(std::string_view marker, const std::filesystem::path& directory);

/// As above, of this process.
[[nodiscard]] Layouts find_layouts(std::string_view marker);

/// The layout that a case is measured in: one after the other. The baseline's twin is always in the
/// next one, so that the two differ in everything in which two strategies' cases can.
[[nodiscard]] int layout_of_round(const Layouts& layouts, int round, bool is_twin);

/// The number in a marker; none in what is not one.
[[nodiscard]] std::optional<int> layout_number(std::string_view marker);

}  // namespace patchbench::harness
