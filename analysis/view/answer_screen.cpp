#include "analysis/view/answer_screen.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "analysis/quantity/comparable.hpp"
#include "analysis/quantity/identical.hpp"
#include "analysis/quantity/selection.hpp"
#include "analysis/render/numbers.hpp"
#include "analysis/render/wrap.hpp"
#include "analysis/statistics/statistics.hpp"
#include "analysis/view/answer.hpp"
#include "analysis/view/table.hpp"

namespace patchbench::analysis {
namespace {

using results::Answer;
using results::Verdict;

/// Strategies that keep their rows as long as notes can be shortened instead.
constexpr std::size_t kCoreRows = 6;

/// Of which ratios the table says how far they may be from 1.
enum class Reaches { all, inconclusive, none };

/// How much the table has beside each strategy.
struct Columns {
  bool policies = true;
  bool stacked_titles = false;
  Reaches reaches = Reaches::all;
  bool break_even = true;
};
constexpr std::array<Columns, 6> kColumns = {{
    {},
    {.policies = false},
    {.policies = false, .stacked_titles = true},
    {.policies = false, .stacked_titles = true, .reaches = Reaches::inconclusive},
    {.policies = false, .stacked_titles = true, .reaches = Reaches::none},
    {.policies = false, .stacked_titles = true, .reaches = Reaches::none, .break_even = false},
}};

/// How much stands around the table, and how many rows that has to leave room for.
enum class Notes { apart, together, few, brief, least };
struct Shape {
  Notes notes = Notes::apart;
  std::size_t recommendations = 0;  // 0: all
  std::size_t rows = kCoreRows;
};
constexpr std::array<Shape, 6> kShapes = {{
    {Notes::apart},
    {Notes::together},
    {Notes::few},
    {Notes::brief},
    {.notes = Notes::least, .rows = 3},
    {.notes = Notes::least, .recommendations = 2, .rows = 1},
}};

/// The ratio where it is decided, else what its interval rules out.
std::string effect(const results::Ratio& ratio, Reaches reaches) {
  const auto interval = deciding_interval(ratio);
  if (!interval || !ratio.median) return "";
  if (is_decided(ratio.verdict)) return ratio_text(*ratio.median);
  const bool shown = reaches == Reaches::all ||
                     (reaches == Reaches::inconclusive && ratio.verdict == Verdict::inconclusive);
  if (!shown) return " ";
  const double reach = std::max((*interval)[1] - 1, 1 - (*interval)[0]);
  return fmt::format("+-{:.1f}%", 100 * std::max(reach, 0.001));
}

Entry cost_with_effect(const Quantities& run, const CostAt& at, const std::string& id,
                       Reaches reaches) {
  const Quantity time = run.time({at.workload, at.params}, id, at.metric);
  if (!time.value)
    return faint(time.cell == nullptr ? "" : std::string(to_string(time.cell->status)));
  Entry entry = number(duration_text(*time.value));
  if (id == run.results().baseline || time.ratio == nullptr) return entry;
  entry.cell.text += fmt::format("\n{}", effect(*time.ratio, reaches));
  entry.cell.verdict = time.ratio->verdict;
  return entry;
}

bool holds(const std::vector<std::string>& texts, const std::string& text) {
  return std::ranges::find(texts, text) != texts.end();
}

bool is_available(const Quantities& run, const std::string& id) {
  const auto* status = run.status(id);
  return status == nullptr || status->status == results::Availability::available;
}

/// The first policy, and how many more there are.
Entry first_policy_entry(const Quantities& run, const std::string& id) {
  const auto* status = run.status(id);
  if (status == nullptr) return plain("");
  if (!is_available(run, id)) return plain(std::string(to_string(status->status)) + " here");
  const auto& all = status->refused_by;
  if (all.empty()) return plain("none");
  const std::string first = all.front().substr(0, all.front().find(','));
  return plain(all.size() == 1 ? first : fmt::format("{} +{}", first, all.size() - 1));
}

std::vector<Column<std::string>> columns_of(const Quantities& run, const Answer& answer,
                                            const AnswerCases& cases, const Columns& shown) {
  const auto title = [&shown](const char* what, const results::Params& params) {
    return fmt::format("{}{}{}", what, shown.stacked_titles ? '\n' : ' ', sites_text(params));
  };
  const auto cost = [&run, reaches = shown.reaches](const CostAt& at, std::string words) {
    return Column<std::string>{std::move(words), [&run, at, reaches](const std::string& id) {
                                 return cost_with_effect(run, at, id, reaches);
                               }};
  };
  std::vector<Column<std::string>> columns = {
      {"strategy", [](const std::string& id) { return name(id); }}};
  if (shown.policies) {
    columns.push_back({"refused by", [&](const auto& id) { return first_policy_entry(run, id); }});
  }
  for (const CostAt& at : cases.sends) columns.push_back(cost(at, title("send,", at.params)));
  if (cases.patch) {
    columns.push_back(cost(*cases.patch, title("patch,", cases.patch->params)));
    if (shown.break_even) {
      columns.push_back({"break-even", [&](const auto& id) { return cheaper_entry(answer, id); }});
    }
  }
  return columns;
}

/// `count` of `all`, in their order. Chosen are the baseline and what is recommended, then what
/// this machine allows, then the rest.
std::vector<std::string> chosen_rows(const Quantities& run, const Answer& answer,
                                     const std::vector<std::string>& all, std::size_t count) {
  const auto rank = [&](const std::string& id) {
    if (id == run.results().baseline) return 0;
    if (holds(answer.strategies, id)) return 1;
    return is_available(run, id) ? 2 : 3;
  };
  std::vector<std::string> ranked = all;
  std::ranges::stable_sort(ranked, {}, rank);
  ranked.resize(std::min(count, ranked.size()));
  std::vector<std::string> rows = all;
  std::erase_if(rows, [&](const std::string& id) { return !holds(ranked, id); });
  return rows;
}

std::vector<std::string> recommendations(const Answer& answer, const Shape& shape) {
  std::vector<std::string> lines = answer.recommendation;
  if (shape.recommendations == 0 || lines.size() <= shape.recommendations) return lines;
  const std::size_t more = lines.size() - shape.recommendations;
  lines.resize(shape.recommendations);
  lines.back() += fmt::format(" The report has {} more.", more);
  return lines;
}

/// What has no row, and which of them this machine does not have; empty where all have one.
std::string left_to_the_report(const Quantities& run, const std::vector<std::string>& folded) {
  if (folded.empty()) return "";
  const auto absent = std::ranges::count_if(
      folded, [&run](const std::string& id) { return !is_available(run, id); });
  return fmt::format("{} more strateg{}{} in the report; bench-run --verbose prints all.",
                     folded.size(), folded.size() == 1 ? "y" : "ies",
                     absent == 0 ? "" : fmt::format(", {} of them not available here,", absent));
}

std::string signs_alone(const Quantities& run) {
  return fmt::format(
      "To {}, 95 %: < faster, > slower, = same within {:.3g} %, ? inconclusive, +- not ruled out; "
      "break-even in sends a patch.",
      run.results().baseline, 100 * delta_of(run.results()));
}

/// Alarms stand by themselves in every shape.
std::vector<std::string> notes_of(const Quantities& run, const Answer& answer, Notes notes,
                                  const std::vector<std::string>& folded) {
  const std::vector<std::string> alarms = identical_alarms(run.results());
  std::vector<std::string> trust = answer.trust;
  std::erase_if(trust, [&](const std::string& line) { return holds(alarms, line); });
  if (notes >= Notes::few) trust.resize(std::min<std::size_t>(trust.size(), 1));
  if (notes == Notes::least) trust.clear();
  std::vector<std::string> lines = {notes >= Notes::brief ? signs_alone(run)
                                                          : how_to_read_answer(run)};
  lines.insert(lines.end(), trust.begin(), trust.end());
  // The rows of those that have one say it too.
  if (notes == Notes::apart) {
    lines.insert(lines.end(), answer.refused.begin(), answer.refused.end());
  }
  if (std::string line = left_to_the_report(run, folded); !line.empty()) {
    lines.push_back(std::move(line));
  }
  if (notes != Notes::apart) lines = {joined(lines, " ")};
  lines.insert(lines.begin(), alarms.begin(), alarms.end());
  return lines;
}

/// One answer, laid out for one width.
class Screen {
 public:
  Screen(const Quantities& run, const Answer& answer, const TerminalStyle& style)
      : run_(run),
        answer_(answer),
        style_(style),
        cases_(cases_of(run, answer)),
        rows_(rows_of_answer(run)) {}

