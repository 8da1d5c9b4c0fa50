// analysis/bench_compare.cpp - bench-compare: what changed between two runs, and what did not.

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "analysis/comparable.hpp"
#include "analysis/compare.hpp"
#include "analysis/comparison_text.hpp"
#include "analysis/conclusions.hpp"
#include "analysis/context_difference.hpp"
#include "analysis/statistics.hpp"
#include "analysis/tool.hpp"
#include "results/json.hpp"

namespace patchbench::analysis {
namespace {

constexpr int kRegression = 3;
constexpr int kCannotTell = 4;

constexpr const char* kExamples = R"(Examples:
  bench-compare results/before results/after                   every cell of both runs: interval and verdict
  bench-compare before after --max-regression=3%               for CI: 3 on a regression beyond 3 %, 4 if unsure
  bench-compare x86 arm --allow-env-diff                       which conclusions hold on both machines
  bench-compare before/results.json after/results.json --absolute   times as well, labelled

Compared are ratios to the baseline, each within its run: times of different days are no evidence.

Exit codes: 0 done, and no regression where --max-regression asks; 2 bad usage, results that cannot be read or have
nothing to compare, or environments that differ; 3 a regression; 4 there may be one, this many rounds cannot tell.)";

struct Options {
  std::string first;
  std::string second;
  std::string max_regression;
  std::string delta;
  bool absolute = false;
  bool allow_env_diff = false;
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

/// Times of an emulator compare with nothing; those of other machines only when that is asked for.
ContextDifferences check_contexts(const results::Results& first, const results::Results& second,
                                  bool allow_differences) {
  if (const auto why = why_times_do_not_compare(first.context, second.context)) {
    throw UsageError("these runs cannot be compared: " + *why);
  }
  ContextDifferences differences = context_differences(first.context, second.context);
  if (differences.decisive.empty() || allow_differences) return differences;
  std::string message = "the environments differ, and a change could be theirs:\n";
  for (const Difference& difference : differences.decisive) {
    message += "  " + to_text(difference) + "\n";
  }
  throw UsageError(message + "--allow-env-diff compares all the same, and says so");
}

std::string name_of(const std::string& argument, const results::Results& results) {
  return fmt::format("{} ({}, {} rounds{})", argument, results.run.id, results.run.rounds,
                     results.run.interrupted ? ", interrupted" : "");
}

int run(const Options& options) {
  CompareOptions compared;
  if (!options.max_regression.empty()) {
    compared.max_regression = share_of("--max-regression", options.max_regression, true);
  }
  const results::Results first = results::read_results(options.first);
  const results::Results second = results::read_results(options.second);
  // `same` is to hold in the sense of both runs.
  compared.delta = options.delta.empty() ? std::min(delta_of(first), delta_of(second))
                                         : share_of("--delta", options.delta, false);
  ComparisonReport report;
  report.differences = check_contexts(first, second, options.allow_env_diff);
  report.first_name = name_of(options.first, first);
  report.second_name = name_of(options.second, second);
  report.comparison = compare(first, second, compared);
  if (options.absolute) report.times = compare_times(first, second);
  report.orders = strategy_orders(first, second);
  report.break_evens = break_evens(first, second);
  fmt::print("{}", comparison_text(report));
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
  app.add_option("first", options.first, "The earlier run: its directory, or a results file")
      ->required()
      ->type_name("DIR|FILE");
  app.add_option("second", options.second, "The later run")->required()->type_name("DIR|FILE");
  app.add_option("--max-regression", options.max_regression,
                 "Exit with 3 where a ratio became dearer by more than this, with 4 where one may "
                 "have")
      ->type_name("PERCENT");
  app.add_option("--delta", options.delta,
                 "Changes below this are called the same; by default what the runs were told, the "
                 "smaller of both")
      ->type_name("PERCENT");
  app.add_flag("--absolute", options.absolute, "Show times as well, labelled; they decide nothing");
  app.add_flag(
      "--allow-env-diff", options.allow_env_diff,
      "Compare in spite of another CPU, kernel, governor, compiler or flags, and label it");
}

}  // namespace
}  // namespace patchbench::analysis

int main(int argc, char** argv) {
  using namespace patchbench::analysis;
  Options options;
  return tool_main(
      argc, argv,
      {.name = "bench-compare",
       .summary = "Compares two runs by their ratios to the baseline, cell by cell.",
       .footer = kExamples,
       .version = PATCHBENCH_VERSION},
      [&](CLI::App& app) { add_options(app, options); }, [&] { return run(options); });
}
