#include "analysis/render/chart.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "analysis/render/gnuplot.hpp"
#include "analysis/render/palette.hpp"
#include "analysis/render/wrap.hpp"

namespace patchbench::analysis {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kWidth = 980;
constexpr double kMargin = 14;
constexpr double kTitleHeight = 24;
constexpr double kTicHeight = 30;
constexpr double kLabelHeight = 26;
constexpr double kLineHeight = 17;
constexpr std::string_view kFaint = "tc rgb '#666666'";

/// Both files in one run of gnuplot. pdfcairo takes a font size of 1 for 4/3 of a point, unscaled;
/// a pixel at 96 to the inch is 3/4 of a point.
constexpr std::string_view kBegin = R"(do for [ending in 'svg pdf'] {
reset
if (ending eq 'svg') {
set terminal svg size W,H noenhanced font 'sans-serif,13' linewidth 1 background '#ffffff'
} else {
set terminal pdfcairo size W/96.,H/96. noenhanced font 'sans-serif,13' fontscale 0.5625 linewidth 1 background '#ffffff'
}
set output NAME.'.'.ending
set multiplot
set lmargin at screen 0
set rmargin at screen 1
set bmargin at screen 0
set tmargin at screen 1
set xrange [0:W]
set yrange [H:0]
unset border
unset tics
)";
constexpr std::string_view kPanels = R"(unset key
set border 3 lc rgb '#888888'
set tics nomirror scale 0.5 tc rgb '#000000'
set grid lc rgb '#dddddd' lt 1 lw 0.6
set errorbars small lw 1 dt 1
)";
constexpr std::string_view kLinear = R"(set border 0
set yzeroaxis lt 1 lc rgb '#888888'
unset grid
unset xtics
)";
constexpr std::string_view kEnd = "unset multiplot\nunset output\n}\n";

struct Box {
  double left = 0;
  double top = 0;
  double width = 0;
  double height = 0;
};

/// A figure while it grows downwards, in pixels from the top left.
class Page {
 public:
  Page(std::string name, const std::string& title) : name_(std::move(name)) {
    text(kMargin, {title}, "font ',16'");
    y += kMargin;
  }

  double y = 24;  // where the next thing is put

  /// From x to the right, broken into lines.
  void text(double x, const std::vector<std::string>& texts, std::string_view options) {
    constexpr std::size_t kCharacters = 128;
    std::string lines;
    for (const std::string& one : texts) lines += wrap(one, kCharacters, 4);
    if (lines.empty()) return;
    const double height = kLineHeight * static_cast<double>(std::ranges::count(lines, '\n'));
    lines.pop_back();
    page_ += fmt::format("set label {} at {},{} {}\n", gnuplot_string(lines), x, y, options);
    y += height;
  }

  /// `entries` as gnuplot's keyentry takes them.
  void legend(double x, std::string_view options, const std::vector<std::string>& entries) {
    if (entries.empty()) return;
    page_ += fmt::format("set key at {},{} left top Left reverse {}\n", x, y, options);
    for (const std::string& entry : entries) entries_ += ", \\\n  keyentry with " + entry;
  }

  /// Lines of numbers, as a data block; its name.
  [[nodiscard]] std::string data(std::string_view lines) {
    std::string block = fmt::format("$d{}", blocks_++);
    data_ += fmt::format("{} << EOD\n{}EOD\n", block, lines);
    return block;
  }

  /// Below y nothing is drawn before more is put there; `box` and `plots` are of one plot.
  void panel(const Box& box, std::string_view settings, const std::vector<std::string>& plots) {
    panels_ += fmt::format(
        "unset label\nset lmargin at screen {:.1f}/W\nset rmargin at screen {:.1f}/W\n"
        "set tmargin at screen 1-{:.1f}/H\nset bmargin at screen 1-{:.1f}/H\n{}plot {}\n",
        box.left, box.left + box.width, box.top, box.top + box.height, settings,
        plots.empty() ? "NaN" : fmt::format("{}", fmt::join(plots, ", \\\n  ")));
  }

