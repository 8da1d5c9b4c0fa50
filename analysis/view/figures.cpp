#include "analysis/view/figures.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "analysis/quantity/comparable.hpp"
#include "analysis/quantity/quantities.hpp"
#include "analysis/quantity/selection.hpp"
#include "analysis/render/chart.hpp"
#include "analysis/render/numbers.hpp"
#include "analysis/render/wrap.hpp"
#include "analysis/view/attribution.hpp"
#include "analysis/view/break_even.hpp"
#include "analysis/view/counter_figures.hpp"
#include "analysis/view/islands.hpp"
#include "analysis/view/life.hpp"
#include "analysis/view/new_code.hpp"
#include "analysis/view/publishing.hpp"
#include "analysis/view/relink_rate.hpp"
#include "analysis/view/replays.hpp"
#include "analysis/view/threads.hpp"
#include "analysis/view/titles.hpp"

namespace patchbench::analysis {
namespace {

using results::Cell;
using results::Params;

/// A place on a line's x axis, and the cells whose values stand there.
struct Place {
  double x = 0;
  std::string label;
  std::string workload;  // empty: a gap in the line
  std::optional<Params> params;
};

/// What a metric costs there.
Quantity time_at(const Quantities& run, const std::string& strategy, const Place& place,
                 std::string_view metric) {
  return run.time({place.workload, place.params.value_or(Params{})}, strategy, metric);
}

// ---- parameters ----

/// What a workload's parameters are beside one of them, in the order of the run.
std::vector<Params> rests(const Quantities& run, std::string_view workload, std::string_view name) {
  std::vector<Params> found;
  for (const Params& params : param_sets(run, workload)) {
    if (integer_param(params, name).value_or(0) <= 0) continue;
    Params rest = without_param(params, name);
    if (std::ranges::find(found, rest) == found.end()) found.push_back(std::move(rest));
  }
  return found;
}

/// The values of one parameter, ascending.
std::set<std::int64_t> values(const Quantities& run, std::string_view workload,
                              std::string_view name) {
  std::set<std::int64_t> found;
  for (const Params& params : param_sets(run, workload)) {
    found.insert(integer_param(params, name).value_or(0));
  }
  found.erase(found.begin(), found.upper_bound(0));
  return found;
}

/// Empty where the run has no such cell.
std::optional<Params> with_param(const Quantities& run, std::string_view workload,
                                 const Params& rest, std::string_view name, std::int64_t value) {
  for (const Params& params : param_sets(run, workload)) {
    if (integer_param(params, name) == value && without_param(params, name) == rest) return params;
  }
  return std::nullopt;
}

// ---- who is drawn, and why somebody is not ----

/// Strategies, the floor, and the controls that belong to this workload.
std::vector<std::string> drawn(const Quantities& run, std::string_view of_workload = {}) {
  std::vector<std::string> ids = run.strategies();
  std::erase_if(ids, [&](const std::string& id) {
    const auto* row = run.status(id);
    const bool wanted = !of_workload.empty() && row != nullptr && row->only_workload == of_workload;
    return run.is_control(id) && id != run.results().floor && !wanted;
  });
  return ids;
}

/// Why series are missing, each reason once, as "not available: sysv-shm: denied: ...".
void note_missing(const Quantities& run, const std::string& strategy, const Cell* cell,
                  std::vector<std::string>& remarks) {
  const std::string reason = why_missing(run, strategy, cell);
  if (reason == "not part of this run") return;
  std::string line = fmt::format("not available: {}: {}", strategy, reason);
  if (std::ranges::find(remarks, line) == remarks.end()) remarks.push_back(std::move(line));
}

// ---- lines ----

using Value = std::function<Point(const std::string& strategy, const Place& place)>;

Value median_of(const Quantities& run, std::string metric) {
  return [&run, metric = std::move(metric)](const std::string& id, const Place& place) {
    const Quantity found = time_at(run, id, place, metric);
    if (!found.value) return Point{place.x, {}, {}};
    return Point{place.x, found.value, found.metric->ci95, present(found.metric->samples).size()};
  };
}

Value ratio_to_floor(const Quantities& run, std::string metric) {
  return [&run, metric = std::move(metric)](const std::string& id, const Place& place) {
    const Quantity own = time_at(run, id, place, metric);
    const Quantity base = time_at(run, run.results().floor, place, metric);
    if (!own.value || !base.value) return Point{place.x, {}, {}};
    if (id == run.results().floor) return Point{place.x, 1, {}};
    const PairedRatio ratio = paired_ratio(own.metric->samples, base.metric->samples);
    return Point{place.x, ratio.median, deciding_interval(ratio), ratio.values.size()};
  };
}

Value ratio_to_baseline(const Quantities& run, std::string metric) {
  return [&run, metric = std::move(metric)](const std::string& id, const Place& place) {
    const Quantity found = time_at(run, id, place, metric);
    if (!found.value || found.ratio == nullptr) return Point{place.x, {}, {}};
    return Point{place.x, found.ratio->median, deciding_interval(*found.ratio),
                 static_cast<std::size_t>(found.ratio->n)};
  };
}

std::vector<std::string> without_baseline(const Quantities& run, std::vector<std::string> ids) {
  std::erase(ids, run.results().baseline);
  return ids;
}

bool has_value(const Series& series) {
  return std::ranges::any_of(series.points, [](const Point& point) { return point.y.has_value(); });
}

void add_panel(const Quantities& run, const std::vector<std::string>& ids, std::string title,
               const std::vector<Place>& places, const Value& value, LineChart& chart) {
  LinePanel panel{std::move(title), {}};
  for (const std::string& id : ids) {
    Series series{id, {}};
    for (const Place& place : places) {
      series.points.push_back(value(id, place));
      const bool missing = !series.points.back().y && !place.workload.empty();
      if (missing) note_missing(run, id, time_at(run, id, place, "").cell, chart.remarks);
    }
    if (has_value(series)) panel.series.push_back(std::move(series));
  }
  chart.panels.push_back(std::move(panel));
}

// ---- over a number, as that of sites ----

/// Powers of four from the first at or below the smallest: few enough to stay readable in half a
/// page's width.
std::vector<Tic> tics_of(const std::set<std::int64_t>& all) {
  std::vector<Tic> tics;
  std::int64_t at = 1;
  while (at * 4 <= *all.begin()) at *= 4;
  do {
    tics.push_back(
        {static_cast<double>(at), at < 1024 ? std::to_string(at) : fmt::format("{}k", at / 1024)});
    at *= 4;
  } while (tics.back().at < static_cast<double>(*all.rbegin()));
  return tics;
}

/// A panel for every combination of the workload's other parameters. The parameter's values are far
/// apart, powers of a number.
LineChart over_param(const Quantities& run, std::string_view workload, std::string_view name,
                     const std::vector<std::string>& ids, const Value& value, LineChart chart) {
  const std::set<std::int64_t> all = values(run, workload, name);
  chart.log_x = true;
  chart.x_tics = tics_of(all);
  for (const Params& rest : rests(run, workload, name)) {
    std::vector<Place> places;
    places.reserve(all.size());
    for (const std::int64_t one : all) {
      places.push_back({static_cast<double>(one), "", std::string(workload),
                        with_param(run, workload, rest, name, one)});
    }
    add_panel(run, ids, spaced(rest), places, value, chart);
  }
  return chart;
}

LineChart over_sites(const Quantities& run, const std::vector<std::string>& ids, const Value& value,
                     LineChart chart) {
  chart.x_label = "send sites (1k = 1,024)";
  return over_param(run, "mic", "sites", ids, value, std::move(chart));
}

template <typename Chart>
Figure figure_of(const Chart& chart, Part part, std::string caption) {
  return {chart.name,          chart.title,        std::move(caption),
          chart_script(chart), drawn_chart(chart), part};
}

Figure send_ratio(const Quantities& run) {
  LineChart chart;
  chart.name = "send-ratio";
  chart.title = fmt::format("A monomorphic send, as a ratio to {}", run.results().baseline);
  chart.y_label = "send cost / " + run.results().baseline;
  chart.ratio = true;
  return figure_of(
      over_sites(run, without_baseline(run, drawn(run)), ratio_to_baseline(run, "send"), chart),
      Part::send,
      fmt::format(
          "Each point is the ratio to {} in the same round, with its 95 % interval. Below 1 "
          "is faster. Where an interval holds 1 the run sees no difference.",
          run.results().baseline));
}

Figure send_by_sites(const Quantities& run) {
  LineChart chart;
  chart.name = "send-by-sites";
  chart.title = "Cost of a monomorphic send by number of send sites";
  chart.y_label = "ns per send";
  return figure_of(
      over_sites(run, drawn(run), median_of(run, "send"), chart), Part::send,
      "Each point is the median over rounds of one strategy at one number of send sites, with its "
      "95 % interval; where strategies cost the same their markers lie one over another. Compare a "
      "strategy with the dashed floor, the same bytes never patched: lines that lie on it cost "
      "nothing while no patching goes on.");
}

/// Where the controls contradict each other, the figure explains nothing.
std::string not_attributed_text(const Quantities& run) {
  std::vector<std::string> where;
  for (const Attribution& one : attributions(run)) {
    if (one.outcome == Attribution::Outcome::not_attributed) where.push_back(spaced(one.params));
  }
  if (where.empty()) return "";
  return fmt::format(
      " Nothing is to be attributed where tag-cell, a part of indirect-cell, costs more than it: "
      "at {}.",
      fmt::join(where, "; "));
}

Figure attribution(const Quantities& run) {
  LineChart chart;
  chart.name = "attribution";
  chart.title = "Where the cost of an indirect send comes from: controls as ratios to the floor";
  chart.y_label = "send cost / floor";
  chart.ratio = true;
  std::vector<std::string> ids = {"tag-cell",         "target-cell",       "target-register",
                                  "indirect-cell",    "indirect-cell-rwx", "unchecked",
                                  run.results().floor};
  std::erase(ids, run.results().baseline);
  ids.insert(ids.begin(), run.results().baseline);
  const std::vector<std::string>& known = run.strategies();
  std::erase_if(ids,
                [&](const std::string& id) { return std::ranges::find(known, id) == known.end(); });
  return figure_of(
      over_sites(run, ids, ratio_to_floor(run, "send"), chart), Part::send,
      "Each point is the median over rounds of the ratio to the floor of the same round, with "
      "its 95 % interval; above 1 is slower. target-register adds an indirect branch without "
      "data and tag-cell a data load without an indirect branch, so which of the two "
      "indirect-cell and target-cell follow suggests what they pay for, and "
      "indirect-cell-rwx suggests whether the mapping of the code matters. By how many "
      "instructions target-register differs, and what each control takes, stands in the "
      "table below the figure." +
          not_attributed_text(run));
}

// ---- over the degree of polymorphism ----

std::int64_t sites_of_pic(const Quantities& run) {
  for (const Params& params : param_sets(run, "pic")) {
    if (const auto sites = integer_param(params, "sites")) return *sites;
  }
  return 1024;
}

/// mic, the closed PICs and, behind a gap because their mechanism is another one, the open ones.
std::vector<Place> degree_places(const Quantities& run, const Params& rest) {
  std::vector<Place> places;
  const auto add = [&](std::int64_t label, std::string workload, std::optional<Params> params) {
    const auto x = static_cast<double>(places.size() + 1);
    const char* kind = workload == "open-pic" ? "open" : workload.c_str();
    places.push_back(
        {x, fmt::format("{}\n{}", grouped(label), kind), std::move(workload), std::move(params)});
  };
  const std::array mic_wish = {Preference{"sites", sites_of_pic(run)}};
  if (auto mic = nearest(param_sets(run, "mic"), mic_wish)) add(1, "mic", std::move(mic));
  for (const std::int64_t degree : values(run, "pic", "degree")) {
    add(degree, "pic", with_param(run, "pic", rest, "degree", degree));
  }
  const std::set<std::int64_t> classes = values(run, "open-pic", "classes");
  if (!classes.empty()) places.push_back({static_cast<double>(places.size()) + 1, "", "", {}});
  for (const std::int64_t count : classes) {
    const std::array wish = {Preference{"classes", count}, Preference{"cache_entries", 1024}};
    add(count, "open-pic", nearest(param_sets(run, "open-pic"), wish));
  }
  return places;
}

/// `ids` by what `value` says of them, with a panel for each way in which closed PICs differ.
LineChart over_degrees(const Quantities& run, const std::vector<std::string>& ids,
                       const Value& value, LineChart chart) {
  chart.x_label = "classes that a send site sees, and the kind of cache";
  std::vector<Params> panels = rests(run, "pic", "degree");
  if (panels.empty()) panels.emplace_back();
  for (const Place& place : degree_places(run, panels.front())) {
    if (!place.workload.empty()) chart.x_tics.push_back({place.x, place.label});
  }
  for (const Params& rest : panels) {
    add_panel(run, ids, spaced(rest), degree_places(run, rest), value, chart);
  }
  return chart;
}

Figure degree_ratio(const Quantities& run) {
  LineChart chart;
  chart.name = "degree-ratio";
  chart.title = fmt::format("A send by degree of polymorphism, as a ratio to {}, {} sites",
                            run.results().baseline, grouped(sites_of_pic(run)));
  chart.y_label = "send cost / " + run.results().baseline;
  chart.ratio = true;
  return figure_of(over_degrees(run, without_baseline(run, drawn(run, "pic")),
                                ratio_to_baseline(run, "send"), chart),
                   Part::life,
                   "Each point is the ratio to the baseline in the same round, with its 95 % "
                   "interval. A site begins as a MIC, becomes a closed PIC of up to six classes, "
                   "and ends as an open PIC.");
}

Figure send_by_degree(const Quantities& run) {
  LineChart chart;
  chart.name = "send-by-degree";
  chart.title =
      fmt::format("Cost of a send by degree of polymorphism, {} sites", grouped(sites_of_pic(run)));
  chart.y_label = "ns per send";
  // These controls differ from indirect-cell in their PICs alone: this is their figure.
  return figure_of(
      over_degrees(run, drawn(run, "pic"), median_of(run, "send"), chart), Part::life,
      "Each point is the median over rounds of one strategy, from sites that see one class "
      "(mic) through closed PICs to open PICs that look the class up in the method cache. "
      "Closed PICs are a chain of compares, so cost rises with the degree; the open PIC ends "
      "in an indirect jump under every strategy, so there strategies should agree.");
}

// ---- patching ----

/// A word or two why there is none.
Bar missing_bar(const Quantities& run, const Quantity& time) {
  const auto* status = run.status(time.strategy);
  std::string word = "not measured";
  if (time.cell != nullptr && !is_ok(time.cell)) word = to_string(time.cell->status);
  if (status != nullptr && status->status != results::Availability::available) {
    word = to_string(status->status);
  }
  return {.text = "not available: " + word};
}

Bar bar_of(const Quantities& run, const Quantity& time) {
  if (time.value) {
    return {time.value, *time.value, time.metric->ci95, present(time.metric->samples).size(),
            short_number(*time.value)};
  }
  return missing_bar(run, time);
}

/// The ratio to the baseline.
Bar ratio_bar(const Quantities& run, const Quantity& time) {
  const results::Ratio* ratio = time.ratio;
  if (!time.value || ratio == nullptr || !ratio->median) return missing_bar(run, time);
  return {ratio->median, *ratio->median, deciding_interval(*ratio),
          static_cast<std::size_t>(ratio->n), short_number(*ratio->median)};
}

std::vector<std::string> drawn_when_patching(const Quantities& run) {
  std::vector<std::string> ids = drawn(run, "relink");
  std::erase_if(ids, [&](const std::string& id) {
    return id == run.results().floor || !any(run, [&](const Quantity& one) {
             return one.strategy == id && one.workload == "relink";
           });
  });
  return ids;
}

bool has_any(const Quantities& run, const Params& params, std::string_view metric) {
  return any(run, [&](const Quantity& one) {
    return one.set == kTimes && one.workload == "relink" && one.params == params &&
           one.name == metric && one.value;
  });
}

/// What the change alone takes, and what it takes with the send through it: among hits where the
/// run has that.
std::array<std::string, 2> patch_metrics(const Quantities& run, const Params& params) {
  const std::string better = among_hits(run.results(), "patch_execute");
  return {"patch", has_any(run, params, better) ? better : "patch_execute"};
}

/// A row for each strategy, in each of the modes. A mode that this machine lacks is one remark, and
/// not a row of every strategy.
BarChart patch_chart(const Quantities& run, const std::vector<Params>& modes, std::string name,
                     std::string title) {
  BarChart chart;
  chart.name = std::move(name);
  const std::string rest = spaced(without_mode(modes.front()));
  chart.title = std::move(title) + (rest.empty() ? "" : " (relink, " + rest + ")");
  chart.x_label = "ns per patch, logarithmic";
  chart.log = true;
  const auto metrics = patch_metrics(run, modes.front());
  BarSection section;
  section.panels.push_back(
      {metric_title(run.results(), metrics[0]) + ": the change alone", "", {}});
  section.panels.push_back(
      {metric_title(run.results(), metrics[1]) + ": the change and one send through it", "", {}});
  for (const std::string& id : drawn_when_patching(run)) {
    for (const Params& params : modes) {
      const Key operation{"relink", params};
      const Cell* cell = run.cell(operation, id);
      if (modes.size() > 1 && !has_any(run, params, "patch")) {
        if (id == run.results().baseline) note_missing(run, id, cell, chart.remarks);
        continue;
      }
      section.rows.push_back({id, modes.size() > 1 ? id + ", " + publish_mode(params) : id});
      for (std::size_t index = 0; index < metrics.size(); ++index) {
        const Bar bar = bar_of(run, run.time(operation, id, metrics.at(index)));
        if (!bar.total) note_missing(run, id, cell, chart.remarks);
        section.panels[index].bars.push_back(bar);
      }
    }
  }
  chart.sections.push_back(std::move(section));
  return chart;
}

BarChart patch_cost(const Quantities& run, const Params& params, std::string name) {
  return patch_chart(run, {params}, std::move(name), "Cost of changing a linked send site");
}

constexpr const char* kPatchCostCaption =
    "Each dot is the median over rounds, in nanoseconds, with its 95 % interval where that "
    "is wider than the dot; the axis is logarithmic, so equal distances are equal factors. "
    "The left panel is a burst, the throughput of patches, the right one also pays for "
    "executing bytes that have just changed, which on most processors dwarfs the store. What "
    "is expected of the number of sites: at 64 the patched lines are still in the "
    "first-level caches, at 1,024 most have left them. The metric execute, in the tables, is "
    "a send through such a site without the change.";

/// Parameters that differ from these in their number of sites alone.
std::vector<Params> with_any_sites(const Quantities& run, const Params& chosen) {
  std::vector<Params> sets = param_sets(run, "relink");
  std::erase_if(sets, [&](const Params& params) {
    return !integer_param(params, "sites") ||
           without_param(params, "sites") != without_param(chosen, "sites");
  });
  std::ranges::sort(sets, {}, [](const Params& params) { return integer_param(params, "sites"); });
  return sets;
}

Figure patch_ratio(const Quantities& run, const Params& chosen) {
  BarChart chart;
  chart.name = "patch-ratio";
  chart.title = "Changing a linked send site, as a ratio to " + run.results().baseline;
  chart.x_label = "ratio to " + run.results().baseline + ", logarithmic";
  chart.log = true;
  chart.ratio = true;
  const std::vector<std::string> ids = without_baseline(run, drawn_when_patching(run));
  for (const Params& params : with_any_sites(run, chosen)) {
    BarSection section{.title = "relink, " + spaced(params)};
    for (const std::string& id : ids) section.rows.push_back({id, id});
    for (const std::string& metric : patch_metrics(run, params)) {
      BarPanel& panel =
          section.panels.emplace_back(BarPanel{metric_title(run.results(), metric), "", {}});
      for (const std::string& id : ids) {
        panel.bars.push_back(ratio_bar(run, run.time({"relink", params}, id, metric)));
        if (panel.bars.back().total) continue;
        note_missing(run, id, run.cell({"relink", params}, id), chart.remarks);
      }
    }
    chart.sections.push_back(std::move(section));
  }
  return figure_of(
      chart, Part::patch,
      "Each dot is the ratio to the baseline in the same round, with its 95 % interval "
      "where that is wider than the dot. The axis is logarithmic and the same in all "
      "panels. The line is the baseline.");
}

/// Files of the representative cases, and of those that differ from them in their number of sites
/// alone. A page has all of them in the first figure, with one axis.
void add_patch_costs(const Quantities& run, const Params& chosen, FigureSet& set) {
  BarChart all;
  all.x_label = patch_cost(run, chosen, "").x_label;
  all.log = true;
  std::vector<Figure> others;
  for (const Params& params : with_any_sites(run, chosen)) {
    const bool first = params == chosen;
    BarChart chart = patch_cost(
        run, params,
        first ? "patch-cost" : fmt::format("patch-cost-{}", *integer_param(params, "sites")));
    Figure figure = figure_of(chart, Part::patch, kPatchCostCaption);
    figure.drawn = {};
    (first ? set.figures : others).push_back(std::move(figure));
    chart.sections.front().title = "relink, " + spaced(params);
    all.sections.push_back(std::move(chart.sections.front()));
    for (const std::string& remark : chart.remarks) add_once(all.remarks, remark);
  }
  set.figures.back().drawn = drawn_chart(all);
  std::ranges::move(others, std::back_inserter(set.figures));
}

Figure patch_by_publish(const Quantities& run, const std::vector<Params>& modes) {
  return figure_of(
      patch_chart(run, modes, "patch-by-publish", "Cost of a patch by what it ends with"),
      Part::patch,
      "Each dot is the median over rounds, in nanoseconds, with its 95 % interval where that "
      "is wider than the dot; the axis is logarithmic. A row is a strategy and what each of "
      "its patches ends with: none is what virtual machines do on x86-64, serialize and cpuid "
      "serialise the thread that patches, membarrier every thread of the process. Strategies "
      "whose patches are data have nothing to publish, whatever the mode.");
}

/// Nothing where the run has one number of patches under a scope.
void add_patch_by_batch(const Quantities& run, const Params& like, FigureSet& set) {
  const Params rest = without_param(like, "batch");
  LineChart chart;
  chart.name = "patch-by-batch";
  chart.title =
      fmt::format("Cost of a patch by patches under one scope (relink, {})", spaced(rest));
  chart.x_label = "patches under one scope";
  chart.y_label = "ns per patch";
  chart.log_x = true;
  std::vector<Place> places;
  for (const std::int64_t batch : values(run, "relink", "batch")) {
    auto params = with_param(run, "relink", rest, "batch", batch);
    if (!params) continue;
    const auto x = static_cast<double>(batch);
    places.push_back({x, "", "relink", std::move(params)});
    chart.x_tics.push_back({x, grouped(batch)});
  }
  if (places.size() < 2) return;
  const std::vector<std::string> ids = drawn_when_patching(run);
  // Not among hits, which is known of one patch under a scope alone.
  for (const char* metric : {"patch", "patch_execute"}) {
    add_panel(run, ids, metric_title(run.results(), metric), places, median_of(run, metric), chart);
  }
  set.figures.push_back(figure_of(
      chart, Part::patch,
      "Each point is the median over rounds of the cost of one patch, by the number of patches "
      "in one scope, that is, in one opening and closing of the code zone, with its 95 % interval. "
      "A "
      "line that falls pays for the scope, not for the store: there it pays to collect "
      "patches."));
}

void add_patching(const Quantities& run, FigureSet& set) {
  const std::array wish = {Preference{"batch", 1}, Preference{"sites", 1024}};
  const auto relink = nearest(param_sets(run, "relink"), wish);
  if (!relink) {
    set.absent.emplace_back("No figure of patch cost: this run has no case of relink.");
    return;
  }
  set.figures.push_back(patch_ratio(run, *relink));
  add_patch_costs(run, *relink, set);
  add_patch_by_batch(run, *relink, set);
  const std::vector<Params> modes = modes_of(run, "relink", *relink);
  if (modes.size() > 1) set.figures.push_back(patch_by_publish(run, modes));
}

// ---- new code ----

std::vector<std::string> workloads_with(const Quantities& run, const std::string& metric) {
  return distinct(
      run, [&](const Quantity& one) { return one.set == kTimes && one.name == metric; },
      [](const Quantity& one) { return one.workload; });
}

/// Strategies that have such a cell: what never patches code has none, and that is no news.
std::vector<std::string> drawn_when_installing(const Quantities& run, const std::string& workload) {
  std::vector<std::string> ids = drawn(run, workload);
  std::erase_if(ids, [&](const std::string& id) {
    return !any(run, [&](const Quantity& one) {
      return one.workload == workload && one.strategy == id &&
             (one.set == kTimes || one.cell->status != results::CellStatus::unsupported);
    });
  });
  return ids;
}

/// Nothing where the run has one size.
void add_new_code(const Quantities& run, FigureSet& set) {
  const std::vector<std::string> metrics = installing_metrics(run);
  if (metrics.empty()) return;
  for (const std::string& workload : workloads_with(run, metrics.front())) {
    if (values(run, workload, "size").size() < 2) continue;
    const std::vector<std::string> ids = drawn_when_installing(run, workload);
    LineChart ratio;
    ratio.name = workload + "-ratio";
    ratio.title = fmt::format("A new method installed, as a ratio to {}", run.results().baseline);
    ratio.x_label = "bytes of a method (1k = 1,024)";
    ratio.y_label = "cost / " + run.results().baseline;
    ratio.ratio = true;
    LineChart cost = ratio;
    cost.name = workload + "-by-size";
    cost.title = "Cost of installing a new method by its size";
    cost.y_label = "ns per method";
    cost.ratio = false;
    set.figures.push_back(figure_of(
        over_param(run, workload, "size", without_baseline(run, ids),
                   ratio_to_baseline(run, metrics.front()), ratio),
        Part::new_code,
        "Each point is the ratio to the baseline in the same round, with its 95 % interval, of a "
        "method stored, published and executed for the first time. Compare fresh pages with "
        "recycled ones: what a strategy costs in the former alone, it pays for page faults. Zones "
        "over a memfd or a file have allocated their pages before; the table below, of new zones, "
        "has that too."));
    set.figures.push_back(figure_of(
        over_param(run, workload, "size", ids, median_of(run, metrics.front()), cost),
        Part::new_code,
        "Each point is the median over rounds, with its 95 % interval. A line that is flat pays "
        "for the method, by a scope or a call; one that rises pays for its bytes."));
  }
}

// ---- recorded programs ----

Figure replay_ratio_figure(const Quantities& run, const std::string& workload,
                           const std::string& metric) {
  BarChart chart;
  chart.name = workload + "-replay-ratio";
  chart.title = fmt::format("A send of recorded programs, from unlinked sites on, as a ratio to {}",
                            run.results().baseline);
  chart.x_label = "ratio to " + run.results().baseline + ", logarithmic";
  chart.ratio = true;
  chart.log = true;
  const auto ids = without_baseline(run, drawn_when_installing(run, workload));
  BarSection section;
  for (const std::string& id : ids) section.rows.push_back({id, id});
  for (const Params& params : param_sets(run, workload)) {
    BarPanel panel{spaced(params), "", {}};
    for (const std::string& id : ids) {
      panel.bars.push_back(ratio_bar(run, run.time(Key{workload, params}, id, metric)));
    }
    section.panels.push_back(std::move(panel));
  }
  chart.sections.push_back(std::move(section));
  return figure_of(chart, Part::life,
                   "Each dot is the ratio to the baseline in the same round, with its 95 % "
                   "interval, of a whole recorded program: first sends that link, misses that make "
                   "PICs, and all hits between them. The fewer of its sends miss, the nearer are "
                   "strategies that execute the same bytes.");
}

void add_replays(const Quantities& run, FigureSet& set) {
  const std::vector<std::string> metrics = replaying_metrics(run);
  if (metrics.empty()) return;
  for (const std::string& workload : workloads_with(run, metrics.front())) {
    set.figures.push_back(replay_ratio_figure(run, workload, metrics.front()));
  }
}

}  // namespace

FigureSet make_figures(const Quantities& run) {
  FigureSet set;
  if (!times_mean_something(run.results().context)) {
    set.absent.emplace_back("EMULATED: times mean nothing, so none is drawn.");
    set.figures = counter_figures(run);
    return set;
  }
  const bool has_sites = !rests(run, "mic", "sites").empty();
  if (has_sites) {
    set.figures.push_back(send_ratio(run));
    set.figures.push_back(send_by_sites(run));
  } else {
    set.absent.emplace_back("No figure of send cost over sites: this run has no case of mic.");
  }
  add_patching(run, set);
  if (param_sets(run, "pic").empty() && param_sets(run, "open-pic").empty()) {
    set.absent.emplace_back(
        "No figure of send cost by degree: this run has no case of pic or open-pic.");
  } else {
    set.figures.push_back(degree_ratio(run));
    set.figures.push_back(send_by_degree(run));
  }
  if (auto chart = break_even_chart(run)) {
    set.figures.push_back(figure_of(*chart, Part::break_even, std::string(kBreakEvenCaption)));
  }
  if (auto chart = rate_ratio_chart(run)) {
    set.figures.push_back(figure_of(*chart, Part::break_even, std::string(kRateRatioCaption)));
  }
  if (auto chart = rate_cost_chart(run)) {
    set.figures.push_back(figure_of(*chart, Part::break_even, std::string(kRateCostCaption)));
  }
  if (has_sites) set.figures.push_back(attribution(run));
  if (auto chart = steps_chart(run)) {
    set.figures.push_back(figure_of(*chart, Part::life, std::string(kStepsCaption)));
  }
  for (const LineChart& chart : executors_charts(run)) {
    set.figures.push_back(figure_of(chart, Part::threads, std::string(kExecutorsCaption)));
  }
  add_replays(run, set);
  add_new_code(run, set);
  for (const IslandsChart& one : islands_charts(run)) {
    set.figures.push_back(figure_of(one.chart, Part::mappings, one.caption));
  }
  for (Figure& figure : counter_figures(run)) set.figures.push_back(std::move(figure));
  return set;
}

}  // namespace patchbench::analysis
