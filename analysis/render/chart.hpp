// analysis/render/chart.hpp - the two kinds of chart that the figures are made of, and the gnuplot
// scripts that draw them as files; vega.hpp makes what a page draws of the same charts.
//
// A script holds its data, draws NAME.svg and NAME.pdf into its working directory, and needs
// gnuplot >= 5.4 with the terminals svg and pdfcairo. Whatever comes from a results file enters it
// through gnuplot_string or as a number. A strategy's id decides its colour and marker.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "analysis/statistics/statistics.hpp"

namespace patchbench::analysis {

struct Point {
  double x = 0;
  std::optional<double> y;  // empty: nothing was measured, and the line is interrupted
  std::optional<Interval> range;
  std::size_t n = 0;  // values that y was made of; 0: not known
};

struct Series {
  std::string id;
  std::vector<Point> points;
};

struct LinePanel {
  std::string title;
  std::vector<Series> series;  // each with a value
};

struct Tic {
  double at = 0;
  std::string label;  // of one line or several
};

/// Lines with markers and error bars over x, in panels with common axes, one legend beside them.
struct LineChart {
  std::string name;  // of the files
  std::string title;
  std::string x_label;
  std::string y_label;
  bool ratio = false;  // to something: a line is drawn at 1
  bool log_x = false;
  std::vector<Tic> x_tics;  // at least one; ascending
  std::vector<LinePanel> panels;
  std::vector<std::string> remarks;  // why something is missing: sentences below the panels
};

/// What one strategy has of one quantity.
struct Bar {
  std::optional<double> total = {};
  double solid = 0;                    // of the total; the rest is tinted
  std::optional<Interval> range = {};  // of the total
  std::size_t n = 0;                   // values that the total was made of; 0: not known
  std::string text = {};  // the number, or why there is none in a word or two; no quotes
};

struct BarPanel {
  std::string title;
  std::string scale;      // panels of one name have one range
  std::vector<Bar> bars;  // as long as the section's rows
};

struct ChartRow {
  std::string id;
  std::string label;
};

/// Panels with the same rows.
struct BarSection {
  std::string title = {};
  std::vector<ChartRow> rows = {};  // from top to bottom
  std::vector<BarPanel> panels = {};
  std::vector<std::string> notes = {};  // sentences below the panels
};

/// Rows of bars that begin at zero, or of dots on a logarithmic axis.
struct BarChart {
  std::string name;
  std::string title;
  std::string x_label;
  bool ratio = false;  // to something: a line is drawn at 1
  bool log = false;
  std::vector<std::string> legend;  // what solid and what tinted parts are; may be empty
  std::vector<BarSection> sections;
  std::vector<std::string> remarks;
};

struct Axis {
  double low = 0;
  double high = 1;
  bool log = false;
};

/// One for all panels, logarithmic where a linear one would flatten the values.
[[nodiscard]] Axis value_axis(const LineChart& chart);
/// From the first to the last tic.
[[nodiscard]] Axis place_axis(const LineChart& chart);
/// Of the panels, by their scale.
[[nodiscard]] std::map<std::string, Axis> bar_axes(const BarChart& chart);

[[nodiscard]] std::string chart_script(const LineChart& chart);
[[nodiscard]] std::string chart_script(const BarChart& chart);

}  // namespace patchbench::analysis
