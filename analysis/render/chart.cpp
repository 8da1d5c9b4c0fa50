#include "analysis/render/chart.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

#include <fmt/format.h>

#include "analysis/render/canvas.hpp"
#include "analysis/render/gnuplot.hpp"
#include "analysis/render/numbers.hpp"

namespace patchbench::analysis {
namespace {

constexpr double kPanelTitleHeight = 24;
constexpr double kTicHeight = 30;
constexpr double kZoneHeight = 18;
constexpr double kXLabelHeight = 26;
constexpr std::string_view kGrid = "#dddddd";

struct Range {
  double low = std::numeric_limits<double>::max();
  double high = std::numeric_limits<double>::lowest();

  void add(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  [[nodiscard]] bool empty() const { return low > high; }
};

std::string style_of(const Appearance& look) {
  return fmt::format("lc rgb '{}' pt {} dt {} lw 1.6 ps 0.75", look.colour, look.marker, look.dash);
}

std::string tic_list(const std::vector<Tic>& tics, bool labelled) {
  std::string list;
  for (const Tic& tic : tics) {
    list += fmt::format("{}{} {:.10g}", list.empty() ? "" : ", ",
                        labelled ? gnuplot_tic_string(tic.label) : "''", tic.at);
  }
  return "(" + list + ")";
}

std::string plain(double value) {
  if (value >= 1000) return grouped(std::llround(value));
  return fmt::format("{:g}", value);
}

std::vector<Tic> labelled(const std::vector<double>& values) {
  std::vector<Tic> tics;
  tics.reserve(values.size());
  for (const double value : values) tics.push_back({value, plain(value)});
  return tics;
}

std::vector<double> linear_tics(double low, double high) {
  const double rough = (high - low) / 5;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough) {
      step = factor * power;
      break;
    }
  }
  std::vector<double> tics;
  const auto last = static_cast<int>(std::floor(high / step * (1 + 1e-9)));
  for (auto index = static_cast<int>(std::ceil(low / step)); index <= last; ++index) {
    tics.push_back(index * step);
  }
  return tics;
}

/// One axis of costs: logarithmic where the values span so much that a linear one would flatten
/// them.
struct ValueAxis {
  bool log = false;
  double low = 0;
  double high = 1;
  std::vector<Tic> tics;
};

ValueAxis value_axis(Range range, bool always_log) {
  ValueAxis axis;
  if (range.empty()) range = {1, 10};
  axis.log = range.low > 0 && (always_log || range.high / range.low > 6);
  if (axis.log) {
    axis.low = range.low / 1.25;
    axis.high = range.high * 1.25;
    if (axis.high / axis.low < 10) {
      const double middle = std::sqrt(axis.low * axis.high);
      axis.low = std::min(axis.low, middle / 3.2);
      axis.high = std::max(axis.high, middle * 3.2);
    }
    axis.tics = labelled(log_tics(axis.low, axis.high));
  } else {
    const double span = std::max(range.high - range.low, 0.1 * std::abs(range.high) + 1e-9);
    axis.low = std::max(0.0, range.low - 0.15 * span);
    axis.high = range.high + 0.15 * span;
    axis.tics = labelled(linear_tics(axis.low, axis.high));
  }
  return axis;
}

std::string frame(double left_border) {
  return fmt::format(
      "unset key\nset border {} lc rgb '{}'\nset tics nomirror tc rgb '#000000'\nset grid xtics "
      "ytics lc rgb '{}' lt 1 lw 0.6\nset errorbars small\n",
      left_border, kFrame, kGrid);
}

/// Draws one LineChart.
class LineScript {
 public:
  explicit LineScript(const LineChart& chart)
      : chart_(chart), remarks_(wrapped_remarks(chart.remarks)) {
    const std::size_t count = std::max<std::size_t>(1, chart.panels.size());
    columns_ = count == 1 ? 1 : 2;
    rows_ = (count + columns_ - 1) / columns_;
    size_.width = 980;
    panel_height_ = rows_ == 1 ? 330 : 270;
    size_.height = kTitleHeight + static_cast<double>(rows_) * (panel_height_ + kPanelTitleHeight) +
                   kTicHeight * static_cast<double>(rows_) + zone_height() + kXLabelHeight +
                   kMargin + kRemarkHeight * static_cast<double>(remarks_.size());
    Range values;
    for (const Panel& panel : chart.panels) {
      for (const Series& series : panel.series) collect(series, values);
    }
    if (chart.reference && !values.empty()) values.add(*chart.reference);
    y_ = value_axis(values, false);
    for (const Tic& tic : chart.x_tics) x_.add(tic.at);
    if (x_.empty()) x_ = {1, 2};
  }

