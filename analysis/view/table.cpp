#include "analysis/view/table.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "analysis/quantity/comparable.hpp"
#include "analysis/quantity/flags.hpp"
#include "analysis/quantity/identical.hpp"
#include "analysis/quantity/repetitions.hpp"
#include "analysis/quantity/selection.hpp"
#include "analysis/render/numbers.hpp"
#include "analysis/render/wrap.hpp"
#include "analysis/statistics/statistics.hpp"
#include "analysis/view/catalogue.hpp"
#include "analysis/view/counters.hpp"
#include "analysis/view/headline.hpp"
#include "analysis/view/how_measured.hpp"
#include "analysis/view/publishing.hpp"
#include "analysis/view/self_test.hpp"
#include "analysis/view/simulated.hpp"
#include "analysis/view/titles.hpp"
#include "analysis/view/translation.hpp"

namespace patchbench::analysis {
namespace {

using results::Cell;
using results::Results;
using results::Verdict;

constexpr std::size_t kColumnWidth = 25;  // "13.0k 1.02 [0.98,1.06] ="
constexpr std::size_t kGap = 2;
constexpr std::string_view kReset = "\033[0m";
constexpr std::string_view kGreenText = "\033[32m";
constexpr std::string_view kRedText = "\033[31m";
constexpr std::string_view kFaint = "\033[2m";

char sign(Verdict verdict) {
  switch (verdict) {
    case Verdict::faster:
      return '<';
    case Verdict::slower:
      return '>';
    case Verdict::same:
      return '=';
    case Verdict::unsure:
      return '?';
  }
  return '?';
}

std::string_view colour_of(Verdict verdict) {
  if (verdict == Verdict::faster) return kGreenText;
  if (verdict == Verdict::slower) return kRedText;
  return verdict == Verdict::unsure ? kFaint : "";
}

/// What a column's ratios are to.
enum class Against { baseline, none };

constexpr char kMark = '*';

std::string cut(std::string text, std::size_t width) {
  if (text.size() <= width) return text;
  text.resize(width - 2);
  return text + "..";
}

/// One terminal, one run.
class Table {
 public:
  Table(const Results& results, const TableOptions& options)
      : results_(results),
        width_(static_cast<std::size_t>(std::max(80, options.width))),
        colour_(options.colour),
        mode_ratios_(mode_ratios(results)) {
    for (const std::string& id : strategies_in_order(results)) {
      const bool marked = std::any_of(
          results.cells.begin(), results.cells.end(),
          [&](const Cell& cell) { return cell.strategy == id && lacks_guarantee(cell); });
      name_width_ =
          std::max(name_width_, std::min<std::size_t>(id.size(), 24) + (marked ? 1U : 0U));
    }
  }

  [[nodiscard]] std::string text() {
    const std::vector<HeadlineColumn> columns = headline_columns(results_);
    for (const std::string& alarm : self_test_alarms(results_.context)) {
      out_ += wrap(alarm, width_, 2);
    }
    for (const std::string& alarm : identical_alarms(results_)) out_ += wrap(alarm, width_, 2);
    out_ += title();
    for (const std::string& line : identical_lines(results_)) out_ += wrap(line, width_, 2);
    if (!times_mean_something(results_.context)) {
      statuses();
      counters();
      return out_ + simulated_terminal_table(results_, width_);
    }
    if (columns.empty()) out_ += "No cell was measured.\n";
    blocks(columns, Against::baseline);
    modes(columns);
    missing(columns);
    notes(columns);
    legend(columns);
    findings();
    counters();
    return out_ + simulated_terminal_table(results_, width_);
  }

 private:
  [[nodiscard]] std::string title() const {
    std::string line;
    if (!times_mean_something(results_.context)) {
      line += "EMULATED: times mean nothing, and none is shown. ";
    }
    line += fmt::format("{} round{}", results_.run.rounds, results_.run.rounds == 1 ? "" : "s");
    if (!results_.baseline.empty() && times_mean_something(results_.context)) {
      line += ", ratios to " + results_.baseline;
    }
    if (results_.run.interrupted) line += ", interrupted";
    if (results_.context.cpu.model) line += "; " + *results_.context.cpu.model;
    return wrap(line, width_);
  }