  [[nodiscard]] std::string script(const std::vector<std::string>& remarks) {
    y += kMargin;
    text(kMargin, remarks, fmt::format("font ',12' {}", kFaint));
    return fmt::format("set encoding utf8\nNAME = {}\nW = {:.0f}\nH = {:.0f}\n",
                       gnuplot_string(name_), kWidth, y) +
           data_ + std::string(kBegin) + page_ + "plot NaN notitle" + entries_ + "\n" +
           std::string(kPanels) + panels_ + std::string(kEnd);
  }

 private:
  std::string name_;
  std::string page_;
  std::string entries_;
  std::string data_;
  std::string panels_;
  int blocks_ = 0;
};

struct Range {
  double low = std::numeric_limits<double>::max();
  double high = std::numeric_limits<double>::lowest();

  void add(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  [[nodiscard]] bool empty() const { return low > high; }
};

/// At least a decade, so that some tic is labelled.
Axis padded_log(Range range) {
  if (range.empty()) range = {1, 10};
  const double middle = std::sqrt(range.low * range.high);
  return {std::min(range.low / 1.25, middle / 3.2), std::max(range.high * 1.25, middle * 3.2),
          true};
}

/// Zero and the bar's end with its range; of dots their place, because their ranges may span
/// decades and are cut off.
void add(const Bar& bar, bool log, Range& axis) {
  if (!log) axis.add(0);
  if (!bar.total || (log && *bar.total <= 0)) return;
  axis.add(*bar.total);
  if (log || !bar.range) return;
  for (const double end : *bar.range) axis.add(end);
}

std::string range_of(char axis, const Axis& range) {
  return fmt::format("set {}range [{:.10g}:{:.10g}]\n", axis, range.low, range.high);
}

/// With labels at 1, 2, 5, 10, ..., which beyond three decades would run into one another. gnuplot
/// leaves out those that lie outside.
std::string log_axis(char axis, const Axis& range) {
  constexpr std::string_view kTics =
      "(.01,.02,.05,.1,.2,.5,1,2,5,10,20,50,1e2,2e2,5e2,1e3,2e3,5e3,1e4,2e4,5e4,1e5,2e5,5e5,1e6,"
      "2e6,"
      "5e6,1e7,2e7,5e7,1e8,2e8,5e8,1e9)";
  return range_of(axis, range) +
         fmt::format("set logscale {0} 10\nset {0}tics nomirror scale 0.5 {1}\n", axis,
                     range.high / range.low < 2000 ? kTics : "10");
}

std::string tic_list(const std::vector<Tic>& tics) {
  std::vector<std::string> list;
  list.reserve(tics.size());
  for (const Tic& tic : tics) {
    list.push_back(fmt::format("{} {:.10g}", gnuplot_tic_string(tic.label), tic.at));
  }
  return fmt::format("({})", fmt::join(list, ", "));
}

// ---- lines ----

std::string look_of(std::string_view id, double size) {
  const Appearance look = appearance(id);
  return fmt::format("lc rgb '{}' pt {} dt {} lw 1.6 ps {:.2f}", look.colour, look.marker,
                     look.dash, size);
}

/// From the first to the last tic.
std::string x_axis(const LineChart& chart) {
  const Axis axis = place_axis(chart);
  return "set xtics nomirror scale 0.5 " + tic_list(chart.x_tics) + "\n" +
         (axis.log ? "set logscale x 2\n" : "") + range_of('x', axis);
}

std::string y_axis(const LineChart& chart) {
  const Axis axis = value_axis(chart);
  const std::string tics =
      axis.log ? log_axis('y', axis) : "set ytics nomirror scale 0.5\n" + range_of('y', axis);
  const bool line = chart.ratio && axis.low <= 1 && axis.high >= 1;
  return tics + (line
                     ? "set arrow from graph 0,first 1 to graph 1,first 1 nohead lc rgb '#444444'\n"
                     : "");
}

/// Markers shrink from one line to the next, so that all are seen where they coincide.
std::vector<std::string> plots_of(const LinePanel& panel, Page& page) {
  std::vector<std::string> plots;
  double size = 0.6 + 0.1 * static_cast<double>(panel.series.size());
  for (const Series& series : panel.series) {
    std::string lines;
    for (const auto& [x, y, range, n] : series.points) {
      const Interval interval = range.value_or(Interval{y.value_or(0), y.value_or(0)});
      lines += y ? fmt::format("{:.10g} {:.10g} {:.10g} {:.10g}\n", x, *y, interval[0], interval[1])
                 : fmt::format("{:.10g} NaN NaN NaN\n", x);
    }
    plots.push_back(page.data(lines) + " using 1:2:3:4 with yerrorlines " +
                    look_of(series.id, size));
    size -= 0.1;
  }
  return plots;
}

/// Every series once, in the order of the first panel that has it.
std::vector<std::string> legend_of(const LineChart& chart) {
  std::vector<std::string> entries;
  for (const LinePanel& panel : chart.panels) {
    for (const Series& series : panel.series) {
      std::string entry = fmt::format("linespoints {} title {}", look_of(series.id, 0.9),
                                      gnuplot_string(series.id));
      if (std::ranges::find(entries, entry) == entries.end()) entries.push_back(std::move(entry));
    }
  }
  return entries;
}

// ---- bars ----

constexpr std::string_view kSmall = "font ',11'";
constexpr std::array<std::string_view, 2> kFills = {"fs solid border", "fs solid 0.32 border"};

/// Draws one BarChart: of every section the names, the bars or dots of each panel, and to the right
/// of these their numbers.
class BarScript {
 public:
  explicit BarScript(const BarChart& chart)
      : chart_(chart), page_(chart.name, chart.title), axes_(bar_axes(chart)) {
    for (const BarSection& section : chart.sections) {
      for (const ChartRow& row : section.rows) names_ = std::max(names_, width_of(row.label));
    }
  }

