// bench-run from outside: exit codes, results.json, the journal, and what is said on the terminal.
#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>
#include <patchbench_catch.hpp>
#include <sys/resource.h>

#include "harness/machine/emulator.hpp"
#include "harness/programs/look_up_test.hpp"
#include "harness/programs/subprocess_test.hpp"
#include "harness/programs/temporary_directory_test.hpp"
#include "results/journal.hpp"
#include "results/json.hpp"
#include "results/validator_test.hpp"
#include "strategies/publish.hpp"

namespace patchbench::harness {
namespace {

namespace fs = std::filesystem;
using results::CellStatus;

double counter_of(const results::JournalEntry& entry, std::string_view name) {
  const auto found = std::ranges::find(entry.counters, name, &results::Counter::name);
  REQUIRE(found != entry.counters.end());
  return found->value.value();
}

results::Results valid_results(const fs::path& directory) {
  const std::string errors = results::validator_errors(directory);
  INFO(errors);
  CHECK(errors.empty());
  return results::read_results(directory);
}

/// A run into DIR/out, on zone alone unless the arguments say otherwise, without a report.
class OneRun {
 public:
  explicit OneRun(std::vector<std::string> arguments, Start start = {}) {
    start.arguments = std::move(arguments);
    start.arguments.push_back("--out=" + out().string());
    start.arguments.emplace_back("--no-report");
    finished = run_fake(start);
  }

  [[nodiscard]] fs::path out() const { return directory / "out"; }
  [[nodiscard]] results::Results results() const { return valid_results(out()); }
  [[nodiscard]] std::vector<results::JournalEntry> journal() const {
    return results::read_journal(out() / "samples.jsonl");
  }