  [[nodiscard]] std::string text() const {
    std::string drawing = fmt::format("set multiplot\nset origin 0,0\nset size 1,1\n");
    drawing += frame(3) + axes();
    for (std::size_t index = 0; index < std::max<std::size_t>(1, chart_.panels.size()); ++index) {
      drawing += draw_panel(index);
    }
    drawing += "unset multiplot\nreset\n";
    return script_header(chart_.name) + data() + both_terminals(chart_.name, size_, drawing);
  }

 private:
  static void collect(const Series& series, Range& values) {
    for (const Point& point : series.points) {
      if (!point.y) continue;
      values.add(*point.y);
      if (!point.range) continue;
      // An interval of two rounds can span decades; the axis follows the values, and the bar is cut
      // off.
      values.add(std::max((*point.range)[0], *point.y / 2));
      values.add(std::min((*point.range)[1], *point.y * 2));
    }
  }

  [[nodiscard]] static std::string block(std::size_t panel, std::size_t series) {
    return fmt::format("$p{}s{}", panel, series);
  }

  /// Where strategies agree their markers would hide one another, so each stands a little beside
  /// its x.
  [[nodiscard]] double beside(double x, std::size_t index, std::size_t count) const {
    const double offset = static_cast<double>(index) - (static_cast<double>(count) - 1) / 2;
    if (chart_.log_x) return x * std::pow(padded_x().high / padded_x().low, 0.008 * offset);
    return x + (padded_x().high - padded_x().low) * 0.012 * offset;
  }

  [[nodiscard]] std::string data() const {
    std::string script;
    for (std::size_t panel = 0; panel < chart_.panels.size(); ++panel) {
      const auto& all = chart_.panels[panel].series;
      for (std::size_t index = 0; index < all.size(); ++index) {
        script += block(panel, index) + " << EOD\n";
        for (const Point& point : all[index].points) {
          const double x = beside(point.x, index, all.size());
          if (!point.y) {
            script += fmt::format("{:.10g} NaN NaN NaN\n", x);
            continue;
          }
          const Interval range = point.range.value_or(Interval{*point.y, *point.y});
          script +=
              fmt::format("{:.10g} {:.10g} {:.10g} {:.10g}\n", x, *point.y, range[0], range[1]);
        }
        script += "EOD\n";
      }
    }
    return script;
  }

  [[nodiscard]] Range padded_x() const {
    if (!chart_.log_x) return {x_.low - 0.5, x_.high + 0.5};
    const double pad = x_.high > x_.low ? std::pow(x_.high / x_.low, 0.07) : 2;
    return {x_.low / pad, x_.high * pad};
  }

  [[nodiscard]] std::string axes() const {
    const Range x = padded_x();
    return fmt::format("set xrange [{:.10g}:{:.10g}]\nset yrange [{:.10g}:{:.10g}]\n{}{}", x.low,
                       x.high, y_.low, y_.high, chart_.log_x ? "set logscale x 2\n" : "",
                       y_.log ? "set logscale y 10\n" : "");
  }

  [[nodiscard]] Box box_of(std::size_t index) const {
    constexpr double kLeft = 74;
    constexpr double kLegend = 190;
    constexpr double kBetween = 22;
    const auto column = static_cast<double>(index % columns_);
    const std::size_t above = index / columns_;
    const auto row = static_cast<double>(above);
    const auto columns = static_cast<double>(columns_);
    const double width = (size_.width - kLeft - kLegend - kBetween * (columns - 1)) / columns;
    const double left = kLeft + column * (width + kBetween);
    const double top =
        kTitleHeight + kPanelTitleHeight + row * (panel_height_ + kPanelTitleHeight + kTicHeight);
    return {left, top, left + width, top + panel_height_};
  }

