#include "harness/run.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "analysis/report.hpp"
#include "analysis/self_test.hpp"
#include "analysis/summarise.hpp"
#include "analysis/table.hpp"
#include "harness/arena.hpp"
#include "harness/clock.hpp"
#include "harness/counters/counting.hpp"
#include "harness/counters/measured.hpp"
#include "harness/launch.hpp"
#include "harness/layouts.hpp"
#include "harness/output_directory.hpp"
#include "harness/plan.hpp"
#include "harness/probe.hpp"
#include "harness/progress.hpp"
#include "harness/resume.hpp"
#include "harness/round.hpp"
#include "harness/self_test.hpp"
#include "harness/signals.hpp"
#include "harness/stopping.hpp"
#include "harness/terminal.hpp"
#include "harness/timing.hpp"
#include "harness/usage_error.hpp"
#include "results/journal.hpp"
#include "results/json.hpp"
#include "strategies/publish.hpp"
#include "workloads/parameters.hpp"

namespace patchbench::harness {
namespace {

namespace fs = std::filesystem;
using results::CellStatus;

/// Everything that is decided before the first child is timed.
struct Prepared {
  std::vector<Probed> probed;
  std::string baseline;
  std::vector<PlannedCell> cells;
  std::optional<ChooseArena> arena;  // empty: the kernel chooses addresses
  Layouts layouts;
};

/// Neither side of a ratio that a run is asked for, nor the baseline's twin.
bool only_explains(const Catalogue& catalogue, std::string_view baseline, const PlannedCell& cell) {
  const StrategyEntry* entry = find_strategy(catalogue, cell.strategy);
  return entry != nullptr && entry->info.role == StrategyRole::control && cell.strategy != baseline;
}

/// Empty when the run was asked to stop.
std::optional<Prepared> prepare(const Catalogue& catalogue, const Options& options,
                                const Settings& settings, SignalWatch& signals) {
  auto probed = probe_strategies(catalogue, settings.child_timeout, signals);
  if (!probed) {
    return std::nullopt;
  }
  Prepared prepared;
  prepared.probed = std::move(*probed);
  prepared.baseline = choose_baseline(catalogue, prepared.probed, options.baseline);
  prepared.cells = plan_cells(catalogue, options.selection, prepared.baseline);
  for (PlannedCell& cell : prepared.cells) {
    cell.unavailable = why_unavailable(catalogue, cell);
    if (options.until && only_explains(catalogue, prepared.baseline, cell)) {
      cell.every = options.selection.preset->controls_every;
    }
  }
  prepared.arena = find_arena();
  prepared.layouts = find_layouts(settings.layout_marker);
  return prepared;
}

/// What this machine does not allow is a row with a reason, and is not run.
bool is_allowed(const Prepared& prepared, const PlannedCell& cell) {
  if (!cell.unavailable.empty()) {
    return false;
  }
  const Probed* probed = find_probed(prepared.probed, cell.runs);
  return probed == nullptr || probed->cells == CellStatus::ok;
}

bool is_run(const Prepared& prepared, const PlannedCell& cell) {
  return cell.make != nullptr && is_allowed(prepared, cell);
}

std::size_t children_of(const Prepared& prepared, int rounds) {
  int children = 0;
  for (const PlannedCell& cell : prepared.cells) {
    children += is_run(prepared, cell) ? (rounds + cell.every - 1) / cell.every : 0;
  }
  return static_cast<std::size_t>(children);
}

/// For the estimate alone. Set-up, checks, calibration and the process itself cost about as much as
/// seen on a small virtual machine; slow cells use all of their budget, the others their shortest
/// batches.
double expected_child_ms(const PlannedCell& cell, const Preset& preset) {
  constexpr double kOverheadMs = 25;
  const double batches_ms =
      static_cast<double>(cell.metrics) * preset.batches * kLongestBatchNs * 1e-6;
  return std::min(preset.budget_ms, batches_ms) + kOverheadMs;
}

double expected_round_s(const Prepared& prepared, const Preset& preset) {
  double total_ms = 0;
  for (const PlannedCell& cell : prepared.cells) {
    total_ms += is_run(prepared, cell) ? expected_child_ms(cell, preset) / cell.every : 0;
  }
  return total_ms * 1e-3;
}

/// How many rounds to expect: what was asked for, or at most what the budget has room for.
int expected_rounds(const Options& options, const Prepared& prepared) {
  if (!options.until) {
    return options.rounds;
  }
  constexpr double kMost = 1e6;  // an estimate of more helps nobody, and might not fit an int
  const double round_s = expected_round_s(prepared, *options.selection.preset);
  const double room = round_s > 0 ? std::min(options.until->budget_s / round_s, kMost) : 0;
  return std::max(options.rounds, static_cast<int>(room));
}

double expected_seconds(const Options& options, const Prepared& prepared) {
  return expected_round_s(prepared, *options.selection.preset) * expected_rounds(options, prepared);
}

/// The cells whose ratios were asked for: those of strategies, not of controls.
std::set<std::string> requested_cells(const Catalogue& catalogue, const Prepared& prepared) {
  std::set<std::string> requested;
  for (const PlannedCell& cell : prepared.cells) {
    const StrategyEntry* entry = find_strategy(catalogue, cell.strategy);
    if (entry != nullptr && entry->info.role == StrategyRole::strategy) {
      requested.insert(cell.id);
    }
  }
  return requested;
}

/// What the architecture promises of this cell's patches. Every mode but the default is named.
std::string note_on_publishing(const StrategyInfo& strategy, const PlannedCell& cell) {
  const PublishMode mode = publish_mode_of(cell.params);
  if (!strategy.patches_code && mode != PublishMode::none) {
    return "patches data: nothing is published";
  }
  return publish_note(strategy.second_view ? AliasKind::second_view : AliasKind::same_address,
                      mode);
}

results::Cell blank_row(const Catalogue& catalogue, const Prepared& prepared,
                        const PlannedCell& cell) {
  results::Cell row;
  row.id = cell.id;
  row.strategy = cell.strategy;
  row.workload = cell.workload;
  row.params = cell.shown;
  if (cell.every > 1) {
    row.every = cell.every;
  }
  if (cell.make == nullptr) {
    row.status = CellStatus::unsupported;
    row.reason = cell.unsupported;
  } else if (!cell.unavailable.empty()) {
    row.status = CellStatus::unsupported;
    row.reason = cell.unavailable;
  } else if (!is_allowed(prepared, cell)) {
    const Probed* probed = find_probed(prepared.probed, cell.runs);
    row.status = probed->cells;
    row.reason = probed->row.reason;
  }
  if (cell.strategy == kAgain) {
    row.notes.push_back(fmt::format("twin of {}", cell.runs));
  }
  const StrategyEntry* strategy = find_strategy(catalogue, cell.runs);
  if (strategy != nullptr && row.status == CellStatus::ok) {
    if (std::string note = note_on_publishing(strategy->info, cell); !note.empty()) {
      row.notes.push_back(std::move(note));
    }
  }
  return row;
}

results::Run describe_run(const Options& options, const results::Context& context) {
  results::Run run;
  run.id = fmt::format("{}-{}-{}", as_file_name(context.host.value_or("unknown")), context.arch,
                       utc_now_compact());
  run.started = utc_now();
  run.command = options.command;
  run.preset = options.selection.preset->name;
  run.seed = options.seed;
  run.rounds = options.rounds;
  run.interrupted = true;  // until it has ended: a run that is killed leaves it so
  run.arguments = options.arguments;
  run.program = program_fingerprint();
  run.delta = options.delta;
  return run;
}

results::Results blank_results(const Catalogue& catalogue, const Options& options,
                               const Settings& settings, const Prepared& prepared) {
  results::Results results;
  results.context = read_environment(settings.sources, options.cpus);
  results.run = describe_run(options, results.context);
  results.run.execute_only = execute_only_metrics(catalogue);
  results.baseline = prepared.baseline;
  for (const Probed& probed : prepared.probed) {
    results.strategies.push_back(probed.row);
  }
  for (const PlannedCell& cell : prepared.cells) {
    results.cells.push_back(blank_row(catalogue, prepared, cell));
  }
  if (!prepared.arena) {
    results.context.warnings.emplace_back(
        "no free stretch of addresses for all strategies to share: the kernel places each, and "
        "layout may look like a difference between them");
  }
  if (!prepared.layouts.warning.empty()) {
    results.context.warnings.push_back(prepared.layouts.warning);
  }
  if (options.self_test != SelfTestWanted::no && results.context.emulated) {
    results.context.warnings.emplace_back(
        "--selftest: not run, because an emulator's times mean nothing");
  }
  if (prepared.baseline.empty()) {
    results.context.warnings.emplace_back(
        "this machine allows no strategy: there is no baseline and no ratio");
  }
  return results;
}

/// What a run leaves for the one that goes on with it.
struct Begun {
  std::vector<results::JournalEntry> journal;
  DoneRounds done{{}};
};

/// Takes over what was begun: its name, its beginning and the state of the machine then. Throws
/// UsageError when this is not the same run.
void go_on(const results::Results& begun, results::Results& results) {
  require_same_run(begun, results);
  results.run = begun.run;
  results.context = begun.context;
}

/// A cell that has lost more rounds than it may (a fifth) is not started again: nothing it could
/// still do would make it `ok`, and one that hangs would cost its timeout every round.
class LostRounds {
 public:
  /// `rounds` of them are sure to be run.
  LostRounds(const std::vector<PlannedCell>& cells, int rounds)
      : cells_(cells), lost_(cells.size()), rounds_(rounds) {}