  [[nodiscard]] std::string text() const {
    std::string text;
    for (const Shape& shape : kShapes) {
      const std::size_t least = std::min(shape.rows, rows_.size());
      for (std::size_t rows = rows_.size(); rows >= std::max<std::size_t>(least, 1); --rows) {
        text = text_of(shape, rows);
        if (std::ranges::count(text, '\n') <= kScreenLines) return text;
      }
    }
    return text;
  }

 private:
  [[nodiscard]] std::string text_of(const Shape& shape, std::size_t rows) const {
    Section section{.paragraphs = recommendations(answer_, shape)};
    const std::vector<std::string> shown = chosen_rows(run_, answer_, rows_, rows);
    fill(section, shown);
    std::vector<std::string> folded = rows_;
    std::erase_if(folded, [&](const std::string& id) { return holds(shown, id); });
    section.footnotes = notes_of(run_, answer_, shape.notes, folded);
    std::string text = terminal_text(std::vector{section}, style_);
    // Notes need no gap above them where lines are few.
    if (const std::size_t gap = text.rfind("\n\n"); gap != std::string::npos) text.erase(gap, 1);
    return text;
  }
  /// With as many columns as stand beside each other.
  void fill(Section& section, const std::vector<std::string>& rows) const {
    if (cases_.sends.empty()) return;
    for (const Columns& columns : kColumns) {
      fill_table(section, rows, columns_of(run_, answer_, cases_, columns));
      if (section.table && stands_in_one_block(*section.table, style_)) return;
    }
  }

  const Quantities& run_;
  const Answer& answer_;
  TerminalStyle style_;
  AnswerCases cases_;
  std::vector<std::string> rows_;
};

}  // namespace

std::string terminal_answer(const Quantities& run, const Answer& answer,
                            const TerminalStyle& style) {
  return Screen(run, answer, style).text();
}

}  // namespace patchbench::analysis