  [[nodiscard]] std::string draw_panel(std::size_t index) const {
    const Box box = box_of(index);
    const bool left = index % columns_ == 0;
    const bool bottom = index + columns_ >= std::max<std::size_t>(1, chart_.panels.size());
    const bool empty = chart_.panels.empty() || no_value(chart_.panels[index]);
    std::string script = margins(size_, box) + "unset label\nunset arrow\n";
    if (index == 0) {
      script += figure_title(size_, chart_.title) + legend() + remark_lines(size_, remarks_) +
                text_at(size_, 18, (box_of(0).top + box_of(columns_ * (rows_ - 1)).bottom) / 2,
                        chart_.y_label, "center rotate by 90");
    }
    if (!chart_.panels.empty()) {
      script += text_at(size_, box.left, box.top - 10, chart_.panels[index].title, "left");
    }
    if (bottom) {
      script += text_at(size_, (box.left + box.right) / 2, box.bottom + 42 + zone_height(),
                        chart_.x_label, "center") +
                zone_labels(box);
    }
    script += zone_borders();
    if (empty) {
      script += text_at(size_, (box.left + box.right) / 2, (box.top + box.bottom) / 2,
                        "not available, see below", fmt::format("center tc rgb '{}'", kFaintText));
    }
    script += fmt::format("set xtics {} scale 0.5\nset ytics {} scale 0.5\n",
                          tic_list(chart_.x_tics, true), tic_list(y_.tics, left));
    return script + "plot " + plots(index, empty) + "\n";
  }

  [[nodiscard]] double zone_height() const { return chart_.zones.empty() ? 0 : kZoneHeight; }

  [[nodiscard]] std::string zone_labels(const Box& box) const {
    const Range x = padded_x();
    std::string script;
    for (const Zone& zone : chart_.zones) {
      const double middle = ((zone.from + zone.to) / 2 - x.low) / (x.high - x.low);
      script += text_at(size_, box.left + middle * (box.right - box.left), box.bottom + 40,
                        zone.label, fmt::format("center font ',12' tc rgb '{}'", kFaintText));
    }
    return script;
  }

  [[nodiscard]] std::string zone_borders() const {
    std::string script;
    for (std::size_t index = 1; index < chart_.zones.size(); ++index) {
      const double x = (chart_.zones[index - 1].to + chart_.zones[index].from) / 2;
      script += fmt::format(
          "set arrow from {0:.10g}, graph 0 to {0:.10g}, graph 1 nohead lc rgb '{1}' dt 3\n", x,
          kFrame);
    }
    return script;
  }

  [[nodiscard]] static bool no_value(const Panel& panel) {
    return std::none_of(panel.series.begin(), panel.series.end(), [](const Series& series) {
      return std::any_of(series.points.begin(), series.points.end(),
                         [](const Point& point) { return point.y.has_value(); });
    });
  }

  [[nodiscard]] std::string plots(std::size_t panel, bool empty) const {
    std::string list;
    if (chart_.reference) {
      list = fmt::format("{:.10g} with lines lc rgb '{}' dt 2 lw 1.4 notitle", *chart_.reference,
                         appearance("floor").colour);
    }
    if (empty) return list.empty() ? "NaN notitle" : list;
    const auto& all = chart_.panels[panel].series;
    for (std::size_t index = 0; index < all.size(); ++index) {
      if (all[index].points.empty()) continue;
      list += fmt::format("{}{} using 1:2:3:4 with yerrorlines {} notitle",
                          list.empty() ? "" : ", \\\n  ", block(panel, index),
                          style_of(all[index].look));
    }
    return list;
  }