  /// What remains of a run whose times mean nothing: which cells ran and were right.
  void statuses() {
    line("");
    for (const std::string& id : strategies_in_order(results_)) {
      std::vector<std::pair<results::CellStatus, int>> counts;
      for (const Cell& cell : results_.cells) {
        if (cell.strategy != id) continue;
        auto found = std::find_if(counts.begin(), counts.end(),
                                  [&](const auto& known) { return known.first == cell.status; });
        if (found == counts.end()) found = counts.insert(counts.end(), {cell.status, 0});
        ++found->second;
      }
      std::string row = fmt::format("{:<{}}", cut(id, name_width_), name_width_);
      for (const auto& [status, count] : counts) {
        row += fmt::format("  {} {}", count, to_string(status));
      }
      line(row);
    }
    reasons([](const Cell&) { return true; });
  }

  void blocks(const std::vector<HeadlineColumn>& columns, Against against) {
    const std::size_t at_once =
        std::max<std::size_t>(1, (width_ - name_width_) / (kGap + kColumnWidth));
    for (std::size_t first = 0; first < columns.size(); first += at_once) {
      const auto from = columns.begin() + static_cast<std::ptrdiff_t>(first);
      const auto count = std::min(at_once, columns.size() - first);
      block({from, from + static_cast<std::ptrdiff_t>(count)}, against);
    }
  }

  /// What each mode costs against none.
  void modes(std::vector<HeadlineColumn> columns) {
    std::erase_if(columns, [this](const HeadlineColumn& column) {
      return std::none_of(mode_ratios_.begin(), mode_ratios_.end(), [&](const ModeRatio& one) {
        return one.workload == column.workload && one.params == column.params &&
               one.ratio.metric == column.metric;
      });
    });
    if (columns.empty()) return;
    line("");
    out_ +=
        wrap("What a patch ends with (--publish): cost, and its ratio to none of the same strategy",
             width_);
    blocks(columns, Against::none);
  }

  void block(const std::vector<HeadlineColumn>& columns, Against against) {
    std::string names = fmt::format("{:<{}}", "", name_width_);
    std::string params = fmt::format("{:<{}}", "strategy", name_width_);
    std::string kinds = kinds_of(columns);
    for (const HeadlineColumn& column : columns) {
      names += fmt::format("{:{}}{:<{}}", "", kGap, title_of(column), kColumnWidth);
      params += fmt::format("{:{}}{:<{}}", "", kGap, cut(short_params(column), kColumnWidth),
                            kColumnWidth);
    }
    line("");
    line(names);
    if (!kinds.empty()) line(kinds);
    line(params);
    bool controls = false;
    for (const std::string& id : strategies_in_order(results_)) {
      const std::string row = row_of(id, columns, against);
      if (row.empty()) continue;
      if (is_control(results_, id) && !controls) line(std::string(name_width_, '-'));
      controls = is_control(results_, id);
      line(row);
    }
  }

  /// Without the part in brackets, which has a line of its own: "relink: patch + execute".
  [[nodiscard]] std::string title_of(const HeadlineColumn& column) const {
    const std::string title = metric_title(column.metric);
    const std::size_t bracket = title.find(" (");
    const std::string what =
        bracket == std::string::npos ? title + unit_of(column) : title.substr(0, bracket);
    return cut(column.workload + ": " + what, kColumnWidth);
  }

  /// "(among hits), ns" under those that have it; empty where none has.
  [[nodiscard]] std::string kinds_of(const std::vector<HeadlineColumn>& columns) const {
    std::string kinds = fmt::format("{:<{}}", "", name_width_);
    bool any = false;
    for (const HeadlineColumn& column : columns) {
      const std::string title = metric_title(column.metric);
      const std::size_t bracket = title.find(" (");
      const bool has = bracket != std::string::npos;
      any = any || has;
      kinds += fmt::format("{:{}}{:<{}}", "", kGap,
                           has ? title.substr(bracket + 1) + unit_of(column) : "", kColumnWidth);
    }
    return any ? kinds : "";
  }

  /// ", ns"
  [[nodiscard]] std::string unit_of(const HeadlineColumn& column) const {
    for (const Cell& cell : results_.cells) {
      if (cell.workload != column.workload) continue;
      if (const auto* metric = find_metric(cell, column.metric)) return ", " + metric->unit;
    }
    return "";
  }

