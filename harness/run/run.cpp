#include "harness/run/run.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "analysis/quantity/summarise.hpp"
#include "analysis/report.hpp"
#include "analysis/view/answer_screen.hpp"
#include "analysis/view/result.hpp"
#include "analysis/view/self_test.hpp"
#include "harness/base/clock.hpp"
#include "harness/base/exit_code.hpp"
#include "harness/base/progress.hpp"
#include "harness/base/signals.hpp"
#include "harness/base/terminal.hpp"
#include "harness/base/usage_error.hpp"
#include "harness/process/denial.hpp"
#include "harness/process/launch.hpp"
#include "harness/run/counted_cells.hpp"
#include "harness/run/estimates.hpp"
#include "harness/run/in_flight.hpp"
#include "harness/run/measuring.hpp"
#include "harness/run/output_directory.hpp"
#include "harness/run/prepared.hpp"
#include "harness/run/resume.hpp"
#include "harness/run/self_test.hpp"
#include "results/journal.hpp"
#include "results/json.hpp"

namespace patchbench::harness {
namespace {

namespace fs = std::filesystem;
using results::CellStatus;

/// Takes over the name and the beginning of an unfinished run, and the state of the machine then.
/// Throws UsageError when this is not the same run.
void take_over(const results::Results& unfinished, results::Results& results) {
  require_same_run(unfinished, results);
  results.run = unfinished.run;
  results.context = unfinished.context;
}

/// One line of what a case said, for the terminal.
std::string one_line(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, ' ');
  constexpr std::size_t kLongest = 300;
  if (text.size() > kLongest) text.replace(kLongest, std::string::npos, "...");
  return text;
}

void announce(const Options& options, const Prepared& prepared, const EarlierRounds& earlier,
              double counting_s, const results::Results& results, const fs::path& directory) {
  if (options.quiet) return;
  for (const std::string& warning : results.context.warnings) say(stderr, "warning: {}\n", warning);
  for (const results::StrategyStatus& strategy : results.strategies) {
    if (strategy.status != results::Availability::available) {
      say(stderr, "{}: {}: {}\n", results::to_string(strategy.status), strategy.id,
          one_line(strategy.reason));
    }
  }
  say(stderr, "{}; on processor {}, baseline {}, seed {}\n",
      plan_text(options, prepared, counting_s), results.context.cpu.pinned.value_or("any"),
      prepared.baseline.empty() ? "none" : prepared.baseline, options.seed);
  if (options.unfinished) {
    say(stderr, "{} {} there already\n", counted(earlier.done.size(), "sample"),
        earlier.done.size() == 1 ? "is" : "are");
  }
  say(stderr, "results go to {}\n", directory.string());
}

bool is_failure(CellStatus status) {
  return status == CellStatus::failed || status == CellStatus::crashed ||
         status == CellStatus::timeout;
}

void print_failures(const results::Results& results) {
  constexpr int kMost = 10;
  int count = 0;
  for (const results::Cell& cell : results.cells) {
    if (is_failure(cell.status) && ++count <= kMost) {
      say(stderr, "{}: {}: {}\n", results::to_string(cell.status), cell.id, one_line(cell.reason));
    }
  }
  if (count > kMost) {
    say(stderr, "... and {} more cases; results.json has their reasons\n", count - kMost);
  }
}

bool is_figure(const fs::path& file) { return file.extension() == ".svg"; }

/// How much of what a run ends with is printed: the answer fits on a screen.
enum class Ends { silently, with_the_answer, with_all };

Ends ends(const Options& options, const results::Results& results) {
  if (options.quiet) return Ends::silently;
  const bool answered = results.answer && !results.answer->strategies.empty();
  return answered && !options.verbose ? Ends::with_the_answer : Ends::with_all;
}

/// False when it could not be written, which is then on the terminal.
bool write_report_files(const results::Results& results, const fs::path& directory, Ends how) {
  try {
    const analysis::ReportOutcome outcome = analysis::write_report(results, directory);
    for (const std::string& warning : outcome.warnings) say(stderr, "warning: {}\n", warning);
    if (how != Ends::silently) say(stdout, "report:  {}\n", (directory / "report.html").string());
    if (how == Ends::with_all && std::ranges::any_of(outcome.files, is_figure)) {
      say(stdout, "figures: {}\n", (directory / "plots").string());
    }
    return true;
  } catch (const std::exception& error) {
    say(stderr,
        "bench-run: {}; the results are complete in {}, and bench-report makes the report "
        "from them\n",
        error.what(), directory.string());
    return false;
  }
}

int table_width() {
  constexpr int kUsualWidth = 100;
  return terminal_width(stdout, kUsualWidth);
}

void print_result(const results::Results& results, Ends how) {
  const bool colour = isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr;
  const analysis::TerminalStyle style = {.width = table_width(), .colour = colour};
  const analysis::Quantities run(results);
  if (how == Ends::with_all) say(stdout, "\n{}\n", analysis::terminal_table(run, style));
  if (results.answer && !results.answer->strategies.empty()) {
    say(stdout, "\n{}", analysis::terminal_answer(run, *results.answer, style));
  }
}

/// False when results.json could not be replaced, which is then on the terminal.
bool write_final_results(const results::Results& results, const fs::path& directory) {
  try {
    results::write_results(results, directory / "results.json");
    return true;
  } catch (const std::system_error& error) {
    say(stderr, "bench-run: {}; what was measured is in {}\n", error.what(),
        (directory / "samples.jsonl").string());
    return false;
  }
}

struct Ending {
  bool interrupted = false;
  bool journal_lost = false;
  std::string reason;  // of a run that was not interrupted
};

/// Counts once everything is timed: a counted child must not heat a processor that a timed one
/// needs.
Ending measure(const Catalogue& catalogue, const Options& options, const Prepared& prepared,
               const results::Results& results, std::vector<CountingPlan> plans,
               const fs::path& journal, Measuring& measuring) {
  try {
    std::string reason = measuring.run_all(judge_rounds(catalogue, options, prepared, results));
    bool all = !reason.empty();
    for (CountingPlan& plan : plans) {
      plan.cells = cells_to_count(catalogue, options, prepared, measuring, plan);
      all = all && measuring.count_all(plan);
    }
    measuring.hide_progress();
    return {.interrupted = !all, .journal_lost = false, .reason = all ? reason : std::string()};
  } catch (const std::system_error& error) {
    measuring.hide_progress();
    say(stderr,
        "bench-run: stopped: {}; {} is intact up to here, and bench-run --resume={} goes on from "
        "there\n",
        explain(error).reason, journal.string(), journal.parent_path().string());
    return {.interrupted = true, .journal_lost = true, .reason = {}};
  }
}

int exit_code(const results::Results& results, const Ending& ending, bool written) {
  if (ending.journal_lost || !written) return kFailed;
  if (ending.interrupted) return kInterrupted;
  const bool failed = std::ranges::any_of(
      results.cells, [](const results::Cell& cell) { return is_failure(cell.status); });
  return failed ? kFailed : kDone;
}

/// Summarises, writes and shows what there is. Impatience ends it only once the results are safe.
int conclude(const Options& options, results::Results& results, const Measuring& measuring,
             const Ending& ending, const fs::path& directory, SignalWatch& signals) {
  results.run.finished = utc_now();
  results.run.interrupted = ending.interrupted;
  results.run.ended = ending.reason;
  if (options.until) {
    results.run.rounds = measuring.rounds();
    for (results::Cell& cell : results.cells) {
      const auto known = measuring.known_after().find(cell.id);
      if (known != measuring.known_after().end() && known->second < measuring.rounds()) {
        cell.known_after = known->second;
      }
    }
  }
  analysis::summarise(results, measuring.entries());
  results.answer = analysis::answer_of(results, options.profiles);
  bool written = write_final_results(results, directory);
  signals.release();
  print_failures(results);  // the table shows the headline's cases only
  const Ends how = ends(options, results);
  if (how != Ends::silently) print_result(results, how);
  if (how == Ends::with_all && options.until && !ending.reason.empty()) {
    say(stdout, "{}\n", ending.reason);
  }
  if (how == Ends::with_all || (how == Ends::with_the_answer && !options.report)) {
    say(stdout, "results: {}\n", (directory / "results.json").string());
  }
  if (options.report && written) written = write_report_files(results, directory, how);
  std::fflush(stdout);
  if (ending.interrupted && !ending.journal_lost) {
    say(stderr,
        "interrupted: what was measured until then is kept; bench-run --resume={} goes on\n",
        directory.string());
  }
  return exit_code(results, ending, written);
}

/// results.json of a run that has not ended.
void write_blank_results(const results::Results& results, const fs::path& directory) {
  results::Results blank = results;
  analysis::summarise(blank, {});
  results::write_results(blank, directory / "results.json");
}

/// The journal and a first results.json, which says that the run has not ended. Throws UsageError,
/// so that a directory that cannot take the results is known before anything is measured.
results::JournalWriter open_results(const results::Results& results, const fs::path& directory) {
  claim_directory(directory);
  const fs::path file = directory / "samples.jsonl";
  const fs::path results_file = directory / "results.json";
  try {
    // First what the journal belongs to: without it nothing can be resumed.
    write_blank_results(results, directory);
    return results::JournalWriter(file);
  } catch (const std::system_error& error) {
    std::error_code ignored;  // both are ours, and say nothing: the next run may use this directory
    fs::remove(file, ignored);
    fs::remove(results_file, ignored);
    throw UsageError(
        fmt::format("{}; make room, or name another directory with --out=DIR", error.what()));
  }
}

/// The journal of a run that is resumed, without a torn last line.
results::JournalWriter reopen_journal(const fs::path& directory) {
  try {
    return results::JournalWriter(directory / "samples.jsonl");
  } catch (const std::system_error& error) {
    throw UsageError(fmt::format("--resume: {}", error.what()));
  }
}

/// What comes before anything of the run is timed. A run that goes on keeps the self-test that it
/// was begun with. False when it was asked to stop.
bool self_test_first(const Options& options, const Settings& settings, const fs::path& directory,
                     results::Results& results, SignalWatch& signals) {
  if (options.self_test == SelfTestWanted::no || results.context.selftest ||
      results.context.emulated) {
    return true;
  }
  results.context.selftest = run_self_test(options, settings, signals);
  if (!results.context.selftest) {
    say(stderr, "interrupted before anything was measured\n");
    return false;
  }
  write_blank_results(results, directory);
  if (!options.quiet) {
    say(stdout, "{}",
        analysis::terminal_text(std::vector{analysis::self_test_summary(*results.context.selftest)},
                                {.width = table_width()}));
  }
  return true;
}

}  // namespace