  /// Every series once, in the order of the first panel that has it; then those without any value.
  [[nodiscard]] std::string legend() const {
    const double left = size_.width - 176;
    double y = kTitleHeight + kPanelTitleHeight + 10;
    std::string script;
    std::vector<std::string> seen;
    for (const Panel& panel : chart_.panels) {
      for (const Series& series : panel.series) {
        if (std::find(seen.begin(), seen.end(), series.label) != seen.end()) continue;
        seen.push_back(series.label);
        script += legend_entry(series, left, y);
        y += 22;
      }
    }
    if (chart_.reference) {
      script +=
          legend_line(left, y, fmt::format("lc rgb '{}' dt 2 lw 1.4", appearance("floor").colour)) +
          text_at(size_, left + 40, y, chart_.reference_label, "left");
      y += 22;
    }
    for (const std::string& label : chart_.absent) {
      script += text_at(size_, left, y, "n/a", fmt::format("left tc rgb '{}'", kFaintText)) +
                text_at(size_, left + 40, y, label, fmt::format("left tc rgb '{}'", kFaintText));
      y += 22;
    }
    return script;
  }

  [[nodiscard]] std::string legend_entry(const Series& series, double left, double y) const {
    return legend_line(
               left, y,
               fmt::format("lc rgb '{}' dt {} lw 1.6", series.look.colour, series.look.dash)) +
           text_at(size_, left + 15, y, "",
                   fmt::format("left point lc rgb '{}' pt {} ps 0.9", series.look.colour,
                               series.look.marker)) +
           text_at(size_, left + 40, y, series.label, "left");
  }

  [[nodiscard]] std::string legend_line(double left, double y, const std::string& style) const {
    return fmt::format("set arrow from screen {:.5f},{:.5f} to screen {:.5f},{:.5f} nohead {}\n",
                       screen_x(size_, left), screen_y(size_, y), screen_x(size_, left + 30),
                       screen_y(size_, y), style);
  }

  const LineChart& chart_;
  std::vector<std::string> remarks_;
  std::size_t columns_ = 1;
  std::size_t rows_ = 1;
  double panel_height_ = 0;
  Size size_;
  ValueAxis y_;
  Range x_;
};

/// Draws one DotChart.
class DotScript {
 public:
  explicit DotScript(const DotChart& chart)
      : chart_(chart), remarks_(wrapped_remarks(chart.remarks)) {
    rows_ = static_cast<double>(std::max<std::size_t>(1, chart.rows.size()));
    size_.width = 980;
    size_.height = kTitleHeight + kPanelTitleHeight + rows_ * kRowHeight + kTicHeight +
                   kXLabelHeight + kMargin + kRemarkHeight * static_cast<double>(remarks_.size());
    Range values;
    for (const DotRow& row : chart.rows) {
      labels_ =
          std::max(labels_, kLabelMargin + kCharacter * static_cast<double>(row.label.size()));
      for (const Dot& dot : row.dots) {
        if (dot.value && *dot.value > 0) values.add(*dot.value);
      }
    }
    x_ = value_axis(values, true);
    // Room for the numbers beside the dots, which stand to their right.
    x_.high *= std::pow(x_.high / x_.low, 0.22);
  }

  [[nodiscard]] std::string text() const {
    std::string drawing = "set multiplot\nset origin 0,0\nset size 1,1\n" + frame(1);
    drawing +=
        fmt::format("set xrange [{:.10g}:{:.10g}]\nset logscale x 10\nset yrange [{:.1f}:-0.5]\n",
                    x_.low, x_.high, rows_ - 0.5);
    for (std::size_t panel = 0; panel < chart_.panel_titles.size(); ++panel) {
      drawing += draw_panel(panel);
    }
    drawing += "unset multiplot\nreset\n";
    return script_header(chart_.name) + data() + both_terminals(chart_.name, size_, drawing);
  }

 private:
  static constexpr double kRowHeight = 40;
  static constexpr double kLabelMargin = 22;
  static constexpr double kCharacter = 8;  // of a label, about