  TemporaryDirectory directory;
  Finished finished;
};

/// No process, or one that is only waiting to be reaped.
bool is_gone(pid_t process) {
  std::ifstream stat("/proc/" + std::to_string(process) + "/stat");
  std::string id;
  std::string name;
  std::string state;
  return !(stat >> id >> name >> state) || state == "Z" || state == "X";
}

/// What follows `key` in /proc/PID/status.
std::string status_of(pid_t process, const std::string& key) {
  std::ifstream status("/proc/" + std::to_string(process) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(key)) {
      const std::size_t value = line.find_first_not_of(" \t", key.size());
      return value == std::string::npos ? "" : line.substr(value);
    }
  }
  return "";
}

/// Gives it ten seconds.
template <typename Condition>
bool eventually(Condition condition) {
  for (int i = 0; i < 1000 && !condition(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return condition();
}

std::size_t count_lines(const fs::path& file) {
  std::ifstream stream(file);
  std::size_t lines = 0;
  for (std::string line; std::getline(stream, line);) ++lines;
  return lines;
}

}  // namespace

TEST_CASE("a run leaves results, a journal and a table", "[everywhere]") {
  const OneRun run(
      {"--strategy=memfd-dual", "--workload=zone", "--rounds=3", "--seed=5", "--delta=4%"});
  REQUIRE(run.finished.exit_code == 0);
  CHECK(says(run.finished.output, "memfd-dual"));
  CHECK(says(run.finished.output, "results.json"));
  const results::Results results = run.results();
  CHECK(results.run.seed == 5);
  CHECK(results.run.rounds == 3);
  CHECK(results.run.preset == "quick");
  CHECK(results.run.delta == 0.04);
  CHECK(says(run.finished.output, "4 %") == !in_qemu_user());  // emulated, no verdict is given
  CHECK_FALSE(results.run.interrupted);
  CHECK_FALSE(results.run.finished.empty());
  CHECK(results.baseline == "rwx");
  CHECK(results.cells.size() == 4);
  const results::Cell& cell = cell_of(results, "zone/memfd-dual/kib=64");
  CHECK(cell.status == CellStatus::ok);
  REQUIRE(cell.metrics.size() == 2);
  CHECK(cell.metrics[0].samples.size() == 3);
  CHECK(cell.memory.vmas == 2);
  CHECK(cell_of(results, "zone/again/kib=64").notes.front() == "twin of rwx");
  CHECK(run.journal().size() == 12);
  for (const results::JournalEntry& entry : run.journal()) {
    CHECK(entry.between_ms.has_value() == entry.counted.empty());
    CHECK(entry.parent_cpu_ms.has_value());
  }
  REQUIRE(results.run.time);
  CHECK(results.run.time->children_s > results.run.time->batches_s);
  CHECK(results.run.time->batches_s > 0);
  REQUIRE(results.run.flagged);
  CHECK(results.run.flagged->samples == 12);
}

TEST_CASE("every way in which a cell can fail is a row with its reason", "[everywhere]") {
  const OneRun run({"--workload=zone", "--rounds=1"}, {.variables = {{"FAKE_TIMEOUT_MS", "5000"}}});
  CHECK(run.finished.exit_code == 1);
  const results::Results results = run.results();
  struct Expected {
    std::string strategy;
    CellStatus status;
    std::string reason;
  };
  const std::vector<Expected> all = {
      {"wrong", CellStatus::failed, "wrong result: site 3 answered 17 instead of 4"},
      {"refused", CellStatus::denied, "mmap (writable and executable): Permission denied"},
      {"impossible", CellStatus::failed, "order=shuffled needs two sites"},
      {"exhausted", CellStatus::failed, "out of memory"},
      {"throwing", CellStatus::failed, "lost the thread"},
      {"segfault", CellStatus::crashed, "SIGSEGV"},
      {"abort", CellStatus::crashed, "assertion 'sky is up' failed"},
      {"hang", CellStatus::timeout, "no answer within"},
      {"silent", CellStatus::failed, "without an answer"},
      {"three", CellStatus::failed, "exit code 3; it wrote: three it is"},
      {"killed", CellStatus::crashed, "SIGKILL"},
      {"nowhere", CellStatus::unsupported, "it runs nothing"},
      {"memfd-dual", CellStatus::ok, ""}};
  for (const Expected& expected : all) {
    INFO(expected.strategy);
    const results::Cell& row = cell_of(results, "zone/" + expected.strategy + "/kib=64");
    CHECK(row.status == expected.status);
    CHECK(says(row.reason, expected.reason));
  }
}

TEST_CASE("how long a case may take is --timeout, which its reason names") {
  const OneRun run({"--strategy=hang", "--workload=zone", "--rounds=1", "--timeout=1s"});
  CHECK(run.finished.exit_code == 1);
  const results::Results results = run.results();
  const results::Cell& row = cell_of(results, "zone/hang/kib=64");
  CHECK(row.status == CellStatus::timeout);
  CHECK(says(row.reason, "no answer within 1000ms"));
  CHECK(says(row.reason, "--timeout="));
}

TEST_CASE("a cell that fails outside the headline ends on the terminal with its reason") {
  const OneRun run({"--strategy=wrong", "--workload=mic,zone", "--rounds=1"});
  CHECK(run.finished.exit_code == 1);
  CHECK(says(run.finished.errors,
             "failed: zone/wrong/kib=64: wrong result: site 3 answered 17 instead of 4"));
}

TEST_CASE("a probe that crashes was refused nothing, and its strategy cannot be had") {
  const OneRun run({"--strategy=memfd-dual", "--workload=zone", "--rounds=1"},
                   {.variables = {{"FAKE_CRASHING_PROBE", "memfd-dual"}}});
  CHECK(run.finished.exit_code == 1);
  const results::Results results = run.results();
  const auto row =
      std::ranges::find(results.strategies, "memfd-dual", &results::StrategyStatus::id);
  REQUIRE(row != results.strategies.end());
  CHECK(row->status == results::Availability::unsupported);
  CHECK(says(row->reason, "SIGABRT"));
}

TEST_CASE("results say which strategies share their code, and which metrics only execute") {
  const OneRun run({"--strategy=rwx", "--workload=zone", "--rounds=1"});
  const results::Results results = run.results();
  CHECK(results.run.execute_only == std::vector<std::string>{"send"});
  const auto code = [&results](std::string_view id) {
    const auto row = std::ranges::find(results.strategies, id, &results::StrategyStatus::id);
    REQUIRE(row != results.strategies.end());
    CHECK(row->second_view == (id == "memfd-dual"));
    return row->code;
  };
  CHECK(code("rwx") == "inline-cache");
  CHECK(code("memfd-dual") == code("floor"));
  CHECK(code("tag-cell") == "tag-cell");
}

TEST_CASE("results carry the catalogue of the program that measured") {
  const auto headline_of = [](const results::Results& results, std::string_view id) {
    std::vector<std::string> metrics;
    const auto row = std::ranges::find(results.workloads, id, &results::WorkloadEntry::id);
    REQUIRE(row != results.workloads.end());
    for (const auto& entry : row->headline) metrics.push_back(entry.metric);
    return metrics;
  };
  const std::vector<std::string> all = {"send", "patch"};
  const results::Results results =
      OneRun({"--strategy=rwx", "--workload=zone", "--rounds=1"}).results();
  CHECK(results.floor == "floor");
  REQUIRE(results.workloads.size() == 2);
  CHECK(results.workloads[0].id == "mic");
  CHECK(results.workloads[1].summary == "making zones");
  CHECK(results.workloads[1].metrics == all);
  CHECK(headline_of(results, "mic") == all);
  CHECK(headline_of(results, "zone") == all);  // asked for by its name
  REQUIRE(results.metrics.size() == 2);
  CHECK(results.metrics[0].executes_only);
  CHECK(results.metrics[1].title == "patch (burst)");
  const auto control =
      std::ranges::find(results.strategies, "tag-cell", &results::StrategyStatus::id);
  REQUIRE(control != results.strategies.end());
  CHECK(control->only_workload == "mic");
  CHECK(headline_of(OneRun({"--strategy=rwx", "--rounds=1"}).results(), "zone").empty());
}

TEST_CASE("the journal says which call was refused and with what errno") {
  const OneRun run({"--strategy=refused", "--workload=zone", "--rounds=1"});
  CHECK(run.finished.exit_code == 0);  // refused is not failed
  const auto journal = run.journal();
  const auto entry = std::ranges::find(journal, CellStatus::denied, &results::JournalEntry::status);
  REQUIRE(entry != journal.end());
  CHECK(entry->call == "mmap");
  CHECK(entry->error == "EACCES");
}

TEST_CASE("the end of a long stderr is kept in whole lines, not all of it") {
  const OneRun run({"--strategy=abort", "--workload=zone", "--rounds=1"});
  std::string reason = cell_of(run.results(), "zone/abort/kib=64").reason;
  // What qemu-user adds where it runs this.
  reason.erase(std::min(reason.find(" | qemu: uncaught target signal"), reason.size()));
  CHECK(reason.size() < 1200);
  CHECK(says(reason, "it wrote: this line"));
  CHECK(reason.ends_with("| assertion 'sky is up' failed"));
}

TEST_CASE("a cell that cannot become ok any more is not run again") {
  const OneRun run({"--strategy=killed", "--workload=zone", "--rounds=6"});
  const auto journal = run.journal();
  CHECK(std::ranges::count(journal, "zone/killed/kib=64", &results::JournalEntry::cell) == 2);
  CHECK(std::ranges::count(journal, "zone/rwx/kib=64", &results::JournalEntry::cell) == 6);
}

TEST_CASE("lost rounds are listed, the others keep their place") {
  // The fake fails where a round's seed is odd, so this follows from the run's seed.
  const OneRun run({"--strategy=flaky", "--workload=zone", "--rounds=10", "--seed=4"});
  const results::Cell cell = cell_of(run.results(), "zone/flaky/kib=64");
  REQUIRE_FALSE(cell.lost.empty());
  for (const results::LostRound& lost : cell.lost) {
    for (const results::Metric& metric : cell.metrics) {
      CHECK_FALSE(metric.samples.at(static_cast<std::size_t>(lost.round)).has_value());
    }
  }
}

TEST_CASE("a denied strategy is a row, and none of its cells is run") {
  const OneRun run({"--strategy=memfd-dual", "--workload=zone", "--rounds=1"},
                   {.variables = {{"FAKE_DENY", "memfd-dual"}}});
  CHECK(run.finished.exit_code == 0);
  const results::Results results = run.results();
  const auto row =
      std::ranges::find(results.strategies, "memfd-dual", &results::StrategyStatus::id);
  REQUIRE(row != results.strategies.end());
  CHECK(row->status == results::Availability::denied);
  CHECK(row->call == "mmap");
  CHECK(row->error == "EACCES");
  CHECK(says(row->reason, "MemoryDenyWriteExecute"));
  CHECK(cell_of(results, "zone/memfd-dual/kib=64").status == CellStatus::denied);
  CHECK(std::ranges::count(run.journal(), "zone/memfd-dual/kib=64", &results::JournalEntry::cell) ==
        0);
  CHECK(says(run.finished.errors, "denied: memfd-dual"));
}

TEST_CASE("what this machine lacks is a row with its reason, and none of its cells is run") {
  const OneRun run({"--strategy=rwx", "--workload=mic", "--publish=none,membarrier", "--rounds=1"},
                   {.variables = {{"FAKE_UNAVAILABLE", "membarrier"}}});
  CHECK(run.finished.exit_code == 0);
  const results::Results results = run.results();
  const std::string id = "mic/rwx/sites=1024,order=linear";
  CHECK(cell_of(results, id).status == CellStatus::ok);
  const results::Cell& lacking = cell_of(results, id + ",publish=membarrier");
  CHECK(lacking.status == CellStatus::unsupported);
  CHECK(lacking.reason == "publish=membarrier: this machine lacks it");
  CHECK(lacking.metrics.empty());
  CHECK(lacking.notes.empty());  // nothing was executed of which it could speak
  for (const results::JournalEntry& entry : run.journal()) {
    CHECK_FALSE(says(entry.cell, "membarrier"));
  }
  const Finished plan =
      run_fake({.arguments = {"--workload=mic", "--publish=membarrier", "--dry-run"},
                .variables = {{"FAKE_UNAVAILABLE", "membarrier"}}});
  CHECK(says(plan.output, id + ",publish=membarrier  (unsupported on this machine)"));
}

TEST_CASE("what a cell finds lacking by itself is unsupported, not failed") {
  const OneRun run({"--strategy=rwx", "--workload=zone", "--rounds=1"},
                   {.variables = {{"FAKE_LACKING", "another processor"}}});
  CHECK(run.finished.exit_code == 0);
  CHECK(cell_of(run.results(), "zone/rwx/kib=64").status == CellStatus::unsupported);
  CHECK(cell_of(run.results(), "zone/rwx/kib=64").reason == "it takes another processor");
}

TEST_CASE("every mode of publishing but the default stands beside its cells") {
  const OneRun run({"--strategy=memfd-dual,file-dual", "--workload=mic", "--rounds=1",
                    "--publish=none,membarrier"});
  const results::Results results = run.results();
  const auto notes = [&](const std::string& strategy, const char* mode) {
    auto all = cell_of(results, "mic/" + strategy + "/sites=1024,order=linear" + mode).notes;
    std::erase_if(all, [](const std::string& note) {  // the machine's
      return note.starts_with("drift") || note.starts_with("steal") || note.starts_with("waited") ||
             note.find("not above 0") != std::string::npos;
    });
    return all;
  };
  using Notes = std::vector<std::string>;
  const std::string second_view = publish_note(AliasKind::second_view, PublishMode::none);
  CHECK(notes("memfd-dual", "") == (second_view.empty() ? Notes{} : Notes{second_view}));
  CHECK(notes("memfd-dual", ",publish=membarrier") ==
        Notes{publish_note(AliasKind::second_view, PublishMode::membarrier)});
  CHECK(notes("file-dual", "").empty());
  CHECK(notes("file-dual", ",publish=membarrier") ==
        Notes{publish_note(AliasKind::same_address, PublishMode::membarrier)});
  CHECK(notes("floor", ",publish=membarrier") == Notes{"patches data: nothing is published"});
}

TEST_CASE("the baseline is the first that is allowed") {
  const auto [denied, baseline] =
      GENERATE(std::pair<std::string, std::string>{"", "rwx"}, std::pair{"rwx", "memfd-dual"},
               std::pair{"rwx,memfd-dual", "file-dual"});
  const OneRun run({"--strategy=slow", "--workload=zone", "--rounds=1"},
                   {.variables = {{"FAKE_DENY", denied}}});
  CHECK(run.finished.exit_code == 0);
  CHECK(run.results().baseline == baseline);
  CHECK(cell_of(run.results(), "zone/again/kib=64").notes.front() == "twin of " + baseline);
}

TEST_CASE("any strategy or control may be the baseline, if it is allowed") {
  const OneRun floor({"--strategy=rwx", "--workload=zone", "--rounds=1", "--baseline=floor"});
  CHECK(floor.finished.exit_code == 0);
  CHECK(floor.results().baseline == "floor");
  const OneRun denied({"--workload=zone", "--rounds=1", "--baseline=rwx"},
                      {.variables = {{"FAKE_DENY", "rwx"}}});
  CHECK(denied.finished.exit_code == 2);
  CHECK(says(denied.finished.errors, "--baseline=rwx: not available"));
  CHECK(says(denied.finished.errors, "Permission denied"));
  CHECK_FALSE(fs::exists(denied.out()));
}

TEST_CASE("what a probe chose stands in the results") {
  const OneRun run({"--strategy=rwx", "--workload=zone", "--rounds=1"});
  const results::Results results = run.results();
  const auto row = std::ranges::find(results.strategies, "file-dual", &results::StrategyStatus::id);
  REQUIRE(row != results.strategies.end());
  CHECK(row->detail == "/tmp (ext4)");
}

TEST_CASE("inside a round all cells have the same place, seed and processor, each round another") {
  const OneRun run({"--strategy=rwx,memfd-dual,file-dual", "--rounds=4"});
  REQUIRE(run.finished.exit_code == 0);
  std::map<int, std::set<std::array<double, 3>>> by_round;
  std::set<double> places;
  std::set<double> seeds;
  for (const results::JournalEntry& entry : run.journal()) {
    by_round[entry.round].insert(
        {counter_of(entry, "arena"), counter_of(entry, "seed"), counter_of(entry, "processor")});
    places.insert(counter_of(entry, "arena"));
    seeds.insert(counter_of(entry, "seed"));
    CHECK(counter_of(entry, "prepared") == 1);
  }
  CHECK(by_round.size() == 4);
  for (const auto& [round, settings] : by_round) {
    INFO("round " << round);
    CHECK(settings.size() == 1);
  }
  CHECK(places.size() == 4);
  CHECK(seeds.size() == 4);
}

TEST_CASE("the order of a round is recorded and follows from the seed") {
  const auto order_of = [](const OneRun& run) {
    std::vector<std::pair<int, std::string>> order;
    for (const results::JournalEntry& entry : run.journal()) {
      order.emplace_back(entry.order, entry.cell);
    }
    return order;
  };
  const OneRun one({"--strategy=memfd-dual", "--rounds=2", "--seed=11"});
  const OneRun same({"--strategy=memfd-dual", "--rounds=2", "--seed=11"});
  const OneRun other({"--strategy=memfd-dual", "--rounds=2", "--seed=12"});
  CHECK(order_of(one) == order_of(same));
  CHECK(order_of(one) != order_of(other));
  CHECK(order_of(one).front().first == 0);
  CHECK(order_of(one).at(1).first == 1);
}

TEST_CASE("children report overhead, calibration, memory and time") {
  const OneRun run({"--strategy=rwx", "--workload=zone", "--rounds=1"});
  for (const results::JournalEntry& entry : run.journal()) {
    CHECK(entry.calibration_before_ns.value() > 0);
    CHECK(entry.calibration_after_ns.value() > 0);
    CHECK(entry.max_rss_kib.value() > 0);
    CHECK(entry.memory.process_vmas_before.value() > 5);
    CHECK(entry.memory.process_vmas_during.value() > 5);
    CHECK(entry.memory.process_vmas_after.value() > 5);
    CHECK_FALSE(entry.memory.vmas_open.has_value());
    CHECK(entry.wall_ms > 0);
    CHECK(entry.started.ends_with("Z"));
    CHECK(counter_of(entry, "harness-overhead-ns") > 0);
    REQUIRE(entry.metrics.size() == 2);
    for (const results::JournalMetric& metric : entry.metrics) {
      CHECK(metric.batches.size() >= 3);
      CHECK(metric.unit == "ns");
      CHECK(metric.median > 0);
    }
  }
}

TEST_CASE("a self-test alone tells what it found and leaves nothing", "[everywhere]") {
  const TemporaryDirectory directory;
  const Start start{.arguments = {"--selftest", "--seed=1"}, .directory = directory.path()};
  const Finished finished = run_fake(start);
  CHECK(fs::is_empty(directory.path()));
  if (finished.exit_code == 2) {  // in an emulator
    CHECK(says(finished.errors, "an emulator's times mean nothing"));
    return;
  }
  // Whether it passes is this machine's business.
  REQUIRE((finished.exit_code == 0 || finished.exit_code == 1));
  const std::string& table = finished.exit_code == 0 ? finished.output : finished.errors;
  CHECK(says(table, finished.exit_code == 0 ? "Self-test passed" : "Self-test FAILED"));
  for (const char* part : {"A/A", "clock", "0 % slower", "3 % slower", "driver call"}) {
    CHECK(says(table, part));
  }
  CHECK(says(finished.output, "only the self-test was run"));
}

TEST_CASE("a self-test before a run is part of its context, and stays when the run goes on") {
  const OneRun run({"--strategy=rwx", "--workload=zone", "--rounds=2", "--selftest"});
  REQUIRE(run.finished.exit_code == 0);
  results::Results results = run.results();
  if (results.context.emulated) {
    CHECK_FALSE(results.context.selftest.has_value());
    CHECK(says(run.finished.errors, "--selftest: not run"));
    return;
  }
  REQUIRE(results.context.selftest);
  CHECK(results.context.selftest->lines.size() == results::kSelfTestLines.size());
  for (const results::SelfTestLine& line : results.context.selftest->lines) {
    CAPTURE(line.name, line.reason);
    CHECK(line.value > 0);
    CHECK(line.samples.size() >= 2);
    CHECK(line.verdict.has_value() == (line.unit == "ratio"));
  }
  CHECK(says(run.finished.output, "Self-test "));
  CHECK(run.journal().size() == 2 * results.cells.size());  // none of its samples is one of the run
  // Were it measured again, its date would not stay.
  results.context.selftest->date = "2001-02-03T04:05:06Z";
  results.run.interrupted = true;
  results::write_results(results, run.out() / "results.json");
  CHECK(run_fake({.arguments = {"--resume=" + run.out().string(), "--no-report"}}).exit_code == 0);
  REQUIRE(run.results().context.selftest);
  CHECK(run.results().context.selftest->date == "2001-02-03T04:05:06Z");
}

/// For each process how often it began to execute after another one had.
std::map<pid_t, int> bursts_in(const fs::path& trace) {
  std::ifstream file(trace, std::ios::binary);
  std::map<pid_t, int> bursts;
  pid_t last = 0;
  for (pid_t id = 0; file.read(reinterpret_cast<char*>(&id), sizeof id); last = id) {
    bursts[id] += id != last ? 1 : 0;
  }
  return bursts;
}

TEST_CASE("what is compared is measured in turns, a batch each") {
  const TemporaryDirectory directory;
  const fs::path trace = directory / "trace";
  const OneRun run({"--strategy=rwx,memfd-dual", "--workload=zone", "--rounds=1"},
                   {.variables = {{"FAKE_TRACE", trace.string()}}});
  REQUIRE(run.finished.exit_code == 0);
  const std::map<pid_t, int> bursts = bursts_in(trace);
  CHECK(bursts.size() == 4);  // with floor and again
  for (const auto& [id, count] : bursts) {
    // Set-up, and 14 batches of each of two metrics; at the end of a lap and the beginning of the
    // next it may be the same one's turn.
    CHECK(count > 14);
    CHECK(count <= 29);
  }
}

TEST_CASE("one child of a group that crashes or hangs does not concern the others",
          "[everywhere]") {
  const OneRun run({"--strategy=rwx,segfault,silent", "--workload=zone", "--rounds=2"});
  const results::Results results = run.results();
  CHECK(cell_of(results, "zone/rwx/kib=64").status == CellStatus::ok);
  CHECK(cell_of(results, "zone/segfault/kib=64").status == CellStatus::crashed);
  CHECK(cell_of(results, "zone/rwx/kib=64").lost.empty());
}

TEST_CASE("what is known has no more rounds, and its later samples are not lost") {
  const OneRun run({"--strategy=rwx,memfd-dual", "--workload=zone", "--preset=quick",
                    "--precision=90%", "--budget=20s"});
  REQUIRE(run.finished.exit_code == 0);
  const results::Results results = run.results();
  CHECK(results.run.ended.starts_with("precision: "));
  for (const results::Cell& cell : results.cells) CHECK(cell.lost.empty());
}

TEST_CASE(
    "controls are in one of three rounds of quick, unless the number of rounds is asked for") {
  const std::vector<std::string> cells = {"--strategy=memfd-dual", "--workload=zone"};
  const auto rounds_of = [&](const char* cell, std::vector<std::string> more) {
    more.insert(more.end(), cells.begin(), cells.end());
    const OneRun run(more);
    REQUIRE(run.finished.exit_code == 0);
    std::vector<int> rounds;
    for (const results::JournalEntry& entry : run.journal()) {
      if (entry.cell == cell) rounds.push_back(entry.round);
    }
    return std::pair{rounds, run.results().run.rounds};
  };
  const std::vector<std::string> by_rule = {"--preset=quick", "--precision=90%"};
  const auto [floor, all] = rounds_of("zone/floor/kib=64", by_rule);
  REQUIRE(all >= 4);
  CHECK(floor.size() == static_cast<std::size_t>((all + 2) / 3));
  CHECK(floor.at(1) == 3);
  CHECK(rounds_of("zone/again/kib=64", by_rule).first.size() == static_cast<std::size_t>(all));
  CHECK(rounds_of("zone/floor/kib=64", {"--preset=quick", "--rounds=4"}).first.size() == 4);
}

TEST_CASE("interrupting keeps what was measured and says so", "[everywhere]") {
  const int signal = GENERATE(SIGINT, SIGTERM, SIGHUP);
  const TemporaryDirectory directory;
  const fs::path out = directory / "out";
  Running running({.arguments = {"--strategy=slow", "--workload=zone", "--rounds=5000",
                                 "--no-report", "--out=" + out.string()}});
  REQUIRE(running.wait_until([&] { return count_lines(out / "samples.jsonl") >= 6; }));
  CHECK(valid_results(out).run.interrupted);  // were it killed now, this is what is left
  running.send(signal);
  const Finished finished = running.wait();
  CHECK(finished.exit_code == 130);
  CHECK(says(finished.errors, "interrupted"));
  CHECK(says(finished.output, "results.json"));
  const results::Results results = valid_results(out);
  CHECK(results.run.interrupted);
  CHECK_FALSE(results.run.finished.empty());
  const auto& samples = cell_of(results, "zone/rwx/kib=64").metrics.at(0).samples;
  CHECK(samples.size() == 5000);
  CHECK(samples.front().has_value());
}

TEST_CASE("a run of which nothing can be measured ends, whatever precision it is to have") {
  const OneRun run({"--strategy=rwx", "--workload=mic", "--publish=membarrier", "--precision=1%"},
                   {.variables = {{"FAKE_UNAVAILABLE", "membarrier"}}});
  CHECK(run.finished.exit_code == 0);
  CHECK(says(run.results().run.ended, "no case is left that can be measured"));
}

TEST_CASE("a budget ends a run, which says so, and resumed it ends where it would have") {
  const OneRun run({"--strategy=memfd-dual", "--workload=zone", "--precision=0.0001%",
                    "--budget=1s", "--seed=3"});
  REQUIRE(run.finished.exit_code == 0);
  CHECK(says(run.finished.output, "budget: "));
  results::Results results = run.results();
  CHECK(results.run.ended.starts_with("budget: "));
  const int rounds = results.run.rounds;
  CHECK(rounds >= 1);
  for (const results::Cell& cell : results.cells) {
    CHECK(cell.lost.empty());
    CHECK(cell.metrics.at(0).samples.size() == static_cast<std::size_t>(rounds));
  }
  // As if it had been killed after its last round, where it would have counted.
  results.run.interrupted = true;
  results.run.ended.clear();
  results::write_results(results, run.out() / "results.json");
  REQUIRE(run_fake({.arguments = {"--resume=" + run.out().string(), "--no-report"}}).exit_code ==
          0);
  CHECK(run.results().run.rounds == rounds);
  CHECK(run.results().run.ended.starts_with("budget: "));
}

TEST_CASE("signals that were ignored before the run stay ignored") {
  const TemporaryDirectory directory;
  const fs::path out = directory / "out";
  Running running({.arguments = {"--strategy=slow", "--workload=zone", "--rounds=20", "--no-report",
                                 "--out=" + out.string()},
                   .ignored = {SIGHUP, SIGINT}});
  REQUIRE(running.wait_until([&] { return count_lines(out / "samples.jsonl") >= 2; }));
  running.send(SIGHUP);
  running.send(SIGINT);
  CHECK(running.wait().exit_code == 0);
  CHECK(results::read_journal(out / "samples.jsonl").size() == 80);
}

TEST_CASE("Google Benchmark's variables of the environment change nothing") {
  const OneRun run({"--strategy=rwx", "--workload=zone", "--rounds=1"},
                   {.variables = {{"BENCHMARK_FILTER", "none"},
                                  {"BENCHMARK_OUT", "/nonexistent/file"},
                                  {"BENCHMARK_REPETITIONS", "99"}}});
  CHECK(run.finished.exit_code == 0);
  CHECK(run.journal().front().metrics.size() == 2);
}

TEST_CASE("a child that hangs ends with the run") {
  const TemporaryDirectory directory;
  const fs::path mark = directory / "mark";
  Running running({.arguments = {"--strategy=hang", "--workload=zone", "--rounds=1", "--no-report",
                                 "--out=" + (directory / "out").string()},
                   .variables = {{"FAKE_MARK", mark.string()}}});
  REQUIRE(running.wait_until([&] { return count_lines(mark) == 1; }));
  pid_t child = 0;
  std::ifstream(mark) >> child;
  REQUIRE(kill(child, 0) == 0);
  SECTION("that is interrupted") {
    running.send(SIGINT);
    CHECK(running.wait().exit_code == 130);
    CHECK(kill(child, 0) != 0);
  }
  SECTION("that is killed, which leaves nobody to end it") {
    running.send(SIGKILL);
    CHECK(running.wait().signal == SIGKILL);
    // Until whoever inherited it has reaped it, a killed child is a zombie.
    CHECK(eventually([child] { return is_gone(child); }));
  }
}

TEST_CASE("the parent sleeps while a child runs, and nothing but that child wakes it") {
  const TemporaryDirectory directory;
  const fs::path mark = directory / "mark";
  Running running({.arguments = {"--strategy=hang", "--workload=zone", "--rounds=1", "--no-report",
                                 "--out=" + (directory / "out").string()},
                   .variables = {{"FAKE_MARK", mark.string()}}});
  REQUIRE(running.wait_until([&] { return count_lines(mark) == 1; }));
  // A parent that spins is running; one that looks every so often is scheduled every so often.
  REQUIRE(eventually([&] { return status_of(running.pid(), "State:").starts_with("S"); }));
  const std::string switches = status_of(running.pid(), "voluntary_ctxt_switches:");
  REQUIRE_FALSE(switches.empty());
  for (int look = 0; look < 20; ++look) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    CHECK(status_of(running.pid(), "State:").starts_with("S"));
  }
  CHECK(status_of(running.pid(), "voluntary_ctxt_switches:") == switches);
  running.send(SIGINT);
  CHECK(running.wait().exit_code == 130);
}

TEST_CASE("results are never overwritten") {
  const OneRun first({"--strategy=rwx", "--workload=zone", "--rounds=1"});
  REQUIRE(first.finished.exit_code == 0);
  const auto before = fs::last_write_time(first.out() / "results.json");
  const Finished second = run_fake({.arguments = {"--strategy=rwx", "--workload=zone", "--rounds=1",
                                                  "--out=" + first.out().string()}});
  CHECK(second.exit_code == 2);
  CHECK(says(second.errors, "already holds results"));
  CHECK(says(second.errors, "--out=DIR"));
  CHECK(fs::last_write_time(first.out() / "results.json") == before);
  CHECK(first.journal().size() == 3);
}

TEST_CASE("an existing directory without results is used") {
  const TemporaryDirectory directory;
  directory.write("notes.txt", "mine");
  const Finished finished =
      run_fake({.arguments = {"--strategy=rwx", "--workload=zone", "--rounds=1", "--no-report",
                              "--out=" + directory.path().string()}});
  CHECK(finished.exit_code == 0);
  CHECK(fs::exists(directory / "results.json"));
  CHECK(fs::exists(directory / "notes.txt"));
}

TEST_CASE("directories that cannot be written are refused before anything is measured") {
  const TemporaryDirectory directory;
  directory.write("file", "not a directory");
  for (const std::string& out : {(directory / "file").string(), std::string("/proc/nowhere")}) {
    const Finished finished = run_fake({.arguments = {"--rounds=1", "--out=" + out}});
    INFO(out);
    CHECK(finished.exit_code == 2);
    CHECK(says(finished.errors, "cannot create the directory " + out));
    CHECK(says(finished.errors, "--out=DIR"));
  }
}

TEST_CASE("by default results go to a directory of their own") {
  const TemporaryDirectory directory;
  const Start start{.arguments = {"--strategy=rwx", "--workload=zone", "--rounds=1", "--no-report"},
                    .directory = directory.path()};
  CHECK(run_fake(start).exit_code == 0);
  CHECK(run_fake(start).exit_code == 0);
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator(directory / "results")) {
    CHECK(fs::exists(entry.path() / "results.json"));
    ++count;
  }
  CHECK(count == 2);
}

