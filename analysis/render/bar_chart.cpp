#include "analysis/render/bar_chart.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "analysis/render/canvas.hpp"
#include "analysis/render/gnuplot.hpp"
#include "analysis/render/numbers.hpp"

namespace patchbench::analysis {
namespace {

constexpr double kWidth = 980;
constexpr double kLabels = 128;  // the strategies' names
constexpr double kBetween = 16;
constexpr double kRowHeight = 15;
constexpr double kPanelTitle = 20;
constexpr double kBelowPanel = 12;
constexpr double kSectionTitle = 28;
constexpr double kLegend = 20;
constexpr double kLineHeight = 16;
constexpr double kFramePadding = 9;
constexpr double kSmallCharacter = 6.4;  // of font size 11, in pixels
constexpr std::size_t kFrameCharacters = 145;
constexpr std::size_t kMostColumns = 4;
constexpr std::size_t kShortTitle = 18;  // in characters; five of them fit beside each other
constexpr double kHalfBar = 0.34;        // of a row

std::size_t columns_of(const BarSection& section) {
  // Rather than one alone in a second row five in one, where their titles leave room, or three.
  const std::size_t count = section.panels.size();
  if (count == kMostColumns + 1) {
    const bool fit =
        std::all_of(section.panels.begin(), section.panels.end(),
                    [](const auto& panel) { return panel.title.size() <= kShortTitle; });
    return fit ? count : kMostColumns - 1;
  }
  return std::clamp<std::size_t>(count, 1, kMostColumns);
}

std::vector<std::string> frame_lines(const TextPanel& panel) {
  std::vector<std::string> lines = wrapped_lines(panel.names, kFrameCharacters, 0);
  const std::vector<std::string> text = wrapped_lines(panel.text, kFrameCharacters, 0);
  lines.insert(lines.end(), text.begin(), text.end());
  return lines;
}

double height_of(const TextPanel& panel) {
  return static_cast<double>(frame_lines(panel).size()) * kLineHeight + 2 * kFramePadding + 6;
}

double height_of(const std::vector<TextPanel>& panels) {
  double height = 0;
  for (const TextPanel& panel : panels) height += height_of(panel);
  return height;
}

double panel_height(const BarSection& section) {
  return static_cast<double>(section.rows.size()) * kRowHeight;
}

double height_of(const BarSection& section) {
  const std::size_t columns = columns_of(section);
  const std::size_t lines = (section.panels.size() + columns - 1) / columns;
  return kSectionTitle +
         static_cast<double>(lines) * (kPanelTitle + panel_height(section) + kBelowPanel) +
         height_of(section.texts);
}

std::string label_of(const Bar& bar) {
  std::string text;
  for (const BarPart& part : bar.parts)
    text += (text.empty() ? "" : " + ") + bar_number(part.value);
  if (!bar.missing.empty()) text += (text.empty() ? "" : " + ") + bar.missing;
  return text + (bar.scaled ? "*" : "");
}

double sum_of(const Bar& bar) {
  double sum = 0;
  for (const BarPart& part : bar.parts) sum += part.value;
  return sum;
}

/// How far to the right a bar reaches, with its range.
double reach_of(const Bar& bar) {
  const double end = std::max(0.0, sum_of(bar));
  return bar.range ? std::max(end, (*bar.range)[1]) : end;
}

/// Zero, every bar and every number beside one.
Interval axis_of(const BarPanel& panel, double width) {
  double low = 0;
  for (const Bar& bar : panel.bars) {
    if (!bar.parts.empty()) low = std::min({low, sum_of(bar), bar.range ? (*bar.range)[0] : 0.0});
  }
  double high = 0;
  for (const Bar& bar : panel.bars) {
    if (bar.parts.empty()) continue;
    const double label = 8 + kSmallCharacter * static_cast<double>(label_of(bar).size());
    const double scale = width / std::max(width - label, width / 4);
    high = std::max(high, low + (reach_of(bar) - low) * scale);
  }
  return {low, high > low ? high : 1};
}

/// Draws one BarChart.
class BarScript {
 public:
  explicit BarScript(const BarChart& chart)
      : chart_(chart), remarks_(wrapped_remarks(chart.remarks)) {
    double height = kTitleHeight + legend_height();
    for (const BarSection& section : chart.sections) height += height_of(section);
    height += height_of(chart.texts) + kMargin +
              kRemarkHeight * static_cast<double>(remarks_.size()) + kMargin;
    size_ = {kWidth, height};
  }

