#include "analysis/view/publishing.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "analysis/quantity/selection.hpp"
#include "analysis/render/numbers.hpp"
#include "analysis/render/wrap.hpp"
#include "analysis/statistics/significance.hpp"
#include "analysis/statistics/statistics.hpp"
#include "analysis/view/catalogue.hpp"
#include "analysis/view/titles.hpp"

namespace patchbench::analysis {
namespace {

using results::Cell;
using results::Metric;
using results::Params;
using results::Ratio;
using results::Results;

constexpr std::string_view kParameter = "publish";
constexpr std::string_view kNone = "none";

/// The cell that differs from it in nothing but that its patches end with nothing.
const Cell* none_of(const Results& results, const Cell& cell) {
  for (const Params& params : modes_of(results, cell.workload, cell.params)) {
    if (publish_mode(params) == kNone) {
      return find_cell(results, cell.workload, cell.strategy, params);
    }
  }
  return nullptr;
}

void add_ratios(const Results& results, const Cell& cell, std::vector<ModeRatio>& ratios) {
  const Cell* none = none_of(results, cell);
  if (none == nullptr) return;
  for (const Metric& metric : cell.metrics) {
    const Metric* without = usable_metric(none, metric.name);
    if (without == nullptr || !metric.median) continue;
    Ratio ratio =
        judged_ratio(paired_ratio(with_zeros(metric), with_zeros(*without)), delta_of(results));
    ratio.metric = metric.name;
    ratio.baseline = cell.strategy;
    ratios.push_back({cell.workload, cell.params, cell.strategy, std::move(ratio)});
  }
}

void correct(std::vector<ModeRatio>& ratios) {
  std::map<std::string, std::vector<Ratio*>> tables;
  for (ModeRatio& one : ratios) {
    if (one.ratio.q_differs) tables[one.workload].push_back(&one.ratio);
  }
  for (const auto& [workload, table] : tables) correct_verdicts(table);
}

// ---- the table ----

Tone tone_of(results::Verdict verdict) {
  if (verdict == results::Verdict::faster) return Tone::faster;
  return verdict == results::Verdict::slower ? Tone::slower : Tone::number;
}

/// Rows of one operation, a column a mode.
struct Operation {
  std::string workload;
  Params params;  // without a mode
  std::string metric;

  bool operator==(const Operation&) const = default;
};

class ModeTable {
 public:
  explicit ModeTable(const Results& results)
      : results_(results), ratios_(mode_ratios(results)), modes_{std::string(kNone)} {
    for (const ModeRatio& one : ratios_) {
      const std::string mode = publish_mode(one.params);
      if (std::find(modes_.begin(), modes_.end(), mode) == modes_.end()) modes_.push_back(mode);
    }
  }

  /// In the order of the run.
  [[nodiscard]] std::vector<Operation> operations() const {
    std::vector<Operation> operations;
    for (const ModeRatio& one : ratios_) {
      Operation operation{one.workload, without_mode(one.params), one.ratio.metric};
      if (std::find(operations.begin(), operations.end(), operation) == operations.end()) {
        operations.push_back(std::move(operation));
      }
    }
    return operations;
  }

  [[nodiscard]] std::optional<TextTable> table(const std::vector<Operation>& operations) const {
    TextTable table{{"workload", "parameters", "metric", "strategy"}, {}};
    table.header.insert(table.header.end(), modes_.begin(), modes_.end());
    for (const Operation& operation : operations) {
      for (const std::string& id : strategies_in_order(results_)) add_row(operation, id, table);
    }
    return table.rows.empty() ? std::nullopt : std::optional(std::move(table));
  }

 private:
  void add_row(const Operation& operation, const std::string& id, TextTable& table) const {
    std::vector<TextCell> row{{operation.workload, Tone::plain},
                              {spaced(operation.params), Tone::plain},
                              {metric_title(operation.metric), Tone::plain},
                              {id, Tone::name}};
    bool any = false;
    for (const std::string& mode : modes_) {
      row.push_back(entry(operation, id, mode));
      any = any || row.back().text.find('\n') != std::string::npos;
    }
    if (any) table.rows.push_back(std::move(row));
  }

  [[nodiscard]] TextCell entry(const Operation& operation, const std::string& id,
                               const std::string& mode) const {
    for (const Cell& cell : results_.cells) {
      if (cell.workload != operation.workload || cell.strategy != id) continue;
      if (publish_mode(cell.params) != mode) continue;
      if (without_mode(cell.params) != operation.params) continue;
      const Metric* metric = usable_metric(&cell, operation.metric);
      if (metric == nullptr) return {"-", Tone::faint};
      const std::string cost = short_number(*metric->median) + " " + metric->unit;
      const Ratio* ratio = find_mode_ratio(ratios_, cell, operation.metric);
      if (ratio == nullptr || !ratio->median) return {cost, Tone::number};
      std::string text = cost + "\n" + short_number(*ratio->median);
      if (const auto interval = deciding_interval(*ratio)) text += " " + short_interval(*interval);
      return {text + "\n" + std::string(to_string(ratio->verdict)), tone_of(ratio->verdict)};
    }
    return {};
  }