  void begin(int round) { rounds_ = std::max(rounds_, round); }
  void count(std::size_t cell) { ++lost_[cell]; }
  [[nodiscard]] bool given_up(std::size_t cell) const {
    const int every = cells_[cell].every;
    return lost_[cell] * 5 > (rounds_ + every - 1) / every;
  }

 private:
  const std::vector<PlannedCell>& cells_;
  std::vector<int> lost_;
  int rounds_;
};

/// What a look at the samples after a round says.
struct AfterRound {
  std::optional<std::string> reason_to_stop;
  KnownRatios known;
};
using Look = std::function<AfterRound(std::span<const results::JournalEntry>, int rounds)>;

/// Runs the plan and keeps what comes back.
class Measuring {
 public:
  Measuring(const Options& options, const Settings& settings, const Prepared& prepared, Begun begun,
            std::set<std::string> requested, results::JournalWriter& journal, SignalWatch& signals)
      : options_(options),
        settings_(settings),
        prepared_(prepared),
        planner_(prepared.cells, options.seed, prepared.arena.value_or(&no_arena)),
        done_before_(std::move(begun.done)),
        journal_(journal),
        signals_(signals),
        lost_(prepared.cells, options.rounds),
        requested_(std::move(requested)),
        entries_(std::move(begun.journal)) {}

