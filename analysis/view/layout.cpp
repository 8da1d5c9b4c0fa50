#include "analysis/view/layout.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "analysis/quantity/selection.hpp"
#include "analysis/render/numbers.hpp"
#include "analysis/render/wrap.hpp"
#include "analysis/statistics/statistics.hpp"
#include "analysis/view/table.hpp"

namespace patchbench::analysis {
namespace {

using results::Params;

constexpr std::string_view kOffset = "offset";

struct AtOffset {
  std::int64_t offset = 0;
  const results::Metric* metric = nullptr;
  double ns = 0;
};

/// The metric of the workload that it has at one offset; `row` names workload, strategy, metric and
/// the parameters without the offset.
std::vector<AtOffset> at_offsets(const Quantities& run, const Key& row) {
  std::vector<AtOffset> found;
  for (const Params& params : param_sets(run, row.workload)) {
    const auto offset = integer_param(params, kOffset);
    if (!offset || without_param(params, kOffset) != row.params) continue;
    const Quantity time =
        run.time({.workload = row.workload, .params = params}, row.strategy, row.name);
    if (time.value) found.push_back({*offset, time.metric, *time.value});
  }
  return found;
}

struct Extremes {
  AtOffset least;
  AtOffset most;
};

std::optional<Extremes> extremes_of(const Quantities& run, const Key& row) {
  const std::vector<AtOffset> all = at_offsets(run, row);
  if (all.size() < 2) return std::nullopt;
  const auto [least, most] = std::ranges::minmax(all, {}, &AtOffset::ns);
  return Extremes{least, most};
}

/// Strategies of code that is the same but for its layout, and controls, `again` among them.
std::vector<Key> rows_over_offsets(const Quantities& run) {
  std::vector<Key> rows;
  for (const Quantity& one : run.all()) {
    if (one.set != kTimes || !integer_param(one.params, kOffset)) continue;
    Key row{.workload = one.workload,
            .params = without_param(one.params, kOffset),
            .strategy = one.strategy,
            .name = one.name};
    if (extremes_of(run, row)) add_once(rows, std::move(row));
  }
  std::ranges::stable_sort(rows, {}, [&run](const Key& row) {
    return std::ranges::find(run.strategies(), row.strategy) - run.strategies().begin();
  });
  return rows;
}

double percent(double ratio) { return 100 * (ratio - 1); }

Entry extreme_entry(const AtOffset& one) {
  const auto range = one.metric->ci95;
  return number(
      fmt::format("{} ns at {}\n{}", exact_number(one.ns), one.offset, full_interval(range)));
}

/// By round: the places were chosen by their medians, so that noise alone makes a spread too.
Entry spread_entry(const Extremes& extremes) {
  const PairedRatio ratio =
      paired_ratio(extremes.most.metric->samples, extremes.least.metric->samples);
  const auto interval = deciding_interval(ratio);
  if (!ratio.median || !interval) return {};
  return number(fmt::format("{:.1f} %\n[{:.1f}, {:.1f}]", percent(*ratio.median),
                            percent((*interval)[0]), percent((*interval)[1])));
}

/// The largest by medians over offsets of what `of` says of two strategies' times at one.
template <typename Counts>
std::optional<double> largest_between(const Quantities& run, const std::vector<Key>& rows,
                                      const Key& like, Counts counts) {
  std::optional<double> largest;
  std::set<std::int64_t> offsets;
  for (const AtOffset& one : at_offsets(run, like)) offsets.insert(one.offset);
  for (const std::int64_t offset : offsets) {
    std::vector<double> times;
    for (const Key& row : rows) {
      const bool same = row.workload == like.workload && row.params == like.params;
      if (!same || !counts(row.strategy)) continue;
      for (const AtOffset& one : at_offsets(run, row)) {
        if (one.offset == offset) times.push_back(one.ns);
      }
    }
    if (times.size() < 2) continue;
    const auto [least, most] = std::ranges::minmax(times);
    largest = std::max(largest.value_or(1), most / least);
  }
  return largest;
}

std::string code_of(const Quantities& run, std::string_view strategy) {
  const results::StrategyStatus* status = run.status(strategy);
  return status == nullptr ? "" : status->code.value_or("");
}

/// "Over offsets ... up to 12.3 % within a strategy; at one offset ... 4.5 % between strategies".
std::string spread_sentence(const Quantities& run, const std::vector<Key>& rows, const Key& like) {
  double within = 1;
  for (const Key& row : rows) {
    if (row.workload != like.workload || row.params != like.params) continue;
    const Extremes extremes = *extremes_of(run, row);
    within = std::max(within, extremes.most.ns / extremes.least.ns);
  }
  const std::string& baseline = run.results().baseline;
  const std::string code = code_of(run, baseline);
  const auto same_code = largest_between(run, rows, like, [&](const std::string& id) {
    return !run.is_control(id) && code_of(run, id) == code;
  });
  const auto any_code = largest_between(
      run, rows, like, [&run](const std::string& id) { return !run.is_control(id); });
  const auto itself = largest_between(run, rows, like, [&](const std::string& id) {
    return id == baseline || id == results::kAgain;
  });
  std::string text = fmt::format(
      "{}, {}: the place of the sites changes the median of a strategy by "
      "up to {:.1f} %",
      like.workload, spaced(like.params), percent(within));
  if (same_code) {
    text += fmt::format("; at one place strategies with the same code differ by up to {:.1f} %",
                        percent(*same_code));
  }
  if (any_code) {
    text +=
        fmt::format("; at one place all strategies differ by up to {:.1f} %", percent(*any_code));
  }
  if (itself) {
    text += fmt::format("; the baseline differs from itself by up to {:.1f} %", percent(*itself));
  }
  return text + ".";
}

}  // namespace

Section layout_section(const Quantities& run) {
  const std::vector<Key> rows = rows_over_offsets(run);
  if (rows.empty()) return {};
  Section section{
      .title = "How much is layout",
      .paragraphs = {
          "The same sends with the first of their sites at each place modulo 64, where "
          "it costs least and where it costs most. Other workloads draw that place anew "
          "in each round, so that it is part of the intervals of their ratios and of no "
          "ratio. The two places were chosen by their medians: noise alone makes a spread "
          "between them, as the baseline's twin (again) shows."}};
  std::vector<Key> groups;
  for (const Key& row : rows) {
    const bool known = std::ranges::any_of(groups, [&](const Key& one) {
      return one.workload == row.workload && one.params == row.params;
    });
    if (!known) groups.push_back(row);
  }
  for (const Key& like : groups) section.paragraphs.push_back(spread_sentence(run, rows, like));
  fill_table(
      section, rows,
      {workload_column(),
       parameters_column(),
       strategy_column(),
       {"least", [&run](const Key& row) { return extreme_entry(extremes_of(run, row)->least); }},
       {"most", [&run](const Key& row) { return extreme_entry(extremes_of(run, row)->most); }},
       {"spread, by round",
        [&run](const Key& row) { return spread_entry(*extremes_of(run, row)); }}});
  section.detail = rows.size() > 40;
  return section;
}

}  // namespace patchbench::analysis
