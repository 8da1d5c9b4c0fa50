#include "harness/run/measuring.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "analysis/quantity/summarise.hpp"
#include "harness/base/clock.hpp"
#include "harness/machine/cpu_list.hpp"
#include "harness/plan/arena.hpp"
#include "harness/plan/expected_end.hpp"
#include "harness/process/launch.hpp"
#include "harness/process/layouts.hpp"
#include "harness/run/estimates.hpp"

namespace patchbench::harness {
namespace {

std::vector<double> seconds_of_rounds(std::span<const results::JournalEntry> entries, int rounds) {
  std::vector<double> seconds(static_cast<std::size_t>(rounds));
  for (const results::JournalEntry& entry : entries) {
    if (entry.counted.empty() && entry.round < rounds) {
      seconds[static_cast<std::size_t>(entry.round)] += entry.wall_ms * 1e-3;
    }
  }
  return seconds;
}

/// Time is that of the children, so that it goes on counting where a run was resumed.
Standing standing_of(std::span<const results::JournalEntry> entries, int rounds, int every) {
  const std::vector<double> seconds = seconds_of_rounds(entries, rounds);
  return {.rounds = rounds,
          .used_s = std::accumulate(seconds.begin(), seconds.end(), 0.0),
          .round_s = next_round_s({.seconds = seconds, .every = every})};
}

}  // namespace

LostRounds::LostRounds(const std::vector<PlannedCell>& cells, int rounds)
    : cells_(cells), lost_(cells.size()), rounds_(rounds) {}

void LostRounds::begin(int round) { rounds_ = std::max(rounds_, round); }

void LostRounds::count(std::size_t cell) { ++lost_[cell]; }

void LostRounds::give_up(std::size_t cell) { given_up_.insert(cell); }

bool LostRounds::given_up(std::size_t cell) const {
  if (given_up_.contains(cell)) return true;
  const int every = cells_[cell].every;
  return lost_[cell] * 5 > (rounds_ + every - 1) / every;
}

JudgeRounds judge_rounds(const Catalogue& catalogue, const Options& options,
                         const Prepared& prepared, const results::Results& results) {
  if (!options.until) {
    return [rounds = options.rounds](auto, int done) -> AfterRound {
      if (done < rounds) return {};
      return {.reason_to_stop = fmt::format("rounds: {}, as asked for", rounds), .known = {}};
    };
  }
  return [rule = *options.until, requested = requested_cells(catalogue, prepared),
          every = prepared.rounds_apart,
          so_far = results](std::span<const results::JournalEntry> entries, int done) mutable {
    so_far.run.rounds = done;
    analysis::summarise_ratios(so_far, entries);
    return AfterRound{.reason_to_stop = reason_to_stop(rule, so_far, requested,
                                                       standing_of(entries, done, every)),
                      .known = known_ratios(rule, so_far),
                      .known_after = rounds_to_know(rule, so_far, requested)};
  };
}

Measuring::Measuring(const Options& options, const Settings& settings, const Prepared& prepared,
                     std::set<std::string> requested, SignalWatch& signals, MeasuringOutput output,
                     EarlierRounds earlier)
    : options_(options),
      settings_(settings),
      prepared_(prepared),
      planner_(prepared.cells, options.seed, prepared.arena.value_or(&no_arena)),
      done_before_(std::move(earlier.done)),
      signals_(signals),
      output_(std::move(output)),
      lost_(prepared.cells, options.rounds),
      requested_(std::move(requested)),
      entries_(std::move(earlier.journal)) {
  for (const results::JournalEntry& entry : entries_) {
    used_s_ += entry.counted.empty() ? entry.wall_ms * 1e-3 : 0;
    if (!entry.killed_run.value_or(false)) continue;
    const auto found = std::ranges::find(prepared_.cells, entry.cell, &PlannedCell::id);
    if (found != prepared_.cells.end()) {
      lost_.give_up(static_cast<std::size_t>(found - prepared_.cells.begin()));
    }
  }
}

std::string Measuring::run_all(const JudgeRounds& judge) {
  idle_since_ns_ = now_ns();
  progress_.emplace(stderr, options_.quiet, work(options_, prepared_), output_.later_s);
  if (options_.until) progress_->skip(used_s_);
  for (rounds_ = 1;; ++rounds_) {
    const std::size_t before = entries_.size();
    if (!run_round(rounds_ - 1)) return {};
    const AfterRound after = judge(entries_, rounds_);
    known_ = after.known;
    if (options_.until && rounds_ < done_before_.rounds()) {
      continue;  // resumed: the rule was asked after this round, and the run went on
    }
    if (options_.until && entries_.size() == before && rounds_ > done_before_.rounds()) {
      return fmt::format("rounds: {}, because no case is left that can be measured", rounds_);
    }
    if (after.reason_to_stop) return *after.reason_to_stop;
    expect_end(after.known_after);
  }
}

void Measuring::expect_end(std::optional<int> known_after) {
  if (!options_.until) return;
  const std::vector<double> seconds = seconds_of_rounds(entries_, rounds_);
  progress_->expect(expected_use(
      *options_.until, {.seconds = seconds, .every = prepared_.rounds_apart, .expected_s = 0},
      known_after));
}

bool Measuring::count_all(const CountingPlan& plan) {
  const double expected_s = expected_counting_seconds(plan);
  progress_->next({.all = expected_s, .expected_s = expected_s});
  return count_cells(plan, *output_.journal, signals_, *progress_, entries_);
}

bool Measuring::asked_for(std::size_t cell) const {
  return requested_.contains(id(cell)) && prepared_.cells[cell].strategy != prepared_.baseline;
}

bool Measuring::is_known(const CellGroup& group, std::size_t cell) const {
  if (asked_for(cell)) return all_known(known_, id(cell));
  const auto known = [this](std::size_t one) {
    return asked_for(one) && all_known(known_, id(one));
  };
  const auto open = [&](std::size_t one) {
    return asked_for(one) && !known(one) && !lost_.given_up(one);
  };
  return std::ranges::any_of(group, known) && std::ranges::none_of(group, open);
}

std::vector<std::string> Measuring::known_metrics(const CellGroup& group) const {
  std::map<std::string, bool> known;
  for (const std::size_t cell : group) {
    if (!asked_for(cell) || lost_.given_up(cell)) continue;
    const auto found = known_.find(id(cell));
    if (found == known_.end()) return {};
    for (const auto& [metric, is_known] : found->second) {
      known.try_emplace(metric, true).first->second &= is_known;
    }
  }
  std::vector<std::string> metrics;
  for (const auto& [metric, is_known] : known) {
    if (is_known) metrics.push_back(metric);
  }
  return metrics;
}

bool Measuring::is_due(const CellGroup& group, std::size_t cell, int round) {
  if (is_known(group, cell)) known_after_.try_emplace(id(cell), round);
  return !lost_.given_up(cell) && !known_after_.contains(id(cell)) &&
         !done_before_.contains(id(cell), round);
}

std::string Measuring::stage(int round) const {
  return options_.until ? fmt::format("{} {}", output_.stage, round + 1)
                        : fmt::format("{} {}/{}", output_.stage, round + 1, options_.rounds);
}

ChildTask Measuring::timed_task(const PlannedCell& cell, const PlannedRound& round, int number,
                                int order) const {
  const Preset& preset = *options_.selection.preset;
  ChildTask task;
  task.cell = cell.id;
  task.strategy = cell.runs;
  task.workload = cell.workload;
  task.policy = policy_word(options_);
  task.request = {
      .params = cell.params, .seed = round.seed, .arena = round.arena, .zone = options_.zone};
  task.round = number;
  task.order = order;
  task.cpu = cpu_of_round(options_.cpus, static_cast<std::size_t>(number));
  const int layout = layout_of_round(prepared_.layouts, number, cell.strategy == kAgain);
  task.program = prepared_.layouts.programs.at(static_cast<std::size_t>(layout));
  task.batches = preset.batches;
  task.budget_ms = settings_.budget_ms.value_or(preset.budget_ms);
  task.takes_turns = true;
  task.patience = patience_of(cell);
  return task;
}

bool Measuring::run_round(int number) {
  lost_.begin(number + 1);
  PlannedRound round = planner_.next();
  std::erase_if(round.order, [this, number](std::size_t cell) {
    return !is_allowed(prepared_, prepared_.cells[cell]) ||
           number % prepared_.cells[cell].every != 0;
  });
  int order = 0;
  for (const CellGroup& group : groups_of(prepared_.cells, round.order)) {
    progress_->show(options_.until ? used_s_ : static_cast<double>(done_), stage(number),
                    id(group.front()));
    const std::vector<std::string> known = known_metrics(group);
    std::vector<ChildTask> tasks;
    for (const std::size_t cell : group) {
      if (is_due(group, cell, number)) {
        tasks.push_back(timed_task(prepared_.cells[cell], round, number, order));
        tasks.back().left_out = known;
      }
      ++order;
    }
    if (tasks.empty() && !options_.until) progress_->skip(static_cast<double>(group.size()));
    if (!run_tasks(tasks, round.seed)) return false;
    done_ += group.size();
  }
  return true;
}

bool Measuring::run_tasks(std::span<const ChildTask> tasks, std::uint64_t seed) {
  double worked_before_ms = 0;
  std::vector<results::JournalEntry> group;
  SayWhoWorks works;
  if (output_.in_flight != nullptr) {
    output_.in_flight->begin_group();
    works = [this](const ChildTask& task) { output_.in_flight->at(task.round, task.cell); };
  }
  if (!run_group(
          tasks, settings_.child_timeout, seed, signals_,
          [&](results::JournalEntry entry, double worked_ms) {
            const std::int64_t now = now_ns();
            entry.between_ms = std::max(0.0, (static_cast<double>(now - idle_since_ns_) * 1e-6) -
                                                 (worked_ms - worked_before_ms));
            idle_since_ns_ = now;
            worked_before_ms = worked_ms;
            group.push_back(std::move(entry));
          },
          works)) {
    return false;
  }
  keep(std::move(group));
  return true;
}

void Measuring::keep(std::vector<results::JournalEntry> group) {
  // How many batches a case needs, and so which one ends first, depends on its time.
  std::ranges::sort(group, {}, &results::JournalEntry::order);
  for (std::size_t i = 0; i < group.size(); ++i) {
    group[i].in_group = static_cast<int>(i);
    group[i].group_size = static_cast<int>(group.size());
  }
  if (output_.journal != nullptr) output_.journal->append(group);
  for (results::JournalEntry& entry : group) {
    used_s_ += entry.wall_ms * 1e-3;
    if (entry.status != results::CellStatus::ok) {
      const auto found = std::ranges::find(prepared_.cells, entry.cell, &PlannedCell::id);
      lost_.count(static_cast<std::size_t>(found - prepared_.cells.begin()));
    }
    entries_.push_back(std::move(entry));
  }
}

}  // namespace patchbench::harness