  /// Why it ended; empty when the run was asked to stop. Throws std::system_error when the journal
  /// cannot be written.
  std::string run_all(const Look& look) {
    idle_since_ns_ = now_ns();
    const int expected = expected_rounds(options_, prepared_);
    Progress progress(stderr, options_.quiet, children_of(prepared_, expected), expected,
                      expected_seconds(options_, prepared_));
    for (rounds_ = 1;; ++rounds_) {
      const std::size_t before = entries_.size();
      if (!run_round(rounds_ - 1, progress)) {
        return {};
      }
      const AfterRound after = look(entries_, rounds_);
      known_ = after.known;
      if (options_.until && rounds_ < done_before_.rounds()) {
        continue;  // resumed: the rule was asked after this round, and the run went on
      }
      if (options_.until && entries_.size() == before && rounds_ > done_before_.rounds()) {
        return fmt::format("rounds: {}, because no cell is left that can be measured", rounds_);
      }
      if (after.reason_to_stop) {
        return *after.reason_to_stop;
      }
    }
  }

  /// Begun ones.
  [[nodiscard]] int rounds() const { return rounds_; }

  /// After run_all(). False and exceptions as there.
  bool count_all(const CountingPlan& plan) {
    Progress progress(stderr, options_.quiet, count_metrics(plan), 0,
                      expected_counting_seconds(plan));
    return count_cells(plan, journal_, signals_, progress, entries_);
  }

