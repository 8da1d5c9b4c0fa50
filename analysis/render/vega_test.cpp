#include "analysis/render/vega.hpp"

#include <nlohmann/json.hpp>
#include <patchbench_catch.hpp>

#include "analysis/render/palette.hpp"
#include "results/matchers_test.hpp"

namespace patchbench::analysis {
namespace {

using nlohmann::json;
using results::contains;

json spec_of(const DrawnChart& drawn, std::size_t panel) {
  return json::parse(drawn.groups.at(0).panels.at(panel).spec);
}

/// The layer with this mark.
json layer(const json& spec, const std::string& mark) {
  for (const json& one : spec.at("layer")) {
    if (one.at("mark").at("type") == mark) return one;
  }
  return nullptr;
}

json colour_in(const json& layer, const std::string& id) {
  const json& scale = layer.at("encoding").at("color").at("scale");
  for (std::size_t i = 0; i < scale.at("domain").size(); ++i) {
    if (scale.at("domain").at(i) == id) return scale.at("range").at(i);
  }
  return nullptr;
}

/// Two panels: rwx and floor in the first, floor alone in the second, from 2 to 60.
LineChart two_panels() {
  LineChart chart;
  chart.y_label = "ns per send";
  chart.x_label = "send sites";
  chart.log_x = true;
  chart.x_tics = {{16, "16"}, {1024, "1k\nsites"}};
  chart.panels.push_back(
      {"linear",
       {{"rwx", {{16, 2, Interval{1.5, 2.5}, 33}, {1024, {}, {}}}}, {"floor", {{16, 3, {}}}}}});
  chart.panels.push_back({"shuffled", {{"floor", {{16, 60, {}}}}}});
  return chart;
}

TEST_CASE("panels that are compared have one axis, and stand where they were measured") {
  const DrawnChart drawn = drawn_chart(two_panels());
  const json first = spec_of(drawn, 0);
  const json second = spec_of(drawn, 1);
  for (const char* channel : {"x", "y"}) {
    const json scale = layer(first, "line").at("encoding").at(channel).at("scale");
    CHECK(scale == layer(second, "line").at("encoding").at(channel).at("scale"));
    CHECK(scale.at("type") == "log");
  }
  const json rows = first.at("data").at("values");
  CHECK(rows.at(0).at("x") == 16);
  CHECK(rows.at(2).at("x") == 16);  // floor, not beside it
}

TEST_CASE("an id has its colour in lines and in bars, whoever stands beside it") {
  BarChart bars;
  bars.sections.push_back({.rows = {{"floor", "floor"}},
                           .panels = {{"", "", {{.total = 1, .solid = 1, .text = "1"}}}}});
  const json line = layer(spec_of(drawn_chart(two_panels()), 1), "line");
  const json bar = layer(spec_of(drawn_chart(bars), 0), "bar");
  CHECK(colour_in(line, "floor") == appearance("floor").colour);
  CHECK(colour_in(bar, "floor") == appearance("floor").colour);
  CHECK(colour_in(line, "rwx") == appearance("rwx").colour);
}

TEST_CASE("what was not measured interrupts the line, and has no interval and no n") {
  const json rows = spec_of(drawn_chart(two_panels()), 0).at("data").at("values");
  CHECK(rows.at(0).at("y") == 2);
  CHECK(rows.at(0).at("low") == 1.5);
  CHECK(rows.at(0).at("n") == 33);
  CHECK(rows.at(1).at("y").is_null());
  CHECK_FALSE(rows.at(1).contains("low"));
  CHECK_FALSE(rows.at(2).contains("n"));
}

TEST_CASE("hover gives strategy, place, value, interval and n, and the legend chooses by id") {
  const DrawnChart drawn = drawn_chart(two_panels());
  const json spec = spec_of(drawn, 0);
  std::string fields;
  const json hover = layer(spec, "circle");
  for (const json& one : hover.at("encoding").at("tooltip")) {
    fields += one.at("field").get<std::string>() + " ";
  }
  CHECK(fields == "id x y interval n ");
  CHECK(drawn.ids == std::vector<std::string>{"rwx", "floor"});
  CHECK(spec.at("params").at(0).at("name") == "picked");
  CHECK_THAT(spec.at("transform").dump(), contains("indexof(picked, datum.id)"));
}

TEST_CASE("the legend chooses among rows of bars as among lines, and leaves no gap") {
  BarChart bars;
  bars.sections.push_back({.rows = {{"rwx", "rwx"}, {"floor", "floor"}},
                           .panels = {{"", "", {{.total = 1, .text = "1"}, {.total = 2}}}}});
  const DrawnChart drawn = drawn_chart(bars);
  CHECK(drawn.ids == std::vector<std::string>{"rwx", "floor"});
  const json spec = spec_of(drawn, 0);
  CHECK(spec.at("params").at(0).at("name") == "picked");
  CHECK_THAT(spec.at("transform").dump(), contains("indexof(picked, datum.id)"));
  const json rows = layer(spec, "bar").at("encoding").at("y");
  CHECK(rows.at("sort") == json({"rwx", "floor"}));
  CHECK_FALSE(rows.contains("scale"));
}

TEST_CASE("ratios have a line at 1 where the axis has it") {
  LineChart chart = two_panels();
  const auto lines_at_1 = [&chart] {
    std::size_t count = 0;
    const json spec = spec_of(drawn_chart(chart), 0);
    for (const json& one : spec.at("layer")) {
      count += one.at("encoding").contains("y") && one.at("encoding").at("y").contains("datum");
    }
    return count;
  };
  CHECK(lines_at_1() == 0);
  chart.ratio = true;
  chart.panels[0].series[0].points[0] = {16, 0.9, {}};
  CHECK(lines_at_1() == 1);
  for (LinePanel& panel : chart.panels) {
    for (Series& series : panel.series) series.points = {{16, 700, {}}};
  }
  CHECK(lines_at_1() == 0);
}

TEST_CASE("a panel without values is not drawn, and a bar without a value has its reason") {
  LineChart lines = two_panels();
  lines.panels[0].series.clear();
  CHECK(drawn_chart(lines).groups.at(0).panels.at(0).spec.empty());
  BarChart bars;
  bars.log = true;
  bars.sections.push_back(
      {.rows = {{"rwx", "rwx"}, {"sysv-shm", "sysv-shm"}},
       .panels = {{"", "", {{.total = 8, .text = "8"}, {.text = "not available: denied"}}}}});
  const json rows = spec_of(drawn_chart(bars), 0).at("data").at("values");
  CHECK(rows.at(1).at("text") == "not available: denied");
  CHECK_FALSE(rows.at(1).contains("total"));
}

TEST_CASE("text of a results file stays text in what a panel computes") {
  LineChart chart = two_panels();
  chart.x_tics[0].label = "'] + alert(1) + ['\"";
  const json axis = layer(spec_of(drawn_chart(chart), 0), "line").at("encoding").at("x").at("axis");
  CHECK_THAT(axis.at("labelExpr").get<std::string>(), contains(R"("'] + alert(1) + ['\"")"));
}

}  // namespace
}  // namespace patchbench::analysis
