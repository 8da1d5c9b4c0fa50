#include "analysis/quantity/summarise.hpp"

#include <algorithm>
#include <array>
#include <climits>
#include <cmath>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "analysis/quantity/identical.hpp"
#include "analysis/quantity/repetitions.hpp"
#include "analysis/quantity/selection.hpp"
#include "analysis/quantity/shootdowns.hpp"
#include "analysis/quantity/state_split.hpp"
#include "analysis/statistics/series.hpp"
#include "analysis/statistics/significance.hpp"
#include "analysis/statistics/statistics.hpp"

namespace patchbench::analysis {
namespace {

using results::Cell;
using results::CellStatus;
using results::Counter;
using results::JournalEntry;
using results::Memory;
using results::Metric;
using results::Results;

constexpr std::string_view kDriftNote = "drift over 5 %";
constexpr std::string_view kStealNote = "steal time";
constexpr std::string_view kStarvedNote = "waited for the processor";
constexpr std::string_view kLeftOutWarning = "lines of samples.jsonl were left out";
/// Status `ok` needs this share of the rounds.
constexpr int kEnoughPercent = 80;

/// A cell's lines by round; null where there is none.
using Rounds = std::vector<const JournalEntry*>;

struct Lines {
  std::map<std::string, Rounds, std::less<>> by_cell;
  /// Lines of counters, by cell and source; the last one stands.
  std::map<std::string, std::map<std::string, const JournalEntry*>, std::less<>> counted;
  int left_out = 0;
};

Lines sort_lines(const Results& results, std::span<const JournalEntry> journal) {
  Lines lines;
  const auto rounds = static_cast<std::size_t>(std::max(0, results.run.rounds));
  for (const Cell& cell : results.cells) lines.by_cell.emplace(cell.id, Rounds(rounds));
  for (const JournalEntry& entry : journal) {
    const auto found = lines.by_cell.find(entry.cell);
    if (found != lines.by_cell.end() && !entry.counted.empty()) {
      lines.counted[entry.cell][entry.counted] = &entry;
    } else if (found == lines.by_cell.end() || entry.round < 0 ||
               entry.round >= results.run.rounds) {
      ++lines.left_out;
    } else {
      found->second[static_cast<std::size_t>(entry.round)] = &entry;
    }
  }
  return lines;
}

bool is_ok(const JournalEntry* entry) {
  return entry != nullptr && entry->status == CellStatus::ok;
}

std::string lost_reason(const JournalEntry& entry) {
  if (!entry.reason.empty()) return entry.reason;
  if (!entry.call.empty()) return entry.call + ": " + entry.error.value_or("failed");
  return "no reason was recorded";
}

/// A cell whose ratios were known has no later rounds.
bool was_due(const Cell& cell, std::size_t round) {
  const bool its_turn = round % static_cast<std::size_t>(cell.every.value_or(1)) == 0;
  return its_turn && round < static_cast<std::size_t>(cell.known_after.value_or(INT_MAX));
}

void fill_lost(Cell& cell, const Rounds& rounds, bool interrupted) {
  cell.lost.clear();
  for (std::size_t round = 0; round < rounds.size(); ++round) {
    const JournalEntry* entry = rounds[round];
    if (is_ok(entry) || !was_due(cell, round)) continue;
    results::LostRound lost;
    lost.round = static_cast<int>(round);
    if (entry != nullptr) {
      lost.status = entry->status;
      lost.reason = lost_reason(*entry);
    } else {
      lost.reason =
          interrupted ? "not measured: the run was interrupted" : "has no line in the journal";
    }
    cell.lost.push_back(std::move(lost));
  }
}

void fill_status(Cell& cell, const Rounds& rounds, bool interrupted) {
  const auto good = std::ranges::count_if(rounds, is_ok);
  const auto started =
      std::ranges::count_if(rounds, [](const JournalEntry* entry) { return entry != nullptr; });
  const auto planned = std::ranges::count_if(rounds, [&](const auto& entry) {
    return was_due(cell, static_cast<std::size_t>(&entry - rounds.data()));
  });
  const auto due = interrupted ? started : planned;
  cell.status = CellStatus::ok;
  cell.reason.clear();
  if (good > 0 && good * 100 >= due * kEnoughPercent) return;
  cell.status = CellStatus::failed;
  cell.reason = "no round was planned";
  if (cell.lost.empty()) return;
  // A failure that was seen explains more than a round that never began.
  auto first = std::ranges::find_if(cell.lost, [&](const results::LostRound& lost) {
    return rounds[static_cast<std::size_t>(lost.round)] != nullptr;
  });
  if (first == cell.lost.end()) first = cell.lost.begin();
  cell.status = first->status;
  cell.reason = first->reason;
}

/// Grows only where there is something to hold.
void put(std::vector<std::optional<double>>& values, std::size_t round, std::size_t rounds,
         const std::optional<double>& value) {
  if (!value) return;
  values.resize(rounds);
  values[round] = value;
}

void fill_metrics(Cell& cell, const Rounds& rounds) {
  cell.metrics.clear();
  for (std::size_t round = 0; round < rounds.size(); ++round) {
    if (!is_ok(rounds[round])) continue;
    for (const results::JournalMetric& measured : rounds[round]->metrics) {
      auto metric = std::ranges::find_if(
          cell.metrics, [&](const Metric& known) { return known.name == measured.name; });
      if (metric == cell.metrics.end()) {
        cell.metrics.emplace_back();
        metric = std::prev(cell.metrics.end());
        metric->name = measured.name;
        metric->unit = measured.unit;
        metric->samples.resize(rounds.size());
      }
      put(metric->latency_ns, round, rounds.size(), measured.latency_ns);
      put(metric->throughput_ns, round, rounds.size(), measured.throughput_ns);
      if (measured.median <= 0) {
        metric->not_above_zero.push_back(static_cast<int>(round));
        continue;
      }
      metric->samples[round] = measured.low.value_or(measured.median);
    }
  }
  for (Metric& metric : cell.metrics) {
    const std::vector<double> values = present(with_zeros(metric));
    const auto middle = median(values);
    if (middle && *middle > 0) {
      metric.median = middle;
      metric.ci95 = median_ci95(values);
    }
  }
}

void note_differences(Cell& cell) {
  constexpr std::string_view kNotAboveZero = ": not above 0";
  std::erase_if(cell.notes,
                [&](const std::string& old) { return old.find(kNotAboveZero) != old.npos; });
  for (const Metric& metric : cell.metrics) {
    if (metric.not_above_zero.empty()) continue;
    cell.notes.push_back(fmt::format("{}{} in {} of {} rounds, which count as the lowest",
                                     metric.name, kNotAboveZero, metric.not_above_zero.size(),
                                     present(with_zeros(metric)).size()));
  }
}

/// What its process did beside timing batches.
std::optional<double> rest_ms(const JournalEntry& entry) {
  double batches = 0;
  for (const results::JournalMetric& metric : entry.metrics) {
    if (!metric.batches_ms) return std::nullopt;
    batches += *metric.batches_ms;
  }
  return std::max(0.0, entry.wall_ms - batches);
}

void fill_variances(Cell& cell, const Rounds& rounds) {
  for (Metric& metric : cell.metrics) {
    std::vector<Process> processes;
    for (const JournalEntry* entry : rounds) {
      if (!is_ok(entry)) continue;
      for (const results::JournalMetric& measured : entry->metrics) {
        if (measured.name != metric.name) continue;
        processes.push_back({measured.batches, measured.batches_ms, rest_ms(*entry)});
      }
    }
    metric.variance = variance_of(processes);
  }
}

std::optional<std::int64_t> integer_median(const std::vector<double>& values) {
  const auto middle = median(values);
  if (!middle) return std::nullopt;
  return std::llround(*middle);
}

void collect(std::vector<double>& values, const std::optional<std::int64_t>& value) {
  if (value) values.push_back(static_cast<double>(*value));
}

void fill_memory(Cell& cell, const Rounds& rounds) {
  constexpr std::array kFields = {&Memory::vmas,
                                  &Memory::mapped_kib,
                                  &Memory::rss_kib,
                                  &Memory::page_kib,
                                  &Memory::huge_kib,
                                  &Memory::pss_kib,
                                  &Memory::anon_kib,
                                  &Memory::vmas_open,
                                  &Memory::process_vmas_before,
                                  &Memory::process_vmas_during,
                                  &Memory::process_vmas_after};
  for (const auto field : kFields) {
    std::vector<double> values;
    for (const JournalEntry* entry : rounds) {
      if (is_ok(entry)) collect(values, entry->memory.*field);
    }
    cell.memory.*field = integer_median(values);
  }
}

/// One counter over all rounds.
Counter merge(const std::vector<const Counter*>& readings) {
  std::vector<double> values;
  std::vector<double> enabled;
  std::vector<double> running;
  for (const Counter* reading : readings) {
    if (!reading->value) continue;
    values.push_back(*reading->value);
    collect(enabled, reading->time_enabled);
    collect(running, reading->time_running);
  }
  const auto good = std::ranges::find_if(
      readings, [](const Counter* reading) { return reading->value.has_value(); });
  Counter merged = good == readings.end() ? *readings.front() : **good;
  merged.value = median(values);
  merged.time_enabled = integer_median(enabled);
  merged.time_running = integer_median(running);
  return merged;
}

void fill_counters(Cell& cell, const Rounds& rounds) {
  using Key = std::tuple<std::string, std::string, std::string, std::string>;
  std::vector<std::pair<Key, std::vector<const Counter*>>> groups;  // in order of appearance
  for (const JournalEntry* entry : rounds) {
    if (!is_ok(entry)) continue;
    for (const Counter& counter : entry->counters) {
      Key key{counter.name, counter.source, counter.scope, counter.per};
      auto group =
          std::ranges::find_if(groups, [&](const auto& known) { return known.first == key; });
      if (group == groups.end()) {
        groups.emplace_back(std::move(key), std::vector<const Counter*>{});
        group = std::prev(groups.end());
      }
      group->second.push_back(&counter);
    }
  }
  cell.counters.clear();
  for (const auto& [key, readings] : groups) cell.counters.push_back(merge(readings));
}

/// Beside those of the rounds: what was counted was not timed, and what was timed not counted.
void add_counted(Cell& cell, const Lines& lines) {
  const auto found = lines.counted.find(cell.id);
  if (found == lines.counted.end()) return;
  for (const auto& [source, entry] : found->second) {
    cell.counters.insert(cell.counters.end(), entry->counters.begin(), entry->counters.end());
  }
}

bool has_drifted(const JournalEntry& entry) {
  if (!entry.calibration_before_ns || !entry.calibration_after_ns) return false;
  if (*entry.calibration_before_ns <= 0) return false;
  return std::abs(*entry.calibration_after_ns / *entry.calibration_before_ns - 1) > kDriftLimit;
}

bool was_stolen_from(const JournalEntry& entry) { return entry.steal_ticks.value_or(0) > 0; }

/// The process could have executed and had no processor for a twentieth of what it had, or its
/// control group was stopped.
bool was_starved(const JournalEntry& entry) {
  constexpr double kShare = 0.05;
  const double waited = entry.waited_ms.value_or(0);
  return entry.throttled.value_or(0) > 0 ||
         (waited > 0 && entry.cpu_ms && waited > kShare * *entry.cpu_ms);
}

bool is_flagged(const JournalEntry& entry) {
  return has_drifted(entry) || was_stolen_from(entry) || was_starved(entry);
}

/// The note says in which rounds, so that nobody has to look for them in the journal.
void note_rounds(Cell& cell, const Rounds& rounds, std::string_view note,
                 bool (*holds)(const JournalEntry&)) {
  std::erase_if(cell.notes, [note](const std::string& old) { return old.starts_with(note); });
  std::vector<int> found;
  for (const JournalEntry* entry : rounds) {
    if (is_ok(entry) && holds(*entry)) found.push_back(entry->round);
  }
  if (!found.empty()) {
    cell.notes.push_back(fmt::format("{} in {} {} of {}", note,
                                     found.size() == 1 ? "round" : "rounds", fmt::join(found, ", "),
                                     rounds.size()));
  }
}

void fill_flagged(Results& results, const Lines& lines) {
  results::FlaggedSamples flagged;
  for (const auto& [cell, rounds] : lines.by_cell) {
    for (const JournalEntry* entry : rounds) {
      if (!is_ok(entry)) continue;
      ++flagged.samples;
      flagged.drifted += has_drifted(*entry) ? 1 : 0;
      flagged.stolen += was_stolen_from(*entry) ? 1 : 0;
      flagged.starved += was_starved(*entry) ? 1 : 0;
      flagged.any += is_flagged(*entry) ? 1 : 0;
    }
  }
  results.run.flagged = flagged;
}

/// None where lines are older than what they would have to say.
void fill_time(Results& results, std::span<const JournalEntry> journal) {
  results::TimeSpent time;
  bool known = false;
  for (const JournalEntry& entry : journal) {
    if (!entry.counted.empty()) continue;
    known = entry.between_ms && entry.parent_cpu_ms;
    if (!known) break;
    time.children_s += entry.wall_ms * 1e-3;
    time.between_s += *entry.between_ms * 1e-3;
    time.parent_cpu_s += *entry.parent_cpu_ms * 1e-3;
    for (const results::JournalMetric& metric : entry.metrics) {
      time.batches_s += metric.batches_ms.value_or(0) * 1e-3;
    }
  }
  results.run.time = known ? std::optional(time) : std::nullopt;
}

/// The cells that one cell is compared with, of the same workload and parameters.
struct Peers {
  const Cell* baseline = nullptr;
  const Cell* again = nullptr;  // the baseline's twin
};

using PeerMap = std::map<std::string, Peers, std::less<>>;

std::string peer_key(const Cell& cell) {
  return cell.workload + '/' + results::params_text(cell.params);
}

PeerMap find_peers(const Results& results) {
  PeerMap peers;
  for (const Cell& cell : results.cells) {
    if (cell.status != CellStatus::ok) continue;
    if (cell.strategy == results.baseline) peers[peer_key(cell)].baseline = &cell;
    if (cell.strategy == results::kAgain) peers[peer_key(cell)].again = &cell;
  }
  return peers;
}

void fill_ratios(Cell& cell, const Results& results, const PeerMap& peers) {
  cell.ratios.clear();
  const auto found = peers.find(peer_key(cell));
  if (cell.status != CellStatus::ok || found == peers.end()) return;
  const auto& [baseline, again] = found->second;
  if (baseline == nullptr || baseline == &cell) return;
  const double delta = delta_of(results);
  for (const Metric& metric : cell.metrics) {
    const Metric* base = find_metric(*baseline, metric.name);
    if (base == nullptr) continue;
    const PairedRatio paired = paired_ratio(with_zeros(metric), with_zeros(*base));
    // The A/A control is not to look better than it is: its verdict is not corrected.
    const bool twin_itself = again == &cell;
    results::Ratio ratio = twin_itself ? plain_ratio(paired) : judged_ratio(paired, delta);
    if (twin_itself) ratio.verdict = plain_verdict(deciding_interval(paired), delta);
    ratio.metric = metric.name;
    ratio.baseline = results.baseline;
    cell.ratios.push_back(std::move(ratio));
  }
}

/// What is read together is corrected together: a workload's ratios, all of one table.
void correct_every_verdict(Results& results) {
  std::map<std::string, std::vector<results::Ratio*>> tables;
  for (Cell& cell : results.cells) {
    for (results::Ratio& ratio : cell.ratios) {
      if (ratio.q_differs) tables[cell.workload].push_back(&ratio);
    }
  }
  for (const auto& [workload, table] : tables) correct_verdicts(table);
}

/// Values in the order of the rounds, and where to say what they look like.
struct MetricSeries {
  std::vector<double> values;
  std::optional<bool>* drifts = nullptr;
  std::optional<bool>* bimodal = nullptr;
};

using SeriesMap = std::map<std::string, std::vector<MetricSeries>>;  // by workload

void add_series(Cell& cell, const PeerMap& peers, std::vector<MetricSeries>& all) {
  for (Metric& metric : cell.metrics) {
    all.push_back({present(metric.samples), &metric.drifts, &metric.bimodal});
  }
  for (results::Ratio& ratio : cell.ratios) {
    const Cell& baseline = *peers.find(peer_key(cell))->second.baseline;
    const Metric* own = find_metric(cell, ratio.metric);
    const Metric* base = find_metric(baseline, ratio.metric);
    all.push_back(
        {paired_ratio(own->samples, base->samples).values, &ratio.drifts, &ratio.bimodal});
  }
}

/// Corrected as verdicts are: of the flags raised in a table, one in twenty is expected to be
/// false.
template <typename Test>
void raise_flags(const std::vector<MetricSeries>& table, std::optional<bool>* MetricSeries::*flag,
                 Test test) {
  std::vector<double> p;
  std::vector<std::optional<bool>*> flags;
  for (const MetricSeries& series : table) {
    const std::optional<double> value = test(series.values);
    (series.*flag)->reset();
    if (!value) continue;
    p.push_back(*value);
    flags.push_back(series.*flag);
  }
  const std::vector<double> adjusted = benjamini_hochberg(p);
  for (std::size_t i = 0; i < flags.size(); ++i) *flags[i] = adjusted[i] <= kFalseDiscoveryRate;
}

void raise_flags(Results& results, const PeerMap& peers) {
  SeriesMap tables;
  for (Cell& cell : results.cells) add_series(cell, peers, tables[cell.workload]);
  DipTest modes;
  for (const auto& [workload, table] : tables) {
    raise_flags(table, &MetricSeries::drifts, trend_p_value);
    raise_flags(table, &MetricSeries::bimodal,
                [&modes](std::span<const double> values) { return modes.p_value(values); });
  }
}

/// What the ratios would be without the rounds in which a sample of either side is flagged, by the
/// same rules: their noise and the number that they are corrected for are those of what is left.
void fill_undisturbed(Results& results, const Lines& lines) {
  for (Cell& cell : results.cells) {
    for (results::Ratio& ratio : cell.ratios) ratio.undisturbed.reset();
  }
  if (results.run.flagged->any == 0) return;
  Results rest = results;
  for (Cell& cell : rest.cells) {
    const Rounds& rounds = lines.by_cell.find(cell.id)->second;
    for (Metric& metric : cell.metrics) {
      for (std::size_t round = 0; round < metric.samples.size(); ++round) {
        if (is_ok(rounds[round]) && is_flagged(*rounds[round])) metric.samples[round].reset();
      }
      std::erase_if(metric.not_above_zero, [&](int round) {
        return is_flagged(*rounds[static_cast<std::size_t>(round)]);
      });
    }
  }
  const PeerMap peers = find_peers(rest);
  for (Cell& cell : rest.cells) fill_ratios(cell, rest, peers);
  correct_every_verdict(rest);
  for (std::size_t i = 0; i < rest.cells.size(); ++i) {
    for (std::size_t j = 0; j < rest.cells[i].ratios.size(); ++j) {
      const results::Ratio& without = rest.cells[i].ratios[j];
      results::Ratio& with = results.cells[i].ratios[j];
      if (without.n == with.n && without.verdict == with.verdict) continue;
      with.undisturbed = results::UndisturbedRatio{without.n, without.median, without.verdict};
    }
  }
}

/// A ratio that differs between states has the verdict that holds in both, if any: one over all
/// rounds would be a verdict on how long the neighbour stayed. Of the differences noted, one in
/// twenty is expected to be none.
void split_states(Results& results, const PeerMap& peers) {
  for (Cell& cell : results.cells) {
    std::erase_if(cell.notes, [](const std::string& old) { return old.starts_with(kStateNote); });
  }
  const std::optional<double> quiet = quiet_throughput(results);
  if (!quiet) return;
  struct Found {
    Cell* cell;
    results::Ratio* ratio;
    StateSplit split;
  };
  std::vector<Found> found;
  std::vector<double> p;
  for (Cell& cell : results.cells) {
    for (results::Ratio& ratio : cell.ratios) {
      const Cell& baseline = *peers.find(peer_key(cell))->second.baseline;
      auto split = split_by_state(*find_metric(cell, ratio.metric),
                                  *find_metric(baseline, ratio.metric), *quiet);
      if (!split) continue;
      p.push_back(split->p);
      found.push_back({&cell, &ratio, std::move(*split)});
    }
  }
  const std::vector<double> adjusted = benjamini_hochberg(p);
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (adjusted[i] > kFalseDiscoveryRate) continue;
    auto& [cell, ratio, split] = found[i];
    cell->notes.push_back(state_note(ratio->metric, split));
    if (verdict_in_both(split, delta_of(results)) != ratio->verdict) {
      ratio->verdict = results::Verdict::inconclusive;
    }
  }
}

void warn_of_lines_left_out(Results& results, int left_out) {
  std::erase_if(results.context.warnings, [](const std::string& warning) {
    return warning.find(kLeftOutWarning) != std::string::npos;
  });
  if (left_out > 0) {
    results.context.warnings.push_back(
        fmt::format("{} {}: they belong to no planned case or round", left_out, kLeftOutWarning));
  }
}

/// Those that a cell's ratios follow from: status and samples.
void fill_samples(Results& results, const Lines& lines) {
  for (Cell& cell : results.cells) {
    const Rounds& rounds = lines.by_cell.find(cell.id)->second;
    const bool silent =
        std::ranges::all_of(rounds, [](const JournalEntry* entry) { return entry == nullptr; });
    if (silent && cell.status != CellStatus::ok) continue;
    fill_lost(cell, rounds, results.run.interrupted);
    fill_status(cell, rounds, results.run.interrupted);
    fill_metrics(cell, rounds);
  }
}

std::vector<std::pair<std::string, std::string>> estimators() {
  return {
      {"sample", "the lower decile of a process' batches; of differences their median"},
      {"clock", "subtracted: the time stamps' share of what is prepared outside of the clock"},
      {"ratio", fmt::format("from {} rounds on the pseudo-median of the paired ratios (Hodges & "
                            "Lehmann), below it their median",
                            kSignedRankRounds)},
      {"interval", fmt::format("95 %, from {} rounds on by signed ranks, from {} on between "
                               "order statistics, below it t of the logarithms",
                               kSignedRankRounds, kRobustRounds)}};
}

}  // namespace

