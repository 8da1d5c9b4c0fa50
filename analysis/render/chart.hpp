// analysis/render/chart.hpp - from points to a gnuplot script: the two kinds of chart that the
// figures are made of.
//
// A script holds its data, draws NAME.svg and NAME.pdf into its working directory, and needs
// gnuplot >= 5.2 with the terminals svg and pdfcairo. Whatever comes from a results file enters it
// through gnuplot_string or as a number.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analysis/render/palette.hpp"
#include "analysis/statistics/statistics.hpp"

namespace patchbench::analysis {

struct Point {
  double x = 0;
  std::optional<double> y;  // empty: nothing was measured, and the line is interrupted
  std::optional<Interval> range;
};

struct Series {
  std::string label;
  Appearance look;
  std::vector<Point> points;
};

struct Tic {
  double at = 0;
  std::string label;
};

/// A stretch of a linear x axis with a name of its own, written below its tics.
struct Zone {
  double from = 0;
  double to = 0;
  std::string label;
};

struct Panel {
  std::string title;
  std::vector<Series> series;
};

/// Lines with markers and error bars over x, in panels with common axes, one legend beside them.
struct LineChart {
  std::string name;  // of the files
  std::string title;
  std::string x_label;
  std::string y_label;
  bool log_x = false;
  std::vector<Tic> x_tics;
  std::vector<Zone> zones;          // from left to right, with a line between them
  std::optional<double> reference;  // a horizontal line
  std::string reference_label;
  std::vector<Panel> panels;
  /// Series that have no points anywhere, for the legend.
  std::vector<std::string> absent;
  /// Why something is missing: sentences below the panels.
  std::vector<std::string> remarks;
};

struct Dot {
  std::optional<double> value;
  std::optional<Interval> range;
  std::string missing;  // instead of a value: a word or two
};

struct DotRow {
  std::string label;
  Appearance look;
  std::vector<Dot> dots;  // one a panel
};

/// One row a strategy, one panel a quantity, costs along a logarithmic x axis.
struct DotChart {
  std::string name;
  std::string title;
  std::string x_label;
  std::vector<std::string> panel_titles;
  std::vector<DotRow> rows;  // from top to bottom
  std::vector<std::string> remarks;
};

[[nodiscard]] std::string line_chart_script(const LineChart& chart);
[[nodiscard]] std::string dot_chart_script(const DotChart& chart);

/// 1, 2, 5, 10, ... that lie in [low, high], both positive; at least two, so beyond the range where
/// it is narrow.
[[nodiscard]] std::vector<double> log_tics(double low, double high);

}  // namespace patchbench::analysis
