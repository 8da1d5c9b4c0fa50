#include "analysis/view/figures.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "analysis/quantity/comparable.hpp"
#include "analysis/quantity/selection.hpp"
#include "analysis/render/chart.hpp"
#include "analysis/render/numbers.hpp"
#include "analysis/render/wrap.hpp"
#include "analysis/view/attribution.hpp"
#include "analysis/view/catalogue.hpp"
#include "analysis/view/counter_figures.hpp"
#include "analysis/view/publishing.hpp"
#include "analysis/view/titles.hpp"

namespace patchbench::analysis {
namespace {

using results::Cell;
using results::Metric;
using results::Params;
using results::Results;

constexpr std::array<std::string_view, 6> kAttribution = {"tag-cell",          "target-cell",
                                                          "target-register",   "indirect-cell",
                                                          "indirect-cell-rwx", "unchecked"};

Point point_of(double x, const Metric* metric) {
  if (metric == nullptr) return {x, std::nullopt, std::nullopt};
  return {x, metric->median, metric->ci95};
}

bool has_value(const Series& series) {
  return std::any_of(series.points.begin(), series.points.end(),
                     [](const Point& point) { return point.y.has_value(); });
}

bool drawn_in(const LineChart& chart, std::string_view id) {
  return std::any_of(chart.panels.begin(), chart.panels.end(), [&](const Panel& panel) {
    return std::any_of(panel.series.begin(), panel.series.end(),
                       [&](const Series& series) { return series.label == id; });
  });
}

/// Whether a reader looks for the strategy in a figure of the workload: some cell of it was
/// planned.
bool expected(const Results& results, std::string_view strategy, std::string_view workload) {
  return std::any_of(results.cells.begin(), results.cells.end(), [&](const Cell& cell) {
    return cell.strategy == strategy && cell.workload == workload;
  });
}

/// Collects why series are missing, each reason once, as "sysv-shm: denied: ...".
class Remarks {
 public:
  explicit Remarks(const Results& results) : results_(results) {}

  void missing(const std::string& strategy, const Cell* cell) {
    const std::string reason = why_missing(results_, strategy, cell);
    if (reason == "not part of this run") return;
    std::string line = "not available: " + strategy + ": " + reason;
    if (std::find(lines_.begin(), lines_.end(), line) == lines_.end())
      lines_.push_back(std::move(line));
  }

  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }

