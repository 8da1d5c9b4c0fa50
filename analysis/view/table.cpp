#include "analysis/view/table.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "analysis/quantity/selection.hpp"
#include "analysis/render/numbers.hpp"
#include "analysis/render/wrap.hpp"
#include "analysis/statistics/statistics.hpp"

namespace patchbench::analysis {

using results::Verdict;

Entry plain(std::string text) { return {{std::move(text), Tone::plain}}; }
Entry name(std::string text) { return {{std::move(text), Tone::name}}; }
Entry number(std::string text) { return {{std::move(text), Tone::number}}; }
Entry faint(std::string text) { return {{std::move(text), Tone::faint}}; }

Entry verdict_word(Verdict verdict) {
  return {{std::string(to_string(verdict)), tone_of(verdict)}};
}

Column<Key> workload_column() {
  return {"workload", [](const Key& key) { return plain(key.workload); }};
}
Column<Key> parameters_column() {
  return {"parameters", [](const Key& key) { return plain(spaced(key.params)); }};
}
Column<Key> strategy_column() {
  return {"strategy", [](const Key& key) { return name(key.strategy); }};
}

std::vector<Key> cases_measuring(const Quantities& run, const std::vector<std::string>& metrics) {
  std::vector<Key> operations;
  for (const Quantity& one : run.all()) {
    const bool is_wanted = one.set == kTimes && std::ranges::count(metrics, one.name) > 0;
    if (is_wanted) add_once(operations, Key{.workload = one.workload, .params = one.params});
  }
  return rows_of(run, operations,
                 [](const Key& /*row*/, const results::Cell& cell) { return is_ok(&cell); });
}

TextCell Footnotes::marked(Entry entry) {
  if (!entry.why.empty()) {
    add_once(reasons_, entry.why);
    const auto at = std::ranges::find(reasons_, entry.why) - reasons_.begin();
    entry.cell.text += fmt::format(" [{}]", at + 1);
  }
  if (!entry.star.empty()) {
    entry.cell.text += '*';
    star_ = std::move(entry.star);
  }
  return std::move(entry.cell);
}

std::vector<std::string> Footnotes::take() {
  std::vector<std::string> notes;
  for (const std::string& reason : reasons_) {
    notes.push_back(fmt::format("[{}] not available: {}", notes.size() + 1, reason));
  }
  if (!star_.empty()) notes.push_back("* " + star_);
  return notes;
}

Entry cost_entry(const Quantities& run, const Quantity& time, const results::Ratio* ratio,
                 std::string_view unit, bool to_baseline) {
  if (time.cell == nullptr) return {};
  if (!time.value) return faint(is_ok(time.cell) ? "-" : std::string(to_string(time.cell->status)));
  std::string text = short_number(*time.value) + std::string(unit);
  if (to_baseline && time.strategy == run.results().baseline) return number(text + "\nbaseline");
  if (ratio == nullptr || !ratio->median) return number(text);
  const auto interval = deciding_interval(*ratio);
  Entry entry = number(fmt::format("{}\n{} {}", text, short_number(*ratio->median),
                                   interval ? short_interval(*interval) : "[n<2]"));
  // Controls are what strategies are held against: a verdict on one would read as advice.
  if (!run.is_control(time.strategy)) entry.cell.verdict = ratio->verdict;
  return entry;
}

}  // namespace patchbench::analysis
