#include "analysis/view/replays.hpp"

#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "analysis/render/numbers.hpp"
#include "analysis/view/table.hpp"
#include "analysis/view/titles.hpp"

namespace patchbench::analysis {
namespace {

std::vector<Key> replaying_cells(const Quantities& run) {
  std::vector<Key> operations;
  for (const std::string& metric : replaying_metrics(run)) {
    for (const Quantity& one : run.all()) {
      if (one.set != kTimes || one.name != metric) continue;
      add_once(operations, Key{.workload = one.workload, .params = one.params});
    }
  }
  // What never patches has no such case, and that is no news; what failed has a row that says so.
  return rows_of(run, operations, [](const Key& /*row*/, const results::Cell& cell) {
    return cell.status != results::CellStatus::unsupported;
  });
}

Column<Key> replay_column(const Quantities& run, const std::string& metric) {
  return {metric_title(run.results(), metric), [&run, metric](const Key& row) {
            const Quantity time = run.time(row, row.strategy, metric);
            return cost_entry(run, time, time.ratio, " ns", true);
          }};
}

Quantity replay_fact(const Quantities& run, const Key& row, std::string_view name) {
  for (const Quantity& one : run.of(*run.cell(row, row.strategy))) {
    if (one.set == kFacts && one.name == name) return one;
  }
  return {};
}

Column<Key> sends_in_a_hundred_column(const Quantities& run, const char* title, const char* fact) {
  return {title, [&run, fact](const Key& row) {
            const Quantity one = replay_fact(run, row, fact);
            return one.value ? number(short_number(100 * *one.value)) : Entry{};
          }};
}

/// "87.1 / 11.8 / 1.1", in per cent of the sites.
Entry states_entry(const Quantities& run, const Key& row) {
  std::string text;
  for (const char* state : {"linked-to-mic", "linked-to-closed-pic", "linked-to-open-pic"}) {
    const Quantity one = replay_fact(run, row, state);
    if (!one.value) return {};
    text += fmt::format("{}{:.1f}", text.empty() ? "" : " / ", 100 * *one.value);
  }
  return number(text);
}

}  // namespace

std::vector<std::string> replaying_metrics(const Quantities& run) {
  return measured_metrics(run, &results::MetricEntry::replays);
}

Section replays_section(const Quantities& run) {
  Section section{
      .title = "Recorded programs, replayed",
      .paragraphs = {"Sends as a program made them, in their order: from unlinked sites on, misses "
                     "included, and once more with every site linked. Medians over rounds; below "
                     "them the ratio to the baseline in the same round, with its 95 % interval. "
                     "The loop that executes the sends is the same for all strategies, and part "
                     "of each time."}};
  std::vector<Column<Key>> columns = {parameters_column(), strategy_column()};
  for (const std::string& metric : replaying_metrics(run)) {
    columns.push_back(replay_column(run, metric));
  }
  columns.push_back(sends_in_a_hundred_column(run, "misses in 100 sends, from unlinked", "misses"));
  columns.push_back(
      sends_in_a_hundred_column(run, "lookups in 100 sends, once linked", "method-cache-misses"));
  columns.push_back({"sites in the end, %: MIC / closed PIC / open PIC",
                     [&run](const Key& row) { return states_entry(run, row); }});
  const std::vector<Key> rows = replaying_cells(run);
  fill_table(section, rows, columns);
  if (!section.table) section.paragraphs.clear();
  section.detail = rows.size() > 40;
  return section;
}

}  // namespace patchbench::analysis