  [[nodiscard]] std::string text() {
    std::string drawing = "set multiplot\nset origin 0,0\nset size 1,1\nunset key\nunset grid\n";
    drawing += backdrop();
    y_ = kTitleHeight + legend_height();
    for (const BarSection& section : chart_.sections) drawing += draw_section(section);
    drawing += "unset multiplot\nreset\n";
    return script_header(chart_.name) + both_terminals(chart_.name, size_, drawing);
  }

 private:
  [[nodiscard]] bool has_legend() const { return !chart_.solid_label.empty(); }
  [[nodiscard]] double legend_height() const { return has_legend() ? kLegend : 0; }

  /// Everything that is not a panel of bars, on axes that nobody sees.
  [[nodiscard]] std::string backdrop() {
    std::string script = margins(size_, {0, 0, size_.width, size_.height}) +
                         "unset border\nunset tics\nset xrange [0:1]\nset yrange [0:1]\n" +
                         figure_title(size_, chart_.title) + legend() +
                         remark_lines(size_, remarks_);
    y_ = kTitleHeight + legend_height();
    for (const BarSection& section : chart_.sections) {
      script += text_at(size_, kMargin, y_ + 12, section.title, "left font ',13'");
      y_ += height_of(section) - height_of(section.texts);
      for (const TextPanel& panel : section.texts) script += frame(panel);
    }
    for (const TextPanel& panel : chart_.texts) script += frame(panel);
    return script + "plot NaN notitle\n";
  }

  [[nodiscard]] std::string frame(const TextPanel& panel) {
    const double height = height_of(panel) - 6;
    std::string script = fmt::format(
        "set object rect from screen {:.5f},{:.5f} to screen {:.5f},{:.5f} fs empty border lc rgb "
        "'{}' dt 2\n",
        screen_x(size_, kMargin), screen_y(size_, y_ + height),
        screen_x(size_, size_.width - kMargin), screen_y(size_, y_), kFrame);
    const std::size_t names = wrapped_lines(panel.names, kFrameCharacters, 0).size();
    double y = y_ + kFramePadding + kLineHeight / 2;
    std::size_t index = 0;
    for (const std::string& line : frame_lines(panel)) {
      script += text_at(
          size_, kMargin + 10, y, line,
          fmt::format("left font ',12' tc rgb '{}'", index++ < names ? "#000000" : kFaintText));
      y += kLineHeight;
    }
    y_ += height_of(panel);
    return script;
  }

  [[nodiscard]] std::string legend() const {
    if (!has_legend()) return "";
    constexpr std::string_view kGrey = "#444444";
    const double y = kTitleHeight + 2;
    const double second = kMargin + 40 + 7.0 * static_cast<double>(chart_.solid_label.size());
    return swatch(kMargin, y, kGrey, kGrey) +
           text_at(size_, kMargin + 20, y, chart_.solid_label, "left font ',12'") +
           swatch(second, y, tint(kGrey), kGrey) +
           text_at(size_, second + 20, y, chart_.tinted_label, "left font ',12'");
  }

  [[nodiscard]] std::string swatch(double x, double y, std::string_view fill,
                                   std::string_view border) const {
    return fmt::format(
        "set object rect from screen {:.5f},{:.5f} to screen {:.5f},{:.5f} fc rgb '{}' fs solid "
        "border lc rgb '{}'\n",
        screen_x(size_, x), screen_y(size_, y + 5), screen_x(size_, x + 13), screen_y(size_, y - 5),
        fill, border);
  }

  [[nodiscard]] std::string draw_section(const BarSection& section) {
    const std::size_t columns = columns_of(section);
    const double all = size_.width - kLabels - kMargin;
    const double width =
        (all - kBetween * static_cast<double>(columns - 1)) / static_cast<double>(columns);
    std::string script;
    for (std::size_t index = 0; index < section.panels.size(); ++index) {
      const std::size_t line = index / columns;
      const double left = kLabels + static_cast<double>(index % columns) * (width + kBetween);
      const double top =
          y_ + kSectionTitle + kPanelTitle +
          static_cast<double>(line) * (kPanelTitle + panel_height(section) + kBelowPanel);
      script +=
          draw_panel(section, section.panels[index],
                     {left, top, left + width, top + panel_height(section)}, index % columns == 0);
    }
    y_ += height_of(section);
    return script;
  }