TEST_CASE("a full disk stops the run with an error, and the journal stays readable",
          "[everywhere]") {
  const TemporaryDirectory directory;
  const fs::path out = directory / "out";
  // results.json fits, a few hundred lines of the journal do not.
  constexpr rlim_t kBytes = 80'000;
  const Finished finished =
      run_fake({.arguments = {"--strategy=rwx", "--workload=zone", "--rounds=100", "--no-report",
                              "--out=" + out.string()},
                .limit = std::pair{RLIMIT_FSIZE, kBytes}});
  CHECK(finished.exit_code == 1);
  CHECK(says(finished.errors, "samples.jsonl"));
  CHECK(says(finished.errors, "intact"));
  const auto journal = results::read_journal(out / "samples.jsonl");
  CHECK(journal.size() > 3);
  CHECK(count_lines(out / "samples.jsonl") == journal.size());
  CHECK(valid_results(out).run.interrupted);
}

TEST_CASE("no room for even the first results is bad usage") {
  const TemporaryDirectory directory;
  constexpr rlim_t kBytes = 100;
  const Finished finished =
      run_fake({.arguments = {"--rounds=1", "--out=" + (directory / "out").string()},
                .limit = std::pair{RLIMIT_FSIZE, kBytes}});
  CHECK(finished.exit_code == 2);
  CHECK_FALSE(
      fs::exists(directory / "out" / "samples.jsonl"));  // the next run may use the directory
}

