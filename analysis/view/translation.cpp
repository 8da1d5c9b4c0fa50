#include "analysis/view/translation.hpp"

#include <string_view>

#include <fmt/format.h>

#include "analysis/render/wrap.hpp"
#include "analysis/statistics/statistics.hpp"
#include "analysis/view/titles.hpp"

namespace patchbench::analysis {
namespace {

constexpr const char* kControl = "rwx-translated";

bool patches_and_executes(std::string_view metric) {
  return metric == "patch_execute" || metric == among_hits("patch_execute");
}

std::vector<std::string> dual_rows(const Quantities& run, const HeadlineColumn& column) {
  std::vector<std::string> ids = run.strategies();
  std::erase_if(ids, [&](const std::string& id) {
    const auto* status = run.status(id);
    return status == nullptr || !status->second_view.value_or(false) ||
           !cost_of(run, column, id).value;
  });
  return ids;
}

}  // namespace

std::vector<std::string> translation_footnotes(const Quantities& run,
                                               const std::vector<HeadlineColumn>& columns) {
  std::vector<std::string> notes;
  for (const HeadlineColumn& column : columns) {
    if (!patches_and_executes(column.metric)) continue;
    const Quantity control = cost_of(run, column, kControl);
    if (!control.value || control.ratio == nullptr || !control.ratio->median) continue;
    const auto interval = deciding_interval(*control.ratio);
    const std::vector<std::string> rows = dual_rows(run, column);
    if (!interval || rows.empty()) continue;
    notes.push_back(fmt::format(
        "{}: of {} at {}, what {} has too is the translation of the address and not the second "
        "view: its ratio to {} is {:.3f} [{:.3f}, {:.3f}].",
        joined(rows), metric_title(column.metric), results::params_text(column.params), kControl,
        run.results().baseline, *control.ratio->median, (*interval)[0], (*interval)[1]));
  }
  return notes;
}

}  // namespace patchbench::analysis
