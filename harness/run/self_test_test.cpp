#include "harness/run/self_test.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <vector>

#include <patchbench_catch.hpp>

#include "analysis/render/document.hpp"
#include "analysis/render/markdown.hpp"
#include "analysis/statistics/statistics.hpp"
#include "analysis/view/report_document.hpp"
#include "analysis/view/result.hpp"
#include "analysis/view/self_test.hpp"
#include "harness/process/child.hpp"
#include "harness/process/known_chains.hpp"
#include "harness/programs/look_up_test.hpp"
#include "workloads/seeded_random.hpp"

namespace patchbench::harness {
namespace {

using results::JournalEntry;
using results::SelfTestLine;
using results::Verdict;

/// What a machine is like on which everything is as it should be; tests change one thing.
struct Machine {
  double multiplication_ns = 0.8;
  double driver_ns = 2;
  double clock_ns = 25;
  double again = 1;
  double known_0 = 1;
  double known_3 = 1.03;
  double scatter = 0.002;   // of a sample
  double wandering = 0;     // of the processor's speed from round to round
  std::string broken = {};  // a cell that fails
  int rounds = 12;
  std::uint64_t seed = 1;
};

class Rounds {
 public:
  explicit Rounds(const Machine& machine) : machine_(machine), random_(machine.seed) {
    for (int round = 0; round < machine.rounds; ++round) {
      const double speed = 1 + machine.wandering * noise();
      const double chain_ns = machine.multiplication_ns * kChainSteps * speed;
      add(round, "chain", kChainMetric, chain_ns);
      add(round, "again", kChainMetric, chain_ns * machine.again);
      add(round, "known-0", kChainMetric, chain_ns * machine.known_0);
      add(round, "known-3", kChainMetric, chain_ns * machine.known_3);
      add(round, "empty", kEmptyMetric, machine.driver_ns);
      results::Counter step;
      step.name = kClockStep;
      step.value = machine.clock_ns;
      entries_.back().counters.push_back(step);
    }
  }
  [[nodiscard]] std::vector<SelfTestLine> lines() const {
    return judge_self_test(entries_, machine_.rounds, Frequency{.mhz = 3750, .source = "a file"});
  }

 private:
  double noise() { return static_cast<double>(random_.below(2001)) / 1000 - 1; }

  void add(int round, const std::string& cell, std::string_view metric, double ns) {
    JournalEntry entry;
    entry.round = round;
    entry.cell = "selftest/" + cell;
    const double sample = ns * (1 + machine_.scatter * noise());
    entry.metrics = {{std::string(metric), "ns", {sample}, sample, {}}};
    if (cell == machine_.broken) {
      entry.status = results::CellStatus::failed;
      entry.reason = "wrong result: 899 steps";
      entry.metrics.clear();
    }
    entries_.push_back(std::move(entry));
  }