  [[nodiscard]] const std::vector<results::JournalEntry>& entries() const { return entries_; }
  [[nodiscard]] bool given_up(std::size_t cell) const { return lost_.given_up(cell); }
  /// Of cells that had no more rounds because their ratios were known.
  [[nodiscard]] const std::map<std::string, int>& known_after() const { return known_after_; }

 private:
  using CellGroup = std::vector<std::size_t>;

  [[nodiscard]] const std::string& id(std::size_t cell) const { return prepared_.cells[cell].id; }
  /// Of a ratio that was asked for, it is not the baseline's side.
  [[nodiscard]] bool asked_for(std::size_t cell) const {
    return requested_.contains(id(cell)) && prepared_.cells[cell].strategy != prepared_.baseline;
  }
  /// Cells of a group that are not asked for go on for as long as one of it that is.
  [[nodiscard]] bool is_known(const CellGroup& group, std::size_t cell) const {
    if (asked_for(cell)) {
      return all_known(known_, id(cell));
    }
    const auto known = [this](std::size_t one) {
      return asked_for(one) && all_known(known_, id(one));
    };
    const auto open = [&](std::size_t one) {
      return asked_for(one) && !known(one) && !lost_.given_up(one);
    };
    return std::ranges::any_of(group, known) && std::ranges::none_of(group, open);
  }
  /// The metrics whose ratios are known for all cells of a group that are asked for. Only those are
  /// left out, by all: what a process executed before a metric is then the same on both sides of
  /// every ratio.
  [[nodiscard]] std::vector<std::string> known_metrics(const CellGroup& group) const {
    std::map<std::string, bool> known;
    for (const std::size_t cell : group) {
      if (!asked_for(cell) || lost_.given_up(cell)) {
        continue;
      }
      const auto found = known_.find(id(cell));
      if (found == known_.end()) {
        return {};
      }
      for (const auto& [metric, is_known] : found->second) {
        known.try_emplace(metric, true).first->second &= is_known;
      }
    }
    std::vector<std::string> metrics;
    for (const auto& [metric, is_known] : known) {
      if (is_known) {
        metrics.push_back(metric);
      }
    }
    return metrics;
  }
  [[nodiscard]] bool is_due(const CellGroup& group, std::size_t cell, int round) {
    if (is_known(group, cell)) {
      known_after_.try_emplace(id(cell), round);
    }
    return !lost_.given_up(cell) && !known_after_.contains(id(cell)) &&
           !done_before_.contains(id(cell), round);
  }

  bool run_round(int number, Progress& progress) {
    lost_.begin(number + 1);
    PlannedRound round = planner_.next();
    std::erase_if(round.order, [this, number](std::size_t cell) {
      return !is_allowed(prepared_, prepared_.cells[cell]) ||
             number % prepared_.cells[cell].every != 0;
    });
    int order = 0;
    for (const std::vector<std::size_t>& group : groups_of(prepared_.cells, round.order)) {
      progress.show(done_, number, prepared_.cells[group.front()].id);
      const std::vector<std::string> known = known_metrics(group);
      std::vector<ChildTask> tasks;
      for (const std::size_t cell : group) {
        if (is_due(group, cell, number)) {
          tasks.push_back(timed_task(options_, settings_, prepared_.layouts, prepared_.cells[cell],
                                     round, number, order));
          tasks.back().takes_turns = true;
          tasks.back().left_out = known;
        }
        ++order;
      }
      if (!run_tasks(tasks, round.seed)) {
        return false;
      }
      done_ += group.size();
    }
    return true;
  }