#if !PATCHBENCH_SANITIZED  // sanitizers reserve terabytes of addresses
TEST_CASE("too small an address space is a row with the limit's name") {
  if (in_qemu_user()) {
    WARN("skipped: qemu-user keeps RLIMIT_AS to itself");
    return;
  }
  constexpr rlim_t kBytes = 600U << 20U;
  const OneRun run({"--strategy=large,memfd-dual", "--workload=zone", "--rounds=1"},
                   {.limit = std::pair{RLIMIT_AS, kBytes}});
  CHECK(run.finished.exit_code == 0);
  const results::Results results = run.results();
  CHECK(cell_of(results, "zone/large/kib=64").status == CellStatus::denied);
  CHECK(says(cell_of(results, "zone/large/kib=64").reason, "ulimit -v"));
  CHECK(cell_of(results, "zone/memfd-dual/kib=64").status == CellStatus::ok);
}
#endif

TEST_CASE("without gnuplot the results are complete and a warning names the package") {
  const TemporaryDirectory directory;
  const fs::path out = directory / "out";
  const Finished finished =
      run_fake({.arguments = {"--strategy=rwx", "--workload=mic", "--rounds=3",
                              "--param=sites=16,1024", "--out=" + out.string()},
                .variables = {{"PATH", "/nonexistent"}}});
  CHECK(finished.exit_code == 0);
  if (results::read_results(out).context.emulated) {
    CHECK_FALSE(says(finished.errors, "gnuplot-nox"));  // no figure is made of an emulator's times
    return;
  }
  CHECK(says(finished.errors, "gnuplot-nox"));
  CHECK_FALSE(says(finished.output, "figures:"));
  CHECK(fs::exists(out / "results.json"));
  CHECK(fs::exists(out / "report.html"));
}