  [[nodiscard]] std::string text() {
    std::vector<std::string> legend;
    for (std::size_t index = 0; index < chart_.legend.size(); ++index) {
      legend.push_back(fmt::format("boxes lc rgb '#444444' {} title {}", kFills.at(index),
                                   gnuplot_string(chart_.legend[index])));
    }
    page_.legend(kMargin, "horizontal samplen 1.5", legend);
    if (!legend.empty()) page_.y += kTitleHeight + kMargin;
    for (const BarSection& section : chart_.sections) draw(section);
    return page_.script(chart_.remarks);
  }

 private:
  /// About, with a gap before what follows.
  [[nodiscard]] double width_of(std::string_view text) const {
    return kMargin + (chart_.log ? 7.4 : 6.4) * static_cast<double>(text.size());
  }

  /// Four panels side by side; of more, no one alone in its line.
  void draw(const BarSection& section) {
    if (!section.title.empty()) page_.text(kMargin, {section.title}, "");
    const std::size_t count = std::max<std::size_t>(1, section.panels.size());
    const std::size_t lines = (count + 3) / 4;
    const std::size_t columns = (count + lines - 1) / lines;
    const double width = (kWidth - names_ - kMargin) / static_cast<double>(columns);
    const double height = (chart_.log ? 26.0 : 15.0) *
                          static_cast<double>(std::max<std::size_t>(1, section.rows.size()));
    for (std::size_t index = 0; index < section.panels.size(); ++index) {
      const BarPanel& panel = section.panels[index];
      const std::size_t column = index % columns;
      if (column == 0) page_.y += kTitleHeight;
      double numbers = 0;
      for (const Bar& bar : panel.bars) {
        if (bar.total) numbers = std::max(numbers, width_of(bar.text));
      }
      const Box box{names_ + static_cast<double>(column) * width, page_.y,
                    std::max(width - numbers, width / 4), height};
      page_.panel(box, settings(section, panel, column == 0), plots(section, panel));
      if (column + 1 == columns || index + 1 == count) page_.y += height + kMargin;
    }
    if (chart_.log) page_.y += kTicHeight + kLabelHeight;
    page_.text(kMargin, section.notes, fmt::format("font ',12' {}", kFaint));
    page_.y += kMargin;
  }