  /// Those of one group, which is kept as a whole: samples of a cell that was resumed would have
  /// been measured in other laps than those that it is paired with.
  bool run_tasks(std::span<const ChildTask> tasks, std::uint64_t seed) {
    double worked_before_ms = 0;
    std::vector<results::JournalEntry> group;
    if (!run_group(tasks, settings_.child_timeout, seed, signals_,
                   [&](results::JournalEntry entry, double worked_ms) {
                     const std::int64_t now = now_ns();
                     entry.between_ms =
                         std::max(0.0, (static_cast<double>(now - idle_since_ns_) * 1e-6) -
                                           (worked_ms - worked_before_ms));
                     idle_since_ns_ = now;
                     worked_before_ms = worked_ms;
                     group.push_back(std::move(entry));
                   })) {
      return false;
    }
    // How many batches a cell needs, and so which one ends first, depends on its time.
    std::ranges::sort(group, {}, &results::JournalEntry::order);
    for (std::size_t i = 0; i < group.size(); ++i) {
      group[i].in_group = static_cast<int>(i);
      group[i].group_size = static_cast<int>(group.size());
    }
    journal_.append(group);
    for (results::JournalEntry& entry : group) {
      if (entry.status != CellStatus::ok) {
        const auto found = std::ranges::find(prepared_.cells, entry.cell, &PlannedCell::id);
        lost_.count(static_cast<std::size_t>(found - prepared_.cells.begin()));
      }
      entries_.push_back(std::move(entry));
    }
    return true;
  }

