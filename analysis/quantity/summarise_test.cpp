#include "analysis/quantity/summarise.hpp"

#include <cmath>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <patchbench_catch.hpp>

#include "analysis/quantity/selection.hpp"
#include "results/json.hpp"
#include "results/matchers_test.hpp"

namespace patchbench::analysis {
namespace {

using results::about;
using results::starts_with;

using results::Cell;
using results::CellStatus;
using results::JournalEntry;
using results::Results;
using results::Verdict;

Results plan(int rounds, const std::vector<std::string>& strategies) {
  Results results;
  results.run.id = "run";
  results.run.rounds = rounds;
  results.baseline = "rwx";
  for (const std::string& strategy : strategies) {
    Cell cell;
    cell.strategy = strategy;
    cell.workload = "mic";
    cell.params = {{"sites", std::int64_t{16}}};
    cell.id = results::cell_id(cell.workload, strategy, cell.params);
    results.cells.push_back(std::move(cell));
  }
  return results;
}

results::JournalMetric measured(const char* name, std::vector<double> batches, double median,
                                std::optional<double> batches_ms = std::nullopt) {
  results::JournalMetric metric;
  metric.name = name;
  metric.unit = "ns";
  metric.batches = std::move(batches);
  metric.median = median;
  metric.batches_ms = batches_ms;
  return metric;
}

JournalEntry line(const std::string& strategy, int round, double send) {
  JournalEntry entry;
  entry.round = round;
  entry.cell = "mic/" + strategy + "/sites=16";
  entry.metrics = {measured("send", {send}, send)};
  return entry;
}

JournalEntry failure(const std::string& strategy, int round, CellStatus status,
                     const std::string& reason) {
  JournalEntry entry = line(strategy, round, 1);
  entry.status = status;
  entry.reason = reason;
  entry.metrics.clear();
  return entry;
}

TEST_CASE("samples stand at their round, whatever the order of the lines") {
  Results results = plan(3, {"rwx"});
  summarise(results, std::vector{line("rwx", 2, 30), line("rwx", 0, 10), line("rwx", 1, 20)});
  const Cell& cell = results.cells[0];
  CHECK(cell.status == CellStatus::ok);
  REQUIRE(cell.metrics.size() == 1);
  CHECK(cell.metrics[0].samples == std::vector<std::optional<double>>{10, 20, 30});
  CHECK(cell.metrics[0].median == 20);
  CHECK(cell.metrics[0].unit == "ns");
  CHECK(cell.metrics[0].ci95.has_value());
  CHECK(cell.lost.empty());
  CHECK(cell.ratios.empty());
}

TEST_CASE("calibrations stand at the round of their sample, and without any there is no list") {
  Results results = plan(3, {"rwx"});
  std::vector journal{line("rwx", 2, 30), line("rwx", 0, 10), line("rwx", 1, 20)};
  summarise(results, journal);
  CHECK(results.cells[0].metrics[0].latency_ns.empty());
  journal[0].metrics[0].latency_ns = 1.5;
  journal[2].metrics[0].throughput_ns = 0.07;
  summarise(results, journal);
  using Values = std::vector<std::optional<double>>;
  CHECK(results.cells[0].metrics[0].latency_ns == Values{std::nullopt, std::nullopt, 1.5});
  CHECK(results.cells[0].metrics[0].throughput_ns == Values{std::nullopt, 0.07, std::nullopt});
}

TEST_CASE("a line of counters adds counters and is no round") {
  const auto counters = [](double instructions) {
    JournalEntry entry = line("rwx", 0, 99);
    entry.counted = "simulated";
    entry.metrics.clear();
    entry.memory.vmas = 77;
    results::Counter& counter = entry.counters.emplace_back();
    counter.name = "instructions";
    counter.source = "simulated";
    counter.per = "send";
    counter.value = instructions;
    counter.status = "ok";
    return entry;
  };
  Results results = plan(2, {"rwx"});
  // The last one stands, as of a run that was resumed; a failed round has nothing to do with it.
  const std::vector journal = {line("rwx", 0, 10), counters(21), counters(22),
                               failure("rwx", 1, CellStatus::crashed, "SIGSEGV")};
  summarise(results, journal);
  const Cell& cell = results.cells[0];
  CHECK(cell.metrics.at(0).samples == std::vector<std::optional<double>>{10, std::nullopt});
  CHECK(cell.lost.size() == 1);
  CHECK_FALSE(cell.memory.vmas.has_value());
  REQUIRE(cell.counters.size() == 1);
  CHECK(cell.counters[0].value == 22);
  CHECK(results.context.warnings.empty());
}

TEST_CASE("four of five rounds are enough, three are not") {
  std::vector journal = {line("rwx", 0, 10), line("rwx", 1, 10), line("rwx", 2, 10),
                         line("rwx", 3, 10),
                         failure("rwx", 4, CellStatus::timeout, "killed after 30 s")};
  Results results = plan(5, {"rwx"});
  summarise(results, journal);
  CHECK(results.cells[0].status == CellStatus::ok);
  REQUIRE(results.cells[0].lost.size() == 1);
  CHECK(results.cells[0].lost[0].round == 4);
  CHECK(results.cells[0].lost[0].status == CellStatus::timeout);
  CHECK_FALSE(results.cells[0].metrics[0].samples[4].has_value());

  journal[1] = failure("rwx", 1, CellStatus::crashed, "SIGSEGV");
  summarise(results, journal);
  CHECK(results.cells[0].status == CellStatus::crashed);
  CHECK(results.cells[0].reason == "SIGSEGV");
  CHECK(results.cells[0].lost.size() == 2);
  CHECK(results.cells[0].metrics[0].median == 10);
}

TEST_CASE(
    "a round without a line is lost, but in an interrupted run does not count against the cell") {
  const std::vector journal = {line("rwx", 0, 10), line("rwx", 1, 10), line("again", 0, 10)};
  Results results = plan(5, {"rwx", "again", "floor"});
  summarise(results, journal);
  CHECK(results.cells[0].status == CellStatus::failed);
  CHECK(results.cells[0].lost.size() == 3);
  CHECK(results.cells[0].reason == "has no line in the journal");

  results = plan(5, {"rwx", "again", "floor"});
  results.run.interrupted = true;
  summarise(results, journal);
  CHECK(results.cells[0].status == CellStatus::ok);
  CHECK(results.cells[1].status == CellStatus::ok);
  CHECK(results.cells[2].status == CellStatus::failed);
  CHECK(results.cells[2].reason == "not measured: the run was interrupted");
  CHECK(results.cells[0].lost.size() == 3);
  CHECK(results.cells[1].ratios.at(0).n == 1);
}

TEST_CASE("a failure that was seen explains more than a round that never began") {
  Results results = plan(5, {"rwx"});
  results.run.interrupted = true;
  summarise(results, std::vector{failure("rwx", 3, CellStatus::failed, "wrong result")});
  CHECK(results.cells[0].reason == "wrong result");
}

TEST_CASE("a failure without words gets the call's") {
  Results results = plan(1, {"rwx"});
  JournalEntry entry = failure("rwx", 0, CellStatus::denied, "");
  entry.call = "mmap";
  entry.error = "EACCES";
  summarise(results, std::vector{entry});
  CHECK(results.cells[0].status == CellStatus::denied);
  CHECK(results.cells[0].reason == "mmap: EACCES");
}

TEST_CASE("a cell that is in one of three rounds has lost none of the others") {
  Results results = plan(7, {"rwx", "floor"});
  results.cells[1].every = 3;
  std::vector<JournalEntry> journal;
  for (int round = 0; round < 7; ++round) {
    journal.push_back(line("rwx", round, 10));
    if (round % 3 == 0) journal.push_back(line("floor", round, 9));
  }
  summarise(results, journal);
  CHECK(results.cells[1].status == CellStatus::ok);
  CHECK(results.cells[1].lost.empty());
  CHECK(results.cells[1].ratios.at(0).n == 3);
  journal.pop_back();
  journal.pop_back();
  summarise(results, journal);
  REQUIRE(results.cells[1].lost.size() == 1);
  CHECK(results.cells[1].lost[0].round == 6);
}

TEST_CASE("a difference that is not above 0 is no sample, and counts as the lowest") {
  Results results = plan(15, {"rwx", "memfd-dual"});
  std::vector<JournalEntry> journal;
  for (int round = 0; round < 15; ++round) {
    journal.push_back(line("rwx", round, round == 4 ? 0 : 10));
    journal.push_back(line("memfd-dual", round, round < 3 ? 0 : 20 + 0.1 * round));
  }
  summarise(results, journal);
  const results::Metric& dual = results.cells[1].metrics.at(0);
  CHECK(dual.not_above_zero == std::vector{0, 1, 2});
  CHECK_FALSE(dual.samples[1].has_value());
  CHECK(*dual.median == about(20.7));  // the eighth of fifteen, three of them 0
  const results::Ratio& ratio = results.cells[1].ratios.at(0);
  CHECK(ratio.n == 15);
  CHECK(*ratio.median < 2.1);
  REQUIRE(results.cells[1].notes.size() == 1);
  CHECK(results.cells[1].notes[0] ==
        "send: not above 0 in 3 of 15 rounds, which count as the lowest");
  for (JournalEntry& entry : journal) entry.metrics[0].median = 0;
  summarise(results, journal);
  CHECK_FALSE(results.cells[1].metrics.at(0).median.has_value());
  CHECK(results.cells[1].ratios.at(0).n == 0);
}

TEST_CASE("a preset status stays where nothing was measured") {
  Results results = plan(2, {"rwx", "sysv-shm"});
  results.cells[1].status = CellStatus::denied;
  results.cells[1].reason = "shmat: EACCES";
  summarise(results, std::vector{line("rwx", 0, 1), line("rwx", 1, 1)});
  CHECK(results.cells[1].status == CellStatus::denied);
  CHECK(results.cells[1].reason == "shmat: EACCES");
  CHECK(results.cells[1].lost.empty());
}

TEST_CASE("ratios are to the baseline's cell, paired by round, for every metric") {
  Results results = plan(6, {"rwx", "memfd-dual", "again"});
  std::vector<JournalEntry> journal;
  for (int round = 0; round < 6; ++round) {
    const double drift = 1 + 0.3 * round;
    journal.push_back(line("rwx", round, 10 * drift));
    journal.push_back(line("memfd-dual", round, 15 * drift * (round % 2 == 0 ? 1.001 : 0.999)));
    journal.push_back(line("again", round, 10 * drift * (round % 2 == 0 ? 1.002 : 0.998)));
    for (auto entry = journal.end() - 3; entry != journal.end(); ++entry) {
      entry->metrics.push_back(measured("patch", {}, entry->metrics[0].median * 2));
    }
  }
  summarise(results, journal);
  CHECK(results.cells[0].ratios.empty());
  const Cell& dual = results.cells[1];
  REQUIRE(dual.ratios.size() == 2);
  CHECK(dual.ratios[0].metric == "send");
  CHECK(dual.ratios[1].metric == "patch");
  CHECK(dual.ratios[0].baseline == "rwx");
  CHECK(dual.ratios[0].n == 6);
  CHECK(*dual.ratios[0].median == about(1.5).epsilon(0.002));
  CHECK(dual.ratios[0].verdict == Verdict::slower);
  CHECK((*dual.ratios[0].ci95)[1] < 1.51);
  CHECK(dual.ratios[0].ci_free_coverage == 0.95);
  CHECK(results.cells[2].ratios[0].verdict == Verdict::same);
}

/// `strategies` cells that cost what rwx does, scattering by 1 %, but for those whose factor says
/// otherwise.
Results many_ratios(int rounds, int strategies, const std::vector<double>& factors) {
  std::vector<std::string> names = {"rwx", "again"};
  for (int i = 0; i < strategies; ++i) names.push_back(std::to_string(i));
  Results results = plan(rounds, names);
  std::mt19937_64 random(77);
  std::normal_distribution<double> noise(0, 0.01);
  std::vector<JournalEntry> journal;
  for (int round = 0; round < rounds; ++round) {
    journal.push_back(line("rwx", round, 10 * std::exp(noise(random))));
    journal.push_back(line("again", round, journal.back().metrics[0].median));
    for (std::size_t i = 0; i < static_cast<std::size_t>(strategies); ++i) {
      const double factor = i < factors.size() ? factors[i] : 1;
      journal.push_back(line(names[i + 2], round, 10 * factor * std::exp(noise(random))));
    }
  }
  summarise(results, journal);
  return results;
}

TEST_CASE("verdicts are for the delta of the run, that of again too") {
  const auto verdicts = [](std::optional<double> delta) {
    Results results = plan(12, {"rwx", "memfd-dual", "again"});
    results.run.delta = delta;
    std::vector<JournalEntry> journal;
    for (int round = 0; round < 12; ++round) {
      journal.push_back(line("rwx", round, 10));
      journal.push_back(line("memfd-dual", round, round % 2 == 0 ? 10.20 : 10.21));
      journal.push_back(line("again", round, round % 2 == 0 ? 10.01 : 10.02));
    }
    summarise(results, journal);
    CHECK((results.cells[1].ratios.at(0).q_same <= 0.05) ==
          (results.cells[1].ratios[0].verdict == Verdict::same));
    return std::pair(results.cells[1].ratios[0].verdict, results.cells[2].ratios.at(0).verdict);
  };
  CHECK(verdicts({}) == std::pair(Verdict::same, Verdict::same));
  CHECK(verdicts(0.03) == std::pair(Verdict::same, Verdict::same));
  CHECK(verdicts(0.01) == std::pair(Verdict::slower, Verdict::same));
  CHECK(verdicts(0.0001) == std::pair(Verdict::slower, Verdict::slower));
}

TEST_CASE("verdicts are corrected for the number of a workload's ratios") {
  // Nine rounds on one side are as sure as a sign test of nine can be: 2 / 2^9 = 0.0039.
  const auto verdict_of = [](int strategies) {
    return many_ratios(9, strategies, {1.5}).cells[2].ratios.at(0);
  };
  CHECK(verdict_of(1).q_differs == about(2.0 / 512));
  CHECK(verdict_of(1).verdict == Verdict::slower);
  CHECK(verdict_of(40).q_differs == about(40 * 2.0 / 512));
  CHECK(verdict_of(40).verdict == Verdict::inconclusive);
  // Of many that differ each needs less.
  const Results many = many_ratios(9, 40, std::vector(20, 1.5));
  CHECK(many.cells[2].ratios.at(0).q_differs == about(40.0 / 20 * 2 / 512));
  CHECK(many.cells[2].ratios.at(0).verdict == Verdict::slower);
}

TEST_CASE("the noise is not corrected, and ratios of other workloads do not count") {
  Results results = many_ratios(9, 3, {});
  CHECK_FALSE(results.cells[1].ratios.at(0).q_differs.has_value());
  CHECK(results.cells[1].ratios.at(0).verdict == Verdict::same);
  results = plan(9, {"rwx", "dual"});
  for (const char* workload : {"pic", "link", "mixed", "zone"}) {
    for (std::size_t i = 0; i < 2; ++i) {
      results.cells.push_back(results.cells[i]);
      results.cells.back().workload = workload;
      results.cells.back().id = std::string(workload) + results.cells[i].id.substr(3);
    }
  }
  std::vector<JournalEntry> journal;
  for (int round = 0; round < 9; ++round) {
    for (const Cell& cell : results.cells) {
      journal.push_back(line("rwx", round, cell.id == "mic/dual/sites=16" ? 15 : 10));
      journal.back().cell = cell.id;
    }
  }
  summarise(results, journal);
  CHECK(results.cells[1].ratios.at(0).q_differs == about(2.0 / 512));
}

TEST_CASE("series that drift and series of two modes are flagged, samples and ratios apart") {
  Results results = plan(20, {"rwx", "again", "both", "own", "split"});
  std::mt19937_64 random(78);
  std::normal_distribution<double> noise(0, 0.01);
  std::vector<JournalEntry> journal;
  for (int round = 0; round < 20; ++round) {
    const double drift = 1 + 0.02 * round;
    const auto value = [&](double cost) { return cost * std::exp(noise(random)); };
    journal.push_back(line("rwx", round, value(10 * drift)));
    journal.push_back(line("again", round, value(10 * drift)));
    journal.push_back(line("both", round, value(12 * drift)));
    journal.push_back(line("own", round, value(12 * drift * drift)));
    journal.push_back(line("split", round, value(round % 3 == 0 ? 10 : 30) * drift));
  }
  summarise(results, journal);
  const auto metric = [&](std::size_t cell) { return results.cells[cell].metrics.at(0); };
  const auto ratio = [&](std::size_t cell) { return results.cells[cell].ratios.at(0); };
  CHECK(metric(0).drifts == true);
  CHECK(metric(2).drifts == true);
  CHECK(ratio(2).drifts == false);
  CHECK(ratio(3).drifts == true);
  CHECK(ratio(4).bimodal == true);
  CHECK(ratio(3).bimodal == false);
}

TEST_CASE("too few rounds raise no flag, and clear none that cannot be judged") {
  Results results = many_ratios(4, 1, {});
  CHECK_FALSE(results.cells[0].metrics.at(0).drifts.has_value());
  CHECK_FALSE(results.cells[2].ratios.at(0).bimodal.has_value());
}

TEST_CASE("the variance is split by the journal's batches, and costs are what the children took") {
  Results results = plan(2, {"rwx"});
  std::vector journal = {line("rwx", 0, 1), line("rwx", 1, 1)};
  for (JournalEntry& entry : journal) {
    const double shift = 3.0 * entry.round;
    entry.wall_ms = 40;
    entry.metrics[0].batches = {std::exp(shift), std::exp(shift + 1), std::exp(shift + 2)};
    entry.metrics[0].batches_ms = 12;
    entry.metrics.push_back(measured("patch", {1, 1}, 1, 8));
  }
  summarise(results, journal);
  const auto& variance = results.cells[0].metrics.at(0).variance;
  REQUIRE(variance.has_value());
  CHECK(variance->between == about(4.5 - 1.0 / 3));
  CHECK(variance->within == about(1));
  CHECK(variance->batch_ms == 4.0);
  CHECK(variance->process_ms == 20.0);
  journal[0].metrics[1].batches_ms.reset();
  journal[1].metrics[1].batches_ms.reset();
  summarise(results, journal);
  CHECK_FALSE(results.cells[0].metrics.at(0).variance->process_ms.has_value());
}

TEST_CASE("cells of other parameters, and failed baselines, give no ratio") {
  Results results = plan(2, {"rwx", "memfd-dual"});
  results.cells[0].params = {{"sites", std::int64_t{1024}}};
  results.cells[0].id = "mic/rwx/sites=1024";
  std::vector journal = {line("memfd-dual", 0, 1), line("memfd-dual", 1, 1)};
  for (int round = 0; round < 2; ++round) {
    journal.push_back(line("rwx", round, 1));
    journal.back().cell = "mic/rwx/sites=1024";
  }
  summarise(results, journal);
  CHECK(results.cells[1].ratios.empty());

  results = plan(2, {"rwx", "memfd-dual"});
  summarise(results, std::vector{line("memfd-dual", 0, 1), line("memfd-dual", 1, 1),
                                 failure("rwx", 0, CellStatus::crashed, "x"), line("rwx", 1, 1)});
  CHECK(results.cells[1].status == CellStatus::ok);
  CHECK(results.cells[1].ratios.empty());
}

TEST_CASE("the last line of a round stands, and summarising again changes nothing") {
  std::vector journal = {failure("rwx", 0, CellStatus::crashed, "x"), line("rwx", 1, 20)};
  Results results = plan(2, {"rwx"});
  results.cells[0].notes = {"kept"};
  summarise(results, journal);
  CHECK(results.cells[0].status == CellStatus::crashed);
  journal.push_back(line("rwx", 0, 10));
  journal.back().calibration_before_ns = 1;
  journal.back().calibration_after_ns = 1.2;
  summarise(results, journal);
  CHECK(results.cells[0].status == CellStatus::ok);
  CHECK(results.cells[0].reason.empty());
  CHECK(results.cells[0].metrics[0].median == 15);
  const std::string once = results::to_json_text(results);
  summarise(results, journal);
  CHECK(results::to_json_text(results) == once);
  CHECK(results.cells[0].notes ==
        std::vector<std::string>{"kept", "drift over 5 % in round 0 of 2"});
}

TEST_CASE("flagged samples are counted, kept, and shown what they change") {
  Results results = plan(12, {"rwx", "memfd-dual", "again"});
  std::vector<JournalEntry> journal;
  for (int round = 0; round < 12; ++round) {
    const double wobble = round % 2 == 0 ? 1 : 1.001;
    journal.push_back(line("rwx", round, 10));
    journal.push_back(line("again", round, 10 * wobble));
    // Slower only where the hypervisor took the processor away.
    journal.push_back(line("memfd-dual", round, (round < 10 ? 11 : 10) * wobble));
    journal.back().steal_ticks = round < 10 ? 1 : 0;
  }
  journal[0].calibration_before_ns = 1;
  journal[0].calibration_after_ns = 1.06;  // the baseline, in a round that is flagged already
  journal[2].calibration_before_ns = 1;
  journal[2].calibration_after_ns = 1.06;
  summarise(results, journal);
  REQUIRE(results.run.flagged);
  CHECK(results.run.flagged->samples == 36);
  CHECK(results.run.flagged->drifted == 2);
  CHECK(results.run.flagged->stolen == 10);
  CHECK(results.run.flagged->any == 11);
  const auto& ratio = results.cells[1].ratios.at(0);
  CHECK(ratio.n == 12);
  CHECK(ratio.verdict == Verdict::slower);
  REQUIRE(ratio.undisturbed);
  CHECK(ratio.undisturbed->n == 2);
  CHECK(ratio.undisturbed->median.value_or(0) == about(1.0005));
  CHECK(ratio.undisturbed->verdict != Verdict::slower);
  REQUIRE(results.cells[2].ratios.at(0).undisturbed);
  CHECK(results.cells[2].ratios[0].undisturbed->n == 11);
  CHECK(results.cells[1].metrics.at(0).samples.at(0) == 11);
  CHECK(results.cells[1].notes ==
        std::vector<std::string>{"drift over 5 % in round 0 of 12",
                                 "steal time in rounds 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 of 12"});

  for (JournalEntry& entry : journal) {
    entry.steal_ticks = 0;
    entry.calibration_after_ns.reset();
  }
  summarise(results, journal);
  CHECK(results.run.flagged->any == 0);
  CHECK_FALSE(results.cells[1].ratios[0].undisturbed.has_value());
  CHECK(results.cells[1].notes.empty());
}

TEST_CASE("a run's time is that of every line, and unknown where lines do not have it") {
  Results results = plan(2, {"rwx"});
  std::vector journal = {line("rwx", 0, 10), failure("rwx", 1, CellStatus::crashed, "x"),
                         line("rwx", 1, 10)};
  for (JournalEntry& entry : journal) {
    entry.wall_ms = 50;
    entry.between_ms = 2;
    entry.parent_cpu_ms = 0.5;
  }
  journal[0].metrics[0].batches_ms = 20;
  JournalEntry counted = line("rwx", 0, 10);
  counted.counted = "simulated";
  counted.wall_ms = 1e6;
  journal.push_back(counted);
  summarise(results, journal);
  REQUIRE(results.run.time);
  CHECK(results.run.time->children_s == about(0.15));
  CHECK(results.run.time->batches_s == about(0.02));
  CHECK(results.run.time->between_s == about(0.006));
  CHECK(results.run.time->parent_cpu_s == about(0.0015));
  journal[1].between_ms.reset();
  summarise(results, journal);
  CHECK_FALSE(results.run.time.has_value());
}

TEST_CASE("drift over 5 % is noted in either direction, and only that") {
  Results results = plan(4, {"rwx"});
  std::vector<JournalEntry> journal;
  const double after[] = {1.04, 1.06, 0.94, 0.96};
  for (int round = 0; round < 4; ++round) {
    journal.push_back(line("rwx", round, 1));
    journal.back().calibration_before_ns = 1;
    journal.back().calibration_after_ns = after[round];
  }
  journal[3].calibration_before_ns.reset();
  summarise(results, journal);
  CHECK(results.cells[0].notes == std::vector<std::string>{"drift over 5 % in rounds 1, 2 of 4"});
}

TEST_CASE("lines that belong to nothing are counted in a warning") {
  Results results = plan(2, {"rwx"});
  std::vector journal = {line("rwx", 0, 1), line("rwx", 1, 1), line("rwx", 2, 1),
                         line("other", 0, 1)};
  summarise(results, journal);
  summarise(results, journal);
  REQUIRE(results.context.warnings.size() == 1);
  CHECK_THAT(results.context.warnings[0], starts_with("2 lines"));
  CHECK(results.cells[0].status == CellStatus::ok);
}

TEST_CASE("memory and counters are medians over rounds") {
  Results results = plan(3, {"rwx"});
  std::vector<JournalEntry> journal;
  for (int round = 0; round < 3; ++round) {
    journal.push_back(line("rwx", round, 1));
    results::Memory& memory = journal.back().memory;
    memory.vmas = round;
    memory.mapped_kib = 100 * round;
    memory.page_kib = 4;
    memory.vmas_open = round + 2;
    memory.process_vmas_before = 30;
    memory.process_vmas_during = 32 + round;
    results::Counter counter;
    counter.name = "instructions";
    counter.scope = "user";
    counter.status = "ok";
    counter.value = round == 0 ? 5.0 : 7.0 + round;
    journal.back().counters.push_back(counter);
    counter.scope = "kernel";
    counter.status = "unavailable";
    counter.reason = "EACCES";
    counter.value.reset();
    journal.back().counters.push_back(counter);
  }
  summarise(results, journal);
  const Cell& cell = results.cells[0];
  CHECK(cell.memory.vmas == 1);
  CHECK(cell.memory.mapped_kib == 100);
  CHECK_FALSE(cell.memory.rss_kib.has_value());
  CHECK(cell.memory.page_kib == 4);
  CHECK_FALSE(cell.memory.huge_kib.has_value());
  CHECK(cell.memory.vmas_open == 3);
  CHECK(cell.memory.process_vmas_before == 30);
  CHECK(cell.memory.process_vmas_during == 33);
  CHECK_FALSE(cell.memory.process_vmas_after.has_value());
  REQUIRE(cell.counters.size() == 2);
  CHECK(cell.counters[0].value == 8.0);
  CHECK(cell.counters[1].status == "unavailable");
  CHECK(cell.counters[1].reason == "EACCES");
  CHECK_FALSE(cell.counters[1].value.has_value());
}

TEST_CASE("an empty journal and no rounds are survived") {
  Results results = plan(0, {"rwx"});
  summarise(results, {});
  CHECK(results.cells[0].status == CellStatus::failed);
  Results nothing;
  summarise(nothing, {});
  CHECK(nothing.cells.empty());
}

}  // namespace
}  // namespace patchbench::analysis