TEST_CASE("nobody listening does not stop a run") {
  const TemporaryDirectory directory;
  const fs::path out = directory / "out";
  const Finished finished = run_fake(
      {.arguments = {"--strategy=rwx", "--workload=zone", "--rounds=3", "--out=" + out.string()},
       .silent = true});
  CHECK(finished.exit_code == 0);
  CHECK_FALSE(valid_results(out).run.interrupted);
}

TEST_CASE("bad usage ends with 2 and leaves nothing", "[everywhere]") {
  const auto [option, said] = GENERATE(
      std::pair<std::string, std::string>{"--strategy=rwxx", "did you mean 'rwx'"},
      std::pair{"--workload=mik", "did you mean 'mic'"}, std::pair{"--preset=fast", "Valid: quick"},
      std::pair{"--param=sites=0", "1 to 1048576"},
      std::pair{"--param=site=1", "did you mean 'sites'"},
      std::pair{"--filter=zzz", "matches no case"}, std::pair{"--rounds=-1", "--rounds"},
      std::pair{"--budget=3d", "--budget: '3d'"},
      std::pair{"--placement=nera", "did you mean 'near'"},
      std::pair{"--delta=100%", "--delta: '100%' is not a percentage"},
      std::pair{"--cpus=9999", "--cpus"});
  const TemporaryDirectory directory;
  const Finished finished = run_fake({.arguments = {option}, .directory = directory.path()});
  INFO(option);
  CHECK(finished.exit_code == 2);
  CHECK(says(finished.errors, "bench-run: "));
  CHECK(says(finished.errors, said));
  CHECK(finished.output.empty());
  CHECK(fs::is_empty(directory.path()));
}

