#include "analysis/render/vega.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>
#include <span>
#include <utility>

#include <nlohmann/json.hpp>

#include "analysis/render/palette.hpp"

namespace patchbench::analysis {
namespace {

using nlohmann::json;

constexpr const char* kHeld = "#444444";  // what ratios are held against
constexpr const char* kShortNumber = ".4~r";

json filter(const char* expression) { return {{"filter", expression}}; }
json calculate(const char* name, const std::string& expression) {
  return {{"calculate", expression}, {"as", name}};
}

json scale_of(const Axis& axis) {
  json scale = {{"domain", {axis.low, axis.high}}, {"nice", false}};
  if (axis.log) scale["type"] = "log";
  if (!axis.log) scale["zero"] = false;
  return scale;
}

/// 1, 2, 5, 10, ..., and where those would run into one another powers of ten.
json log_tics(const Axis& axis) {
  json tics = json::array();
  const double decades = std::log10(axis.high / axis.low);
  for (int power = -3; power < 10; ++power) {
    for (const int digit : {1, 2, 5}) {
      const double tic = digit * std::pow(10, power);
      const bool shown = digit == 1 || decades < 2.5;
      if (shown && tic >= axis.low && tic <= axis.high) tics.push_back(tic);
    }
  }
  return tics;
}

json number_axis(const Axis& axis) {
  json shown = {
      {"labelExpr", "format(datum.value, ',.4~r')"}, {"labelOverlap", true}, {"grid", true}};
  if (axis.log) shown["values"] = log_tics(axis);
  if (!axis.log) shown["tickCount"] = 5;
  return shown;
}

json numbers(const char* field, const std::string& title, const Axis& axis) {
  json shown = number_axis(axis);
  shown["title"] = title;
  return {{"field", field}, {"type", "quantitative"}, {"scale", scale_of(axis)}, {"axis", shown}};
}

/// What an id looks like, as one of Vega-Lite's channels.
template <typename Look>
json by_id(const std::vector<std::string>& ids, Look look) {
  json range = json::array();
  for (const std::string& id : ids) range.push_back(look(appearance(id)));
  return {{"field", "id"},
          {"type", "nominal"},
          {"scale", {{"domain", ids}, {"range", std::move(range)}}},
          {"legend", nullptr}};
}

json colours(const std::vector<std::string>& ids) {
  return by_id(ids, [](const Appearance& look) { return std::string(look.colour); });
}

json markers(const std::vector<std::string>& ids) {
  return by_id(ids, [](const Appearance& look) { return std::string(marker_path(look.marker)); });
}

json dashes(const std::vector<std::string>& ids) {
  return by_id(ids, [](const Appearance& look) { return json(dash_lengths(look.dash)); });
}

/// Where the value stands, and the interval in words for whoever points at it.
json interval_words() {
  return calculate("interval",
                   "isValid(datum.low) ? format(datum.low, '.4~r') + ' to ' + format(datum.high, "
                   "'.4~r') : 'none'");
}

json tooltip(const char* value, const std::string& title, const char* interval) {
  return json::array(
      {{{"field", "id"}, {"title", "strategy"}},
       {{"field", value}, {"type", "quantitative"}, {"title", title}, {"format", kShortNumber}},
       {{"field", "interval"}, {"title", interval}},
       {{"field", "n"}, {"title", "n"}}});
}

void add_values(json& row, const std::optional<Interval>& range, std::size_t n) {
  if (range) {
    row["low"] = (*range)[0];
    row["high"] = (*range)[1];
  }
  if (n > 0) row["n"] = n;
}

/// The channel of another field, with the same scale and axis.
json with_field(json channel, const char* field) {
  channel["field"] = field;
  return channel;
}

/// A line at 1, behind everything.
json held_against(const char* name, json channel) {
  channel.erase("field");
  channel["datum"] = 1;
  return {{"data", {{"values", json::array({json::object()})}}},
          {"mark", {{"type", "rule"}, {"color", kHeld}, {"strokeWidth", 1.2}, {"clip", true}}},
          {"encoding", {{name, std::move(channel)}}}};
}

bool shows_one(const Axis& axis) { return axis.low <= 1 && axis.high >= 1; }

// ---- lines ----

json rows_of(const LinePanel& panel) {
  json rows = json::array();
  for (const Series& series : panel.series) {
    for (const Point& point : series.points) {
      json row = {{"id", series.id}, {"x", point.x}};
      row["y"] = point.y ? json(*point.y) : json(nullptr);  // null interrupts the line
      if (point.y) add_values(row, point.range, point.n);
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

/// The tics of the chart, a label of several lines as several.
json places(const LineChart& chart) {
  json values = json::array();
  json labels = json::object();
  for (const Tic& tic : chart.x_tics) {
    values.push_back(tic.at);
    labels[json(tic.at).dump()] = tic.label;
    if (tic.at == std::floor(tic.at)) {
      labels[std::to_string(static_cast<long long>(tic.at))] = tic.label;
    }
  }
  json scale = scale_of(place_axis(chart));
  if (chart.log_x) scale["base"] = 2;
  return {{"field", "x"},
          {"type", "quantitative"},
          {"scale", std::move(scale)},
          {"axis",
           {{"title", chart.x_label},
            {"values", std::move(values)},
            {"labelOverlap", true},
            {"grid", false},
            {"labelExpr", "split(" + labels.dump() + "[datum.value], '\\n')"}}}};
}

/// The number of sites or of classes, as the axis calls it.
json line_tooltip(const LineChart& chart) {
  json shown = tooltip("y", chart.y_label, "95 % interval");
  if (chart.log_x) {
    const json place = {
        {"field", "x"}, {"type", "quantitative"}, {"title", chart.x_label}, {"format", ",d"}};
    shown.insert(shown.begin() + 1, place);
  }
  return shown;
}

/// Intervals lie below lines and markers. What is pointed at is larger than what is seen.
json line_layers(const LineChart& chart, const std::vector<std::string>& ids) {
  const Axis axis = value_axis(chart);
  const json x = places(chart);
  const json y = numbers("y", chart.y_label, axis);
  const json valid = json::array({filter("isValid(datum.y)")});
  json layers = json::array();
  if (chart.ratio && shows_one(axis)) layers.push_back(held_against("y", y));
  layers.push_back(
      {{"transform", json::array({filter("isValid(datum.low)")})},
       {"mark", {{"type", "rule"}, {"clip", true}, {"strokeWidth", 1.2}, {"opacity", 0.7}}},
       {"encoding",
        {{"x", x},
         {"y", with_field(y, "low")},
         {"y2", {{"field", "high"}}},
         {"color", colours(ids)}}}});
  layers.push_back(
      {{"mark", {{"type", "line"}, {"strokeWidth", 1.6}, {"clip", true}}},
       {"encoding", {{"x", x}, {"y", y}, {"color", colours(ids)}, {"strokeDash", dashes(ids)}}}});
  layers.push_back(
      {{"transform", valid},
       {"mark", {{"type", "point"}, {"size", 40}, {"strokeWidth", 1.5}}},
       {"encoding", {{"x", x}, {"y", y}, {"color", colours(ids)}, {"shape", markers(ids)}}}});
  layers.push_back({{"transform", valid},
                    {"mark", {{"type", "circle"}, {"size", 220}, {"opacity", 0}}},
                    {"encoding", {{"x", x}, {"y", y}, {"tooltip", line_tooltip(chart)}}}});
  return layers;
}

/// With the parameter that the legend sets, and what it leaves.
json panel_spec(json rows, std::size_t height) {
  return {{"data", {{"values", std::move(rows)}}},
          {"width", "container"},
          {"height", height},
          {"params", json::array({{{"name", "picked"}, {"value", json::array()}}})},
          {"transform", json::array({filter("!length(picked) || indexof(picked, datum.id) >= 0"),
                                     interval_words()})}};
}

std::vector<std::string> ids_of(const LineChart& chart) {
  std::vector<std::string> ids;
  for (const LinePanel& panel : chart.panels) {
    for (const Series& series : panel.series) {
      if (std::ranges::find(ids, series.id) == ids.end()) ids.push_back(series.id);
    }
  }
  return ids;
}

json line_spec(const LineChart& chart, const LinePanel& panel,
               const std::vector<std::string>& ids) {
  json spec = panel_spec(rows_of(panel), 260);
  spec["layer"] = line_layers(chart, ids);
  return spec;
}

// ---- bars ----

/// To the right of the last bar or dot there is room for its number.
Axis with_room(Axis axis) {
  constexpr double kRoom = 0.4;
  axis.high = axis.log ? axis.high * std::pow(axis.high / axis.low, kRoom)
                       : axis.high + (axis.high - axis.low) * kRoom;
  return axis;
}

json rows_of(const BarSection& section, const BarPanel& panel, const Axis& axis) {
  json rows = json::array();
  for (std::size_t i = 0; i < panel.bars.size(); ++i) {
    const Bar& bar = panel.bars[i];
    json row = {{"id", section.rows[i].id}, {"row", section.rows[i].label}, {"text", bar.text}};
    if (bar.total) {
      row["total"] = *bar.total;
      row["solid"] = bar.solid;
      add_values(row, bar.range, bar.n);
    }
    // Where the number stands: behind what is drawn of the range.
    const double end = bar.range ? std::min((*bar.range)[1], axis.high) : bar.total.value_or(0);
    row["end"] = bar.total ? std::max(end, *bar.total) : axis.low;
    if (axis.log && row["end"] < axis.low) row["end"] = axis.low;
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<std::string> ids_of(const BarSection& section) {
  std::vector<std::string> ids;
  for (const ChartRow& row : section.rows) {
    if (std::ranges::find(ids, row.id) == ids.end()) ids.push_back(row.id);
  }
  return ids;
}

json row_names(const BarSection& section) {
  json labels = json::array();
  for (const ChartRow& row : section.rows) labels.push_back(row.label);
  // An order and no domain: rows that the legend hides leave no gap.
  return {{"field", "row"},
          {"type", "nominal"},
          {"sort", std::move(labels)},
          {"axis", {{"title", nullptr}, {"ticks", false}, {"domain", false}, {"labelLimit", 240}}}};
}

json only_measured() { return json::array({filter("isValid(datum.total)")}); }

json bar_layer(const json& y, json to, double opacity, const std::vector<std::string>& ids) {
  to["stack"] = nullptr;
  return {{"transform", only_measured()},
          {"mark", {{"type", "bar"}, {"opacity", opacity}, {"height", {{"band", 0.7}}}}},
          {"encoding", {{"y", y}, {"x", std::move(to)}, {"color", colours(ids)}}}};
}

json range_layer(const json& y, const json& x, json colour) {
  return {{"transform", json::array({filter("isValid(datum.low) && datum.low < datum.high")})},
          {"mark", {{"type", "rule"}, {"clip", true}}},
          {"encoding",
           {{"y", y},
            {"x", with_field(x, "low")},
            {"x2", {{"field", "high"}}},
            {"color", std::move(colour)}}}};
}

json text_layer(const json& y, const json& x) {
  return {{"mark", {{"type", "text"}, {"align", "left"}, {"dx", 9}}},
          {"encoding", {{"y", y}, {"x", with_field(x, "end")}, {"text", {{"field", "text"}}}}}};
}

json dot_layer(const json& y, const json& x, const std::vector<std::string>& ids) {
  return {{"transform", only_measured()},
          {"mark", {{"type", "point"}, {"size", 55}, {"strokeWidth", 1.7}}},
          {"encoding", {{"y", y}, {"x", x}, {"color", colours(ids)}, {"shape", markers(ids)}}}};
}

/// The whole row answers whoever points at it.
json hover_layer(const BarChart& chart, const json& y) {
  const char* interval = chart.log ? "95 % interval" : "lowest to highest";
  const std::string title = chart.x_label.empty() ? "count" : chart.x_label;
  return {{"transform", only_measured()},
          {"mark", {{"type", "rect"}, {"opacity", 0}}},
          {"encoding", {{"y", y}, {"tooltip", tooltip("total", title, interval)}}}};
}

json bar_layers(const BarChart& chart, const BarSection& section, const Axis& axis) {
  const std::vector<std::string> ids = ids_of(section);
  const json y = row_names(section);
  json x = numbers("total", chart.x_label, axis);
  if (!chart.log) x["axis"] = nullptr;  // the number stands beside each bar
  json layers = json::array();
  if (chart.ratio && shows_one(axis)) layers.push_back(held_against("x", x));
  if (chart.log) {
    layers.push_back(range_layer(y, x, colours(ids)));
    layers.push_back(dot_layer(y, x, ids));
  } else {
    layers.push_back(bar_layer(y, x, 0.35, ids));
    layers.push_back(bar_layer(y, with_field(x, "solid"), 1, ids));
    layers.push_back(range_layer(y, x, {{"value", "#888888"}}));
  }
  layers.push_back(text_layer(y, x));
  layers.push_back(hover_layer(chart, y));
  return layers;
}

json bar_spec(const BarChart& chart, const BarSection& section, const BarPanel& panel,
              const Axis& axis) {
  const Axis wide = with_room(axis);
  const std::size_t step = chart.log ? 24 : 17;
  json spec = panel_spec(rows_of(section, panel, axis), step * section.rows.size());
  spec["layer"] = bar_layers(chart, section, wide);
  return spec;
}

bool has_value(const LinePanel& panel) { return !panel.series.empty(); }

}  // namespace

DrawnChart drawn_chart(const LineChart& chart) {
  DrawnChart drawn{.ids = ids_of(chart), .remarks = chart.remarks};
  PanelGroup group;
  for (const LinePanel& panel : chart.panels) {
    group.panels.push_back(
        {panel.title, has_value(panel) ? line_spec(chart, panel, drawn.ids).dump() : ""});
  }
  drawn.groups.push_back(std::move(group));
  return drawn;
}

DrawnChart drawn_chart(const BarChart& chart) {
  DrawnChart drawn{.fills = chart.legend, .remarks = chart.remarks};
  const auto axes = bar_axes(chart);
  for (const BarSection& section : chart.sections) {
    for (std::string& id : ids_of(section)) {
      if (std::ranges::find(drawn.ids, id) == drawn.ids.end()) drawn.ids.push_back(std::move(id));
    }
    PanelGroup group{.title = section.title, .notes = section.notes};
    for (const BarPanel& panel : section.panels) {
      group.panels.push_back(
          {panel.title, bar_spec(chart, section, panel, axes.at(panel.scale)).dump()});
    }
    drawn.groups.push_back(std::move(group));
  }
  return drawn;
}

}  // namespace patchbench::analysis
