// Runs that end early and go on: what is lost, what is refused, and what comes out in the end.
#include "harness/run/resume.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include <patchbench_catch.hpp>

#include "harness/programs/subprocess_test.hpp"
#include "harness/programs/temporary_directory_test.hpp"
#include "harness/run/in_flight.hpp"
#include "results/file.hpp"
#include "results/journal.hpp"
#include "results/json.hpp"
#include "results/validator_test.hpp"
#include "workloads/seeded_random.hpp"

namespace patchbench::harness {
namespace {

namespace fs = std::filesystem;
using results::CellStatus;

constexpr int kRounds = 12;

std::vector<std::string> arguments(const fs::path& out) {
  return {"--strategy=memfd-dual",
          "--workload=zone",
          "--rounds=" + std::to_string(kRounds),
          "--seed=11",
          "--no-report",
          "--quiet",
          "--out=" + out.string()};
}

Finished resume(const fs::path& out, std::vector<std::string> more = {}) {
  more.insert(more.begin(), {"--resume=" + out.string(), "--no-report", "--quiet"});
  return run_fake({.arguments = more});
}

/// What decides a sample, and says where it belongs.
using Sample =
    std::tuple<int, std::string, int, double, double>;  // round, cell, order, seed, arena

double counter(const results::JournalEntry& entry, std::string_view name) {
  const auto found = std::ranges::find(entry.counters, name, &results::Counter::name);
  return found == entry.counters.end() ? -1 : found->value.value_or(-1);
}

/// The lines that are not failures; each twice if it was measured twice.
std::multiset<Sample> samples_in(const fs::path& out) {
  std::multiset<Sample> samples;
  for (const results::JournalEntry& entry : results::read_journal(out / "samples.jsonl")) {
    if (entry.status == CellStatus::ok) {
      samples.emplace(entry.round, entry.cell, entry.order, counter(entry, "seed"),
                      counter(entry, "arena"));
    }
  }
  return samples;
}

void check_complete(const fs::path& out) {
  CHECK(results::validator_errors(out).empty());
  const results::Results results = results::read_results(out);
  CHECK_FALSE(results.run.interrupted);
  for (const results::Cell& cell : results.cells) {
    INFO(cell.id);
    CHECK(cell.status == CellStatus::ok);
    CHECK(cell.lost.empty());
    REQUIRE(cell.metrics.size() == 2);
    CHECK(std::ranges::all_of(cell.metrics.front().samples,
                              [](const auto& sample) { return sample.has_value(); }));
    CHECK(cell.metrics.front().samples.size() == kRounds);
  }
}

/// A process that the given one has started, or 0.
int some_child_of(int parent) {
  std::ifstream children("/proc/" + std::to_string(parent) + "/task/" + std::to_string(parent) +
                         "/children");
  int child = 0;
  children >> child;
  return child;
}

std::size_t lines_in(const fs::path& journal) {
  std::ifstream stream(journal);
  return static_cast<std::size_t>(std::count(std::istreambuf_iterator<char>(stream), {}, '\n'));
}

void pause(std::uint64_t microseconds) {
  std::this_thread::sleep_for(std::chrono::microseconds(microseconds));
}

enum class Ending { before_the_first_sample, among_samples, complete };

/// Begins or goes on with the run in `out`, and kills it at a random moment: every fifth time while
/// it starts, otherwise some samples later. Every third time a child goes first.
Ending disturb(const fs::path& out, SeededRandom& random) {
  const fs::path journal = out / "samples.jsonl";
  const std::size_t before = lines_in(journal);
  const bool begun = fs::exists(out / "results.json");
  Running running({.arguments = begun ? std::vector<std::string>{"--resume=" + out.string(),
                                                                 "--no-report", "--quiet"}
                                      : arguments(out)});
  if (random.below(5) != 0) {
    const std::size_t enough = before + 1 + random.below(12);
    static_cast<void>(running.wait_until([&] { return lines_in(journal) >= enough; }));
  }
  pause(random.below(20'000));
  if (random.below(3) == 0) {
    if (const int child = some_child_of(running.pid()); child > 1) kill(child, SIGKILL);
    pause(random.below(10'000));
  }
  running.send(SIGKILL);
  if (running.wait().exit_code == 0) return Ending::complete;
  return lines_in(journal) > before ? Ending::among_samples : Ending::before_the_first_sample;
}

/// An ended run's files, with results.json as it stands while a run goes on.
class UnfinishedRun {
 public:
  explicit UnfinishedRun(int rounds_kept) {
    REQUIRE(run_fake({.arguments = arguments(out())}).exit_code == 0);
    results::Results results = results::read_results(out());
    results.run.interrupted = true;
    write(results);
    keep_lines(rounds_kept * static_cast<int>(results.cells.size()));
  }
  [[nodiscard]] fs::path out() const { return directory / "out"; }
  [[nodiscard]] fs::path journal() const { return out() / "samples.jsonl"; }
  [[nodiscard]] results::Results results() const { return results::read_results(out()); }
  void write(const results::Results& results) const {
    results::write_results(results, out() / "results.json");
  }
  [[nodiscard]] Finished resume(std::vector<std::string> more = {}) const {
    return harness::resume(out(), std::move(more));
  }

  TemporaryDirectory directory;

 private:
  void keep_lines(int lines) const {
    std::string text = results::read_text(journal());
    std::size_t end = 0;
    for (int i = 0; i < lines; ++i) end = text.find('\n', end) + 1;
    results::write_text_atomically(journal(), std::string_view(text).substr(0, end));
  }
};

bool ended_saying(const Finished& finished, std::string_view part) {
  INFO(finished.errors);
  return finished.errors.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a run that is killed at random moments has the samples of an undisturbed one") {
  const TemporaryDirectory directory;
  const fs::path whole = directory / "whole";
  REQUIRE(run_fake({.arguments = arguments(whole)}).exit_code == 0);
  const auto expected = samples_in(whole);
  SeededRandom random(20);
  int kills = 0;
  int among_samples = 0;
  for (int run = 0; kills < PATCHBENCH_KILLS; ++run) {
    const fs::path out = directory / ("killed-" + std::to_string(run));
    std::multiset<Sample> kept;
    for (Ending ending{}; ending != Ending::complete && kills < PATCHBENCH_KILLS;) {
      ending = disturb(out, random);
      kills += ending == Ending::complete ? 0 : 1;
      among_samples += ending == Ending::among_samples ? 1 : 0;
      const auto found = fs::exists(out / "samples.jsonl") ? samples_in(out) : kept;
      REQUIRE(std::ranges::includes(found, kept));  // nothing that was written is ever lost
      kept = found;
    }
    if (!fs::exists(out / "results.json")) {
      continue;  // every time before it was begun
    }
    if (results::read_results(out).run.interrupted) REQUIRE(resume(out).exit_code == 0);
    check_complete(out);
    CHECK(samples_in(out) == expected);
  }
  CHECK(among_samples >= PATCHBENCH_KILLS / 2);
}

TEST_CASE("a run goes on after its last complete line") {
  const UnfinishedRun unfinished(3);
  const std::string before = results::read_text(unfinished.journal());
  const std::size_t last_line = before.rfind('\n', before.size() - 2) + 1;
  // As a writer leaves it that died in the middle of a line.
  results::write_text_atomically(unfinished.journal(),
                                 std::string_view(before).substr(0, last_line + 40));
  CHECK(unfinished.resume().exit_code == 0);
  check_complete(unfinished.out());
  CHECK(results::read_text(unfinished.journal()).starts_with(before.substr(0, last_line)));
}

TEST_CASE("a run that was interrupted goes on, and keeps its name and beginning", "[everywhere]") {
  const UnfinishedRun unfinished(1);
  const results::Run before = unfinished.results().run;
  CHECK(unfinished.resume().exit_code == 0);
  const results::Run after = unfinished.results().run;
  CHECK(after.id == before.id);
  CHECK(after.started == before.started);
  CHECK(after.command == before.command);
  CHECK(after.seed == 11);
}

TEST_CASE("what failed is measured again when a run goes on") {
  const UnfinishedRun unfinished(2);
  auto entries = results::read_journal(unfinished.journal());
  entries[1].status = CellStatus::crashed;
  entries[1].reason = "killed by SIGKILL";
  std::string text;
  for (const auto& entry : entries) text += results::journal_line(entry) + "\n";
  results::write_text_atomically(unfinished.journal(), text);
  CHECK(unfinished.resume().exit_code == 0);
  check_complete(unfinished.out());
}

TEST_CASE("a case with which memory ran out is crashed, and the run goes on without it") {
  const UnfinishedRun unfinished(3);
  const std::string cell = "zone/memfd-dual/kib=64";
  const fs::path record = unfinished.out() / "in-flight.txt";
  results::write_text_atomically(record, "-1 3 " + cell + "\n");
  CHECK(killed_in_flight(unfinished.out())->cell == cell);
  const Finished finished = unfinished.resume();
  CHECK(finished.exit_code == 1);
  CHECK_FALSE(fs::exists(record));
  const results::Results results = unfinished.results();
  CHECK_FALSE(results.run.interrupted);
  for (const results::Cell& one : results.cells) {
    INFO(one.id << ": " << one.reason);
    CHECK(one.status == (one.id == cell ? CellStatus::crashed : CellStatus::ok));
  }
  const auto found = std::ranges::find(results.cells, cell, &results::Cell::id);
  REQUIRE(found != results.cells.end());
  CHECK(found->reason.find("memory ran out in round 4") != std::string::npos);
}

TEST_CASE("a case that was in flight when someone killed the run is measured again") {
  const UnfinishedRun unfinished(3);
  const std::string kills = std::to_string(oom_kills().value_or(0));
  results::write_text_atomically(unfinished.out() / "in-flight.txt",
                                 kills + " 3 zone/memfd-dual/kib=64\n");
  CHECK_FALSE(killed_in_flight(unfinished.out()).has_value());
  CHECK(unfinished.resume().exit_code == 0);
  check_complete(unfinished.out());
}

TEST_CASE("of a group that was not written to its end nothing is taken over") {
  const auto entry = [](int round, std::optional<int> in_group, std::optional<int> size) {
    results::JournalEntry one;
    one.round = round;
    one.in_group = in_group;
    one.group_size = size;
    return one;
  };
  const auto rounds_of = [](const std::vector<results::JournalEntry>& journal) {
    std::vector<int> rounds;
    for (const results::JournalEntry& one : without_torn_groups(journal)) {
      rounds.push_back(one.round);
    }
    return rounds;
  };
  using Rounds = std::vector<int>;
  CHECK(rounds_of({}).empty());
  CHECK(rounds_of({entry(1, 0, 2), entry(1, 1, 2), entry(2, 0, 1)}) == Rounds{1, 1, 2});
  CHECK(rounds_of({entry(1, 0, 2), entry(1, 1, 2), entry(2, 0, 3), entry(2, 1, 3)}) ==
        Rounds{1, 1});
  // Torn, and measured again by the run that went on.
  CHECK(rounds_of({entry(1, 0, 2), entry(1, 0, 2), entry(1, 1, 2)}) == Rounds{1, 1});
  CHECK(rounds_of({entry(4, {}, {}), entry(5, {}, {})}) == Rounds{4, 5});  // an older journal
}

TEST_CASE("damage to a journal is an error that names the line", "[everywhere]") {
  const UnfinishedRun unfinished(2);
  std::string text = results::read_text(unfinished.journal());
  text.replace(text.find('\n') + 1, 1, "#");
  results::write_text_atomically(unfinished.journal(), text);
  const Finished finished = unfinished.resume();
  CHECK(finished.exit_code == 2);
  CHECK(ended_saying(finished, "samples.jsonl:2"));
  CHECK(results::read_text(unfinished.journal()) == text);
}

TEST_CASE("options that contradict those of the run are named, others are taken") {
  const UnfinishedRun unfinished(1);
  const Finished rounds = unfinished.resume({"--workload=zone", "--rounds=7"});
  CHECK(rounds.exit_code == 2);
  CHECK(ended_saying(rounds, "--rounds=12 then, --rounds=7 now"));
  CHECK(ended_saying(rounds, "--strategy=memfd-dual then, --strategy=all now"));
  const Finished delta = unfinished.resume({"--delta=5%"});
  CHECK(delta.exit_code == 2);
  CHECK(ended_saying(delta, "--delta=3% then, --delta=5% now"));
  const Finished filter = unfinished.resume({"--filter=zone"});
  CHECK(filter.exit_code == 2);
  CHECK(ended_saying(filter, "no --filter then, --filter=zone now"));
  CHECK(unfinished.resume({"--dry-run"}).exit_code == 2);
  CHECK(unfinished.resume({"--out=/elsewhere"}).exit_code == 2);
  CHECK(unfinished.resume({"--strategy=memfd-dual", "--workload=zone", "--rounds=12"}).exit_code ==
        0);
}

TEST_CASE("another machine, program or plan is refused by name") {
  const UnfinishedRun unfinished(1);
  const results::Results good = unfinished.results();
  const auto refuses = [&](auto change, std::string_view part) {
    results::Results changed = good;
    change(changed);
    unfinished.write(changed);
    const Finished finished = unfinished.resume();
    CHECK(finished.exit_code == 2);
    CHECK(ended_saying(finished, part));
  };
  refuses([](auto& r) { r.context.kernel = "5.10"; }, "kernel was '5.10'");
  refuses([](auto& r) { r.context.cpu.model = std::nullopt; }, "CPU was 'unknown'");
  refuses([](auto& r) { r.context.git = "deadbeef"; }, "revision was 'deadbeef'");
  refuses([](auto& r) { r.run.program = "fnv1a64:0"; }, "fingerprint was 'fnv1a64:0'");
  refuses([](auto& r) { r.baseline = "floor"; }, "baseline was 'floor'");
  refuses([](auto& r) { r.cells.pop_back(); }, "cases");
  refuses([](auto& r) { r.strategies.front().status = results::Availability::denied; },
          "was 'denied' and is 'available'");
  refuses([](auto& r) { r.run.arguments.clear(); }, "older version");
  refuses([](auto& r) { r.run.interrupted = false; }, "is complete");
  unfinished.write(good);
  CHECK(unfinished.resume().exit_code == 0);
}

TEST_CASE("where there is nothing to resume, it says so") {
  const TemporaryDirectory directory;
  const Finished nothing = resume(directory / "nowhere");
  CHECK(nothing.exit_code == 2);
  CHECK(ended_saying(nothing, "results.json"));
  directory.write("out/results.json", "{ \"schema_version\": 1,");
  const Finished damaged = resume(directory / "out");
  CHECK(damaged.exit_code == 2);
  CHECK(ended_saying(damaged, "results.json"));
}

TEST_CASE("two processes do not go on with the same run") {
  const UnfinishedRun unfinished(1);
  const results::JournalWriter other(unfinished.journal());
  const Finished finished = unfinished.resume();
  CHECK(finished.exit_code == 2);
  CHECK(ended_saying(finished, "is being written by another process"));
}

TEST_CASE("differing arguments are paired by their name") {
  CHECK(differing_arguments({"--rounds=7", "--seed=1"}, {"--rounds=7", "--seed=1"}).empty());
  const auto found = differing_arguments({"--param=a=1", "--param=b=2"}, {"--param=a=1"});
  REQUIRE(found.size() == 1);
  CHECK(found.front() == "--param=a=1 --param=b=2 then, --param=a=1 now");
}

}  // namespace patchbench::harness
