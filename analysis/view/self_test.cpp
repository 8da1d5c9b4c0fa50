#include "analysis/view/self_test.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "analysis/quantity/comparable.hpp"
#include "analysis/render/wrap.hpp"
#include "analysis/view/table.hpp"

namespace patchbench::analysis {
namespace {

using results::SelfTest;
using results::SelfTestLine;

struct Meaning {
  std::string_view name;
  std::string_view what;       // is measured
  std::string_view if_failed;  // what that means for the other numbers
};

constexpr std::array<Meaning, results::kSelfTestLines.size()> kMeanings = {{
    {"empty-driver", "the harness' own cost of a driver call",
     "part of every send here is the harness: sends look slower, and ratios of sends nearer to 1, "
     "than they are"},
    {"clock-step", "the smallest step of the clock",
     "the clock is too coarse for what it measures here: short costs are off by more than their "
     "intervals say"},
    {"multiplication", "one dependent multiplication, the clock's yardstick",
     "the processor's speed was not one speed: absolute times mean little, and ratios scatter"},
    {"again", "A/A: the same code twice",
     "this run finds differences where there are none: its verdicts faster and slower may be "
     "noise"},
    {"known-0", "as many steps of other code: 0 % slower",
     "this run finds differences where there are none: its verdicts faster and slower may be "
     "noise"},
    {"known-3", "3 % more steps: 3 % slower",
     "a slowdown of 3 % goes unnoticed or comes out as another here: that a verdict is same or "
     "inconclusive says little about such differences, and no ratio is to be trusted to a few "
     "percent"},
}};

Meaning meaning_of(const SelfTestLine& line) {
  const auto found = std::ranges::find_if(
      kMeanings, [&](const Meaning& meaning) { return meaning.name == line.name; });
  return found != kMeanings.end() ? *found : Meaning{line.name, line.name, "it is not known what"};
}

bool is_ratio(const SelfTestLine& line) { return line.unit == "ratio"; }

std::string amount(const SelfTestLine& line, double value) {
  return is_ratio(line) ? fmt::format("{:.4f}", value) : fmt::format("{:.4g}", value);
}

std::string value_text(const SelfTestLine& line) {
  if (!line.value) return "-";
  return amount(line, *line.value) + (is_ratio(line) ? "" : " " + line.unit);
}

std::string interval_text(const SelfTestLine& line) {
  if (!line.ci95) return "-";
  return fmt::format("[{}, {}]", amount(line, (*line.ci95)[0]), amount(line, (*line.ci95)[1]));
}

/// What stands behind the numbers.
std::string remarks(const SelfTestLine& line) {
  std::string text;
  if (line.verdict) text = to_string(*line.verdict);
  if (line.noticed_after) text += fmt::format(", excludes 1 after {} rounds", *line.noticed_after);
  if (!line.reason.empty()) text += (text.empty() ? "" : "; ") + line.reason;
  return text;
}

using Line = const SelfTestLine&;
const Column<SelfTestLine> kName{"line", [](Line line) { return name(line.name); }};
const Column<SelfTestLine> kWhat{
    "what is measured", [](Line line) { return plain(std::string(meaning_of(line).what)); }};
const Column<SelfTestLine> kValue{"value", [](Line line) { return number(value_text(line)); }};
const Column<SelfTestLine> kInterval{"95 % interval",
                                     [](Line line) { return number(interval_text(line)); }};

std::vector<std::string> failed_lines(const SelfTest& test) {
  std::vector<std::string> names;
  for (const SelfTestLine& line : test.lines) {
    if (!line.passed) names.push_back(line.name);
  }
  return names;
}

}  // namespace

std::vector<std::string> self_test_alarms(const results::Context& context) {
  std::vector<std::string> alarms;
  if (!context.selftest || !times_mean_something(context)) return alarms;
  for (const SelfTestLine& line : context.selftest->lines) {
    if (line.passed) continue;
    const Meaning meaning = meaning_of(line);
    alarms.push_back(fmt::format("SELF-TEST FAILED: {} ({}): {}. What it means: {}.", line.name,
                                 meaning.what, line.reason, meaning.if_failed));
  }
  if (alarms.empty() && !passed(*context.selftest)) {
    alarms.emplace_back("SELF-TEST FAILED: it has no lines, so nothing is known of the measuring.");
  }
  return alarms;
}

std::string self_test_outcome(const results::Context& context) {
  if (!context.selftest) return "no self-test was run";
  const SelfTest& test = *context.selftest;
  if (passed(test)) return fmt::format("passed ({})", test.date);
  return fmt::format("FAILED: {} ({})", joined(failed_lines(test)), test.date);
}

Section self_test_section(const SelfTest& test) {
  Section section{
      .title = "Self-test: the measuring, measured",
      .paragraphs = {
          "Cells of which it is known what must come out, measured before the run in the same way: "
          "fresh processes in shuffled rounds, ratios paired round by round, the same code for "
          "verdicts (delta 1.5 %, the middle between the two known ratios). Their cost depends on "
          "nothing but their length; what can be known of code whose cost also depends on where it "
          "lies is in the interval of again.",
          fmt::format("{}; {}.", test.date, test.stopped)}};
  fill_table(
      section, test.lines,
      {kName,
       kWhat,
       kValue,
       kInterval,
       {"n", [](Line line) { return number(std::to_string(line.rounds)); }},
       {"passed",
        [](Line line) {
          return Entry{{line.passed ? "yes" : "NO", line.passed ? Tone::plain : Tone::slower}};
        }},
       {"remarks", [](Line line) { return plain(remarks(line)); }}});
  return section;
}

Section self_test_summary(const SelfTest& test) {
  Section section{
      .title = fmt::format("Self-test {}; {}", passed(test) ? "passed" : "FAILED", test.stopped)};
  fill_table(section, test.lines,
             {{"", [](Line line) { return plain(line.passed ? "ok" : "FAILED"); }},
              kName,
              kWhat,
              kValue,
              kInterval});
  for (Line line : test.lines) {
    if (const std::string more = remarks(line); !more.empty()) {
      section.footnotes.push_back(line.name + ": " + more);
    }
  }
  return section;
}

}  // namespace patchbench::analysis
