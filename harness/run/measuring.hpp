// harness/run/measuring.hpp - runs a plan round by round, and keeps what comes back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "harness/base/progress.hpp"
#include "harness/base/signals.hpp"
#include "harness/counting/counting.hpp"
#include "harness/plan/catalogue.hpp"
#include "harness/plan/plan.hpp"
#include "harness/plan/stopping.hpp"
#include "harness/process/child.hpp"
#include "harness/run/in_flight.hpp"
#include "harness/run/options.hpp"
#include "harness/run/prepared.hpp"
#include "harness/run/resume.hpp"
#include "harness/run/settings.hpp"
#include "results/journal.hpp"
#include "results/model.hpp"

namespace patchbench::harness {

/// What a resumed run has measured before.
struct EarlierRounds {
  std::vector<results::JournalEntry> journal;
  DoneRounds done{{}};
};

/// A case that has lost more rounds than it may (a fifth) is not started again: nothing it could
/// still do would make it `ok`, and one that hangs would cost its timeout every round.
class LostRounds {
 public:
  /// `rounds` of them are sure to be run.
  LostRounds(const std::vector<PlannedCell>& cells, int rounds);

  void begin(int round);
  void count(std::size_t cell);
  /// Of one that killed the run: no round of it is begun again.
  void give_up(std::size_t cell);
  [[nodiscard]] bool given_up(std::size_t cell) const;

 private:
  const std::vector<PlannedCell>& cells_;
  std::vector<int> lost_;
  std::set<std::size_t> given_up_;
  int rounds_;
};

/// What the samples of the rounds until now say.
struct AfterRound {
  std::optional<std::string> reason_to_stop;
  KnownRatios known;
  std::optional<int> known_after = {};  // rounds, as far as can be said (plan/expected_end.hpp)
};
using JudgeRounds = std::function<AfterRound(std::span<const results::JournalEntry>, int rounds)>;

/// After a number of rounds, or by the rule of --precision and --budget.
[[nodiscard]] JudgeRounds judge_rounds(const Catalogue& catalogue, const Options& options,
                                       const Prepared& prepared, const results::Results& results);

/// Where entries go besides into memory, and what the person who waits is shown.
struct MeasuringOutput {
  results::JournalWriter* journal = nullptr;  // nullptr: nowhere
  InFlight* in_flight = nullptr;              // nullptr: nowhere
  std::string stage = "round";                // "self-test, round"
  double later_s = 0;                         // expected behind the rounds: counting, a report
};

/// The rounds of a run, and of a self-test.
class Measuring {
 public:
  /// `options`, `settings`, `prepared` and `signals` must outlive it.
  Measuring(const Options& options, const Settings& settings, const Prepared& prepared,
            std::set<std::string> requested, SignalWatch& signals, MeasuringOutput output,
            EarlierRounds earlier = {});

  /// Why it ended; empty when the run was asked to stop. Throws std::system_error when the journal
  /// cannot be written.
  [[nodiscard]] std::string run_all(const JudgeRounds& judge);
  /// After run_all(), with a journal. False and exceptions as there.
  [[nodiscard]] bool count_all(const CountingPlan& plan);
  /// Before something else is written to the terminal.
  void hide_progress() { progress_.reset(); }

  /// How many were begun.
  [[nodiscard]] int rounds() const { return rounds_; }
  [[nodiscard]] const std::vector<results::JournalEntry>& entries() const { return entries_; }
  [[nodiscard]] bool given_up(std::size_t cell) const { return lost_.given_up(cell); }
  /// Of cases that had no more rounds because their ratios were known.
  [[nodiscard]] const std::map<std::string, int>& known_after() const { return known_after_; }

 private:
  using CellGroup = std::vector<std::size_t>;

  [[nodiscard]] const std::string& id(std::size_t cell) const { return prepared_.cells[cell].id; }
  /// Of a ratio that was asked for, it is not the baseline's side.
  [[nodiscard]] bool asked_for(std::size_t cell) const;
  /// Cases of a group that are not asked for go on for as long as one of it that is.
  [[nodiscard]] bool is_known(const CellGroup& group, std::size_t cell) const;
  /// The metrics whose ratios are known for all cases of a group that are asked for. Only those are
  /// left out, by all: what a process executed before a metric is then the same on both sides of
  /// every ratio.
  [[nodiscard]] std::vector<std::string> known_metrics(const CellGroup& group) const;
  [[nodiscard]] bool is_due(const CellGroup& group, std::size_t cell, int round);
  /// "round 3/10"; without the number of rounds where time ends them.
  [[nodiscard]] std::string stage(int round) const;

  /// For the child that times `cell`, in the layout whose turn it is, as the `order`-th of its
  /// round. A processor is the same for a whole round.
  [[nodiscard]] ChildTask timed_task(const PlannedCell& cell, const PlannedRound& round, int number,
                                     int order) const;
  /// False when the run was asked to stop.
  bool run_round(int number);
  /// Tells the progress when a rule will end the rounds.
  void expect_end(std::optional<int> known_after);
  /// Those of one group, which is kept as a whole: samples of a case that was resumed would have
  /// been measured in other laps than those that it is paired with.
  bool run_tasks(std::span<const ChildTask> tasks, std::uint64_t seed);
  void keep(std::vector<results::JournalEntry> group);

  const Options& options_;
  const Settings& settings_;
  const Prepared& prepared_;
  RoundPlanner planner_;
  DoneRounds done_before_;
  SignalWatch& signals_;
  MeasuringOutput output_;
  std::optional<Progress> progress_;  // of the whole run, while there is something to wait for
  LostRounds lost_;
  std::set<std::string> requested_;
  KnownRatios known_;
  std::map<std::string, int> known_after_;
  int rounds_ = 0;
  std::size_t done_ = 0;
  double used_s_ = 0;               // by children
  std::int64_t idle_since_ns_ = 0;  // since the entry before
  std::vector<results::JournalEntry> entries_;
};

}  // namespace patchbench::harness
