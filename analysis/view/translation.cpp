#include "analysis/view/translation.hpp"

#include <string_view>

#include <fmt/format.h>

#include "analysis/quantity/selection.hpp"
#include "analysis/render/wrap.hpp"
#include "analysis/statistics/statistics.hpp"
#include "analysis/view/catalogue.hpp"
#include "analysis/view/titles.hpp"

namespace patchbench::analysis {
namespace {

using results::Cell;
using results::Results;

constexpr std::string_view kControl = "rwx-translated";

bool patches_and_executes(std::string_view metric) {
  return metric == "patch_execute" || metric == among_hits("patch_execute");
}

std::vector<std::string> dual_rows(const Results& results, const HeadlineColumn& column) {
  std::vector<std::string> ids;
  for (const std::string& id : strategies_in_order(results)) {
    const auto* status = find_strategy(results, id);
    if (status == nullptr || !status->second_view.value_or(false)) continue;
    const Cell* cell = find_cell(results, column.workload, id, column.params);
    if (usable_metric(cell, column.metric) != nullptr) ids.push_back(id);
  }
  return ids;
}

}  // namespace

std::vector<std::string> translation_footnotes(const Results& results,
                                               const std::vector<HeadlineColumn>& columns) {
  std::vector<std::string> notes;
  for (const HeadlineColumn& column : columns) {
    if (!patches_and_executes(column.metric)) continue;
    const Cell* control = find_cell(results, column.workload, kControl, column.params);
    if (usable_metric(control, column.metric) == nullptr) continue;
    const results::Ratio* ratio = find_ratio(*control, column.metric);
    if (ratio == nullptr || !ratio->median) continue;
    const auto interval = deciding_interval(*ratio);
    const std::vector<std::string> rows = dual_rows(results, column);
    if (!interval || rows.empty()) continue;
    notes.push_back(fmt::format(
        "{}: of {} at {}, what {} has too is the translation of the address and not the second "
        "view: its ratio to {} is {:.3f} [{:.3f}, {:.3f}].",
        joined(rows), metric_title(column.metric), results::params_text(column.params), kControl,
        results.baseline, *ratio->median, (*interval)[0], (*interval)[1]));
  }
  return notes;
}

}  // namespace patchbench::analysis
