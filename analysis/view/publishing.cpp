#include "analysis/view/publishing.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "analysis/quantity/selection.hpp"
#include "analysis/render/numbers.hpp"
#include "analysis/render/wrap.hpp"
#include "analysis/statistics/significance.hpp"
#include "analysis/statistics/statistics.hpp"
#include "analysis/view/table.hpp"
#include "analysis/view/titles.hpp"

namespace patchbench::analysis {
namespace {

using results::Cell;
using results::Params;
using results::Ratio;

constexpr std::string_view kParameter = "publish";
constexpr std::string_view kNone = "none";

/// The same with patches that end as `mode` says; without a cell where the run has none.
Quantity in_mode(const Quantities& run, const Key& row, std::string_view mode) {
  Key time = row;
  for (const Params& params : modes_of(run, time.workload, time.params)) {
    if (publish_mode(params) != mode) continue;
    time.params = params;
    return run.at(time);
  }
  time.params.emplace_back(kParameter, std::string(mode));
  return run.at(time);
}

void correct(std::vector<ModeRatio>& ratios) {
  std::map<std::string, std::vector<Ratio*>> tables;
  for (ModeRatio& one : ratios) {
    if (one.ratio.q_differs) tables[one.workload].push_back(&one.ratio);
  }
  for (const auto& [workload, table] : tables) correct_verdicts(table);
}

// ---- the table ----

/// Rows are the metrics of `operations` and strategies that have a ratio, columns modes.
Section mode_section(const Quantities& run, std::string title, const std::vector<Key>& operations,
                     const std::vector<ModeRatio>& ratios) {
  std::vector<Quantity> rows;
  std::vector<std::string> modes{std::string(kNone)};
  for (const ModeRatio& one : ratios) add_once(modes, publish_mode(one.params));
  for (const Key& operation : operations) {
    for (const std::string& id : run.strategies()) {
      const Quantity row = run.time(operation, id, operation.name);
      const bool judged = std::ranges::any_of(modes, [&](const std::string& mode) {
        return find_mode_ratio(ratios, in_mode(run, row, mode)) != nullptr;
      });
      if (judged) rows.push_back(row);
    }
  }
  std::vector<Column<Quantity>> columns = {
      workload_column(),
      parameters_column(),
      {"metric",
       [&run](const Quantity& row) { return plain(metric_title(run.results(), row.name)); }},
      strategy_column()};
  for (const std::string& mode : modes) {
    columns.push_back({mode, [&run, &ratios, mode](const Quantity& row) {
                         const Quantity time = in_mode(run, row, mode);
                         const std::string unit = time.metric ? " " + time.metric->unit : "";
                         return cost_entry(run, time, find_mode_ratio(ratios, time), unit, false);
                       }});
  }
  Section section{.title = std::move(title)};
  fill_table(section, rows, columns);
  return section;
}

/// Metrics without a mode.
std::vector<Key> headline_operations(const Quantities& run) {
  std::vector<Key> operations;
  for (const HeadlineColumn& column : headline_columns(run)) {
    const bool patches = column.mode != kNone && !column.mode.empty();
    if (!patches) continue;
    Key key{column.workload, without_mode(column.params)};
    key.name = column.metric;
    add_once(operations, std::move(key));
  }
  return operations;
}

}  // namespace

bool lacks_guarantee(const Cell& cell) {
  return std::ranges::any_of(
      cell.notes, [](const std::string& note) { return note.starts_with(kNoGuarantee); });
}

std::string publish_mode(const Params& params) {
  const results::ParamValue* mode = find_param(params, kParameter);
  return mode != nullptr && std::holds_alternative<std::string>(*mode)
             ? std::get<std::string>(*mode)
             : std::string(kNone);
}

Params without_mode(const Params& params) { return without_param(params, kParameter); }

std::vector<Params> modes_of(const Quantities& run, std::string_view workload,
                             const Params& params) {
  std::vector<Params> modes = param_sets(run, workload);
  std::erase_if(modes,
                [&](const Params& other) { return without_mode(other) != without_mode(params); });
  return modes;
}

std::vector<ModeRatio> mode_ratios(const Quantities& run) {
  std::vector<ModeRatio> ratios;
  for (const Quantity& one : run.all()) {
    if (one.set != kTimes || !one.value || run.is_control(one.strategy)) continue;
    if (publish_mode(one.params) == kNone) continue;
    const Quantity none = in_mode(run, one, kNone);
    if (!none.value) continue;
    Ratio ratio = judged_ratio(paired_ratio(with_zeros(*one.metric), with_zeros(*none.metric)),
                               delta_of(run.results()));
    ratio.metric = one.name;
    ratio.baseline = one.strategy;
    ratios.push_back({one.workload, one.params, one.strategy, std::move(ratio)});
  }
  correct(ratios);
  return ratios;
}

const Ratio* find_mode_ratio(const std::vector<ModeRatio>& ratios, const Quantity& time) {
  const auto found = std::ranges::find_if(ratios, [&](const ModeRatio& one) {
    return one.workload == time.workload && one.params == time.params &&
           one.strategy == time.strategy && one.ratio.metric == time.name;
  });
  return found == ratios.end() ? nullptr : &found->ratio;
}

std::vector<std::string> missing_modes(const Quantities& run) {
  Grouping reasons;
  std::vector<std::string> measured;
  for (const Quantity& one : run.all()) {
    if (one.set != kCells || one.strategy != run.results().baseline) continue;
    const std::string mode = publish_mode(one.params);
    if (is_ok(one.cell)) measured.push_back(mode);
    if (!is_ok(one.cell) && mode != kNone) reasons.add(mode, why(run, one));
  }
  std::vector<std::string> missing;
  for (const auto& [mode, why] : reasons.groups()) {
    if (std::ranges::find(measured, mode) != measured.end()) continue;
    missing.push_back(mode + ": " + joined(why));
  }
  return missing;
}

Section publishing_section(const Quantities& run) {
  const std::vector<ModeRatio> ratios = mode_ratios(run);
  Section section = mode_section(run, "What a patch ends with", headline_operations(run), ratios);
  if (!section.table) return section;
  section.paragraphs.emplace_back(
      "A column is a mode of --publish. Median over rounds; then the ratio to none of the same "
      "strategy, paired round by round, with its 95 % interval; then its verdict, as in the result "
      "above, corrected for the number of a workload's ratios to none.");
  for (const std::string& mode : missing_modes(run)) {
    section.paragraphs.push_back("Not available: " + mode);
  }
  return section;
}

Section publishing_details(const Quantities& run) {
  const std::vector<ModeRatio> ratios = mode_ratios(run);
  std::vector<Key> operations;
  for (const ModeRatio& one : ratios) {
    Key key{one.workload, without_mode(one.params)};
    key.name = one.ratio.metric;
    add_once(operations, std::move(key));
  }
  Section section;
  if (operations.size() > headline_operations(run).size()) {
    section = mode_section(run, "What a patch ends with, every case", operations, ratios);
  }
  section.detail = true;
  return section;
}

}  // namespace patchbench::analysis