  [[nodiscard]] std::string data() const {
    std::string script;
    for (std::size_t panel = 0; panel < chart_.panel_titles.size(); ++panel) {
      for (std::size_t row = 0; row < chart_.rows.size(); ++row) {
        const Dot& dot = chart_.rows[row].dots[panel];
        if (!dot.value) continue;
        const Interval range = dot.range.value_or(Interval{*dot.value, *dot.value});
        script += fmt::format("$p{}r{} << EOD\n{:.10g} {} {:.10g} {:.10g}\nEOD\n", panel, row,
                              *dot.value, row, range[0], range[1]);
      }
    }
    return script;
  }

  [[nodiscard]] Box box_of(std::size_t panel) const {
    constexpr double kBetween = 30;
    const auto count = static_cast<double>(chart_.panel_titles.size());
    const double width = (size_.width - labels_ - 2 * kMargin - kBetween * (count - 1)) / count;
    const double left = labels_ + static_cast<double>(panel) * (width + kBetween);
    const double top = kTitleHeight + kPanelTitleHeight;
    return {left, top, left + width, top + rows_ * kRowHeight};
  }

  [[nodiscard]] std::string draw_panel(std::size_t panel) const {
    const Box box = box_of(panel);
    std::string script = margins(size_, box) + "unset label\n";
    if (panel == 0) script += figure_title(size_, chart_.title) + remark_lines(size_, remarks_);
    script += text_at(size_, box.left, box.top - 10, chart_.panel_titles[panel], "left") +
              text_at(size_, (box.left + box.right) / 2, box.bottom + 40, chart_.x_label, "center");
    std::vector<Tic> rows;
    std::string plots;
    for (std::size_t row = 0; row < chart_.rows.size(); ++row) {
      rows.push_back({static_cast<double>(row), chart_.rows[row].label});
      const Dot& dot = chart_.rows[row].dots[panel];
      script += beside(dot, row);
      if (!dot.value) continue;
      plots +=
          fmt::format("{}$p{}r{} using 1:2:3:4 with xerrorbars {} notitle",
                      plots.empty() ? "" : ", \\\n  ", panel, row, style_of(chart_.rows[row].look));
    }
    script += fmt::format("set xtics {} scale 0.5\nset ytics {} scale 0\n", tic_list(x_.tics, true),
                          tic_list(rows, panel == 0));
    return script + "plot " + (plots.empty() ? "NaN notitle" : plots) + "\n";
  }

  /// The number, so that nobody has to read it off a logarithmic axis; or why there is none.
  [[nodiscard]] std::string beside(const Dot& dot, std::size_t row) const {
    if (!dot.value) {
      return fmt::format("set label {} at graph 0.02, first {} left tc rgb '{}'\n",
                         gnuplot_string(dot.missing), row, kFaintText);
    }
    const double reach = std::min(dot.range ? (*dot.range)[1] : *dot.value, x_.high);
    return fmt::format("set label {} at first {:.10g}, first {} left offset character 1,0\n",
                       gnuplot_string(short_number(*dot.value)), std::max(reach, *dot.value), row);
  }

  const DotChart& chart_;
  std::vector<std::string> remarks_;
  double labels_ = 150;  // room for the rows' names, at least
  double rows_ = 1;
  Size size_;
  ValueAxis x_;
};

}  // namespace

std::vector<double> log_tics(double low, double high) {
  std::vector<double> tics;
  const auto last = static_cast<int>(std::floor(std::log10(high)));
  for (auto decade = static_cast<int>(std::floor(std::log10(low))); decade <= last; ++decade) {
    for (const double digit : {1.0, 2.0, 5.0}) {
      const double tic = digit * std::pow(10, decade);
      if (tic >= low * (1 - 1e-9) && tic <= high * (1 + 1e-9)) tics.push_back(tic);
    }
  }
  // Beyond three decades the labels of 2 and 5 run into one another.
  if (high / low > 2000) {
    std::erase_if(tics, [](double tic) {
      const double digit = tic / std::pow(10, std::floor(std::log10(tic) + 1e-9));
      return digit > 1.5;
    });
  }
  if (tics.size() < 2) return {low, high};
  return tics;
}

std::string line_chart_script(const LineChart& chart) { return LineScript(chart).text(); }

std::string dot_chart_script(const DotChart& chart) { return DotScript(chart).text(); }

}  // namespace patchbench::analysis
