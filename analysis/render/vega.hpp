// analysis/render/vega.hpp - the charts of chart.hpp as specifications for Vega-Lite, which a page
// draws with what analysis/vendor holds.
//
// One specification a panel: panels then stand side by side where there is room, and below one
// another on a phone. They have one axis because the axis is computed here. The parameter `picked`
// of a panel holds the ids that are shown; empty means all. Colours, markers and dashes are those
// of palette.hpp.
#pragma once

#include <string>
#include <vector>

#include "analysis/render/chart.hpp"

namespace patchbench::analysis {

struct DrawnPanel {
  std::string title;
  std::string spec;  // JSON; empty: nothing to draw
};

/// Panels under one heading.
struct PanelGroup {
  std::string title = {};
  std::vector<DrawnPanel> panels = {};
  std::vector<std::string> notes = {};  // sentences below the panels
};

struct DrawnChart {
  std::vector<std::string> ids = {};  // of the legend
  std::vector<std::string> fills =
      {};  // what solid and what tinted parts of bars are; may be empty
  std::vector<PanelGroup> groups = {};
  std::vector<std::string> remarks = {};
};

[[nodiscard]] DrawnChart drawn_chart(const LineChart& chart);
[[nodiscard]] DrawnChart drawn_chart(const BarChart& chart);

}  // namespace patchbench::analysis
