#include "analysis/view/threads.hpp"

#include <algorithm>
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

constexpr std::string_view kExecutors = "executors";

// ---- columns ----

Column<Key> executor_time_column(const Quantities& run, const std::string& metric) {
  return {metric_title(run.results(), metric), [&run, metric](const Key& row) {
            const Quantity time = run.time(row, row.strategy, metric);
            return cost_entry(run, time, time.ratio, " ns", true);
          }};
}

/// By round, of what was executed in as many nanoseconds.
Entry throughput_lost(const Quantities& run, const Key& row, const std::string& disturbed,
                      const std::string& undisturbed) {
  const Quantity with = run.time(row, row.strategy, disturbed);
  const Quantity without = run.time(row, row.strategy, undisturbed);
  if (!with.value || !without.value) return {};
  const PairedRatio ratio = paired_ratio(without.metric->samples, with.metric->samples);
  const auto interval = deciding_interval(ratio);
  if (!ratio.median || !interval) return {};
  const auto lost = [](double kept) { return 100 * (1 - kept); };
  return number(fmt::format("{:.1f} % [{:.1f}, {:.1f}]", lost(*ratio.median), lost((*interval)[1]),
                            lost((*interval)[0])));
}

Entry fact_entry(const Quantities& run, const Key& row, std::string_view fact) {
  const results::Cell* cell = run.cell(row, row.strategy);
  for (const Quantity& one : run.of(*cell)) {
    const bool wanted = one.set == kFacts && one.name == fact && one.value;
    if (wanted) return number(short_number(*one.value));
  }
  return {};
}

/// The sum of what was counted under these names, of the metric of patches.
Entry counted_entry(const Quantities& run, const Key& row, const std::string& metric,
                    std::initializer_list<std::string_view> names) {
  const results::Cell* cell = run.cell(row, row.strategy);
  std::optional<double> sum;
  for (const Quantity& one : run.of(*cell)) {
    const bool asked_for = one.set == "vma" && one.per == metric && one.beside.empty() &&
                           std::ranges::find(names, one.name) != names.end();
    if (asked_for && one.value) sum = sum.value_or(0) + *one.value;
  }
  return sum ? number(count_number(*sum)) : faint("not counted");
}

// ---- charts ----

std::set<std::int64_t> numbers_of_executors(const Quantities& run, std::string_view workload) {
  std::set<std::int64_t> found;
  for (const Params& params : param_sets(run, workload)) {
    if (const auto number = integer_param(params, kExecutors)) found.insert(*number);
  }
  return found;
}

/// Of one strategy over the parameter sets that differ in their executors alone.
Series series_over_executors(const Quantities& run, std::string_view workload, const Params& rest,
                             const std::string& metric, const std::string& id) {
  Series series{id, {}};
  for (const Params& params : param_sets(run, workload)) {
    const auto executors = integer_param(params, kExecutors);
    if (!executors || without_param(params, kExecutors) != rest) continue;
    const Quantity time =
        run.time(Key{.workload = std::string(workload), .params = params}, id, metric);
    if (!time.value) continue;
    series.points.push_back({.x = static_cast<double>(*executors),
                             .y = *time.value,
                             .range = time.metric->ci95,
                             .n = present(time.metric->samples).size()});
  }
  std::ranges::sort(series.points, {}, &Point::x);
  return series;
}

std::optional<LineChart> chart_over_executors(const Quantities& run, const std::string& workload,
                                              const MetricEntry& metric) {
  const std::set<std::int64_t> numbers = numbers_of_executors(run, workload);
  if (numbers.size() < 2) return std::nullopt;
  LineChart chart;
  chart.name = workload + "-" + metric.id;
  std::ranges::replace(chart.name, '_', '-');
  chart.title = "Cost of " + metric.meaning;
  chart.x_label = "threads that execute meanwhile";
  chart.y_label = metric.unit + " per patch";
  for (const std::int64_t number : numbers) {
    chart.x_tics.push_back({static_cast<double>(number), std::to_string(number)});
  }
  std::vector<Params> rests;
  for (const Params& params : param_sets(run, workload)) {
    add_once(rests, without_param(params, kExecutors));
  }
  for (const Params& rest : rests) {
    LinePanel panel{spaced(rest), {}};
    for (const std::string& id : run.strategies()) {
      Series series = series_over_executors(run, workload, rest, metric.id, id);
      if (series.points.size() > 1 && !run.is_control(id))
        panel.series.push_back(std::move(series));
    }
    if (!panel.series.empty()) chart.panels.push_back(std::move(panel));
  }
  if (chart.panels.empty()) return std::nullopt;
  return chart;
}

}  // namespace

std::vector<std::string> metrics_beside_executors(const Quantities& run) {
  return measured_metrics(run, &MetricEntry::beside_executors);
}

Section threads_section(const Quantities& run) {
  Section section{
      .title = "Patching what other threads execute",
      .paragraphs = {"A patch as the patching thread sees it, until every executor has executed "
                     "what it changed, and what executors lose meanwhile. Ratios to the baseline "
                     "in the same round, with their 95 % intervals; medians over rounds. How the "
                     "time until a change is visible is distributed is of one process."}};
  std::vector<Column<Key>> columns = {parameters_column(), strategy_column()};
  for (const std::string& metric : metrics_beside_executors(run)) {
    columns.push_back(executor_time_column(run, metric));
  }
  for (const std::string& metric : metrics_beside_executors(run)) {
    const std::string undisturbed = find_described(run.results().metrics, metric)->undisturbed;
    if (undisturbed.empty()) continue;
    columns.push_back({"throughput lost", [&run, metric, undisturbed](const Key& row) {
                         return throughput_lost(run, row, metric, undisturbed);
                       }});
  }
  columns.push_back({"executors a processor", [&run](const Key& row) {
                       return fact_entry(run, row, "executors-a-processor");
                     }});
  for (const char* share : {"p50", "p99", "max"}) {
    columns.push_back({fmt::format("visible, {} ns", share),
                       [&run, fact = fmt::format("visible-{}-ns", share)](const Key& row) {
                         return fact_entry(run, row, fact);
                       }});
  }
  if (const auto metrics = metrics_beside_executors(run); !metrics.empty()) {
    columns.push_back({"interrupts a patch", [&run, metric = metrics.front()](const Key& row) {
                         return counted_entry(run, row, metric, {"ipis-to-one", "ipis-to-many"});
                       }});
    columns.push_back({"TLB flushes a patch", [&run, metric = metrics.front()](const Key& row) {
                         return counted_entry(run, row, metric, {"tlb-flushes"});
                       }});
  }
  const std::vector<Key> rows = cases_measuring(run, metrics_beside_executors(run));
  fill_table(section, rows, columns);
  section.detail = rows.size() > 40;
  return section;
}

std::vector<LineChart> executors_charts(const Quantities& run) {
  std::vector<LineChart> charts;
  if (!times_mean_something(run.results().context)) return charts;
  for (const std::string& id : metrics_beside_executors(run)) {
    const MetricEntry& metric = *find_described(run.results().metrics, id);
    if (!metric.patches || !metric.undisturbed.empty()) continue;
    const auto workloads = distinct(
        run, [&](const Quantity& one) { return one.set == kTimes && one.name == id; },
        [](const Quantity& one) { return one.workload; });
    for (const std::string& workload : workloads) {
      if (auto chart = chart_over_executors(run, workload, metric)) {
        charts.push_back(std::move(*chart));
      }
    }
  }
  return charts;
}

}  // namespace patchbench::analysis