  Machine machine_;
  SeededRandom random_;
  std::vector<JournalEntry> entries_;
};

std::vector<SelfTestLine> lines_of(const Machine& machine) { return Rounds(machine).lines(); }

const SelfTestLine& line(const std::vector<SelfTestLine>& lines, std::string_view name) {
  const auto found = std::ranges::find(lines, name, &SelfTestLine::name);
  REQUIRE(found != lines.end());
  return *found;
}

std::vector<std::string> failed(const std::vector<SelfTestLine>& lines) {
  std::vector<std::string> names;
  for (const SelfTestLine& one : lines) {
    if (!one.passed) names.push_back(one.name);
  }
  return names;
}

std::uint64_t power_of_3(int steps) {
  std::uint64_t product = 1;
  for (int step = 0; step < steps; ++step) product *= 3;
  return product;
}

std::string bytes_of(Chain code) {
  std::string bytes(4096, '\0');
  std::memcpy(bytes.data(), reinterpret_cast<const void*>(code), bytes.size());
  return bytes;
}

std::uintptr_t offset_in_page(Chain code) { return reinterpret_cast<std::uintptr_t>(code) % 4096; }

}  // namespace

TEST_CASE("self-test: the known slowdown is 3 % more executed steps, the known equal none") {
  STATIC_REQUIRE(kLongerSteps * 100 == kChainSteps * 103);
  // 3 is of order 2^62 modulo 2^64: no other number of steps below that gives these answers.
  CHECK(chain(1, 3) == power_of_3(kChainSteps));
  CHECK(other_chain(1, 3) == power_of_3(kChainSteps));
  CHECK(longer_chain(1, 3) == power_of_3(kLongerSteps));
  CHECK(chain(5, 3) == 5 * power_of_3(kChainSteps));
}

TEST_CASE("self-test: the chains lie alike and are not the same bytes") {
  CHECK(offset_in_page(&chain) == offset_in_page(&longer_chain));
  CHECK(offset_in_page(&chain) == offset_in_page(&other_chain));
  // Both architectures have four bytes a multiplication: all of a chain lies in its page.
  STATIC_REQUIRE(kLongerSteps * 4 + 256 < 4096);
  CHECK(bytes_of(&chain) != bytes_of(&other_chain));
}

TEST_CASE("self-test: its cells are what they say, in a child as every other") {
  const Catalogue catalogue = self_test_catalogue();
  const CellFactory* factory = catalogue.find_cell(kKnown3, kSelfTestWorkload);
  REQUIRE(factory != nullptr);
  const auto instance = factory->make({.params = {}, .seed = 42, .arena = {}});
  CHECK_NOTHROW(instance->check());
  CHECK(catalogue.find_cell(kKnown3, "mic") == nullptr);
  ChildTask task;
  task.cell = "selftest/empty";
  task.strategy = kEmptyCell;
  task.workload = kSelfTestWorkload;
  task.batches = 3;
  task.budget_ms = 1;
  const JournalEntry entry = do_task({}, task);  // in no catalogue of a run
  CHECK(entry.status == results::CellStatus::ok);
  CHECK(entry.metrics.at(0).name == kEmptyMetric);
  CHECK(std::ranges::any_of(entry.counters, [](const results::Counter& counter) {
    return counter.name == kClockStep && counter.value > 0;
  }));
}

TEST_CASE("self-test: where everything is as it should be every line passes") {
  const auto lines = lines_of({});
  REQUIRE(lines.size() == results::kSelfTestLines.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    CAPTURE(lines[i].name, lines[i].reason);
    CHECK(lines[i].name == results::kSelfTestLines.at(i));
    CHECK(lines[i].passed);
    CHECK(lines[i].rounds == 12);
    CHECK(lines[i].samples.size() == 12);
  }
  CHECK(line(lines, "multiplication").value.value_or(0) == Approx(0.8).epsilon(0.01));
  CHECK(says(line(lines, "multiplication").reason, "3.00 cycles at the 3750 MHz of a file"));
  CHECK(line(lines, "clock-step").value.value_or(0) == Approx(25));
  CHECK(line(lines, "again").verdict == Verdict::same);
  CHECK(line(lines, "known-0").verdict == Verdict::same);
  CHECK(line(lines, "known-3").verdict == Verdict::slower);
  CHECK(line(lines, "known-3").noticed_after == 2);
  CHECK_FALSE(line(lines, "multiplication").verdict.has_value());
}

TEST_CASE("self-test: each line fails by what it is there for, and by nothing else") {
  using Names = std::vector<std::string>;
  CHECK(failed(lines_of({.driver_ns = 100})) == Names{"empty-driver"});
  CHECK(failed(lines_of({.clock_ns = 100})) == Names{"clock-step"});
  CHECK(failed(lines_of({.wandering = 0.5})) == Names{"multiplication"});
  CHECK(failed(lines_of({.known_0 = 1.03})) == Names{"known-0"});
  CHECK(failed(lines_of({.known_0 = 0.97})) == Names{"known-0"});
  CHECK(failed(lines_of({.known_3 = 1})) == Names{"known-3"});                // unnoticed
  CHECK(failed(lines_of({.known_3 = 0.97})) == Names{"known-3"});             // the other way round
  CHECK(failed(lines_of({.known_3 = 1.1})) == Names{"known-3"});              // as another
  CHECK(failed(lines_of({.scatter = 0.05, .seed = 3})) == Names{"known-3"});  // lost in the noise
  CHECK(failed(lines_of({.again = 1.05})) == Names{"again"});
}

TEST_CASE("self-test: a cell that fails, or too few rounds, pass nothing") {
  const auto lines = lines_of({.broken = "known-3"});
  CHECK(failed(lines) == std::vector<std::string>{"known-3"});
  CHECK(says(line(lines, "known-3").reason, "selftest/known-3: failed: wrong result: 899 steps"));
  CHECK(failed(lines_of({.broken = "chain"})).size() == 4);
  CHECK(failed(lines_of({.rounds = 1})).size() == 6);
}

TEST_CASE(
    "self-test: the rounds until the slowdown is detected are those after which it stays "
    "detected") {
  // The third round says that there is none: before it the interval had excluded 1 already.
  std::vector<JournalEntry> entries;
  for (int round = 0; round < 12; ++round) {
    const double known_3 = round == 2 ? 0.9 : 1.03 + 0.0001 * round;
    for (const auto& [cell, ns] : std::array<std::pair<const char*, double>, 2>{
             {{"chain", 1000}, {"known-3", 1000 * known_3}}}) {
      JournalEntry entry;
      entry.round = round;
      entry.cell = std::string("selftest/") + cell;
      entry.metrics = {{std::string(kChainMetric), "ns", {ns}, ns, {}}};
      entries.push_back(std::move(entry));
    }
  }
  const auto lines = judge_self_test(entries, 12, std::nullopt);
  CHECK(line(lines, "known-3").noticed_after > 3);
  CHECK(line(lines, "known-3").noticed_after <= 9);  // from nine rounds on one is left out
  CHECK(failed(lines).size() == 4);                  // the others were not measured
}

TEST_CASE("self-test: what fails stands above everything else, with what it means") {
  const std::array<std::pair<Machine, std::string>, 6> machines = {
      {{{.driver_ns = 100}, "empty-driver"},
       {{.clock_ns = 100}, "clock-step"},
       {{.wandering = 0.5}, "multiplication"},
       {{.again = 1.05}, "again"},
       {{.known_0 = 1.03}, "known-0"},
       {{.known_3 = 1}, "known-3"}}};
  for (const auto& [machine, name] : machines) {
    results::Results results;
    results.context.selftest = results::SelfTest{
        .date = "2025-01-02T03:04:05Z", .stopped = "rounds: 12", .lines = lines_of(machine)};
    const std::string alarm = "SELF-TEST FAILED: " + name + " (";
    const std::string table = analysis::terminal_table(results, {.width = 2000, .colour = false});
    INFO(table);
    CHECK(table.starts_with("SELF-TEST FAILED: "));
    CHECK(says(table, alarm));
    CHECK(says(table, "What it means: "));
    const auto document = analysis::make_document(results);
    CHECK(document.warnings.at(0).starts_with("SELF-TEST FAILED: "));
    CHECK(std::ranges::any_of(
        document.warnings, [&](const std::string& warning) { return warning.starts_with(alarm); }));
    results.context.emulated = true;  // of which no time is shown, and nothing follows
    CHECK(analysis::self_test_alarms(results.context).empty());
  }
}

TEST_CASE("self-test: one that passed is no alarm, and one that was not run is said to be none") {
  results::Results results;
  CHECK(says(analysis::markdown_page(analysis::make_document(results)), "no self-test was run"));
  results.context.selftest = results::SelfTest{
      .date = "2025-01-02T03:04:05Z", .stopped = "rounds: 12", .lines = lines_of({})};
  CHECK(analysis::self_test_alarms(results.context).empty());
  const std::string page = analysis::markdown_page(analysis::make_document(results));
  CHECK(says(page, "passed (2025"));
  CHECK(says(page, "Self-test: the measuring, measured"));
  CHECK(says(page, "slower, excludes 1 after 2 rounds"));
  const std::string text = analysis::terminal_text(
      std::vector{analysis::self_test_summary(*results.context.selftest)}, {});
  CHECK(text.starts_with("Self-test passed; rounds: 12\n"));
  CHECK(says(text, "\nok "));
  CHECK(says(text, "known-3: slower, excludes 1 after 2 rounds"));
  CHECK_FALSE(says(text, "FAILED"));
}

}  // namespace patchbench::harness
