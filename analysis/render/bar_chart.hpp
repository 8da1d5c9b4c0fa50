// analysis/render/bar_chart.hpp - from counts to a gnuplot script: small panels of bars, one a
// counter, each with its own scale.
//
// What was not counted is a text. Only a count is a bar, and a count of zero is a stroke with a 0
// beside it: nobody takes one for the other. Scripts are as those of analysis/render/chart.hpp.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/render/palette.hpp"
#include "analysis/statistics/statistics.hpp"

namespace patchbench::analysis {

enum class BarTone { solid, tinted };

struct BarPart {
  BarTone tone = BarTone::solid;
  double value = 0;
};

/// One strategy's count, its parts one behind the other.
struct Bar {
  std::vector<BarPart> parts;
  std::optional<Interval> range;  // of their sum
  bool scaled = false;            // a part was counted for a share of the time only
  /// Instead of parts, or beside them where one is missing: a word or two.
  std::string missing;
};

struct BarPanel {
  std::string title;
  std::vector<Bar> bars;  // as long as the section's rows
};

struct BarRow {
  std::string label;
  Appearance look;
};

/// A frame with names of counters and what is to be said of all of them, instead of panels: why
/// nobody has them, or that they are 0 for everybody.
struct TextPanel {
  std::string names;
  std::string text;
};

/// Panels with the same rows: what one operation costs.
struct BarSection {
  std::string title;
  std::vector<BarRow> rows;
  std::vector<BarPanel> panels;
  std::vector<TextPanel> texts;  // below the panels
};

struct BarChart {
  std::string name;
  std::string title;
  std::vector<BarSection> sections;
  /// What holds in every section.
  std::vector<TextPanel> texts;
  /// What the two tones mean; empty where no bar has both.
  std::string solid_label;
  std::string tinted_label;
  std::vector<std::string> remarks;
};

[[nodiscard]] std::string bar_chart_script(const BarChart& chart);

/// What stands beside a bar: three significant digits, whole numbers with all of theirs, and
/// "<0.001" for what would round to 0 but is not.
[[nodiscard]] std::string bar_number(double value);

/// The colour, mixed with white.
[[nodiscard]] std::string tint(std::string_view colour);

}  // namespace patchbench::analysis