  [[nodiscard]] std::string settings(const BarSection& section, const BarPanel& panel,
                                     bool named) const {
    std::vector<Tic> names;
    for (const ChartRow& row : section.rows) {
      names.push_back({static_cast<double>(names.size()), named ? row.label : ""});
    }
    const Axis& axis = axes_.at(panel.scale);
    const std::string_view font = chart_.log ? "" : kSmall;
    return fmt::format(
        "set title {} offset 0,-0.6 {}\nset xlabel {}\nset yrange [{}-0.5:-0.5]\n"
        "set ytics {} {} scale 0\n{}",
        gnuplot_string(panel.title), font, gnuplot_string(chart_.x_label),
        std::max<std::size_t>(1, names.size()), tic_list(names), font,
        chart_.log ? "set border 1\n" + log_axis('x', axis)
                   : std::string(kLinear) + range_of('x', axis));
  }

  /// One line of data a row: row, solid, total, low, high, colour, marker, place of the text, text,
  /// its colour.
  [[nodiscard]] std::vector<std::string> plots(const BarSection& section, const BarPanel& panel) {
    const Axis& axis = axes_[panel.scale];
    std::string lines;
    bool values = false;
    bool ranges = false;
    for (std::size_t row = 0; row < panel.bars.size(); ++row) {
      const Bar& bar = panel.bars[row];
      const Appearance look = appearance(section.rows[row].id);
      const double total = bar.total.value_or(kNaN);
      const Interval range = bar.range.value_or(Interval{total, total});
      values = values || bar.total;
      ranges = ranges || range[0] < range[1];
      lines += fmt::format("{} {:.10g} {:.10g} {:.10g} {:.10g} 0x{} {} {:.10g} \"{}\" {}\n", row,
                           bar.total ? bar.solid : kNaN, total, range[0], range[1],
                           look.colour.substr(1), look.marker, bar.total ? axis.high : axis.low,
                           bar.text, bar.total ? "0x000000" : "0x666666");
    }
    if (lines.empty()) return {};
    const std::string data = page_.data(lines) + " using ";
    std::vector<std::string> plots = {data +
                                      "8:1:9:10 with labels left offset 0.5,0 tc rgb variable " +
                                      std::string(chart_.log ? "" : kSmall)};
    if (!values) return plots;
    if (chart_.log) {
      plots.push_back(data + "3:1:4:5:6 with xerrorbars pt -1 lc rgb variable");
      plots.push_back(data + "3:1:7:6 with points pt variable lc rgb variable lw 1.6 ps 1.1");
      return plots;
    }
    // gnuplot draws no box of no width, but a count of zero is seen.
    const double stroke = (axis.high - axis.low) / 400;
    for (const int column : {3, 2}) {
      const std::string end = fmt::format("(abs(${0})<{1:g}?{1:g}:${0})", column, stroke);
      plots.push_back(
          fmt::format("{0}{1}:1:(0):{1}:($1-0.34):($1+0.34):6 with boxxyerror lc rgb variable {2}",
                      data, end, kFills.at(column == 2 ? 0 : 1)));
    }
    if (ranges)
      plots.push_back(data + "($4<$5?$3:NaN):1:4:5 with xerrorbars pt -1 lc rgb '#888888'");
    return plots;
  }

  const BarChart& chart_;
  Page page_;
  std::map<std::string, Axis> axes_;  // of panels, by their scale
  double names_ = 110;                // room for the rows' names, at least
};

}  // namespace

