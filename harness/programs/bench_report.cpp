// harness/programs/bench_report.cpp - bench-report: a finished run's results, made readable again.

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "analysis/quantity/answer.hpp"
#include "analysis/quantity/comparable.hpp"
#include "analysis/quantity/quantities.hpp"
#include "analysis/render/document.hpp"
#include "analysis/render/html.hpp"
#include "analysis/render/latex.hpp"
#include "analysis/render/markdown.hpp"
#include "analysis/render/terminal.hpp"
#include "analysis/report.hpp"
#include "analysis/view/answer.hpp"
#include "analysis/view/answer_screen.hpp"
#include "analysis/view/counters.hpp"
#include "analysis/view/csv.hpp"
#include "analysis/view/google_benchmark.hpp"
#include "analysis/view/latex.hpp"
#include "analysis/view/machines.hpp"
#include "analysis/view/report_document.hpp"
#include "analysis/view/result.hpp"
#include "analysis/view/simulated.hpp"
#include "harness/base/exit_code.hpp"
#include "harness/base/progress.hpp"
#include "harness/base/usage_error.hpp"
#include "harness/programs/front_door.hpp"
#include "harness/programs/registered.hpp"
#include "results/file.hpp"

namespace patchbench::harness {
namespace {

using namespace analysis;  // what is shown; here is how it is asked for

namespace fs = std::filesystem;

constexpr const char* kSummary =
    "Turns a run's results.json into a report: tables, figures, and how to read them.";

constexpr const char* kFooter = R"(Examples:
  bench-report results/host-x86_64-20251122T101500Z
                       report.html and plots/ beside results.json, again
  bench-report results.json --out=report
                       into a directory of its own
  bench-report results.json --format=markdown --out=notes
                       report.md, to paste into an issue
  bench-report DIR_X86 DIR_ARM --out=both
                       machines.html and plots/: two to ten runs side by side, each as ratios on
                       its own machine, and which conclusion holds on which
  bench-report results.json --format=csv
                       samples.csv: one row a sample, for R or pandas; what was counted in
                       counters.csv, what was simulated in simulated.csv
  bench-report results.json --format=google-benchmark
                       google-benchmark.json: for google/benchmark's compare.py, Bencher and
                       github-action-benchmark
  bench-report results.json --format=latex --out=paper
                       numbers.tex and patchbench.sty: \pb{mic/indirect-cell/sites=16384}{send}{ratio}
                       in a document, and \pbassert{CASE}{METRIC}{slower} stops its build where
                       the run says otherwise

Of several results no times stand side by side, but ratios to the same strategy of each machine.
Emulated runs take part with the statuses of their cells and their counts alone.

Without --out the report goes where the results are. A report there is replaced if it is that run's
own, that is, if the results are read from the results.json beside it; any other existing report is
left alone.

Exit codes: 0 done (without figures too, when gnuplot is missing); 1 the report could not be
written; 2 bad usage or results that cannot be read.)";

constexpr ProgramText kText = {.name = "bench-report", .summary = kSummary, .footer = kFooter};

constexpr std::string_view kTerminal = "terminal";

struct Options {
  std::vector<fs::path> inputs;
  fs::path out;
  std::string format = "html";
  std::vector<std::string> advise;
};

fs::path output_directory(const Options& options, const fs::path& file) {
  if (!options.out.empty()) return options.out;
  return file.has_parent_path() ? file.parent_path() : fs::path(".");
}

/// A report may be replaced where it was made from these very results.
void keep_foreign_report(const fs::path& report, const fs::path& file) {
  const fs::path own = report.parent_path() / "results.json";
  std::error_code ignored;
  if (!fs::exists(report, ignored) || fs::equivalent(own, file, ignored)) return;
  throw UsageError(report.string() +
                   " exists and belongs to other results; name another directory with --out=DIR");
}

void print_written(const fs::path& file) { fmt::print("{}\n", file.string()); }

int print_outcome(const ReportOutcome& outcome) {
  for (const std::string& warning : outcome.warnings) {
    fmt::print(stderr, "bench-report: warning: {}\n", warning);
  }
  for (const fs::path& file : outcome.files) print_written(file);
  return kDone;
}

void make_directory(const fs::path& directory) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) throw std::system_error(error, "cannot create " + directory.string());
}

/// A format that is one text in one file.
struct TextFormat {
  std::string_view name;
  const char* file;
  std::string (*text)(const Quantities& run);
  bool times_alone;  // nothing else is in it
  /// Whether a run has anything for it; nullptr: every run has.
  bool (*applies)(const Quantities& run) = nullptr;
  bool of_several = false;  // several runs may become one
};

std::string markdown_of(const Quantities& run) { return markdown_page(make_document(run)); }

/// The same for every run.
std::string package_of(const Quantities& /*run*/) { return std::string(latex_package()); }

bool has_counters(const Quantities& run) { return !event_sets(run).empty(); }

/// A format may be several files.
constexpr std::array<TextFormat, 7> kTextFormats = {{
    {"markdown", "report.md", markdown_of, false, nullptr, true},
    {"csv", "samples.csv", samples_as_csv, true},
    {"csv", "counters.csv", counters_as_csv, true, has_counters},
    {"csv", "simulated.csv", simulated_as_csv, true, has_simulated_counts},
    {"google-benchmark", "google-benchmark.json", google_benchmark_json, true},
    {"latex", "numbers.tex", numbers_as_latex, false},
    {"latex", "patchbench.sty", package_of, false},
}};

/// The first file of the format; nullptr for html, which is more than texts.
const TextFormat* text_format(std::string_view name) {
  const auto* found = std::ranges::find_if(
      kTextFormats, [&](const TextFormat& format) { return format.name == name; });
  return found == kTextFormats.end() ? nullptr : found;
}