  /// Without most of the parameters that are the same in all of a workload's cells.
  [[nodiscard]] std::string short_params(const HeadlineColumn& column) const {
    const std::vector<results::Params> sets = param_sets(results_, column.workload);
    results::Params varied;
    for (const auto& param : column.params) {
      const bool varies = std::any_of(sets.begin(), sets.end(), [&](const results::Params& other) {
        const auto* value = find_param(other, param.first);
        return value == nullptr || *value != param.second;
      });
      constexpr std::array<std::string_view, 3> kTelling = {"sites", "degree", "classes"};
      const bool telling =
          std::find(kTelling.begin(), kTelling.end(), param.first) != kTelling.end();
      if (varies || telling) varied.push_back(param);
    }
    if (column.mode.empty()) return results::params_text(varied.empty() ? column.params : varied);
    const std::string others = results::params_text(without_mode(varied));
    return column.mode + (others.empty() ? "" : ", ") + others;
  }

  /// Empty where none of the columns can have a value, as for a control that belongs to another
  /// workload.
  [[nodiscard]] std::string row_of(const std::string& id,
                                   const std::vector<HeadlineColumn>& columns,
                                   Against against) const {
    const bool marked = std::any_of(columns.begin(), columns.end(), [&](const auto& column) {
      const Cell* cell = find_cell(results_, column.workload, id, column.params);
      return cell != nullptr && lacks_guarantee(*cell) && usable_metric(cell, column.metric);
    });
    std::string row = marked ? fmt::format("{:<{}}", cut(id, name_width_ - 1) + kMark, name_width_)
                             : fmt::format("{:<{}}", cut(id, name_width_), name_width_);
    const auto* status = find_strategy(results_, id);
    if (status != nullptr && status->status != results::Availability::available) {
      return against == Against::none ? "" : row + "  not available on this machine, see below";
    }
    bool any = false;
    for (const HeadlineColumn& column : columns) {
      const Cell* cell = find_cell(results_, column.workload, id, column.params);
      const bool there = cell != nullptr && cell->status != results::CellStatus::unsupported;
      any = any ||
            (there && (against == Against::baseline || ratio_of(*cell, column.metric, against)));
      row += std::string(kGap, ' ') + entry(cell, column.metric, against);
    }
    return any ? row : "";
  }

  [[nodiscard]] const results::Ratio* ratio_of(const Cell& cell, std::string_view metric,
                                               Against against) const {
    return against == Against::none ? find_mode_ratio(mode_ratios_, cell, metric)
                                    : find_ratio(cell, metric);
  }

  [[nodiscard]] std::string entry(const Cell* cell, std::string_view name, Against against) const {
    if (cell == nullptr) return std::string(kColumnWidth, ' ');
    const auto* metric = usable_metric(cell, name);
    if (metric == nullptr) {
      const bool ok = cell->status == results::CellStatus::ok;
      return paint(
          fmt::format("{:>5} {:<{}}", "-", ok ? "" : to_string(cell->status), kColumnWidth - 6),
          kFaint);
    }
    const std::string cost = fmt::format("{:>5} ", short_number(*metric->median));
    if (cell->strategy == results_.baseline && against == Against::baseline) {
      return fmt::format("{:<{}}", cost + "baseline", kColumnWidth);
    }
    const auto* ratio = ratio_of(*cell, name, against);
    if (ratio == nullptr || !ratio->median) return fmt::format("{:<{}}", cost, kColumnWidth);
    const auto deciding = deciding_interval(*ratio);
    const std::string interval = deciding ? short_interval(*deciding) : "[n<2]";
    // The noise is what verdicts are held against; it has none itself.
    const bool noise = cell->strategy == "again";
    const std::string text = fmt::format("{:>4} {:<11} {}", short_number(*ratio->median), interval,
                                         noise ? ' ' : sign(ratio->verdict));
    const std::size_t used = cost.size() + text.size();
    return cost + paint(text, noise ? "" : colour_of(ratio->verdict)) +
           std::string(kColumnWidth > used ? kColumnWidth - used : 0, ' ');
  }

