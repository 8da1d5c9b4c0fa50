#include "analysis/view/islands.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <set>
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

constexpr std::string_view kIslands = "islands";

/// What an operation is on, and what its figure says.
struct KindOfOperation {
  std::string_view on;  // MetricEntry::over_islands
  std::string_view title;
  std::string_view x_label;
  std::string_view per;
  std::string_view caption;
};

constexpr std::string_view kIslandsAxis = "islands: pages that are not executable (1k = 1,000)";

constexpr std::array kKindsOfOperation = {
    KindOfOperation{
        "zone", "Operations on a zone that islands split into many mappings", kIslandsAxis,
        "operation",
        "Each point is the median over rounds of one operation on the whole zone, with its 95 % "
        "interval; both axes are logarithmic, and 0 islands, where the zone is one mapping, stand "
        "to the left of them. k islands make 2k + 1 mappings. Where they need more pages than the "
        "zone would have, it is "
        "larger. A line that is flat does not pay for "
        "mappings; where it rises as steeply as the number of islands, they are all that it pays "
        "for."},
    KindOfOperation{
        "page", "Operations on a page of a zone that islands split", kIslandsAxis, "page",
        "Each point is the median over rounds, for one page, with its 95 % interval; both axes are "
        "logarithmic, and 0 islands stand to the left of them. A line that is flat says that a "
        "page costs the same however many mappings the zone is. Holes are punched into a zone that "
        "is one mapping, as many as it would have islands."},
    KindOfOperation{
        "snapshot", "Snapshots, and going back to one", "pages modified meanwhile (1k = 1,000)",
        "operation",
        "Each point is the median over rounds of one snapshot or one rollback, with its 95 % "
        "interval; both axes are logarithmic, and 0 modified pages stand to the left of them. "
        "Copying costs nothing without modified pages, and has no point there. Where the "
        "modified pages need a larger zone, mapping and dropping it costs more too."}};

const KindOfOperation* kind_of(const MetricEntry& metric) {
  const auto* const found =
      std::ranges::find(kKindsOfOperation, metric.over_islands, &KindOfOperation::on);
  return found == kKindsOfOperation.end() ? nullptr : found;
}

bool is_measured(const Quantities& run, const MetricEntry& metric) {
  return any(run, [&](const Quantity& one) { return one.set == kTimes && one.name == metric.id; });
}

/// Those that the run measured, in its order.
std::vector<const MetricEntry*> metrics_over_islands(const Quantities& run) {
  std::vector<const MetricEntry*> found;
  for (const MetricEntry& metric : run.results().metrics) {
    if (kind_of(metric) != nullptr && is_measured(run, metric)) found.push_back(&metric);
  }
  return found;
}

/// Of workloads that measure one of them: also of what could not be had.
std::vector<std::string> workloads_with_islands(const Quantities& run) {
  std::vector<std::string> found;
  for (const MetricEntry* metric : metrics_over_islands(run)) {
    for (const Quantity& one : run.all()) {
      if (one.set == kTimes && one.name == metric->id) add_once(found, one.workload);
    }
  }
  return found;
}

std::set<std::int64_t> numbers_of_islands(const Quantities& run, std::string_view workload) {
  std::set<std::int64_t> numbers;
  for (const Params& params : param_sets(run, workload)) {
    if (const auto number = integer_param(params, kIslands)) numbers.insert(*number);
  }
  return numbers;
}

std::vector<Params> rests_of_islands(const Quantities& run, std::string_view workload) {
  std::vector<Params> rests;
  for (const Params& params : param_sets(run, workload)) {
    if (integer_param(params, kIslands)) add_once(rests, without_param(params, kIslands));
  }
  return rests;
}

/// `row` names workload, strategy and metric, and the parameters without islands.
Quantity time_with(const Quantities& run, const Key& row, std::int64_t islands) {
  for (const Params& params : param_sets(run, row.workload)) {
    if (integer_param(params, kIslands) != islands) continue;
    if (without_param(params, kIslands) != row.params) continue;
    return run.time({.workload = row.workload, .params = params}, row.strategy, row.name);
  }
  return {};
}

bool has_time(const Quantities& run, const Key& row) {
  return std::ranges::any_of(numbers_of_islands(run, row.workload), [&](std::int64_t islands) {
    return time_with(run, row, islands).value.has_value();
  });
}