  const Options& options_;
  const Settings& settings_;
  const Prepared& prepared_;
  RoundPlanner planner_;
  DoneRounds done_before_;
  results::JournalWriter& journal_;
  SignalWatch& signals_;
  LostRounds lost_;
  std::set<std::string> requested_;
  KnownRatios known_;
  std::map<std::string, int> known_after_;
  int rounds_ = 0;
  std::size_t done_ = 0;
  std::int64_t idle_since_ns_ = 0;  // since the entry before
  std::vector<results::JournalEntry> entries_;
};

bool has_been_counted(const std::vector<results::JournalEntry>& journal, std::string_view source,
                      const std::string& cell) {
  return std::ranges::any_of(journal, [&](const results::JournalEntry& entry) {
    return entry.counted == source && entry.cell == cell;
  });
}

/// Each counted round has its own seed, addresses and processor, as timed rounds have; the same
/// ones in every run, so that what is exact stays the same, and in every cell.
std::vector<CountedPlace> places_to_count(const Options& options, const Prepared& prepared) {
  std::vector<CountedPlace> places;
  const auto rounds = static_cast<std::size_t>(options.selection.preset->counted_rounds);
  for (std::size_t round = 0; round < rounds; ++round) {
    const std::uint64_t seed = 1 + round;
    SeededRandom random(seed);
    places.push_back({.seed = seed,
                      .arena = prepared.arena.value_or(&no_arena)(random),
                      .cpu = options.cpus[round % options.cpus.size()]});
  }
  return places;
}

CountedCell counted_cell(const Catalogue& catalogue, const PlannedCell& cell,
                         const CountingPlan& plan, const std::vector<CountedPlace>& places) {
  CountedCell counted;
  std::ranges::copy_if(find_workload(catalogue, cell.workload)->metrics,
                       std::back_inserter(counted.metrics),
                       [&plan](const std::string& metric) { return counts_metric(plan, metric); });
  counted.task.cell = cell.id;
  counted.task.strategy = cell.runs;
  counted.task.workload = cell.workload;
  counted.places = places;
  counted.task.request = {
      .params = cell.params, .seed = places.front().seed, .arena = places.front().arena};
  counted.task.cpu = places.front().cpu;
  return counted;
}

/// Of all cells; those of a run that goes on may be counted already.
double expected_counting_s(const Catalogue& catalogue, const Options& options,
                           const Prepared& prepared, const std::vector<CountingPlan>& plans) {
  const std::vector<CountedPlace> places = places_to_count(options, prepared);
  double seconds = 0;
  for (const CountingPlan& plan : plans) {
    for (const PlannedCell& cell : prepared.cells) {
      if (plan.found.source && is_run(prepared, cell)) {
        seconds += plan.found.source->expected_seconds(counted_cell(catalogue, cell, plan, places));
      }
    }
  }
  return seconds;
}

/// Every cell that was measured, in an order that the run's seed decides.
std::vector<CountedCell> cells_to_count(const Catalogue& catalogue, const Options& options,
                                        const Prepared& prepared, const Measuring& measuring,
                                        const CountingPlan& plan) {
  const std::vector<CountedPlace> places = places_to_count(options, prepared);
  std::vector<CountedCell> counted;
  for (std::size_t i = 0; i < prepared.cells.size(); ++i) {
    const PlannedCell& cell = prepared.cells[i];
    if (cell.make == nullptr || !is_allowed(prepared, cell) || measuring.given_up(i) ||
        has_been_counted(measuring.entries(), plan.id, cell.id)) {
      continue;
    }
    CountedCell one = counted_cell(catalogue, cell, plan, places);
    if (!one.metrics.empty()) {
      counted.push_back(std::move(one));
    }
  }
  SeededRandom random{options.seed};
  random.shuffle(counted);
  return counted;
}

/// The simulators and the like that --counters asked for, as far as this machine has them.
std::vector<CountingPlan> find_sources(const Options& options, const Settings& settings,
                                       results::Context& context) {
  std::vector<CountingPlan> plans;
  for (const CounterChoice* choice : options.counters.sources) {
    CountingPlan plan{
        .id = choice->id, .found = choice->find(context, settings.child_timeout), .cells = {}};
    if (!plan.found.source) {
      std::string warning = fmt::format("--counters={}: {}", choice->id, plan.found.reason);
      if (std::ranges::find(context.warnings, warning) == context.warnings.end()) {
        context.warnings.push_back(std::move(warning));  // once, also when a run is resumed
      }
    }
    plans.push_back(std::move(plan));
  }
  return plans;
}

/// What --counters asked for. Of events that this machine lacks each row says why.
std::vector<CountingPlan> find_counters(const Options& options, const Settings& settings,
                                        results::Context& context) {
  std::vector<CountingPlan> plans = find_sources(options, settings, context);
  if (!options.counters.events.empty()) {
    const MeasuredRequest request{.words = options.counters.events,
                                  .rounds = options.selection.preset->counted_rounds,
                                  .timeout = settings.child_timeout};
    plans.push_back({.id = kMeasured,
                     .found = {.source = make_measured(request, context), .reason = {}},
                     .cells = {}});
  }
  for (const CountingPlan& plan : plans) {
    if (plan.found.source) {
      plan.found.source->describe(context);
    }
  }
  return plans;
}

/// One line of what a cell said, for the terminal.
std::string one_line(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, ' ');
  constexpr std::size_t kLongest = 300;
  if (text.size() > kLongest) {
    text.replace(kLongest, std::string::npos, "...");
  }
  return text;
}

std::string rounds_text(const Options& options, const Prepared& prepared) {
  const auto rounds = static_cast<std::size_t>(expected_rounds(options, prepared));
  return options.until ? fmt::format("{} at most", counted(rounds, "round"))
                       : counted(rounds, "round");
}

void announce(const Options& options, const Prepared& prepared, const Begun& begun,
              double counting_s, const results::Results& results, const fs::path& directory) {
  if (options.quiet) {
    return;
  }
  for (const std::string& warning : results.context.warnings) {
    say(stderr, "warning: {}\n", warning);
  }
  for (const results::StrategyStatus& strategy : results.strategies) {
    if (strategy.status != results::Availability::available) {
      say(stderr, "{}: {}: {}\n", results::to_string(strategy.status), strategy.id,
          one_line(strategy.reason));
    }
  }
  say(stderr, "{} x {} on processor {}, baseline {}, seed {}: about {}\n",
      counted(prepared.cells.size(), "cell"), rounds_text(options, prepared),
      results.context.cpu.pinned.value_or("any"),
      prepared.baseline.empty() ? "none" : prepared.baseline, options.seed,
      duration_text(expected_seconds(options, prepared) + counting_s));
  if (options.begun) {
    say(stderr, "{} of {} are there already\n", begun.done.size(),
        counted(children_of(prepared, expected_rounds(options, prepared)), "sample"));
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
    say(stderr, "... and {} more cells; results.json has their reasons\n", count - kMost);
  }
}

bool is_figure(const fs::path& file) { return file.extension() == ".svg"; }

/// False when it could not be written, which is then on the terminal.
bool write_report_files(const results::Results& results, const fs::path& directory, bool quiet) {
  try {
    const analysis::ReportOutcome outcome = analysis::write_report(results, directory);
    for (const std::string& warning : outcome.warnings) {
      say(stderr, "warning: {}\n", warning);
    }
    if (!quiet) {
      say(stdout, "report:  {}\n", (directory / "report.html").string());
      if (std::ranges::any_of(outcome.files, is_figure)) {
        say(stdout, "figures: {}\n", (directory / "plots").string());
      }
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

void print_table(const results::Results& results) {
  const bool colour = isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr;
  say(stdout, "\n{}\n",
      analysis::terminal_table(results, {.width = table_width(), .colour = colour}));
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

/// After a number of rounds, or by the rule. What a round takes is known from the one before it;
/// time is that of the children, so that it goes on counting where a run was resumed.
Look look_after_round(const Catalogue& catalogue, const Options& options, const Prepared& prepared,
                      const results::Results& results) {
  if (!options.until) {
    return [rounds = options.rounds](auto, int done) -> AfterRound {
      if (done < rounds) {
        return {};
      }
      return {.reason_to_stop = fmt::format("rounds: {}, as asked for", rounds), .known = {}};
    };
  }
  return [rule = *options.until, requested = requested_cells(catalogue, prepared),
          every = options.selection.preset->controls_every,
          so_far = results](std::span<const results::JournalEntry> entries, int done) mutable {
    double used_ms = 0;
    std::map<int, double> round_ms;
    for (const results::JournalEntry& entry : entries) {
      if (entry.counted.empty() && entry.round < done) {
        used_ms += entry.wall_ms;
        round_ms[entry.round] += entry.wall_ms;
      }
    }
    double next_ms = 0;  // as the last of those with as many cells, and no less than the last one
    for (const int like : {done - every, done - 1}) {
      next_ms = std::max(next_ms, round_ms[std::max(like, 0)]);
    }
    so_far.run.rounds = done;
    analysis::summarise_ratios(so_far, entries);
    return AfterRound{.reason_to_stop = reason_to_stop(
                          rule, so_far, requested,
                          {.rounds = done, .used_s = used_ms * 1e-3, .round_s = next_ms * 1e-3}),
                      .known = known_ratios(rule, so_far)};
  };
}

/// Counts once everything is timed: a counted child must not heat a processor that a timed one
/// needs.
template <typename FindCells>
Ending measure(Measuring& measuring, const Look& look, std::vector<CountingPlan> plans,
               FindCells find_cells, const fs::path& journal) {
  try {
    std::string reason = measuring.run_all(look);
    bool all = !reason.empty();
    for (CountingPlan& plan : plans) {
      plan.cells = find_cells(plan);
      all = all && measuring.count_all(plan);
    }
    return {.interrupted = !all, .journal_lost = false, .reason = all ? reason : std::string()};
  } catch (const std::system_error& error) {
    say(stderr,
        "bench-run: stopped: {}; {} is intact up to here; make room, or name a directory on "
        "another filesystem with --out=DIR\n",
        error.what(), journal.string());
    return {.interrupted = true, .journal_lost = true, .reason = {}};
  }
}

int exit_code(const results::Results& results, const Ending& ending, bool written) {
  if (ending.journal_lost || !written) {
    return kCellFailed;
  }
  if (ending.interrupted) {
    return kInterrupted;
  }
  const bool failed = std::ranges::any_of(
      results.cells, [](const results::Cell& cell) { return is_failure(cell.status); });
  return failed ? kCellFailed : kDone;
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
  bool written = write_final_results(results, directory);
  signals.release();
  print_failures(results);  // the table shows the headline's cells only
  if (!options.quiet) {
    print_table(results);
    if (options.until && !ending.reason.empty()) {
      say(stdout, "{}\n", ending.reason);
    }
    say(stdout, "results: {}\n", (directory / "results.json").string());
  }
  if (options.report && written) {
    written = write_report_files(results, directory, options.quiet);
  }
  std::fflush(stdout);
  if (ending.interrupted && !ending.journal_lost) {
    say(stderr, "interrupted: what was measured until then is kept\n");
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
        analysis::self_test_text(*results.context.selftest,
                                 static_cast<std::size_t>(table_width())));
  }
  return true;
}

}  // namespace

int run(const Catalogue& catalogue, const Options& options, const Settings& settings) {
  SignalWatch signals;
  use_all_descriptors();
  std::optional<Prepared> prepared = prepare(catalogue, options, settings, signals);
  if (!prepared) {
    return kInterrupted;
  }
  results::Results results = blank_results(catalogue, options, settings, *prepared);
  if (options.begun) {
    go_on(*options.begun, results);
  }
  std::vector<CountingPlan> counting = find_counters(options, settings, results.context);
  const fs::path directory = options.out.value_or(
      default_directory(results.context.host.value_or("unknown"), results.context.arch));
  results::JournalWriter journal =
      options.begun ? reopen_journal(directory) : open_results(results, directory);
  Begun begun;
  if (options.begun) {
    begun.journal = read_unfinished_journal(directory);
    begun.done = DoneRounds(begun.journal);
  }
  announce(options, *prepared, begun, expected_counting_s(catalogue, options, *prepared, counting),
           results, directory);
  if (!self_test_first(options, settings, directory, results, signals)) {
    return kInterrupted;
  }
  Measuring measuring(options, settings, *prepared, std::move(begun),
                      requested_cells(catalogue, *prepared), journal, signals);
  const Ending ending = measure(
      measuring, look_after_round(catalogue, options, *prepared, results), std::move(counting),
      [&](const CountingPlan& plan) {
        return cells_to_count(catalogue, options, *prepared, measuring, plan);
      },
      journal.path());
  return conclude(options, results, measuring, ending, directory, signals);
}

int dry_run(const Catalogue& catalogue, const Options& options, const Settings& settings) {
  SignalWatch signals;
  std::optional<Prepared> prepared = prepare(catalogue, options, settings, signals);
  if (!prepared) {
    return kInterrupted;
  }
  results::Results results = blank_results(catalogue, options, settings, *prepared);
  std::vector<CountingPlan> counting = find_counters(options, settings, results.context);
  for (const PlannedCell& cell : prepared->cells) {
    const Probed* probed = find_probed(prepared->probed, cell.runs);
    const std::string status =
        cell.make == nullptr        ? "  (unsupported)"
        : !cell.unavailable.empty() ? "  (unsupported on this machine)"
        : is_allowed(*prepared, cell)
            ? ""
            : fmt::format("  ({} on this machine)", results::to_string(probed->row.status));
    say(stdout, "{}{}\n", cell.id, status);
  }
  say(stdout, "\n{} x {} = {} processes, about {}; preset {}, baseline {}, seed {}\n",
      counted(prepared->cells.size(), "cell"), rounds_text(options, *prepared),
      children_of(*prepared, expected_rounds(options, *prepared)),
      duration_text(expected_seconds(options, *prepared) +
                    expected_counting_s(catalogue, options, *prepared, counting)),
      options.selection.preset->name, prepared->baseline.empty() ? "none" : prepared->baseline,
      options.seed);
  return kDone;
}

}  // namespace patchbench::harness