  const Results& results_;
  std::vector<ModeRatio> ratios_;
  std::vector<std::string> modes_;
};

std::vector<Operation> headline_operations(const Results& results) {
  std::vector<Operation> operations;
  for (const HeadlineColumn& column : headline_columns(results)) {
    Operation operation{column.workload, without_mode(column.params), column.metric};
    const bool patches = column.mode != kNone && !column.mode.empty();
    if (patches && std::find(operations.begin(), operations.end(), operation) == operations.end()) {
      operations.push_back(std::move(operation));
    }
  }
  return operations;
}

}  // namespace

bool lacks_guarantee(const Cell& cell) {
  return std::any_of(cell.notes.begin(), cell.notes.end(),
                     [](const std::string& note) { return note.starts_with(kNoGuarantee); });
}

std::string publish_mode(const Params& params) {
  const results::ParamValue* mode = find_param(params, kParameter);
  return mode != nullptr && std::holds_alternative<std::string>(*mode)
             ? std::get<std::string>(*mode)
             : std::string(kNone);
}

Params without_mode(const Params& params) { return without_param(params, kParameter); }

std::vector<Params> modes_of(const Results& results, std::string_view workload,
                             const Params& params) {
  std::vector<Params> modes = param_sets(results, workload);
  std::erase_if(modes,
                [&](const Params& other) { return without_mode(other) != without_mode(params); });
  return modes;
}

std::vector<ModeRatio> mode_ratios(const Results& results) {
  std::vector<ModeRatio> ratios;
  for (const Cell& cell : results.cells) {
    if (cell.status != results::CellStatus::ok || is_control(results, cell.strategy)) continue;
    if (publish_mode(cell.params) != kNone) add_ratios(results, cell, ratios);
  }
  correct(ratios);
  return ratios;
}

const Ratio* find_mode_ratio(const std::vector<ModeRatio>& ratios, const Cell& cell,
                             std::string_view metric) {
  const auto found = std::find_if(ratios.begin(), ratios.end(), [&](const ModeRatio& one) {
    return one.workload == cell.workload && one.params == cell.params &&
           one.strategy == cell.strategy && one.ratio.metric == metric;
  });
  return found == ratios.end() ? nullptr : &found->ratio;
}

std::vector<std::string> missing_modes(const Results& results) {
  Grouping reasons;
  std::vector<std::string> measured;
  for (const Cell& cell : results.cells) {
    if (cell.strategy != results.baseline) continue;
    const std::string mode = publish_mode(cell.params);
    if (cell.status == results::CellStatus::ok) measured.push_back(mode);
    if (cell.status != results::CellStatus::ok && mode != kNone) {
      reasons.add(mode, why_missing(results, cell.strategy, &cell));
    }
  }
  std::vector<std::string> missing;
  for (const auto& [mode, why] : reasons.groups()) {
    if (std::find(measured.begin(), measured.end(), mode) != measured.end()) continue;
    missing.push_back(mode + ": " + joined(why));
  }
  return missing;
}

std::string guarantee_footnote(const Results& results, const std::vector<HeadlineColumn>& columns) {
  std::vector<std::string> all;
  std::vector<std::string> without;
  const auto add = [](std::vector<std::string>& modes, const std::string& mode) {
    if (std::find(modes.begin(), modes.end(), mode) == modes.end()) modes.push_back(mode);
  };
  for (const HeadlineColumn& column : columns) {
    for (const Cell& cell : results.cells) {
      if (cell.workload != column.workload || cell.params != column.params) continue;
      if (usable_metric(&cell, column.metric) == nullptr) continue;
      add(all, publish_mode(cell.params));
      if (lacks_guarantee(cell)) add(without, publish_mode(cell.params));
    }
  }
  if (without.empty()) return "";
  return fmt::format(
      "{}{}: the code is written through another address than it executes at, and no serialising "
      "operation stands between.",
      kNoGuarantee,
      all.size() > 1 ? fmt::format(" where a patch ends with {}", joined(without)) : "");
}

Section publishing_section(const Results& results) {
  Section section;
  section.title = "What a patch ends with";
  const ModeTable modes(results);
  section.table = modes.table(headline_operations(results));
  if (!section.table) return section;
  section.paragraphs.emplace_back(
      "A column is a mode of --publish. Median over rounds; then the ratio to none of the same "
      "strategy, paired round by round, with its 95 % interval; then its verdict, as in the result "
      "above, corrected for the number of a workload's ratios to none.");
  for (const std::string& mode : missing_modes(results)) {
    section.paragraphs.push_back("Not available: " + mode);
  }
  return section;
}

Section publishing_details(const Results& results) {
  Section section;
  section.title = "What a patch ends with, every cell";
  section.detail = true;
  const ModeTable modes(results);
  if (modes.operations().size() > headline_operations(results).size()) {
    section.table = modes.table(modes.operations());
  }
  return section;
}

}  // namespace patchbench::analysis