std::vector<TextFormat> files_of(std::string_view name, const results::Results& results) {
  std::vector<TextFormat> files;
  for (const TextFormat& format : kTextFormats) {
    const bool applies = format.applies == nullptr || format.applies(results);
    if (format.name == name && applies) files.push_back(format);
  }
  return files;
}

void check_times(const TextFormat& format, const results::Results& results) {
  if (!format.times_alone || times_mean_something(results.context)) return;
  throw UsageError(fmt::format(
      "--format={} holds times alone, and this run was emulated: an emulator's times mean nothing; "
      "its counts are in --format=html and --format=markdown",
      format.name));
}

int write_texts(const std::vector<TextFormat>& files, const results::Results& results,
                const fs::path& directory) {
  make_directory(directory);
  for (const TextFormat& file : files) {
    results::write_text_atomically(directory / file.file, file.text(results));
    print_written(directory / file.file);
  }
  return kDone;
}

/// A page of several machines may be replaced by another one, and by nothing else.
void keep_foreign_page(const fs::path& page, const std::string& title) {
  std::error_code ignored;
  if (!fs::exists(page, ignored) || results::read_text(page).find(title) != std::string::npos) {
    return;
  }
  throw UsageError(page.string() +
                   " exists and is something else; name another directory with --out=DIR");
}

/// What several runs become.
int write_machines(const std::vector<results::Results>& runs, const fs::path& directory,
                   bool markdown) {
  if (!markdown) return print_outcome(write_machines_report(runs, directory));
  make_directory(directory);
  const fs::path page = directory / "machines.md";
  results::write_text_atomically(page, markdown_page(machines_document(runs)));
  print_written(page);
  return kDone;
}

/// Several runs side by side.
int write_side_by_side(const Options& options) {
  const TextFormat* format = text_format(options.format);
  if (format != nullptr && !format->of_several) {
    throw UsageError(fmt::format("--format={} takes one run at a time", format->name));
  }
  if (options.out.empty()) {
    throw UsageError("several results have no directory in common; name one with --out=DIR");
  }
  if (options.inputs.size() > kMostMachines) {
    throw UsageError(fmt::format("{} runs are too many to read side by side; at most {} are taken",
                                 options.inputs.size(), kMostMachines));
  }
  std::vector<results::Results> runs;
  for (const fs::path& input : options.inputs) runs.push_back(read_described(input));
  const bool markdown = format != nullptr;
  keep_foreign_page(options.out / (markdown ? "machines.md" : "machines.html"),
                    std::string(kMachinesTitle));
  try {
    return write_machines(runs, options.out, markdown);
  } catch (const std::system_error& error) {
    fmt::print(stderr, "bench-report: {}; name another directory with --out=DIR\n", error.what());
    return kFailed;
  }
}

/// What bench-run shows when a run ends, again.
int print_answer(const results::Results& results) {
  const Quantities run(results);
  const results::Answer answer = answer_in(run);
  const TerminalStyle style = {.width = harness::terminal_width(stdout, TerminalStyle{}.width)};
  fmt::print("{}", answer.strategies.empty() ? terminal_table(run, style)
                                             : terminal_answer(run, answer, style));
  return kDone;
}

/// On the terminal, and no file.
int print_advice(const Options& options) {
  if (options.inputs.size() > 1) throw UsageError("--advise takes one run at a time");
  const std::vector<Profile> profiles = advised(options.advise);
  const results::Results results = read_described(results_file(options.inputs.front()));
  const Quantities run(results);
  const results::Answer answer = answer_of(run, profiles);
  fmt::print("{}", terminal_text({{.paragraphs = answer.recommendation},
                                  profiles_section(answer),
                                  {.paragraphs = answer.trust}},
                                 {}));
  return kDone;
}

int run(const Options& options) {
  if (!options.advise.empty()) return print_advice(options);
  if (options.inputs.size() > 1) return write_side_by_side(options);
  const fs::path file = results_file(options.inputs.front());
  const results::Results results = read_described(file);
  if (options.format == kTerminal) return print_answer(results);
  const fs::path directory = output_directory(options, file);
  const TextFormat* format = text_format(options.format);
  if (format != nullptr) check_times(*format, results);
  const std::vector<TextFormat> files = files_of(options.format, results);
  if (format == nullptr) keep_foreign_report(directory / "report.html", file);
  for (const TextFormat& text : files) keep_foreign_report(directory / text.file, file);
  try {
    return format == nullptr ? print_outcome(write_report(results, directory))
                             : write_texts(files, results, directory);
  } catch (const std::system_error& error) {
    fmt::print(stderr, "bench-report: {}; name another directory with --out=DIR\n", error.what());
    return kFailed;
  }
}

void add_options(CLI::App& app, Options& options) {
  app.add_option("results", options.inputs, "A run's directory, or a results file")
      ->required()
      ->type_name("DIR|FILE");
  app.add_option("--out", options.out, "Where the report goes; default: where the results are")
      ->type_name("DIR");
  app.add_option("--format", options.format,
                 "html (default; with figures), markdown (tables alone), csv (samples), "
                 "google-benchmark (its JSON), latex (keyed numbers) or terminal (the answer, "
                 "printed)")
      ->check(one_of({"html", "markdown", "csv", "google-benchmark", "latex", "terminal"}))
      ->type_name("FORMAT");
  app.add_option("--advise", options.advise,
                 "Print what the run recommends for a number of patches a send, of sites and of "
                 "threads, as "
                 "in 1/1000,4096,1, and write nothing")
      ->delimiter(';')
      ->type_name("RATE,SITES,THREADS");
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