TEST_CASE("quiet prints errors only") {
  const OneRun good({"--strategy=rwx", "--workload=zone", "--rounds=1", "--quiet"});
  CHECK(good.finished.exit_code == 0);
  CHECK(good.finished.output.empty());
  CHECK(good.finished.errors.empty());
  const OneRun bad({"--strategy=wrong", "--workload=zone", "--rounds=1", "--quiet"});
  CHECK(bad.finished.exit_code == 1);
  CHECK(bad.finished.output.empty());
  CHECK(says(bad.finished.errors, "failed: zone/wrong/kib=64: wrong result"));
}

TEST_CASE("progress in a file is a line now and then") {
  const OneRun run({"--strategy=rwx", "--workload=zone", "--rounds=100"});
  std::istringstream lines(run.finished.errors);
  int progress = 0;
  for (std::string line; std::getline(lines, line);) {
    CHECK(line.find('\r') == std::string::npos);
    progress += line.find(" % ") != std::string::npos ? 1 : 0;
  }
  CHECK(progress > 5);
  CHECK(progress <= 20);
}

TEST_CASE("a dry run shows the plan and measures nothing") {
  const TemporaryDirectory directory;
  const Finished finished = run_fake(
      {.arguments = {"--dry-run", "--strategy=memfd-dual", "--workload=zone", "--rounds=3"},
       .directory = directory.path(),
       .variables = {{"FAKE_DENY", "memfd-dual"}}});
  CHECK(finished.exit_code == 0);
  CHECK(says(finished.output, "zone/floor/kib=64\n"));
  CHECK(says(finished.output, "zone/memfd-dual/kib=64  (denied on this machine)"));
  CHECK(says(finished.output, "4 cases x 3 rounds = 9 processes"));
  CHECK(fs::is_empty(directory.path()));
}

