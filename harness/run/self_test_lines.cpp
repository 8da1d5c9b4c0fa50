#include <algorithm>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "analysis/quantity/selection.hpp"
#include "analysis/quantity/summarise.hpp"
#include "analysis/statistics/statistics.hpp"
#include "harness/process/known_chains.hpp"
#include "harness/run/self_test.hpp"
#include "workloads/workload.hpp"

namespace patchbench::harness {
namespace {

using analysis::Interval;
using results::Cell;
using results::JournalEntry;
using results::SelfTestLine;
using results::Verdict;
using Samples = std::vector<std::optional<double>>;

/// Of a multiplication on most cores. What a virtual machine is given as its frequency often is not
/// what it runs at; this says what that would have to be.
constexpr int kUsualCycles = 3;

/// What the clock and the loop around a driver may cost of each send.
constexpr double kMostNsOfASend = 0.01;

std::string percent(double share) { return fmt::format("{:.2g} %", share * 100); }

std::string interval_text(const Interval& interval) {
  return fmt::format("[{:.4g}, {:.4g}]", interval[0], interval[1]);
}

/// A line passes by having nothing said against it.
void object(SelfTestLine& line, std::string objection) {
  line.passed = false;
  line.reason = std::move(objection);
}

/// Whatever came out of it, a case that failed has measured nothing.
void require_measured(SelfTestLine& line, std::initializer_list<const Cell*> cells) {
  for (const Cell* cell : cells) {
    if (cell->status != results::CellStatus::ok) {
      object(line, fmt::format("{}: {}: {}", cell->id, to_string(cell->status), cell->reason));
      return;
    }
  }
  if (!line.value || !line.ci95) {
    object(line, fmt::format("{} rounds are too few for an interval", line.rounds));
  }
}

SelfTestLine line_of(std::string_view name, std::string_view unit, Samples samples) {
  SelfTestLine line;
  line.name = name;
  line.unit = unit;
  line.samples = std::move(samples);
  line.passed = true;
  line.rounds = static_cast<int>(analysis::present(line.samples).size());
  return line;
}

SelfTestLine time_line(std::string_view name, const Cell& cell, Samples samples) {
  SelfTestLine line = line_of(name, "ns", std::move(samples));
  const std::vector<double> values = analysis::present(line.samples);
  line.value = analysis::median(values);
  line.ci95 = analysis::median_ci95(values);
  require_measured(line, {&cell});
  return line;
}

Samples samples_of(const Cell& cell, std::string_view metric, double operations) {
  const results::Metric* found = analysis::find_metric(cell, metric);
  Samples samples = found != nullptr ? found->samples : Samples{};
  for (auto& sample : samples) sample = sample ? std::optional(*sample / operations) : sample;
  return samples;
}

/// Every call of a driver pays it once.
void judge_share_of_a_send(SelfTestLine& line) {
  if (!line.passed) return;
  constexpr std::uint64_t kFewestSends = kSendsPerRun / 2;
  const double of_a_send = (*line.ci95)[1] / static_cast<double>(kFewestSends);
  line.reason = fmt::format("{:.2g} ns of a send, of which a driver call has {} at least",
                            of_a_send, kFewestSends);
  if (of_a_send > kMostNsOfASend) {
    object(line, fmt::format("{}: more than {} ns", line.reason, kMostNsOfASend));
  }
}

/// In the order of the rounds, as the children reported it.
Samples clock_steps(std::span<const JournalEntry> entries, const Cell& cell, int rounds) {
  Samples steps(static_cast<std::size_t>(rounds));
  for (const JournalEntry& entry : entries) {
    for (const results::Counter& counter : entry.counters) {
      if (entry.cell == cell.id && counter.name == kClockStep && entry.round < rounds) {
        steps[static_cast<std::size_t>(entry.round)] = counter.value;
      }
    }
  }
  return steps;
}

/// The speed of the processor is to stay what it is within what flags a sample as drifted.
SelfTestLine multiplication(const Cell& cell, const std::optional<Frequency>& frequency) {
  SelfTestLine line =
      time_line("multiplication", cell, samples_of(cell, kChainMetric, kChainSteps));
  if (!line.passed) return line;
  const auto [low, high] = *line.ci95;
  const double reach = std::max(high / *line.value - 1, 1 - low / *line.value);
  if (frequency) {
    line.reason = fmt::format("{:.2f} cycles at the {:.0f} MHz of {}; {} cycles at {:.0f} MHz",
                              *line.value * frequency->mhz * 1e-3, frequency->mhz,
                              frequency->source, kUsualCycles, kUsualCycles / *line.value * 1e3);
  }
  if (reach > analysis::kDriftLimit) {
    object(line,
           fmt::format("its interval {} reaches {} from its median, more than {}",
                       interval_text(*line.ci95), percent(reach), percent(analysis::kDriftLimit)));
  }
  return line;
}

bool excludes_one(const std::optional<Interval>& interval) {
  return interval && ((*interval)[0] > 1 || (*interval)[1] < 1);
}

/// The number of rounds from which on the interval excluded 1, for good.
std::optional<int> rounds_to_notice(const Samples& samples, const Samples& base) {
  const std::size_t rounds = std::min(samples.size(), base.size());
  std::optional<int> noticed_after;
  for (std::size_t n = rounds; n >= 2; --n) {
    const auto paired =
        analysis::paired_ratio(std::span(samples).first(n), std::span(base).first(n));
    if (!excludes_one(analysis::deciding_interval(paired))) break;
    noticed_after = static_cast<int>(n);
  }
  return noticed_after;
}

SelfTestLine ratio_line(std::string_view name, const Cell& cell, const Cell& baseline) {
  const Samples own = samples_of(cell, kChainMetric, 1);
  const Samples base = samples_of(baseline, kChainMetric, 1);
  Samples ratios(std::min(own.size(), base.size()));
  for (std::size_t round = 0; round < ratios.size(); ++round) {
    if (own[round] && base[round]) ratios[round] = *own[round] / *base[round];
  }
  SelfTestLine line = line_of(name, "ratio", std::move(ratios));
  if (const results::Ratio* ratio = analysis::find_ratio(cell, kChainMetric)) {
    line.value = ratio->median;
    line.ci95 = analysis::deciding_interval(*ratio);
    line.verdict = ratio->verdict;
    line.noticed_after = rounds_to_notice(own, base);
  }
  require_measured(line, {&baseline, &cell});
  return line;
}

/// Of what costs the same.
SelfTestLine equal_line(std::string_view name, const Cell& cell, const Cell& baseline) {
  SelfTestLine line = ratio_line(name, cell, baseline);
  if (line.passed && (line.verdict == Verdict::faster || line.verdict == Verdict::slower)) {
    object(line, fmt::format("called {}, with the interval {}, although both cost the same",
                             to_string(*line.verdict), interval_text(*line.ci95)));
  }
  return line;
}

/// Of what is known to be slower: it has to be noticed, and to be that much.
SelfTestLine slower_line(const Cell& cell, const Cell& baseline) {
  SelfTestLine line = ratio_line(kKnown3, cell, baseline);
  if (!line.passed) return line;
  constexpr double kKnownRatio = double{kLongerSteps} / kChainSteps;
  const auto [low, high] = *line.ci95;
  if (line.verdict != Verdict::slower) {
    object(line, fmt::format("called {} after {} rounds, with the interval {}",
                             to_string(line.verdict.value_or(Verdict::inconclusive)), line.rounds,
                             interval_text(*line.ci95)));
  } else if (low > kKnownRatio * (1 + kSelfTestDelta) ||
             high < kKnownRatio * (1 - kSelfTestDelta)) {
    object(line, fmt::format("noticed, but as {}, which is not {}", interval_text(*line.ci95),
                             kKnownRatio));
  }
  return line;
}

const Cell& cell_of(const results::Results& results, std::string_view strategy) {
  return *std::ranges::find(results.cells, strategy, &Cell::strategy);  // planned, so there
}

}  // namespace

results::Results summarise_self_test(std::span<const JournalEntry> entries, int rounds) {
  results::Results results;
  results.run.rounds = rounds;
  results.run.delta = kSelfTestDelta;
  results.baseline = kChainCell;
  for (const PlannedCell& planned : plan_cells(self_test_catalogue(),
                                               {.strategies = {},
                                               .workloads = {},
                                               .overrides = {},
                                               .filter = {},
                                               .preset = kPresets.data()},
                                               kChainCell)) {
    Cell cell;
    cell.id = planned.id;
    cell.strategy = planned.strategy;
    cell.workload = planned.workload;
    results.cells.push_back(std::move(cell));
  }
  analysis::summarise(results, entries);
  return results;
}

std::vector<SelfTestLine> judge_self_test(std::span<const JournalEntry> entries, int rounds,
                                          const std::optional<Frequency>& frequency) {
  const results::Results results = summarise_self_test(entries, rounds);
  const Cell& empty = cell_of(results, kEmptyCell);
  const Cell& baseline = cell_of(results, kChainCell);
  std::vector<SelfTestLine> lines;
  lines.push_back(time_line("empty-driver", empty, samples_of(empty, kEmptyMetric, 1)));
  lines.push_back(time_line("clock-step", empty, clock_steps(entries, empty, rounds)));
  std::ranges::for_each(lines, judge_share_of_a_send);
  lines.push_back(multiplication(baseline, frequency));
  lines.push_back(equal_line(kAgain, cell_of(results, kAgain), baseline));
  lines.push_back(equal_line(kKnown0, cell_of(results, kKnown0), baseline));
  lines.push_back(slower_line(cell_of(results, kKnown3), baseline));
  return lines;
}

}  // namespace patchbench::harness