  [[nodiscard]] std::string paint(const std::string& text, std::string_view colour) const {
    if (!colour_ || colour.empty()) return text;
    return std::string(colour) + text + std::string(kReset);
  }

  void line(std::string text) {
    text.erase(text.find_last_not_of(' ') + 1);
    out_ += text + '\n';
  }

  /// Why a row or an entry has no number.
  void missing(const std::vector<HeadlineColumn>& columns) {
    reasons([&columns](const Cell& cell) {
      return std::any_of(columns.begin(), columns.end(), [&](const HeadlineColumn& column) {
        return column.workload == cell.workload && column.params == cell.params;
      });
    });
  }

  /// What went wrong in the cells that are `shown`; what shares a reason shares a line.
  template <typename Shown>
  void reasons(Shown shown) {
    Grouping lines;
    for (const auto& strategy : results_.strategies) {
      if (strategy.status == results::Availability::available) continue;
      lines.add(std::string(to_string(strategy.status)) + ": " +
                    why_missing(results_, strategy.id, nullptr),
                strategy.id);
    }
    for (const Cell& cell : results_.cells) {
      const auto* status = find_strategy(results_, cell.strategy);
      if (status != nullptr && status->status != results::Availability::available) continue;
      if (cell.status == results::CellStatus::ok) continue;
      if (shown(cell)) {
        lines.add(why_missing(results_, cell.strategy, &cell), cell.workload + "/" + cell.strategy);
      }
    }
    if (!lines.groups().empty()) line("");
    for (const auto& [why, who] : lines.groups()) {
      out_ += wrap(fmt::format("{}: {}", joined(who), why), width_, 2);
    }
  }

  /// What the marks of rows say, and which modes have no column.
  void notes(const std::vector<HeadlineColumn>& columns) {
    const std::string note = guarantee_footnote(results_, columns);
    const auto missing = missing_modes(results_);
    const auto translation = translation_footnotes(results_, columns);
    if (!note.empty() || !missing.empty() || !translation.empty()) line("");
    if (!note.empty()) out_ += wrap(kMark + (" " + note), width_, 2);
    for (const std::string& one : translation) out_ += wrap(one, width_, 2);
    for (const std::string& mode : missing) out_ += wrap(mode, width_, 2);
  }

  void legend(const std::vector<HeadlineColumn>& columns) {
    if (columns.empty()) return;
    line("");
    const std::string base = results_.baseline.empty() ? "the baseline" : results_.baseline;
    out_ += wrap(
        fmt::format("5.13 1.02 [0.98,1.06] = reads: median of the rounds; ratio to {}, below 1 is "
                    "faster; interval: 95 %, by ranks (below nine rounds of the geometric mean); < "
                    "faster, > slower, = same within {:.3g} %, ? unsure.{}",
                    base, 100 * delta_of(results_),
                    verdicts_corrected(results_)
                        ? " Verdicts, unlike intervals, are corrected for the "
                          "number of a workload's ratios."
                        : ""),
        width_);
    out_ += wrap(
        fmt::format(
            "floor: a send's bytes, never patched: the best to hope for. unchecked: without the "
            "class check. again: {} once more, so the noise of this run.",
            base),
        width_);
  }

  /// What the run says of itself, and what a longer one would take.
  void findings() {
    std::vector<std::string> sentences = repetition_advice(results_);
    if (std::string flags = flags_sentence(results_); !flags.empty()) {
      sentences.insert(sentences.begin(), std::move(flags));
    }
    if (results_.run.flagged && results_.run.flagged->any > 0) {
      sentences.push_back(flagged_sentence(results_));
    }
    if (!sentences.empty()) line("");
    for (const std::string& sentence : sentences) out_ += wrap(sentence, width_);
  }

  /// Their tables are wider than any terminal: the report has them.
  void counters() {
    const std::vector<std::string> lines = counter_summary(results_);
    if (!lines.empty()) line("");
    for (const std::string& text : lines) out_ += wrap(text, width_, 2);
  }

  const Results& results_;
  std::size_t width_;
  bool colour_;
  std::vector<ModeRatio> mode_ratios_;
  std::size_t name_width_ = 8;
  std::string out_;
};

}  // namespace

std::string terminal_table(const Results& results, const TableOptions& options) {
  return Table(results, options).text();
}

}  // namespace patchbench::analysis