// ---- the table ----

std::vector<Key> operation_rows(const Quantities& run) {
  std::vector<Key> rows;
  for (const std::string& workload : workloads_with_islands(run)) {
    for (const Params& rest : rests_of_islands(run, workload)) {
      for (const std::string& id : run.strategies()) {
        for (const MetricEntry* metric : metrics_over_islands(run)) {
          Key row{.workload = workload, .params = rest, .strategy = id, .name = metric->id};
          if (!run.is_control(id) && has_time(run, row)) rows.push_back(std::move(row));
        }
      }
    }
  }
  return rows;
}

Entry operation_entry(const Quantities& run, const Key& row, std::int64_t islands) {
  const Quantity time = time_with(run, row, islands);
  if (time.cell == nullptr) return {};
  if (!is_ok(time.cell)) {
    Entry entry = faint(std::string(to_string(time.cell->status)));
    entry.why = why_missing(run, row.strategy, time.cell);
    return entry;
  }
  if (!time.value) return faint("-");
  std::string text = duration_text(*time.value);
  if (const auto range = time.metric->ci95) {
    text += fmt::format("\n[{}, {}]", duration_text((*range)[0]), duration_text((*range)[1]));
  }
  return number(std::move(text));
}

/// "fork: 21.0 ms with 0 islands, 52.1 ms with 30,000 (2.48x)"
std::string growth_words(const Quantities& run, const Key& row) {
  std::optional<std::pair<std::int64_t, double>> least;
  std::optional<std::pair<std::int64_t, double>> most;
  for (const std::int64_t islands : numbers_of_islands(run, row.workload)) {
    const auto value = time_with(run, row, islands).value;
    if (!value) continue;
    if (!least) least = {islands, *value};
    most = {islands, *value};
  }
  if (!least || least->first == most->first || least->second <= 0) return "";
  return fmt::format("{}: {} with {}, {} with {} ({})", metric_title(run.results(), row.name),
                     duration_text(least->second), grouped(least->first),
                     duration_text(most->second), grouped(most->first),
                     ratio_text(most->second / least->second));
}

std::string growth_sentence(const Quantities& run, const std::vector<Key>& rows) {
  const auto is_baseline = [&](const Key& row) { return row.strategy == run.results().baseline; };
  const bool known = std::ranges::any_of(rows, is_baseline);
  const std::string id = known ? run.results().baseline : rows.front().strategy;
  std::vector<std::string> parts;
  for (const Key& row : rows) {
    if (row.strategy != id || row.params != rows.front().params) continue;
    std::string words = growth_words(run, row);
    if (!words.empty()) parts.push_back(std::move(words));
  }
  if (parts.empty()) return "";
  return fmt::format("From the fewest islands to the most, under {}: {}.", id, joined(parts, "; "));
}

// ---- the figures ----

/// Where 0 stands on a logarithmic axis: a decade below 1.
double place_of(std::int64_t islands) { return islands == 0 ? 0.1 : static_cast<double>(islands); }

std::string tic_of(std::int64_t islands) {
  return islands >= 1000 && islands % 1000 == 0 ? fmt::format("{}k", islands / 1000)
                                                : std::to_string(islands);
}

Series series_over_islands(const Quantities& run, const Key& row) {
  Series series{row.strategy, {}};
  for (const std::int64_t islands : numbers_of_islands(run, row.workload)) {
    const Quantity time = time_with(run, row, islands);
    if (!time.value) continue;
    series.points.push_back({.x = place_of(islands),
                             .y = *time.value,
                             .range = time.metric->ci95,
                             .n = present(time.metric->samples).size()});
  }
  return series;
}

LinePanel panel_over_islands(const Quantities& run, const std::string& workload, const Params& rest,
                             const MetricEntry& metric) {
  LinePanel panel{metric.title + (rest.empty() ? "" : ", " + spaced(rest)), {}};
  for (const std::string& id : run.strategies()) {
    if (run.is_control(id)) continue;
    Series series = series_over_islands(
        run, {.workload = workload, .params = rest, .strategy = id, .name = metric.id});
    if (series.points.size() > 1) panel.series.push_back(std::move(series));
  }
  return panel;
}

