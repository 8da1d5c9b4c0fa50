#include "analysis/view/comparison_document.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "analysis/render/numbers.hpp"
#include "analysis/render/wrap.hpp"
#include "analysis/view/table.hpp"
#include "analysis/view/titles.hpp"

namespace patchbench::analysis {
namespace {

using results::Params;
using results::Verdict;

constexpr std::size_t kListed = 5;

using Metrics = std::vector<results::MetricEntry>;

std::string place(const Metrics& metrics, std::string_view workload, std::string_view metric,
                  const Params& params) {
  const std::string text = fmt::format("{}: {}", workload, metric_title(metrics, metric));
  return params.empty() ? text : text + ", " + results::params_text(params);
}

double percent(double quotient) { return 100 * (quotient - 1); }

std::string side_text(const Side& side) {
  if (!side.median) return "-";
  const std::string interval = side.interval ? short_interval(*side.interval) : "[n<2]";
  return short_number(*side.median) + " " + interval;
}

std::string change_text(const Change& change) {
  if (!change.change) return "too few rounds";
  const Interval& interval = *change.interval;
  return fmt::format("{:+.1f} % [{:+.1f}, {:+.1f}]", percent(*change.change), percent(interval[0]),
                     percent(interval[1]));
}

std::string count_of(std::size_t count, const char* one, const char* many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

std::string break_even_text(const BreakEven& found, const BreakEvenPair& pair) {
  switch (found.kind) {
    case BreakEven::Kind::one_always:
      return pair.one + " always";
    case BreakEven::Kind::other_always:
      return pair.other + " always";
    case BreakEven::Kind::inconclusive:
      return "inconclusive";
    case BreakEven::Kind::at:
      break;
  }
  const std::string& better = found.one_from_there_on ? pair.one : pair.other;
  if (!found.sends) return better + " from an unknown number on";
  return fmt::format("{} from {} {} on", better, short_number(*found.sends),
                     found.interval ? short_interval(*found.interval) : "");
}

std::string_view agreement_text(const BreakEvenPair& pair) {
  if (pair.agreement == Agreement::holds) return "holds";
  if (pair.agreement == Agreement::reversed) return "REVERSED";
  return pair.first.kind == BreakEven::Kind::at && pair.second.kind == BreakEven::Kind::at
             ? "holds, at another number"
             : "open";
}

Entry verdict_entry(const Change& change) {
  Entry entry = change.twin ? faint("(noise)") : verdict_word(change.verdict);
  if (change.regression) entry.cell.text += ", REGRESSION";
  return entry;
}

enum class Shown { verdicts, ratios, times };

/// A section for each metric and parameter set, in the order of the run.
void add_tables(Document& document, const Metrics& metrics, const std::vector<Change>& changes,
                Shown shown) {
  std::vector<Column<Change>> columns = {
      {"strategy", [](const Change& change) { return name(change.strategy); }},
      {"first", [](const Change& change) { return number(side_text(change.first)); }},
      {"second", [](const Change& change) { return number(side_text(change.second)); }},
      {shown == Shown::ratios ? "second / first" : "change",
       [](const Change& change) { return number(change_text(change)); }}};
  if (shown == Shown::verdicts) columns.push_back({"verdict", verdict_entry});
  std::vector<std::pair<std::string, std::vector<Change>>> tables;
  for (const Change& change : changes) {
    std::string where = place(metrics, change.workload, change.metric, change.params);
    if (shown == Shown::times) where += ", " + change.unit;
    auto found = std::ranges::find(tables, where, &decltype(tables)::value_type::first);
    if (found == tables.end()) found = tables.insert(tables.end(), {where, {}});
    found->second.push_back(change);
  }
  for (auto& [where, rows] : tables) {
    fill_table(document.rest.emplace_back(Section{.title = std::move(where)}), rows, columns);
  }
}

std::string chain_of(const StrategyOrder& order) {
  std::string chain = order.strategies.front();
  for (std::size_t i = 0; i < order.certain.size(); ++i) {
    chain += (order.certain[i] ? " < " : " ~ ") + order.strategies[i + 1];
  }
  return chain;
}

void add_orders(Document& document, const Metrics& metrics,
                const std::vector<StrategyOrder>& orders) {
  if (orders.empty()) return;
  Section section{.title = "Order of strategies, cheapest first: < holds in both runs, ~ does not"};
  const auto where = [&metrics](const StrategyOrder& order) {
    return place(metrics, order.workload, order.metric, order.params);
  };
  fill_table(section, orders,
             {{"cost", [&](const StrategyOrder& order) { return plain(where(order)); }},
              {"order", [](const StrategyOrder& order) { return plain(chain_of(order)); }}});
  std::map<Agreement, std::size_t> counts;
  for (const StrategyOrder& order : orders) {
    for (const PairOrder& pair : order.pairs) {
      ++counts[pair.agreement];
      if (pair.agreement != Agreement::reversed) continue;
      section.footnotes.push_back(
          fmt::format("REVERSED {}: {} < {} in the first, the reverse in the second", where(order),
                      pair.cheaper, pair.costlier));
    }
  }
  section.paragraphs.push_back(fmt::format(
      "Of all pairs: {} hold in both runs, {} are reversed, {} are certain in one at most.",
      counts[Agreement::holds], counts[Agreement::reversed], counts[Agreement::open]));
  document.rest.push_back(std::move(section));
}

void add_break_evens(Document& document, std::vector<BreakEvenPair> pairs) {
  if (pairs.empty()) return;
  Section section{.title = "Break-even, sends a patch",
                  .paragraphs = {"Patch + execute of relink, among hits where both runs have that, "
                                 "then sends of mic with as many sites."}};
  const std::size_t inconclusive = std::erase_if(pairs, [](const BreakEvenPair& pair) {
    return pair.first.kind == BreakEven::Kind::inconclusive &&
           pair.second.kind == BreakEven::Kind::inconclusive;
  });
  using Row = const BreakEvenPair&;
  fill_table(
      section, pairs,
      {{"strategies", [](Row pair) { return plain(pair.one + " or " + pair.other); }},
       {"parameters", [](Row pair) { return plain(results::params_text(pair.patch_params)); }},
       {"first", [](Row pair) { return plain(break_even_text(pair.first, pair)); }},
       {"second", [](Row pair) { return plain(break_even_text(pair.second, pair)); }},
       {"agreement", [](Row pair) { return plain(std::string(agreement_text(pair))); }}});
  if (inconclusive > 0) {
    section.footnotes.push_back(count_of(inconclusive, "pair", "pairs") +
                                " undecided in both runs");
  }
  document.rest.push_back(std::move(section));
}

void add_lonely(Section& section, const std::vector<std::string>& cells, std::string_view which) {
  if (cells.empty()) return;
  const std::size_t shown = std::min(cells.size(), kListed);
  section.paragraphs.push_back(
      fmt::format("{} only in the {} run: {}{}", count_of(cells.size(), "case", "cases"), which,
                  joined({cells.begin(), cells.begin() + static_cast<std::ptrdiff_t>(shown)}),
                  cells.size() > kListed ? ", ..." : ""));
}

void add_missing(Document& document, const Comparison& comparison) {
  Section section;
  section.title = "Not compared";
  for (const NotCompared& one : comparison.not_compared) {
    section.paragraphs.push_back(one.cell + ": " + one.why);
  }
  add_lonely(section, comparison.only_first, "first");
  add_lonely(section, comparison.only_second, "second");
  if (!section.paragraphs.empty()) document.rest.push_back(std::move(section));
}

/// "runs of 0.9 %, and up to 4.2 % where these runs show more"
std::string between_text(const ComparisonReport& report) {
  double largest = 0;
  for (const Change& change : report.comparison.changes) {
    if (change.between.measured) largest = std::max(largest, std::sqrt(change.between.variance));
  }
  std::string text = fmt::format("runs of {:.3g} %", 100 * kDefaultBetweenRuns);
  if (largest > 0) text += fmt::format(", and up to {:.1f} % where these show more", 100 * largest);
  return text;
}

bool several_runs(const ComparisonReport& report) {
  const auto& changes = report.comparison.changes;
  return std::ranges::any_of(changes, [](const Change& change) {
    return change.first.runs > 1 || change.second.runs > 1;
  });
}

Section how_to_read(const ComparisonReport& report) {
  Section section;
  section.title = "How to read it";
  if (!report.comparison.options.other_processors.empty()) {
    section.paragraphs.emplace_back(
        "first and second are ratios to the baseline of their own machine, in brackets with 95 % "
        "intervals. They are of two processors, so no difference between them is a change, and "
        "none "
        "has a verdict. What may be compared is the order of strategies on each.");
    return section;
  }
  section.paragraphs.push_back(fmt::format(
      "A change is that of the ratio, second / first: below 0 it costs less than before. In "
      "brackets 95 % "
      "intervals. The run is a random factor in them: beside the scatter of rounds they have a "
      "standard deviation between {}.",
      between_text(report)));
  section.paragraphs.push_back(fmt::format(
      "same: the interval lies within {:.3g} %; of these verdicts at most one in twenty is "
      "expected to be wrong (Benjamini and Hochberg's correction for all changes). faster and "
      "slower stand after Holm's correction for all {} changes (at most 5 % to have even one false "
      "one). What made the baseline and all strategies slower alike does not show in ratios.",
      100 * report.comparison.options.delta, report.comparison.tested));
  if (several_runs(report)) {
    section.paragraphs.emplace_back(
        "Orders and break-evens are those of the first run of each side.");
  }
  return section;
}

/// How many intervals of the baseline's twin miss 0.
std::string twins_text(const Comparison& comparison) {
  std::size_t twins = 0;
  std::size_t moved = 0;
  for (const Change& change : comparison.changes) {
    if (!change.twin || !change.interval) continue;
    ++twins;
    if ((*change.interval)[0] > 1 || (*change.interval)[1] < 1) ++moved;
  }
  if (twins == 0) return "";
  return fmt::format(
      "The A/A control again, which cannot change: {} of {} intervals miss 0 (5 % are expected to)",
      moved, twins);
}

/// What the limit asks of the rounds, whatever was found; empty where there is none.
std::string detection_text(const Comparison& comparison) {
  if (!comparison.options.max_regression) return "";
  std::size_t all = 0;
  std::size_t shown = 0;
  std::size_t never = 0;
  std::vector<int> needed;  // rounds, where they help
  for (const Change& change : comparison.changes) {
    if (change.twin) continue;
    ++all;
    shown += change.shows_limit ? 1 : 0;
    never += change.rounds_for_limit ? 0 : 1;
    if (change.rounds_for_limit && !change.shows_limit) needed.push_back(*change.rounds_for_limit);
  }
  std::string text = fmt::format(
      "limit {:.3g} %: {} of {} metrics can show with these rounds that "
      "they keep it",
      100 * *comparison.options.max_regression, shown, all);
  std::ranges::sort(needed);
  if (const std::size_t more = needed.size(); more > 0) {
    text += fmt::format("; {} {} more rounds, half of them at most {} a run and all {}", more,
                        more == 1 ? "needs" : "need", needed[(more - 1) / 2], needed.back());
  }
  if (never > 0) {
    text += fmt::format(
        "; {} {} more runs a side, because one run differs from the next by more "
        "than that, or a larger limit",
        never, never == 1 ? "needs" : "need");
  }
  return text;
}

/// Whether the limit was kept; empty where there is none.
std::string conclusion(const Comparison& comparison) {
  if (!comparison.options.max_regression) return "";
  const std::string bound = fmt::format("{:.3g} %", 100 * *comparison.options.max_regression);
  const auto count = [&comparison](auto member) {
    return std::ranges::count_if(comparison.changes, member);
  };
  switch (outcome(comparison)) {
    case Outcome::regression:
      return fmt::format("regression: {} of more than {}", count(&Change::regression), bound);
    case Outcome::cannot_tell:
      return fmt::format(
          "cannot tell: {} of the changes may exceed {}; more --rounds, or fewer cases, may decide",
          count(&Change::regression_possible), bound);
    case Outcome::none:
      break;
  }
  return "no regression of more than " + bound;
}

Section summary(const ComparisonReport& report) {
  const Comparison& comparison = report.comparison;
  Section section;
  section.title = "Summary";
  if (!comparison.options.other_processors.empty()) {
    section.paragraphs.push_back(
        fmt::format("{} side by side, without verdicts: they are of two processors ({})",
                    count_of(static_cast<std::size_t>(comparison.tested), "ratio", "ratios"),
                    comparison.options.other_processors));
    return section;
  }
  std::map<Verdict, std::size_t> counts;
  for (const Change& change : comparison.changes) {
    if (!change.twin) ++counts[change.verdict];
  }
  const auto add = [&section](std::string text) {
    if (!text.empty()) section.paragraphs.push_back(std::move(text));
  };
  add(detection_text(comparison));
  add(fmt::format("{} changes: {} same, {} faster, {} slower, {} inconclusive", comparison.tested,
                  counts[Verdict::same], counts[Verdict::faster], counts[Verdict::slower],
                  counts[Verdict::inconclusive]));
  add(twins_text(comparison));
  if (!report.differences.decisive.empty()) {
    add(fmt::format("of different environments: {}",
                    count_of(report.differences.decisive.size(), "difference",
                             "differences, listed at the top")));
  }
  for (const Verdict verdict : {Verdict::faster, Verdict::slower}) {
    for (const Change& change : comparison.changes) {
      if (change.twin || change.verdict != verdict) continue;
      add(fmt::format("{}: {}, {}{} {}", to_string(verdict), change.cell, change.metric,
                      change.regression ? ", REGRESSION" : "", change_text(change)));
    }
  }
  add(conclusion(comparison));
  return section;
}

std::string listed(const std::vector<Difference>& differences) {
  std::vector<std::string> texts;
  texts.reserve(differences.size());
  for (const Difference& difference : differences) texts.push_back(to_text(difference));
  return fmt::format("{}", fmt::join(texts, "; "));
}

void add_warnings(Document& document, const ComparisonReport& report) {
  if (!report.state_difference.empty()) {
    document.warnings.push_back(
        "THE MACHINE WAS IN OTHER STATES, and a change below may be the state's: " +
        report.state_difference);
  }
  if (!report.differences.decisive.empty()) {
    document.warnings.push_back("THE ENVIRONMENTS DIFFER, and a change below may be theirs: " +
                                listed(report.differences.decisive));
  }
  if (!report.differences.others.empty()) {
    document.warnings.push_back("Also different: " + listed(report.differences.others));
  }
}

}  // namespace

Document comparison_document(const ComparisonReport& report) {
  Document document;
  document.title = report.first_name + " against " + report.second_name;
  add_warnings(document, report);
  document.summary.push_back(summary(report));
  document.rest.push_back(
      {.title = fmt::format("Ratios to {}, each within its run", report.comparison.baseline)});
  const bool comparable = report.comparison.options.other_processors.empty();
  add_tables(document, report.metrics, report.comparison.changes,
             comparable ? Shown::verdicts : Shown::ratios);
  if (!report.times.empty()) {
    document.rest.push_back({.title = "Absolute times",
                             .paragraphs = {"Of two runs at different times: what the machine did "
                                            "meanwhile is in them. No verdicts, and no part in the "
                                            "exit code."}});
    add_tables(document, report.metrics, report.times, Shown::times);
  }
  add_orders(document, report.metrics, report.orders);
  add_break_evens(document, report.break_evens);
  add_missing(document, report.comparison);
  document.rest.push_back(how_to_read(report));
  return document;
}

}  // namespace patchbench::analysis