  [[nodiscard]] std::string draw_panel(const BarSection& section, const BarPanel& panel,
                                       const Box& box, bool labelled) const {
    const Interval x = axis_of(panel, box.right - box.left);
    std::string script =
        margins(size_, box) + "unset label\nunset arrow\nunset object\n" +
        fmt::format("set xrange [{:.10g}:{:.10g}]\nset yrange [{:.1f}:-0.5]\n", x[0], x[1],
                    static_cast<double>(section.rows.size()) - 0.5) +
        text_at(size_, box.left, box.top - 9, panel.title, "left font ',12'") +
        fmt::format("set arrow from first 0, graph 0 to first 0, graph 1 nohead lc rgb '{}'\n",
                    kFrame);
    for (std::size_t row = 0; row < panel.bars.size(); ++row) {
      script += draw_bar(panel.bars[row], section.rows[row].look, row);
      if (!labelled) continue;
      script += text_at(size_, kLabels - 8, box.top + (static_cast<double>(row) + 0.5) * kRowHeight,
                        section.rows[row].label, "right font ',11'");
    }
    return script + "plot NaN notitle\n";
  }

  [[nodiscard]] static std::string draw_bar(const Bar& bar, const Appearance& look,
                                            std::size_t row) {
    if (bar.parts.empty()) {
      return fmt::format(
          "set label {} at first 0, first {} left offset character 0.6,0 font "
          "',11' tc rgb '{}'\n",
          gnuplot_string(label_of(bar)), row, kFaintText);
    }
    std::string script;
    double from = 0;
    for (const BarPart& part : bar.parts) {
      if (part.value != 0) script += rectangle(part, bar.scaled, look, from, row);
      from += part.value;
    }
    if (sum_of(bar) == 0) script += stroke(look, row);
    if (bar.range && (*bar.range)[0] < (*bar.range)[1]) script += whisker(*bar.range, row);
    return script + fmt::format(
                        "set label {} at first {:.10g}, first {} left offset character "
                        "0.6,0 font ',11'\n",
                        gnuplot_string(label_of(bar)), reach_of(bar), row);
  }

  [[nodiscard]] static std::string rectangle(const BarPart& part, bool scaled,
                                             const Appearance& look, double from, std::size_t row) {
    const auto middle = static_cast<double>(row);
    const std::string colour(look.colour);
    return fmt::format(
        "set object rect from first {:.10g}, first {:.2f} to first {:.10g}, first {:.2f} fc rgb "
        "'{}' fs {} border lc rgb '{}'{}\n",
        from, middle - kHalfBar, from + part.value, middle + kHalfBar,
        part.tone == BarTone::solid ? colour : tint(colour), scaled ? "empty" : "solid", colour,
        scaled ? " dt 2" : "");
  }

  /// Zero, seen.
  [[nodiscard]] static std::string stroke(const Appearance& look, std::size_t row) {
    const auto middle = static_cast<double>(row);
    return fmt::format(
        "set arrow from first 0, first {:.2f} to first 0, first {:.2f} nohead front lc rgb '{}' lw "
        "3\n",
        middle - kHalfBar, middle + kHalfBar, look.colour);
  }

  [[nodiscard]] static std::string whisker(const Interval& range, std::size_t row) {
    return fmt::format(
        "set arrow from first {:.10g}, first {} to first {:.10g}, first {} heads size screen "
        "0.002,90 front lc rgb '#888888' lw 1\n",
        range[0], row, range[1], row);
  }

  const BarChart& chart_;
  std::vector<std::string> remarks_;
  Size size_;
  double y_ = 0;  // where the next part of the figure begins
};

int channel(std::string_view colour, std::size_t at) {
  int value = 0;
  const std::string_view digits = colour.substr(std::min(colour.size(), at), 2);
  std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  return value;
}

}  // namespace

std::string bar_chart_script(const BarChart& chart) { return BarScript(chart).text(); }

std::string bar_number(double value) {
  const double size = std::abs(value);
  const double nearest = std::round(value);
  if (std::abs(value - nearest) < 1e-9 || size >= 999.5) return grouped(std::llround(value));
  if (size < 0.0005) return value > 0 ? "<0.001" : ">-0.001";
  if (size < 0.0995) return fmt::format("{:.3f}", value);
  return fmt::format("{:.3g}", value);
}

std::string tint(std::string_view colour) {
  constexpr double kWhite = 0.68;
  const auto mixed = [&](std::size_t at) {
    const double own = channel(colour, at);
    return static_cast<int>(std::lround(own + (255 - own) * kWhite));
  };
  return fmt::format("#{:02x}{:02x}{:02x}", mixed(1), mixed(3), mixed(5));
}

}  // namespace patchbench::analysis
