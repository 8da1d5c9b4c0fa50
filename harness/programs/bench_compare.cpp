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
#include "analysis/tool.hpp"
#include "analysis/view/comparison_document.hpp"
#include "analysis/view/conclusions.hpp"
#include "harness/programs/registered.hpp"
#include "results/json.hpp"

namespace patchbench::analysis {
namespace {

constexpr int kRegression = 3;
constexpr int kCannotTell = 4;

constexpr const char* kExamples = R"(Examples:
  bench-compare results/before results/after                   every cell of both runs: interval and verdict
  bench-compare before after --max-regression=3%               for CI: 3 on a regression beyond 3 %, 4 if unsure
  bench-compare before1,before2 after1,after2                  two runs a side: tells a change from a state of the machine
  bench-compare x86 arm --allow-env-diff                       which conclusions hold on both machines
  bench-compare before/results.json after/results.json --absolute   times as well, labelled

Compared are ratios to the baseline, each within its run: times of different days are no evidence.

Two runs of one program differ by more than their rounds say. Several runs a side show by how much, best measured in turn
(before1, after1, before2, after2); with one run a side a usual amount is allowed for, and runs whose calibrations show
other states of the machine are refused.

Exit codes: 0 done, and no regression where --max-regression asks; 2 bad usage, results that cannot be read or have
nothing to compare, or environments or states of the machine that differ; 3 a regression; 4 there may be one, this many rounds cannot tell.)";

struct Options {
  std::string first;
  std::string second;
  std::string max_regression;
  std::string delta;
  std::string format = "text";
  bool absolute = false;
  bool allow_env_diff = false;
  bool allow_state_diff = false;
};

/// What was asked for makes no sense, for the terminal.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// "3%" or "3" as a share, 0.03.
double share_of(const std::string& option, std::string text, bool zero_allowed) {
  const std::string given = text;
  if (text.ends_with('%')) text.pop_back();
  double value = 0;
  const bool number = CLI::detail::lexical_cast(text, value);
  if (!number || !(value < 100) || value < 0 || (value <= 0 && !zero_allowed)) {
    throw UsageError(fmt::format("{} takes a percentage {} 0 and below 100, such as 3%, not '{}'",
                                 option, zero_allowed ? "from" : "above", given));
  }
  return value / 100;
}

/// One side's runs: a path, or several with commas between them.
std::vector<results::Results> read_side(const std::string& argument) {
  std::vector<results::Results> runs;
  if (std::filesystem::exists(argument)) return {harness::read_described(argument)};
  for (std::size_t from = 0; from <= argument.size();) {
    const std::size_t comma = std::min(argument.find(',', from), argument.size());
    const std::string path = argument.substr(from, comma - from);
    if (path.empty()) {
      throw UsageError(
          fmt::format("'{}' has an empty name: runs of a side are A,A2,...", argument));
    }
    runs.push_back(harness::read_described(path));
    from = comma + 1;
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
  CompareOptions compared;
  if (!options.max_regression.empty()) {
    compared.max_regression = share_of("--max-regression", options.max_regression, true);
  }
  const std::vector<results::Results> first = read_side(options.first);
  const std::vector<results::Results> second = read_side(options.second);
  // `same` is to hold in the sense of all runs.
  compared.delta = options.delta.empty() ? smallest_delta(first, second)
                                         : share_of("--delta", options.delta, false);
  ComparisonReport report;
  report.differences = check_contexts(first, second, options.allow_env_diff);
  report.first_name = name_of(options.first, first);
  report.second_name = name_of(options.second, second);
  report.comparison = compare(first, second, compared);
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
                 "have")
      ->type_name("PERCENT");
  app.add_option("--delta", options.delta,
                 "Changes below this are called the same; by default the --delta of the runs, the "
                 "smallest of them")
      ->type_name("PERCENT");
  app.add_option("--format", options.format, "On standard output: text, markdown or html")
      ->check(CLI::IsMember({"text", "markdown", "html"}))
      ->capture_default_str();
  app.add_flag("--absolute", options.absolute, "Show times as well, labelled; they decide nothing");
  app.add_flag(
      "--allow-env-diff", options.allow_env_diff,
      "Compare in spite of another CPU, kernel, governor, compiler or flags, and label it");
  app.add_flag("--allow-state-diff", options.allow_state_diff,
               "Compare in spite of calibrations that differ or are missing, and label it");
}

}  // namespace
}  // namespace patchbench::analysis

int main(int argc, char** argv) {
  using namespace patchbench::analysis;
  Options options;
  return tool_main(
      argc, argv,
      {.name = "bench-compare",
       .summary = "Compares two runs, or two runs a side and more, by their ratios to the "
                  "baseline, cell by cell.",
       .footer = kExamples,
       .version = PATCHBENCH_VERSION},
      [&](CLI::App& app) { add_options(app, options); }, [&] { return run(options); });
}
