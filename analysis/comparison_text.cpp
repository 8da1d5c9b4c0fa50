#include "analysis/comparison_text.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "analysis/headline.hpp"
#include "analysis/titles.hpp"

namespace patchbench::analysis {
namespace {

using results::Params;
using results::Verdict;

constexpr std::size_t kNameWidth = 18;
constexpr std::size_t kSideWidth = 19;    // "12.3k [11.9k,12.7k]"
constexpr std::size_t kChangeWidth = 24;  // " +12.3 % [ -10.1, +35.5]"
constexpr std::size_t kListed = 5;

std::string place(std::string_view workload, std::string_view metric, const Params& params) {
  const std::string text = fmt::format("{}: {}", workload, metric_title(metric));
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
  return fmt::format("{:+6.1f} % [{:+.1f},{:+.1f}]", percent(*change.change), percent(interval[0]),
                     percent(interval[1]));
}

std::string count_of(std::size_t count, const char* one, const char* many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

class Text {
 public:
  explicit Text(const ComparisonReport& report) : report_(report) {}

  [[nodiscard]] std::string all() {
    heading();
    ratios();
    times();
    conclusions();
    missing();
    reading();
    summary();
    return std::move(out_);
  }

 private:
  void line(std::string text) {
    text.erase(text.find_last_not_of(' ') + 1);
    out_ += text + '\n';
  }

  void heading() {
    line("first:  " + report_.first_name);
    line("second: " + report_.second_name);
    const ContextDifferences& differences = report_.differences;
    if (!report_.state_difference.empty()) {
      line("");
      line("THE MACHINE WAS IN OTHER STATES: a change below may be the state's.");
      line("  " + report_.state_difference);
    }
    if (!differences.decisive.empty()) {
      line("");
      line("THE ENVIRONMENTS DIFFER: a change below may be theirs.");
      for (const Difference& difference : differences.decisive) line("  " + to_text(difference));
    }
    if (!differences.others.empty()) {
      line("");
      line("Also different:");
      for (const Difference& difference : differences.others) line("  " + to_text(difference));
    }
  }

  /// One table per metric and parameter set, in the order of the run.
  void tables(const std::vector<Change>& changes, bool with_verdict) {
    std::vector<std::string> places;
    std::map<std::string, std::vector<const Change*>, std::less<>> rows;
    for (const Change& change : changes) {
      const std::string key = place(change.workload, change.metric, change.params);
      auto& row = rows[key];
      if (row.empty()) places.push_back(key);
      row.push_back(&change);
    }
    for (const std::string& key : places) {
      line("");
      const auto& found = rows[key];
      line(with_verdict ? key : key + ", " + found.front()->unit);
      line(fmt::format("  {:<{}} {:<{}} {:<{}} {:<{}} {}", "", kNameWidth, "first", kSideWidth,
                       "second", kSideWidth, "  change", kChangeWidth,
                       with_verdict ? "verdict" : ""));
      for (const Change* change : found) row_of(*change, with_verdict);
    }
  }

  void row_of(const Change& change, bool with_verdict) {
    std::string verdict;
    if (with_verdict) verdict = change.twin ? "(noise)" : to_string(change.verdict);
    if (change.regression) verdict += ", REGRESSION";
    line(fmt::format("  {:<{}} {:<{}} {:<{}} {:<{}} {}", change.strategy, kNameWidth,
                     side_text(change.first), kSideWidth, side_text(change.second), kSideWidth,
                     change_text(change), kChangeWidth, verdict));
  }

  void ratios() {
    line("");
    line(fmt::format("RATIOS TO {}, each within its run", report_.comparison.baseline));
    tables(report_.comparison.changes, true);
  }

  void times() {
    if (report_.times.empty()) return;
    line("");
    line("ABSOLUTE TIMES, of two runs at different times: what the machine did meanwhile is in");
    line("them. No verdicts, and no part in the exit code.");
    tables(report_.times, false);
  }

  void conclusions() {
    orders();
    break_evens();
  }

  void orders() {
    if (report_.orders.empty()) return;
    line("");
    line("ORDER OF STRATEGIES, cheapest first: < holds in both runs, ~ does not");
    std::map<Agreement, std::size_t> counts;
    std::vector<std::string> reversed;
    for (const StrategyOrder& order : report_.orders) {
      const std::string where = place(order.workload, order.metric, order.params);
      std::string chain = order.strategies.front();
      for (std::size_t i = 0; i < order.certain.size(); ++i) {
        chain += (order.certain[i] ? " < " : " ~ ") + order.strategies[i + 1];
      }
      line("  " + where);
      line("    " + chain);
      for (const PairOrder& pair : order.pairs) {
        ++counts[pair.agreement];
        if (pair.agreement != Agreement::reversed) continue;
        reversed.push_back(fmt::format("{}: {} < {} in the first, the reverse in the second", where,
                                       pair.cheaper, pair.costlier));
      }
    }
    line(fmt::format(
        "  Of all pairs: {} hold in both runs, {} are reversed, {} are certain in one "
        "at most.",
        counts[Agreement::holds], counts[Agreement::reversed], counts[Agreement::open]));
    for (const std::string& text : reversed) line("  REVERSED " + text);
  }

  static std::string break_even_text(const BreakEven& found, const BreakEvenPair& pair) {
    switch (found.kind) {
      case BreakEven::Kind::one_always:
        return pair.one + " always";
      case BreakEven::Kind::other_always:
        return pair.other + " always";
      case BreakEven::Kind::unsure:
        return "unsure";
      case BreakEven::Kind::at:
        break;
    }
    const std::string& better = found.one_from_there_on ? pair.one : pair.other;
    if (!found.sends) return better + " from an unknown number on";
    return fmt::format("{} from {} {} on", better, short_number(*found.sends),
                       found.interval ? short_interval(*found.interval) : "");
  }

  static std::string_view agreement_text(const BreakEvenPair& pair) {
    if (pair.agreement == Agreement::holds) return "holds";
    if (pair.agreement == Agreement::reversed) return "REVERSED";
    return pair.first.kind == BreakEven::Kind::at && pair.second.kind == BreakEven::Kind::at
               ? "holds, at another number"
               : "open";
  }

  void break_evens() {
    std::size_t unsure = 0;
    std::string lines;
    for (const BreakEvenPair& pair : report_.break_evens) {
      if (pair.first.kind == BreakEven::Kind::unsure &&
          pair.second.kind == BreakEven::Kind::unsure) {
        ++unsure;
        continue;
      }
      lines +=
          fmt::format("  {} or {}, {}\n    first: {}; second: {}: {}\n", pair.one, pair.other,
                      results::params_text(pair.patch_params), break_even_text(pair.first, pair),
                      break_even_text(pair.second, pair), agreement_text(pair));
    }
    if (report_.break_evens.empty()) return;
    line("");
    line(
        "BREAK-EVEN, sends a patch (patch + execute of relink, among hits where both runs have "
        "that, then sends of mic with as many sites)");
    out_ += lines;
    if (unsure > 0) line("  " + count_of(unsure, "pair", "pairs") + " undecided in both runs");
  }

  void lonely(const std::vector<std::string>& cells, std::string_view which) {
    if (cells.empty()) return;
    std::string text =
        fmt::format("  {} only in the {} run: ", count_of(cells.size(), "cell", "cells"), which);
    for (std::size_t i = 0; i < std::min(cells.size(), kListed); ++i) {
      text += (i > 0 ? ", " : "") + cells[i];
    }
    line(text + (cells.size() > kListed ? ", ..." : ""));
  }

  void missing() {
    const Comparison& comparison = report_.comparison;
    if (comparison.not_compared.empty() && comparison.only_first.empty() &&
        comparison.only_second.empty()) {
      return;
    }
    line("");
    line("NOT COMPARED");
    for (const NotCompared& one : comparison.not_compared) line("  " + one.cell + ": " + one.why);
    lonely(comparison.only_first, "first");
    lonely(comparison.only_second, "second");
  }

  void reading() {
    line("");
    line("A change is that of the ratio, second / first: below 0 is faster. In brackets 95 %");
    line("intervals. The run is a random factor in them: beside the scatter of rounds they have a");
    line("standard deviation between " + between_text() + ".");
    line(fmt::format(
        "`same`: the interval lies within {:.3g} %; of these verdicts at most one in twenty is",
        100 * report_.comparison.options.delta));
    line(
        "expected to be wrong (Benjamini and Hochberg's correction for all changes). `faster` and");
    line(fmt::format(
        "`slower` stand after Holm's correction for all {} changes (at most 5 % to have",
        report_.comparison.tested));
    line(
        "even one false one). What made the baseline and all strategies slower alike does not "
        "show");
    line("in ratios.");
    if (several_runs()) line("Orders and break-evens are those of the first run of each side.");
  }

  /// "runs of 0.9 %, and up to 4.2 % where these runs show more"
  [[nodiscard]] std::string between_text() const {
    double largest = 0;
    for (const Change& change : report_.comparison.changes) {
      if (change.between.measured) largest = std::max(largest, std::sqrt(change.between.variance));
    }
    std::string text = fmt::format("runs of {:.3g} %", 100 * kDefaultBetweenRuns);
    if (largest > 0)
      text += fmt::format(", and up to {:.1f} % where these show more", 100 * largest);
    return text;
  }

  [[nodiscard]] bool several_runs() const {
    const auto& changes = report_.comparison.changes;
    return std::any_of(changes.begin(), changes.end(), [](const Change& change) {
      return change.first.runs > 1 || change.second.runs > 1;
    });
  }

  void summary() {
    std::map<Verdict, std::size_t> counts;
    std::size_t twins = 0;
    std::size_t moved = 0;
    for (const Change& change : report_.comparison.changes) {
      if (!change.twin) ++counts[change.verdict];
      if (!change.twin || !change.interval) continue;
      ++twins;
      if ((*change.interval)[0] > 1 || (*change.interval)[1] < 1) ++moved;
    }
    line("");
    line(fmt::format("{} changes: {} same, {} faster, {} slower, {} unsure",
                     report_.comparison.tested, counts[Verdict::same], counts[Verdict::faster],
                     counts[Verdict::slower], counts[Verdict::unsure]));
    if (twins > 0) {
      line(
          fmt::format("again, which cannot change: {} of {} intervals miss 0 (5 % are expected to)",
                      moved, twins));
    }
    if (!report_.differences.decisive.empty()) {
      line(fmt::format("of different environments: {}",
                       count_of(report_.differences.decisive.size(), "difference",
                                "differences, listed at the top")));
    }
    for (const Verdict verdict : {Verdict::faster, Verdict::slower}) moved_cells(verdict);
    conclusion();
  }

  void moved_cells(Verdict verdict) {
    for (const Change& change : report_.comparison.changes) {
      if (change.twin || change.verdict != verdict) continue;
      line(fmt::format("  {}: {}, {}{} {}", to_string(verdict), change.cell, change.metric,
                       change.regression ? ", REGRESSION" : "", change_text(change)));
    }
  }

  void conclusion() {
    const auto limit = report_.comparison.options.max_regression;
    if (!limit) return;
    const std::string bound = fmt::format("{:.3g} %", 100 * *limit);
    const auto& changes = report_.comparison.changes;
    const auto count = [&changes](auto member) {
      return std::count_if(changes.begin(), changes.end(),
                           [&](const Change& change) { return change.*member; });
    };
    switch (outcome(report_.comparison)) {
      case Outcome::regression:
        line(fmt::format("regression: {} of more than {}", count(&Change::regression), bound));
        break;
      case Outcome::cannot_tell:
        line(
            fmt::format("cannot tell: {} of the changes may exceed {}; more --rounds, or fewer "
                        "cells, may decide",
                        count(&Change::regression_possible), bound));
        break;
      case Outcome::none:
        line("no regression of more than " + bound);
        break;
    }
  }

  const ComparisonReport& report_;
  std::string out_;
};

}  // namespace

std::string comparison_text(const ComparisonReport& report) { return Text(report).all(); }

}  // namespace patchbench::analysis