/// Nobody reads 10^8 ns.
void choose_unit(LineChart& chart, std::string_view per) {
  constexpr double kNsOfUs = 1000;
  const bool in_us = value_axis(chart).high > kNsOfUs * kNsOfUs;
  chart.y_label = fmt::format("{} per {}", in_us ? "us" : "ns", per);
  if (!in_us) return;
  for (LinePanel& panel : chart.panels) {
    for (Series& series : panel.series) {
      for (Point& point : series.points) {
        *point.y /= kNsOfUs;
        if (point.range)
          point.range = Interval{(*point.range)[0] / kNsOfUs, (*point.range)[1] / kNsOfUs};
      }
    }
  }
}

/// Where something was measured.
std::vector<Tic> tics_over_islands(const Quantities& run, const LineChart& chart,
                                   std::string_view workload) {
  std::set<double> places;
  for (const LinePanel& panel : chart.panels) {
    for (const Series& series : panel.series) {
      for (const Point& point : series.points) places.insert(point.x);
    }
  }
  std::vector<Tic> tics;
  for (const std::int64_t islands : numbers_of_islands(run, workload)) {
    if (places.contains(place_of(islands))) tics.push_back({place_of(islands), tic_of(islands)});
  }
  return tics;
}

std::optional<LineChart> chart_over_islands(const Quantities& run, const std::string& workload,
                                            const KindOfOperation& kind) {
  LineChart chart;
  chart.name = fmt::format("{}-{}-by-islands", workload, kind.on);
  chart.title = kind.title;
  chart.x_label = kind.x_label;
  chart.log_x = true;
  for (const Params& rest : rests_of_islands(run, workload)) {
    for (const MetricEntry* metric : metrics_over_islands(run)) {
      if (kind_of(*metric) != &kind) continue;
      LinePanel panel = panel_over_islands(run, workload, rest, *metric);
      if (!panel.series.empty()) chart.panels.push_back(std::move(panel));
    }
  }
  if (chart.panels.empty()) return std::nullopt;
  chart.x_tics = tics_over_islands(run, chart, workload);
  choose_unit(chart, kind.per);
  return chart;
}

}  // namespace

Section islands_section(const Quantities& run) {
  const std::vector<Key> rows = operation_rows(run);
  if (rows.empty()) return {};
  Section section{
      .title = "A zone of many mappings",
      .paragraphs = {
          "Islands are single pages of a zone that are not executable, as one that is "
          "open to be patched: k of them make 2k + 1 mappings of one. Each row is an "
          "operation on the zone that has them; where they need more pages than it would "
          "have, it is larger. Of snapshots and holes the number is that of the pages "
          "that were modified, or punched out. Medians over rounds, with their 95 % "
          "intervals."}};
  std::string growth = growth_sentence(run, rows);
  if (!growth.empty()) section.paragraphs.push_back(std::move(growth));
  std::vector<Column<Key>> columns;
  if (std::ranges::any_of(rows, [](const Key& row) { return !row.params.empty(); })) {
    columns.push_back(parameters_column());
  }
  section.filters = {columns.size(), columns.size() + 1};
  columns.push_back(strategy_column());
  columns.push_back({"operation", [&run](const Key& row) {
                       return plain(metric_title(run.results(), row.name));
                     }});
  std::set<std::int64_t> numbers;
  for (const std::string& workload : workloads_with_islands(run)) {
    numbers.merge(numbers_of_islands(run, workload));
  }
  for (const std::int64_t islands : numbers) {
    columns.push_back({grouped(islands), [&run, islands](const Key& row) {
                         return operation_entry(run, row, islands);
                       }});
  }
  fill_table(section, rows, columns);
  section.detail = rows.size() > 80;
  return section;
}

std::vector<IslandsChart> islands_charts(const Quantities& run) {
  std::vector<IslandsChart> charts;
  if (!times_mean_something(run.results().context)) return charts;
  for (const std::string& workload : workloads_with_islands(run)) {
    for (const KindOfOperation& kind : kKindsOfOperation) {
      if (auto chart = chart_over_islands(run, workload, kind)) {
        charts.push_back({std::move(*chart), std::string(kind.caption)});
      }
    }
  }
  return charts;
}

}  // namespace patchbench::analysis