 private:
  const Results& results_;
  std::vector<std::string> lines_;
};

// ---- over the number of sites ----

struct SitesGrid {
  std::vector<Params> panels;       // mic's parameters without sites
  std::vector<std::int64_t> sites;  // ascending
};

SitesGrid sites_grid(const Results& results) {
  SitesGrid grid;
  std::set<std::int64_t> sites;
  for (const Params& params : param_sets(results, "mic")) {
    const auto count = integer_param(params, "sites");
    if (!count || *count <= 0) continue;
    sites.insert(*count);
    Params rest = without_param(params, "sites");
    if (std::find(grid.panels.begin(), grid.panels.end(), rest) == grid.panels.end()) {
      grid.panels.push_back(std::move(rest));
    }
  }
  grid.sites.assign(sites.begin(), sites.end());
  return grid;
}

/// mic's cell of these parameters, wherever `sites` stands among them.
const Cell* mic_cell(const Results& results, const std::string& strategy, const Params& rest,
                     std::int64_t sites) {
  for (const Cell& cell : results.cells) {
    if (cell.workload == "mic" && cell.strategy == strategy &&
        integer_param(cell.params, "sites") == sites &&
        without_param(cell.params, "sites") == rest) {
      return &cell;
    }
  }
  return nullptr;
}

std::vector<Tic> site_tics(const std::vector<std::int64_t>& sites) {
  std::vector<Tic> tics;
  if (sites.empty()) return tics;
  // Powers of four from the first at or below the smallest: few enough to stay readable in half a
  // page's width.
  std::int64_t first = 1;
  while (first * 4 <= sites.front()) first *= 4;
  std::int64_t at = first;
  do {
    tics.push_back(
        {static_cast<double>(at), at < 1024 ? std::to_string(at) : fmt::format("{}k", at / 1024)});
    at *= 4;
  } while (tics.back().at < static_cast<double>(sites.back()));
  return tics;
}

using Value = std::function<Point(double x, const Cell* cell, const Cell* floor)>;

void add_panels(const Results& results, const SitesGrid& grid, const std::vector<std::string>& ids,
                const Value& value, LineChart& chart) {
  Remarks remarks(results);
  for (const Params& rest : grid.panels) {
    Panel panel{spaced(rest), {}};
    for (const std::string& id : ids) {
      Series series{id, appearance(id), {}};
      for (const std::int64_t sites : grid.sites) {
        const Cell* cell = mic_cell(results, id, rest, sites);
        const Cell* floor = mic_cell(results, "floor", rest, sites);
        series.points.push_back(value(static_cast<double>(sites), cell, floor));
        if (!series.points.back().y) remarks.missing(id, cell);
      }
      if (!has_value(series)) continue;
      panel.series.push_back(std::move(series));
    }
    chart.panels.push_back(std::move(panel));
  }
  for (const std::string& id : ids) {
    if (!drawn_in(chart, id) && expected(results, id, "mic")) chart.absent.push_back(id);
  }
  chart.remarks = remarks.lines();
}

std::vector<std::string> drawn_over_sites(const Results& results) {
  std::vector<std::string> ids;
  for (const std::string& id : strategies_in_order(results)) {
    if (!is_control(results, id) || id == "floor") ids.push_back(id);
  }
  return ids;
}

LineChart sites_chart(const std::string& name, const std::string& title, const SitesGrid& grid) {
  LineChart chart;
  chart.name = name;
  chart.title = title;
  chart.x_label = "send sites (1k = 1,024)";
  chart.log_x = true;
  chart.x_tics = site_tics(grid.sites);
  return chart;
}

Figure send_by_sites(const Results& results, const SitesGrid& grid) {
  LineChart chart =
      sites_chart("send-by-sites", "Cost of a monomorphic send by number of send sites", grid);
  chart.y_label = "ns per send";
  add_panels(
      results, grid, drawn_over_sites(results),
      [](double x, const Cell* cell, const Cell*) {
        return point_of(x, usable_metric(cell, "send"));
      },
      chart);
  return {chart.name, chart.title,
          "Each point is the median over rounds of one strategy at one number of send sites, with "
          "its 95 % interval; points of the same number of sites stand side by side so that equal "
          "ones stay visible. Compare a strategy with the dashed floor, the same bytes never "
          "patched: lines that lie on it cost nothing while no patching goes on.",
          line_chart_script(chart)};
}

Point ratio_point(double x, const Cell* cell, const Cell* floor) {
  const Metric* own = usable_metric(cell, "send");
  const Metric* base = usable_metric(floor, "send");
  if (own == nullptr || base == nullptr) return {x, std::nullopt, std::nullopt};
  const PairedRatio ratio = paired_ratio(own->samples, base->samples);
  return {x, ratio.median, deciding_interval(ratio)};
}

/// Where the controls contradict each other, the figure explains nothing.
std::string not_attributed_text(const Results& results) {
  std::vector<std::string> where;
  for (const Attribution& one : attributions(results)) {
    if (one.outcome == Attribution::Outcome::not_attributed) where.push_back(spaced(one.params));
  }
  if (where.empty()) return "";
  return " Nothing is to be attributed where tag-cell, a part of indirect-cell, costs more than "
         "it: "
         "at " +
         fmt::format("{}.", fmt::join(where, "; "));
}

Figure attribution(const Results& results, const SitesGrid& grid) {
  LineChart chart = sites_chart(
      "attribution",
      "Where the cost of an indirect send comes from: controls as ratios to the floor", grid);
  chart.y_label = "send cost / floor";
  chart.reference = 1;
  chart.reference_label = "floor";
  std::vector<std::string> ids;
  if (!results.baseline.empty()) ids.push_back(results.baseline);
  for (const std::string_view id : kAttribution) {
    if (id != results.baseline) ids.emplace_back(id);
  }
  const std::vector<std::string> known = strategies_in_order(results);
  std::erase_if(ids, [&](const std::string& id) {
    return std::find(known.begin(), known.end(), id) == known.end();
  });
  add_panels(results, grid, ids, ratio_point, chart);
  return {
      chart.name, chart.title,
      std::string(
          "Each point is the median over rounds of the ratio to the floor of the same round, with "
          "its 95 % interval; above 1 is slower. target-register adds an indirect branch without "
          "data and tag-cell a data load without an indirect branch, so which of the two "
          "indirect-cell and target-cell follow suggests what they pay for, and "
          "indirect-cell-rwx suggests whether the mapping of the code matters. By how many "
          "instructions target-register differs, and what each control takes, stands in the "
          "report's section on mic.") +
          not_attributed_text(results),
      line_chart_script(chart)};
}

// ---- over the degree of polymorphism ----

/// One place on the x axis: a degree, or an open PIC.
struct DegreePlace {
  std::string label;
  std::string workload;
  std::function<std::optional<Params>(const Params& panel)> params;
};

/// shared-stub and newest-first differ from indirect-cell in their PICs alone: this is their
/// figure.
std::vector<std::string> drawn_over_degrees(const Results& results) {
  std::vector<std::string> ids;
  for (const std::string& id : strategies_in_order(results)) {
    const bool of_pics = id == "shared-stub" || id == "newest-first";
    if (!is_control(results, id) || id == "floor" || of_pics) ids.push_back(id);
  }
  return ids;
}

std::int64_t sites_of_pic(const Results& results) {
  for (const Params& params : param_sets(results, "pic")) {
    if (const auto sites = integer_param(params, "sites")) return *sites;
  }
  return 1024;
}

void add_degrees(const Results& results, std::vector<DegreePlace>& places) {
  std::set<std::int64_t> degrees;
  for (const Params& params : param_sets(results, "pic")) {
    if (const auto degree = integer_param(params, "degree")) degrees.insert(*degree);
  }
  for (const std::int64_t degree : degrees) {
    places.push_back({std::to_string(degree), "pic",
                      [&results, degree](const Params& panel) -> std::optional<Params> {
                        for (const Params& params : param_sets(results, "pic")) {
                          if (integer_param(params, "degree") == degree &&
                              without_param(params, "degree") == panel) {
                            return params;
                          }
                        }
                        return std::nullopt;
                      }});
  }
}

/// The same cells in every panel.
std::function<std::optional<Params>(const Params&)> always(std::optional<Params> params) {
  return [kept = std::move(params)](const Params&) -> std::optional<Params> { return kept; };
}

std::vector<DegreePlace> degree_places(const Results& results) {
  std::vector<DegreePlace> places;
  const std::array mic_wish = {Preference{"sites", sites_of_pic(results)}};
  if (auto mic = representative(results, "mic", mic_wish)) {
    places.push_back({"1", "mic", always(std::move(mic))});
  }
  add_degrees(results, places);
  std::set<std::int64_t> classes;
  for (const Params& params : param_sets(results, "open-pic")) {
    if (const auto count = integer_param(params, "classes")) classes.insert(*count);
  }
  for (const std::int64_t count : classes) {
    const std::array wish = {Preference{"classes", count}, Preference{"cache_entries", 1024}};
    places.push_back(
        {grouped(count), "open-pic", always(representative(results, "open-pic", wish))});
  }
  return places;
}

/// The closed caches and the open ones, whose mechanisms differ.
std::vector<Zone> degree_zones(const std::vector<DegreePlace>& places) {
  const auto open = std::find_if(places.begin(), places.end(), [](const DegreePlace& place) {
    return place.workload == "open-pic";
  });
  const auto closed = static_cast<double>(open - places.begin());
  const auto all = static_cast<double>(places.size());
  std::vector<Zone> zones;
  if (closed > 0) zones.push_back({1, closed, "mic and closed PIC"});
  if (closed < all) zones.push_back({closed + 1, all, "open PIC"});
  return zones;
}

Panel degree_panel(const Results& results, const Params& rest,
                   const std::vector<DegreePlace>& places, Remarks& remarks) {
  Panel panel{spaced(rest), {}};
  for (const std::string& id : drawn_over_degrees(results)) {
    Series series{id, appearance(id), {}};
    double x = 0;
    for (const DegreePlace& place : places) {
      x += 1;
      // No line from the closed caches to the open one: between them lies another mechanism.
      const bool first_open = place.workload == "open-pic" && x > 1 &&
                              places[static_cast<std::size_t>(x) - 2].workload != "open-pic";
      if (first_open) series.points.push_back({x - 0.5, std::nullopt, std::nullopt});
      const auto params = place.params(rest);
      const Cell* cell = params ? find_cell(results, place.workload, id, *params) : nullptr;
      series.points.push_back(point_of(x, usable_metric(cell, "send")));
      if (!series.points.back().y) remarks.missing(id, cell);
    }
    if (has_value(series)) panel.series.push_back(std::move(series));
  }
  return panel;
}

Figure send_by_degree(const Results& results) {
  LineChart chart;
  chart.name = "send-by-degree";
  chart.title = fmt::format("Cost of a send by degree of polymorphism, {} sites",
                            grouped(sites_of_pic(results)));
  chart.x_label = "classes that a send site sees";
  chart.y_label = "ns per send";
  const std::vector<DegreePlace> places = degree_places(results);
  for (std::size_t index = 0; index < places.size(); ++index) {
    chart.x_tics.push_back({static_cast<double>(index + 1), places[index].label});
  }
  chart.zones = degree_zones(places);
  std::vector<Params> panels;
  for (const Params& params : param_sets(results, "pic")) {
    Params rest = without_param(params, "degree");
    if (std::find(panels.begin(), panels.end(), rest) == panels.end())
      panels.push_back(std::move(rest));
  }
  if (panels.empty()) panels.emplace_back();
  Remarks remarks(results);
  for (const Params& rest : panels)
    chart.panels.push_back(degree_panel(results, rest, places, remarks));
  for (const std::string& id : drawn_over_degrees(results)) {
    const bool drawn = drawn_in(chart, id);
    const bool due = expected(results, id, "pic") || expected(results, id, "open-pic");
    if (!drawn && due) chart.absent.push_back(id);
  }
  chart.remarks = remarks.lines();
  return {chart.name, chart.title,
          "Each point is the median over rounds of one strategy, from sites that see one class "
          "(mic) through closed PICs to open PICs that look the class up in the method cache. "
          "Closed PICs are a chain of compares, so cost rises with the degree; the open PIC ends "
          "in an indirect jump under every strategy, so there strategies should agree.",
          line_chart_script(chart)};
}

// ---- patching ----

Dot dot_of(const Results& results, const std::string& strategy, const Cell* cell,
           std::string_view name) {
  const Metric* metric = usable_metric(cell, name);
  if (metric != nullptr) return {metric->median, metric->ci95, ""};
  const auto* status = find_strategy(results, strategy);
  std::string word = "not measured";
  if (cell != nullptr && cell->status != results::CellStatus::ok) word = to_string(cell->status);
  if (status != nullptr && status->status != results::Availability::available) {
    word = to_string(status->status);
  }
  return {std::nullopt, std::nullopt, "not available: " + word};
}

std::vector<std::string> drawn_when_patching(const Results& results) {
  std::vector<std::string> ids;
  for (const std::string& id : strategies_in_order(results)) {
    const bool shown = !is_control(results, id) || id == "rwx-translated";
    if (shown && expected(results, id, "relink")) ids.push_back(id);
  }
  return ids;
}

bool has_any(const Results& results, const Params& params, std::string_view metric) {
  return std::any_of(results.cells.begin(), results.cells.end(), [&](const Cell& cell) {
    return cell.workload == "relink" && cell.params == params && usable_metric(&cell, metric);
  });
}

/// What the change alone takes, and what it takes with the send through it: among hits where the
/// run has that.
using PatchMetrics = std::array<std::string, 2>;

PatchMetrics patch_metrics(const Results& results, const Params& params) {
  const std::string better(among_hits("patch_execute"));
  return {"patch", has_any(results, params, better) ? better : "patch_execute"};
}

std::vector<std::string> patch_panels(const PatchMetrics& metrics) {
  return {metric_title(metrics[0]) + ": the change alone",
          metric_title(metrics[1]) + ": the change and one send through it"};
}

DotRow patch_row(const Results& results, const std::string& id, const Cell* cell, std::string label,
                 const PatchMetrics& metrics, Remarks& remarks) {
  DotRow row{std::move(label), appearance(id), {}};
  for (const std::string& metric : metrics) {
    row.dots.push_back(dot_of(results, id, cell, metric));
    if (!row.dots.back().value) remarks.missing(id, cell);
  }
  return row;
}

Figure patch_cost(const Results& results, const Params& params, std::string name) {
  DotChart chart;
  chart.name = std::move(name);
  chart.title = "Cost of changing a linked send site" +
                (params.empty() ? "" : " (relink, " + spaced(params) + ")");
  chart.x_label = "ns per patch, logarithmic";
  const PatchMetrics metrics = patch_metrics(results, params);
  chart.panel_titles = patch_panels(metrics);
  Remarks remarks(results);
  for (const std::string& id : drawn_when_patching(results)) {
    const Cell* cell = find_cell(results, "relink", id, params);
    chart.rows.push_back(patch_row(results, id, cell, id, metrics, remarks));
  }
  chart.remarks = remarks.lines();
  return {
      chart.name, chart.title,
      "Each dot is the median over rounds, in nanoseconds, with its 95 % interval where that "
      "is wider than the dot; the axis is logarithmic, so equal distances are equal factors. "
      "The left panel is a burst, the throughput of patches, the right one also pays for executing "
      "bytes that have just changed, which on most processors dwarfs the store. What is "
      "expected of the number of sites: at 64 the patched lines are still in the first-level "
      "caches, at 1,024 most have left them. The metric execute, in the tables, is a send "
      "through such a site without the change.",
      dot_chart_script(chart)};
}

/// The representative cells, and those that differ from them in their number of sites alone.
void add_patch_costs(const Results& results, const Params& chosen, FigureSet& set) {
  set.figures.push_back(patch_cost(results, chosen, "patch-cost"));
  for (const Params& params : param_sets(results, "relink")) {
    const auto sites = integer_param(params, "sites");
    if (sites && params != chosen &&
        without_param(params, "sites") == without_param(chosen, "sites")) {
      set.figures.push_back(patch_cost(results, params, fmt::format("patch-cost-{}", *sites)));
    }
  }
}

/// A mode that this machine lacks is one remark, and not a row of every strategy.
Figure patch_by_publish(const Results& results, const std::vector<Params>& modes) {
  DotChart chart;
  chart.name = "patch-by-publish";
  const std::string rest = spaced(without_mode(modes.front()));
  chart.title =
      "Cost of a patch by what it ends with" + (rest.empty() ? "" : " (relink, " + rest + ")");
  chart.x_label = "ns per patch, logarithmic";
  const PatchMetrics metrics = patch_metrics(results, modes.front());
  chart.panel_titles = patch_panels(metrics);
  Remarks remarks(results);
  for (const std::string& id : drawn_when_patching(results)) {
    for (const Params& params : modes) {
      const Cell* cell = find_cell(results, "relink", id, params);
      if (!has_any(results, params, "patch")) {
        if (id == results.baseline) remarks.missing(id, cell);
        continue;
      }
      chart.rows.push_back(
          patch_row(results, id, cell, id + ", " + publish_mode(params), metrics, remarks));
    }
  }
  chart.remarks = remarks.lines();
  return {chart.name, chart.title,
          "Each dot is the median over rounds, in nanoseconds, with its 95 % interval where that "
          "is wider than the dot; the axis is logarithmic. A row is a strategy and what each of "
          "its patches ends with: none is what virtual machines do on x86-64, serialize and cpuid "
          "serialise the thread that patches, membarrier every thread of the process. Strategies "
          "whose patches are data have nothing to publish, whatever the mode.",
          dot_chart_script(chart)};
}

/// The batches that relink ran with the other parameters as they are in `like`, ascending.
std::vector<std::int64_t> batches(const Results& results, const Params& like) {
  std::set<std::int64_t> sizes;
  for (const Params& params : param_sets(results, "relink")) {
    const auto batch = integer_param(params, "batch");
    if (batch && *batch > 0 && without_param(params, "batch") == without_param(like, "batch")) {
      sizes.insert(*batch);
    }
  }
  return {sizes.begin(), sizes.end()};
}

Params with_batch(Params params, std::int64_t batch) {
  for (auto& [name, value] : params) {
    if (name == "batch") value = batch;
  }
  return params;
}

Figure patch_by_batch(const Results& results, const Params& like) {
  LineChart chart;
  chart.name = "patch-by-batch";
  chart.title = "Cost of a patch by patches under one scope (relink, " +
                spaced(without_param(like, "batch")) + ")";
  chart.x_label = "patches under one scope";
  chart.y_label = "ns per patch";
  chart.log_x = true;
  const std::vector<std::int64_t> sizes = batches(results, like);
  for (const std::int64_t size : sizes)
    chart.x_tics.push_back({static_cast<double>(size), grouped(size)});
  Remarks remarks(results);
  for (const std::string& metric : patch_metrics(results, like)) {
    Panel panel{metric_title(metric), {}};
    for (const std::string& id : drawn_when_patching(results)) {
      Series series{id, appearance(id), {}};
      for (const std::int64_t size : sizes) {
        const Cell* cell = find_cell(results, "relink", id, with_batch(like, size));
        series.points.push_back(point_of(static_cast<double>(size), usable_metric(cell, metric)));
        if (!series.points.back().y) remarks.missing(id, cell);
      }
      if (has_value(series)) panel.series.push_back(std::move(series));
    }
    chart.panels.push_back(std::move(panel));
  }
  for (const std::string& id : drawn_when_patching(results)) {
    if (!drawn_in(chart, id)) chart.absent.push_back(id);
  }
  chart.remarks = remarks.lines();
  return {chart.name, chart.title,
          "Each point is the median over rounds of the cost of one patch when so many share one "
          "scope, that is, one opening and closing of the code zone, with its 95 % interval. A "
          "line that falls pays for the scope, not for the store: there it pays to collect "
          "patches.",
          line_chart_script(chart)};
}

}  // namespace

