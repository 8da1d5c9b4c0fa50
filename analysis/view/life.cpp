#include "analysis/view/life.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "analysis/quantity/comparable.hpp"
#include "analysis/quantity/selection.hpp"
#include "analysis/render/numbers.hpp"
#include "analysis/render/wrap.hpp"
#include "analysis/statistics/statistics.hpp"
#include "analysis/view/table.hpp"
#include "analysis/view/titles.hpp"

namespace patchbench::analysis {
namespace {

using results::MetricEntry;
using results::Params;

constexpr std::string_view kLookup = "lookup";
constexpr std::string_view kSend = "send";

std::vector<std::string> steps_of(const Quantities& run) {
  return measured_metrics(run, [](const MetricEntry& metric) { return !metric.leads_to.empty(); });
}

/// A row for each case that has one of the metrics, a column for each of them.
Section costs_section(const Quantities& run, const std::vector<std::string>& metrics,
                      std::string title, std::string paragraph) {
  Section section{.title = std::move(title), .paragraphs = {std::move(paragraph)}};
  std::vector<Column<Key>> columns = {parameters_column(), strategy_column()};
  for (const std::string& metric : metrics) {
    columns.push_back({metric_title(run.results(), metric), [&run, metric](const Key& row) {
                         const Quantity time = run.time(row, row.strategy, metric);
                         return cost_entry(run, time, time.ratio, " ns", true);
                       }});
  }
  const std::vector<Key> rows = cases_measuring(run, metrics);
  fill_table(section, rows, columns);
  section.detail = rows.size() > 40;
  return section;
}

Section steps_section(const Quantities& run) {
  return costs_section(
      run, steps_of(run), "Step by step from unlinked to megamorphic",
      "A send of a class that is new to its site, by what the site was and becomes. Every such "
      "send "
      "misses, has the method looked up, links its site and executes the method. Ratios to the "
      "baseline in the same round, with their 95 % intervals; medians over rounds. An open PIC "
      "that "
      "is generated is compiled inside the miss that fills the closed one, and with lazy=on the "
      "method is too: then the compiler outweighs the patch.");
}

Section bulk_section(const Quantities& run) {
  return costs_section(run, measured_metrics(run, &MetricEntry::in_bulk),
                       "Everything changed at once",
                       "What a VM does when a class changes, when it loads code, and when it "
                       "compacts its code zone: nanoseconds a site or a method, by how many "
                       "changes stand under one scope.");
}

// ---- open PICs beside one lookup for all ----

struct LookupPair {
  Key own;     // without the parameter
  Key shared;  // of one strategy
};

std::vector<LookupPair> lookup_pairs(const Quantities& run) {
  std::vector<LookupPair> pairs;
  for (const Key& shared : cases_measuring(run, {std::string(kSend)})) {
    Key own = shared;
    own.params = without_param(shared.params, kLookup);
    const bool has_other = own.params != shared.params && run.time(own, own.strategy, kSend).value;
    if (has_other && !run.is_control(own.strategy)) pairs.push_back({own, shared});
  }
  return pairs;
}

Entry lookup_time(const Quantities& run, const Key& key) {
  const Quantity time = run.time(key, key.strategy, kSend);
  return time.value ? number(short_number(*time.value) + " " + time.metric->unit) : Entry{};
}

Entry lookup_ratio(const Quantities& run, const LookupPair& pair) {
  const Quantity own = run.time(pair.own, pair.own.strategy, kSend);
  const Quantity shared = run.time(pair.shared, pair.shared.strategy, kSend);
  if (!own.value || !shared.value) return {};
  const PairedRatio ratio = paired_ratio(shared.metric->samples, own.metric->samples);
  const auto interval = deciding_interval(ratio);
  if (!ratio.median || !interval) return {};
  return number(short_number(*ratio.median) + " " + short_interval(*interval));
}

Section lookup_section(const Quantities& run) {
  Section section{
      .title = "An open PIC beside a lookup that all selectors share",
      .paragraphs = {"Both probe the same method cache. An open PIC has its selector and its hash "
                     "as constants; the shared lookup finds the selector in a register and hashes "
                     "it. The ratio is the shared lookup's send over the open PIC's, in the same "
                     "round, with its 95 % interval: above 1 the open PIC pays."}};
  const std::vector<Column<LookupPair>> columns = {
      {"parameters", [](const LookupPair& pair) { return plain(spaced(pair.own.params)); }},
      {"strategy", [](const LookupPair& pair) { return name(pair.own.strategy); }},
      {"open PIC", [&run](const LookupPair& pair) { return lookup_time(run, pair.own); }},
      {"shared lookup", [&run](const LookupPair& pair) { return lookup_time(run, pair.shared); }},
      {"ratio", [&run](const LookupPair& pair) { return lookup_ratio(run, pair); }}};
  fill_table(section, lookup_pairs(run), columns);
  return section;
}

// ---- the figure ----

/// Of one strategy in one case, at 1, 2, ... in the order of the steps.
Series series_over_steps(const Quantities& run, const Key& key,
                         const std::vector<std::string>& steps) {
  Series series{key.strategy, {}};
  for (std::size_t step = 0; step < steps.size(); ++step) {
    const Quantity time = run.time(key, key.strategy, steps[step]);
    if (!time.value) continue;
    series.points.push_back({.x = static_cast<double>(step + 1),
                             .y = *time.value,
                             .range = time.metric->ci95,
                             .n = present(time.metric->samples).size()});
  }
  return series;
}

}  // namespace

std::vector<Section> life_sections(const Quantities& run) {
  std::vector<Section> sections;
  for (Section section : {steps_section(run), lookup_section(run), bulk_section(run)}) {
    if (section.table) sections.push_back(std::move(section));
  }
  return sections;
}

std::optional<LineChart> steps_chart(const Quantities& run) {
  const std::vector<std::string> steps = steps_of(run);
  if (steps.size() < 2 || !times_mean_something(run.results().context)) return std::nullopt;
  LineChart chart;
  chart.name = "life-of-a-send";
  chart.title = "A miss by the state that it leads to";
  chart.x_label = "state after the miss";
  chart.y_label = "ns per send that misses";
  for (std::size_t step = 0; step < steps.size(); ++step) {
    chart.x_tics.push_back({static_cast<double>(step + 1),
                            find_described(run.results().metrics, steps[step])->leads_to});
  }
  for (const Key& key : cases_measuring(run, steps)) {
    if (run.is_control(key.strategy)) continue;
    const std::string title = spaced(key.params);
    auto panel = std::ranges::find(chart.panels, title, &LinePanel::title);
    if (panel == chart.panels.end()) panel = chart.panels.insert(panel, {title, {}});
    panel->series.push_back(series_over_steps(run, key, steps));
  }
  if (chart.panels.empty()) return std::nullopt;
  return chart;
}

}  // namespace patchbench::analysis
