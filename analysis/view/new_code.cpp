#include "analysis/view/new_code.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "analysis/quantity/selection.hpp"
#include "analysis/render/numbers.hpp"
#include "analysis/statistics/statistics.hpp"
#include "analysis/view/counters.hpp"
#include "analysis/view/table.hpp"
#include "analysis/view/titles.hpp"

namespace patchbench::analysis {
namespace {

using results::Params;

constexpr std::string_view kSize = "size";  // of a method, in bytes

/// Cells in which methods were installed; the metric of that is the key's name.
std::vector<Key> installing_cells(const Quantities& run) {
  std::vector<Key> operations;
  for (const std::string& metric : installing_metrics(run)) {
    for (const Quantity& one : run.all()) {
      if (one.set != kTimes || one.name != metric) continue;
      const Key operation{.workload = one.workload, .params = one.params, .name = metric};
      const bool known = std::ranges::any_of(operations, [&](const Key& other) {
        return other.workload == one.workload && other.params == one.params;
      });
      if (!known) operations.push_back(operation);
    }
  }
  return rows_of(run, operations,
                 [](const Key& /*row*/, const results::Cell& cell) { return is_ok(&cell); });
}

// ---- a row for each case ----

/// The ratio and its interval, below them the median; of the baseline a word and the median.
Entry method_ratio_entry(const Quantities& run, const Quantity& time) {
  if (!time.value) return {};
  std::string text = time.strategy == run.results().baseline ? "baseline" : "";
  if (time.ratio != nullptr && time.ratio->median) {
    const auto interval = deciding_interval(*time.ratio);
    text = short_number(*time.ratio->median) + " " + (interval ? short_interval(*interval) : "");
  }
  Entry entry = number(text + "\n" + short_number(*time.value) + " " + time.metric->unit);
  if (time.ratio != nullptr && !run.is_control(time.strategy)) {
    entry.cell.verdict = time.ratio->verdict;
  }
  return entry;
}

Column<Key> method_ratio_column(const Quantities& run, const std::string& metric) {
  return {metric_title(run.results(), metric), [&run, metric](const Key& row) {
            return method_ratio_entry(run, run.time(row, row.strategy, metric));
          }};
}

/// In user code and in the kernel's accesses together; each was counted apart.
Entry faults_entry(const Quantities& run, const Key& row) {
  Operation operation{row.workload, row.params};
  operation.per = row.name;
  std::optional<double> faults;
  for (const std::string_view scope : {"user", "kernel"}) {
    const Quantity one = run.at(event_key(operation, row.strategy, "vma", "minor-faults", scope));
    if (one.value) faults = faults.value_or(0) + *one.value;
  }
  return faults ? number(count_number(*faults)) : faint("not counted");
}

Column<Key> methods_memory_column(const Quantities& run, const char* title, const char* member) {
  return {title, [&run, member](const Key& row) {
            Key key = row;
            key.set = kMemory;
            key.name = member;
            const Quantity one = run.at(std::move(key));
            return one.value ? number(count_number(*one.value)) : faint("unknown");
          }};
}

Section method_cases_section(const Quantities& run, const std::vector<Key>& rows) {
  Section section{
      .title = "A method installed",
      .paragraphs = {"The ratio to the baseline in the same round, with its 95 % interval; below "
                     "it the median over rounds. Fresh pages cost a fault for each view that "
                     "touches them, recycled ones none. What is faulted in beforehand is not in "
                     "the first of the times, and is in that of a new zone."}};
  std::vector<Column<Key>> columns = {parameters_column(), strategy_column()};
  for (const std::string& metric : installing_metrics(run)) {
    columns.push_back(method_ratio_column(run, metric));
  }
  columns.push_back(
      {"page faults a method", [&run](const Key& row) { return faults_entry(run, row); }});
  columns.push_back(methods_memory_column(run, "resident KiB (Rss of every view)", "rss_kib"));
  columns.push_back(methods_memory_column(run, "page KiB", "page_kib"));
  columns.push_back(methods_memory_column(run, "of it on huge pages, KiB", "huge_kib"));
  fill_table(section, rows, columns);
  section.detail = rows.size() > 40;
  return section;
}

// ---- a method and its bytes ----

using ByRound = std::vector<std::optional<double>>;

/// By round, in ns.
struct SizeLine {
  ByRound method;  // of no bytes
  ByRound kib;
};

/// Through the smallest and the largest size with these parameters.
std::optional<SizeLine> size_line_of(const Quantities& run, const Key& row) {
  std::optional<Quantity> ends[2];
  std::int64_t sizes[2] = {0, 0};
  for (const Params& params : param_sets(run, row.workload)) {
    const auto size = integer_param(params, kSize);
    if (!size || without_param(params, kSize) != row.params) continue;
    const Quantity time = run.time({row.workload, params}, row.strategy, row.name);
    if (!time.value) continue;
    for (const std::size_t end : {std::size_t{0}, std::size_t{1}}) {
      const bool further = end == 0 ? *size < sizes[0] : *size > sizes[1];
      if (ends[end] && !further) continue;
      ends[end] = time;
      sizes[end] = *size;
    }
  }
  if (!ends[0] || sizes[0] == sizes[1]) return std::nullopt;
  constexpr double kKib = 1024;
  const auto& small = ends[0]->metric->samples;
  const auto& large = ends[1]->metric->samples;
  SizeLine line;
  for (std::size_t round = 0; round < std::min(small.size(), large.size()); ++round) {
    const bool both = small[round] && large[round];
    const double byte =
        both ? (*large[round] - *small[round]) / static_cast<double>(sizes[1] - sizes[0]) : 0;
    line.kib.push_back(both ? std::optional(byte * kKib) : std::nullopt);
    line.method.push_back(both ? std::optional(*small[round] - byte * static_cast<double>(sizes[0]))
                               : std::nullopt);
  }
  return line;
}

Entry round_median_entry(const ByRound& samples) {
  const std::vector<double> values = present(samples);
  const auto middle = median(values);
  if (!middle) return {};
  return number(exact_number(*middle) + " " + full_interval(median_ci95(values)));
}

/// Of what is not above zero there is no ratio.
Entry round_ratio_entry(const ByRound& own, const ByRound& base) {
  const auto is_lost = [](const std::optional<double>& value) { return value && *value <= 0; };
  if (std::ranges::any_of(own, is_lost) || std::ranges::any_of(base, is_lost)) return {};
  const PairedRatio ratio = paired_ratio(own, base);
  const auto interval = deciding_interval(ratio);
  if (!ratio.median || !interval) return {};
  return number(short_number(*ratio.median) + " " + short_interval(*interval));
}

Section method_bytes_section(const Quantities& run, const std::vector<Key>& cells) {
  std::vector<Key> rows;
  for (const Key& cell : cells) {
    Key row = cell;
    row.params = without_param(cell.params, kSize);
    if (size_line_of(run, row)) add_once(rows, row);
  }
  Section section{
      .title = "A method apart from its bytes",
      .paragraphs = {"In each round the line through the smallest and the largest method: what a "
                     "method costs whatever its size, and what each KiB of it adds, page faults "
                     "included, which come with bytes; then the ratio of the latter to the "
                     "baseline. Medians over rounds with their 95 % intervals."}};
  fill_table(
      section, rows,
      {parameters_column(),
       strategy_column(),
       {"ns a method",
        [&run](const Key& row) { return round_median_entry(size_line_of(run, row)->method); }},
       {"ns a KiB",
        [&run](const Key& row) { return round_median_entry(size_line_of(run, row)->kib); }},
       {"KiB, ratio", [&run](const Key& row) {
          Key base = row;
          base.strategy = run.results().baseline;
          const auto line = size_line_of(run, base);
          if (!line || row.strategy == base.strategy) return Entry{};
          return round_ratio_entry(size_line_of(run, row)->kib, line->kib);
        }}});
  section.detail = rows.size() > 40;
  return section;
}

}  // namespace

std::vector<std::string> installing_metrics(const Quantities& run) {
  return measured_metrics(run, &results::MetricEntry::installs);
}

std::vector<Section> new_code_sections(const Quantities& run) {
  const std::vector<Key> cells = installing_cells(run);
  std::vector<Section> sections;
  for (Section section : {method_cases_section(run, cells), method_bytes_section(run, cells)}) {
    if (section.table) sections.push_back(std::move(section));
  }
  return sections;
}

}  // namespace patchbench::analysis