FigureSet make_figures(const Results& results) {
  FigureSet set;
  if (!times_mean_something(results.context)) {
    set.absent.emplace_back("EMULATED: times mean nothing, so none is drawn.");
    set.figures = counter_figures(results);
    return set;
  }
  const SitesGrid grid = sites_grid(results);
  const std::array relink_wish = {Preference{"batch", 1}, Preference{"sites", 1024}};
  const auto relink = representative(results, "relink", relink_wish);
  const std::vector<std::string> workloads = workloads_in_order(results);
  const auto ran = [&](std::string_view id) {
    return std::find(workloads.begin(), workloads.end(), id) != workloads.end();
  };
  if (grid.sites.empty()) {
    set.absent.emplace_back("No figure of send cost over sites: this run has no cell of mic.");
  } else {
    set.figures.push_back(send_by_sites(results, grid));
  }
  if (relink) {
    add_patch_costs(results, *relink, set);
    if (batches(results, *relink).size() > 1)
      set.figures.push_back(patch_by_batch(results, *relink));
    if (const auto modes = modes_of(results, "relink", *relink); modes.size() > 1)
      set.figures.push_back(patch_by_publish(results, modes));
  } else {
    set.absent.emplace_back("No figure of patch cost: this run has no cell of relink.");
  }
  if (ran("pic") || ran("open-pic")) {
    set.figures.push_back(send_by_degree(results));
  } else {
    set.absent.emplace_back(
        "No figure of send cost by degree: this run has no cell of pic or open-pic.");
  }
  if (!grid.sites.empty()) set.figures.push_back(attribution(results, grid));
  for (Figure& figure : counter_figures(results)) set.figures.push_back(std::move(figure));
  return set;
}

}  // namespace patchbench::analysis