int run(const Catalogue& catalogue, const Options& options, const Settings& settings) {
  SignalWatch signals;
  use_all_descriptors();
  std::optional<Prepared> prepared = prepare(catalogue, options, settings, signals);
  if (!prepared) return kInterrupted;
  results::Results results = blank_results(catalogue, options, settings, *prepared);
  if (options.unfinished) take_over(*options.unfinished, results);
  std::vector<CountingPlan> counting = find_counters(options, settings, results.context);
  const fs::path directory = options.out.value_or(
      default_directory(results.context.host.value_or("unknown"), results.context.arch));
  results::JournalWriter journal =
      options.unfinished ? reopen_journal(directory) : open_results(results, directory);
  EarlierRounds earlier;
  if (options.unfinished) {
    if (const auto killed = killed_in_flight(directory)) {
      journal.append(*killed);
      say(stderr, "crashed: {}: {}\n", killed->cell, killed->reason);
    }
    earlier.journal = read_unfinished_journal(directory);
    earlier.done = DoneRounds(earlier.journal);
  }
  const double counting_s = expected_counting_s(catalogue, options, *prepared, counting);
  announce(options, *prepared, earlier, counting_s, results, directory);
  if (!self_test_first(options, settings, directory, results, signals)) return kInterrupted;
  InFlight in_flight(directory);
  Measuring measuring(options, settings, *prepared, requested_cells(catalogue, *prepared), signals,
                      {.journal = &journal,
                       .in_flight = &in_flight,
                       .later_s = counting_s + expected_report_s(options)},
                      std::move(earlier));
  const Ending ending = measure(catalogue, options, *prepared, results, std::move(counting),
                                journal.path(), measuring);
  return conclude(options, results, measuring, ending, directory, signals);
}

int dry_run(const Catalogue& catalogue, const Options& options, const Settings& settings) {
  SignalWatch signals;
  std::optional<Prepared> prepared = prepare(catalogue, options, settings, signals);
  if (!prepared) return kInterrupted;
  results::Results results = blank_results(catalogue, options, settings, *prepared);
  std::vector<CountingPlan> counting = find_counters(options, settings, results.context);
  for (const PlannedCell& cell : prepared->cells) {
    const Probed* probed = find_probed(prepared->probed, cell.runs);
    const std::string status =
        cell.make == nullptr ? "  (unsupported)"
        : !cell.unavailable.empty()
            ? fmt::format("  ({} on this machine)", cell.denied ? "denied" : "unsupported")
        : is_allowed(*prepared, cell)
            ? ""
            : fmt::format("  ({} on this machine)", results::to_string(probed->row.status));
    say(stdout, "{}{}\n", cell.id, status);
  }
  say(stdout, "\n{}; preset {}, baseline {}, seed {}\n",
      plan_text(options, *prepared, expected_counting_s(catalogue, options, *prepared, counting)),
      options.selection.preset->name, prepared->baseline.empty() ? "none" : prepared->baseline,
      options.seed);
  return kDone;
}

}  // namespace patchbench::harness