void summarise_ratios(results::Results& results, std::span<const results::JournalEntry> journal) {
  fill_samples(results, sort_lines(results, journal));
  const PeerMap peers = find_peers(results);
  for (Cell& cell : results.cells) fill_ratios(cell, results, peers);
}

void summarise(results::Results& results, std::span<const results::JournalEntry> journal) {
  results.run.estimators = estimators();
  const Lines lines = sort_lines(results, journal);
  fill_samples(results, lines);
  for (Cell& cell : results.cells) {
    const Rounds& rounds = lines.by_cell.find(cell.id)->second;
    const bool silent =
        std::ranges::all_of(rounds, [](const JournalEntry* entry) { return entry == nullptr; });
    if (silent) continue;
    fill_variances(cell, rounds);
    fill_counters(cell, rounds);
    add_counted(cell, lines);
    note_shootdowns(cell);
    fill_memory(cell, rounds);
    note_differences(cell);
    note_rounds(cell, rounds, kDriftNote, has_drifted);
    note_rounds(cell, rounds, kStealNote, was_stolen_from);
    note_rounds(cell, rounds, kStarvedNote, was_starved);
  }
  fill_time(results, journal);
  fill_flagged(results, lines);
  const PeerMap peers = find_peers(results);
  for (Cell& cell : results.cells) fill_ratios(cell, results, peers);
  correct_every_verdict(results);
  fill_undisturbed(results, lines);
  raise_flags(results, peers);
  split_states(results, peers);
  warn_of_lines_left_out(results, lines.left_out);
  results.run.identical = identical_costs(results);
}

}  // namespace patchbench::analysis