Axis value_axis(const LineChart& chart) {
  Range range;
  for (const LinePanel& panel : chart.panels) {
    for (const Series& series : panel.series) {
      for (const Point& point : series.points) {
        if (!point.y) continue;
        // An interval of two rounds can span decades; the axis follows the values, and the bar is
        // cut off.
        const Interval interval = point.range.value_or(Interval{*point.y, *point.y});
        range.add(std::max(interval[0], *point.y / 2));
        range.add(std::min(interval[1], *point.y * 2));
      }
    }
  }
  if (range.empty() || (range.low > 0 && range.high / range.low > 6)) return padded_log(range);
  const double pad = 0.15 * std::max(range.high - range.low, 0.1 * std::abs(range.high) + 1e-9);
  return {std::max(0.0, range.low - pad), range.high + pad, false};
}

Axis place_axis(const LineChart& chart) {
  const double low = chart.x_tics.front().at;
  const double high = chart.x_tics.back().at;
  if (!chart.log_x) return {low - 0.5, high + 0.5, false};
  const double pad = high > low ? std::pow(high / low, 0.07) : 2;
  return {low / pad, high * pad, true};
}

std::map<std::string, Axis> bar_axes(const BarChart& chart) {
  std::map<std::string, Range> ranges;
  for (const BarSection& section : chart.sections) {
    for (const BarPanel& panel : section.panels) {
      for (const Bar& bar : panel.bars) add(bar, chart.log, ranges[panel.scale]);
    }
  }
  std::map<std::string, Axis> axes;
  for (const auto& [scale, range] : ranges) {
    const bool flat = range.low >= range.high;
    axes[scale] = chart.log ? padded_log(range) : flat ? Axis{} : Axis{range.low, range.high};
  }
  return axes;
}

std::string chart_script(const LineChart& chart) {
  constexpr double kLeft = 74;
  constexpr double kLegend = 190;
  constexpr double kBetween = 22;
  Page page(chart.name, chart.title);
  const std::size_t columns = chart.panels.size() == 1 ? 1 : 2;
  const double width = (kWidth - kLeft - kLegend) / static_cast<double>(columns);
  const double height = chart.panels.size() <= columns ? 330 : 270;
  const std::string axes = x_axis(chart) + y_axis(chart);
  const bool deep = std::ranges::any_of(
      chart.x_tics, [](const Tic& tic) { return tic.label.find('\n') != std::string::npos; });
  page.y += kTitleHeight;
  page.legend(kWidth - kLegend, "samplen 3 spacing 1.3", legend_of(chart));
  for (std::size_t index = 0; index < chart.panels.size(); ++index) {
    const LinePanel& panel = chart.panels[index];
    const std::size_t column = index % columns;
    const bool bottom = index + columns >= chart.panels.size();
    if (column == 0 && index > 0) page.y += height + kTicHeight + kTitleHeight + kMargin;
    std::string settings =
        axes +
        fmt::format("set title {}\nset xlabel {} offset 0,{}\nset ylabel {}\nset format y {}\n",
                    gnuplot_string(panel.title), gnuplot_string(bottom ? chart.x_label : ""),
                    deep ? -0.7 : 0, gnuplot_string(column == 0 ? chart.y_label : ""),
                    column == 0 ? "'%g'" : "''");
    if (panel.series.empty()) {
      settings +=
          fmt::format("set label 'not available, see below' at graph 0.5,0.5 center {}\n", kFaint);
    }
    const double left = kLeft + static_cast<double>(column) * width;
    page.panel({left, page.y, width - kBetween, height}, settings, plots_of(panel, page));
  }
  page.y += height + kTicHeight + kLabelHeight + (deep ? kLineHeight : 0);
  return page.script(chart.remarks);
}

std::string chart_script(const BarChart& chart) { return BarScript(chart).text(); }

}  // namespace patchbench::analysis
