// harness/programs/bench_compare.cpp - bench-compare: what changed between two runs, and what did
// not.

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "analysis/quantity/comparable.hpp"
#include "analysis/quantity/compare.hpp"
#include "analysis/quantity/context_difference.hpp"
#include "analysis/quantity/machine_state.hpp"
#include "analysis/render/html.hpp"
#include "analysis/render/markdown.hpp"
#include "analysis/render/terminal.hpp"
#include "analysis/statistics/statistics.hpp"
#include "analysis/view/comparison_document.hpp"
#include "analysis/view/conclusions.hpp"
#include "harness/base/exit_code.hpp"
#include "harness/base/text_parts.hpp"
#include "harness/base/usage_error.hpp"
#include "harness/programs/front_door.hpp"
#include "harness/programs/registered.hpp"

namespace patchbench::harness {
namespace {

using namespace analysis;  // what is compared and shown; here is how it is asked for

constexpr const char* kSummary =
    "Compares two runs, or two runs a side and more, by their ratios to the baseline, case by "
    "case.";

constexpr const char* kFooter = R"(Examples:
  bench-compare results/before results/after        every case of both runs: interval and verdict
  bench-compare before after --max-regression=3%    for CI: 3 on a regression beyond 3 %, 4 if inconclusive
  bench-compare before1,before2 after1,after2       two runs a side: tells a change from a state of
                                                    the machine
  bench-compare x86 arm --allow-env-diff            ratios side by side and orders, without verdicts
  bench-compare before/results.json after/results.json --absolute    times as well, labelled

Compared are ratios to the baseline, each within its run: times of different days are no evidence.

Two runs of one program differ by more than their rounds say. Several runs a side show by how much,
best measured in turn (before1, after1, before2, after2); with one run a side a usual amount is
allowed for, and runs whose calibrations show other states of the machine are refused.

A limit needs rounds: --max-regression says first how many metrics can show with the rounds at hand
that they keep it, and what the others need. Where a ratio scatters by 3 % from round to round, one
run a side needs 3 rounds for a limit of 10 % and 15 for 5 %; where it scatters by 10 %, 22 and 153.
For 3 % no number of rounds of one run a side is enough: two runs a side need 40 each, or 433.

Exit codes: 0 done, and no regression where --max-regression asks; 1 failed otherwise; 2 bad usage,
results that cannot be read or have nothing to compare, or environments or states of the machine
that differ; 3 a regression; 4 there may be one, this many rounds cannot tell.)";

constexpr ProgramText kText = {.name = "bench-compare", .summary = kSummary, .footer = kFooter};

struct Options {
  std::string first;
  std::string second;
  std::optional<double> max_regression;  // shares
  std::optional<double> delta;
  std::string format = "text";
  bool absolute = false;
  bool allow_env_diff = false;
  bool allow_state_diff = false;
};

/// One side's runs: a path, or several with commas between them.
std::vector<results::Results> read_side(const std::string& argument) {
  if (std::filesystem::exists(argument)) return {read_described(argument)};
  std::vector<results::Results> runs;
  for (const std::string& path : split(argument, ',')) {
    if (path.empty()) {
      throw UsageError(
          fmt::format("'{}' has an empty name: runs of a side are A,A2,...", argument));
    }
    runs.push_back(read_described(path));
  }
  return runs;
}

/// Times of an emulator compare with nothing; those of other machines only when that is asked for.
/// Every run is held against the first one of the first side.
ContextDifferences check_contexts(Runs first, Runs second, bool allow_differences) {
  ContextDifferences differences;
  for (const Runs side : {first, second}) {
    for (const results::Results& run : side) {
      if (&run == &first.front()) continue;
      if (const auto why = why_times_do_not_compare(first.front().context, run.context)) {
        throw UsageError("these runs cannot be compared: " + *why);
      }
      ContextDifferences more = context_differences(first.front().context, run.context);
      if (differences.decisive.empty()) differences.decisive = std::move(more.decisive);
      if (differences.others.empty()) differences.others = std::move(more.others);
    }
  }
  if (differences.decisive.empty() || allow_differences) return differences;
  std::string message = "the environments differ, and a change could be theirs:\n";
  for (const Difference& difference : differences.decisive) {
    message += "  " + to_text(difference) + "\n";
  }
  throw UsageError(message + "--allow-env-diff compares all the same, and says so");
}

/// The difference, where it is allowed; empty where there is none.
std::string check_states(Runs first, Runs second, const Options& options) {
  const auto why = why_states_differ(first, second, options.first, options.second);
  if (!why) return "";
  if (options.allow_state_diff) return *why;
  throw UsageError(fmt::format(
      "a change could be the machine's state: {}.\nMeasure two runs a side, in turn, and compare "
      "A,A2 with B,B2; --allow-state-diff compares all the same, and says so",
      *why));
}

std::string name_of(const std::string& argument, Runs runs) {
  std::string text = argument + " (";
  for (const results::Results& run : runs) {
    text += fmt::format("{}{}, {} rounds{}", &run == &runs.front() ? "" : "; ", run.run.id,
                        run.run.rounds, run.run.interrupted ? ", interrupted" : "");
  }
  return text + ")";
}

/// How the processors differ; empty where they do not. A limit is refused then.
std::string check_processors(Runs first, Runs second, const Options& options) {
  for (const Runs side : {first, second}) {
    for (const results::Results& run : side) {
      const auto why = why_processors_differ(first.front().context, run.context);
      if (!why) continue;
      if (!options.max_regression) return *why;
      throw UsageError(fmt::format(
          "--max-regression asks what became slower, and these are runs of two processors ({}); "
          "bench-report A B --out=DIR shows which conclusions hold on which",
          *why));
    }
  }
  return "";
}

double smallest_delta(Runs first, Runs second) {
  double delta = 1;
  for (const Runs side : {first, second}) {
    for (const results::Results& run : side) delta = std::min(delta, delta_of(run));
  }
  return delta;
}

std::string rendered(const Document& document, const std::string& format) {
  if (format == "markdown") return markdown_page(document);
  if (format == "html") return html_page(document, {}, {});
  const bool colour = isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr;
  return terminal_text(document, {.width = 110, .colour = colour});
}

int run(const Options& options) {
  const std::vector<results::Results> first = read_side(options.first);
  const std::vector<results::Results> second = read_side(options.second);
  CompareOptions compared;
  // `same` is to hold in the sense of all runs.
  compared.delta = options.delta.value_or(smallest_delta(first, second));
  compared.max_regression = options.max_regression;
  ComparisonReport report;
  report.differences = check_contexts(first, second, options.allow_env_diff);
  compared.other_processors = check_processors(first, second, options);
  report.first_name = name_of(options.first, first);
  report.second_name = name_of(options.second, second);
  try {
    report.comparison = compare(first, second, compared);
  } catch (const CompareError& error) {
    throw UsageError(error.what());
  }
  // Of other machines the calibrations differ anyway, and the label says more.
  if (report.differences.decisive.empty()) {
    report.state_difference = check_states(first, second, options);
  }
  if (options.absolute) report.times = compare_times(first, second);
  report.metrics = first.front().metrics;
  report.orders = strategy_orders(first.front(), second.front());
  report.break_evens = break_evens(first.front(), second.front());
  fmt::print("{}", rendered(comparison_document(report), options.format));
  switch (outcome(report.comparison)) {
    case Outcome::regression:
      return kRegression;
    case Outcome::cannot_tell:
      return kCannotTell;
    case Outcome::none:
      break;
  }
  return kDone;
}

void add_options(CLI::App& app, Options& options) {
  app.add_option(
         "first", options.first,
         "The earlier run, its directory or a results file; several runs with commas between them")
      ->required()
      ->type_name("DIR|FILE[,...]");
  app.add_option("second", options.second, "The later run or runs")
      ->required()
      ->type_name("DIR|FILE[,...]");
  app.add_option("--max-regression", options.max_regression,
                 "Exit with 3 where a ratio became larger by more than this, with 4 where one may "
                 "have; says first which metrics can show it with these rounds")
      ->transform(percentage(true))
      ->type_name("PERCENT[%]");
  app.add_option("--delta", options.delta,
                 "Changes below this are called the same; by default the --delta of the runs, the "
                 "smallest of them")
      ->transform(percentage())
      ->type_name("PERCENT[%]");
  app.add_option("--format", options.format, "On standard output; text unless given")
      ->check(one_of({"text", "markdown", "html"}))
      ->type_name("text|markdown|html");
  app.add_flag("--absolute", options.absolute, "Show times as well, labelled; they decide nothing");
  app.add_flag(
      "--allow-env-diff", options.allow_env_diff,
      "Compare in spite of another CPU, kernel, governor, compiler or flags, and label it");
  app.add_flag("--allow-state-diff", options.allow_state_diff,
               "Compare in spite of calibrations that differ or are missing, and label it");
}

}  // namespace
}  // namespace patchbench::harness

int main(int argc, char** argv) {
  using namespace patchbench::harness;
  Options options;
  return front_door(
      argc, argv, kText, [&](CLI::App& app) { add_options(app, options); },
      [&] { return run(options); });
}