TEST_CASE("the list for programs is JSON") {
  const Finished finished = run_fake({.arguments = {"--list=json"}});
  CHECK(finished.exit_code == 0);
  const nlohmann::json list = nlohmann::json::parse(finished.output);
  CHECK(list.at("strategies").at(0).at("id") == "rwx");
  CHECK(list.at("strategies").back().at("id") == "again");
  CHECK(list.at("workloads").at(0).at("parameters").at(0).at("maximum") == 1048576);
  CHECK(list.at("workloads").at(0).at("parameters").at(1).at("choices").size() == 2);
}

TEST_CASE("dumped code has images, symbols and a script, and replaces nothing", "[everywhere]") {
  const TemporaryDirectory directory;
  const Start start{.arguments = {"--dump-code=mic/rwx/sites=16", "--seed=3"},
                    .directory = directory.path()};
  const Finished finished = run_fake(start);
  REQUIRE(finished.exit_code == 0);
  const fs::path code = directory / "code-mic-rwx-sites=16,order=linear";
  CHECK(says(finished.output, "objdump -D -b binary -m "));
  CHECK(says(finished.output, "unlinked.bin"));
  CHECK(fs::file_size(code / "unlinked.bin") == 17);
  CHECK(fs::file_size(code / "linked.bin") == 2);
  std::ifstream symbols(code / "unlinked.symbols");
  const std::string text{std::istreambuf_iterator<char>(symbols), {}};
  CHECK(says(text, " 1 miss-trampoline unlinked.bin 16\n"));
  CHECK(run_fake(start).exit_code == 2);
}

TEST_CASE("code that does not exist is not dumped") {
  const auto [cell, said] =
      GENERATE(std::pair<std::string, std::string>{"zone/rwx", "no code to show"},
               std::pair{"mic/nowhere", "does not run workload 'mic': it runs nothing"},
               std::pair{"zone/tag-cell", "does not run workload 'zone'"},
               std::pair{"mic/rw", "did you mean 'rwx'"});
  const Finished finished = run_fake({.arguments = {"--dump-code=" + cell}});
  CHECK(finished.exit_code == 2);
  CHECK(says(finished.errors, said));
}

}  // namespace patchbench::harness
