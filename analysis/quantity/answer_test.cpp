#include "analysis/quantity/answer.hpp"

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <patchbench_catch.hpp>

#include "analysis/quantity/summarise.hpp"
#include "analysis/sample_results_test.hpp"
#include "results/json.hpp"
#include "results/matchers_test.hpp"

namespace patchbench::analysis {
namespace {

using results::Cheaper;
using results::contains;
using results::ProfileAnswer;
using results::Results;

/// Costs in ns by strategy: of a send at few sites, at many, and of a patch; `wobble` is the
/// scatter of the rounds.
struct Costs {
  double few = 2;
  double many = 4;
  double patch = 100;
  double wobble = 0.001;
};

using CostsOf = std::function<Costs(const std::string&)>;

/// A run of exactly these costs.
Results with_costs(const CostsOf& costs_of, int rounds = 15) {
  SampleRun run =
      sample_run({.rounds = rounds, .standard = true, .deny_sysv = false, .crash_one = false});
  for (auto& entry : run.journal) {
    const auto first = entry.cell.find('/');
    const auto second = entry.cell.find('/', first + 1);
    const std::string workload = entry.cell.substr(0, first);
    const std::string strategy = entry.cell.substr(first + 1, second - first - 1);
    const Costs costs = costs_of(strategy);
    const bool many = entry.cell.find("sites=16384") != std::string::npos;
    const double noise =
        1 + costs.wobble * ((entry.round * 7 + static_cast<int>(strategy.size())) % 5 - 2);
    for (auto& metric : entry.metrics) {
      if (workload == "mic") metric.median = (many ? costs.many : costs.few) * noise;
      if (workload == "relink" && metric.name == "patch_execute") {
        metric.median = costs.patch * noise;
      }
      metric.batches.clear();
      metric.low.reset();
    }
  }
  for (auto& status : run.results.strategies) {
    status.writable_and_executable = status.id == "rwx";
    status.toggles_protection = status.id == "mprotect-toggle";
    if (status.id == "sysv-shm" || status.id == "file-dual") status.refused_by = {"one", "two"};
    if (status.id == "memfd-dual") status.refused_by = {"one"};
  }
  summarise(run.results, run.journal);
  return run.results;
}

/// Sends of cells cost more at many sites, their patches less; mprotect pays for patches.
Costs usual(const std::string& strategy) {
  if (strategy == "indirect-cell") return {.few = 2, .many = 12, .patch = 10};
  if (strategy == "mprotect-toggle") return {.few = 2, .many = 4, .patch = 4000};
  return {};
}

const ProfileAnswer& at(const results::Answer& answer, double rate, std::int64_t sites) {
  const auto found = std::ranges::find_if(answer.profiles, [&](const ProfileAnswer& one) {
    return one.rate == rate && one.sites == sites;
  });
  REQUIRE(found != answer.profiles.end());
  return *found;
}

bool holds(const std::vector<std::string>& ids, const std::string& id) {
  return std::ranges::find(ids, id) != ids.end();
}

}  // namespace

TEST_CASE("what is recommended is the cheapest, and of equal ones what more systems allow") {
  const Results run = with_costs(usual);
  const results::Answer answer = answer_of(run);
  REQUIRE(answer.strategies.size() == 2);
  CHECK(answer.strategies[0] == "memfd-dual");  // not rwx, which costs the same
  CHECK(answer.strategies[1] == "indirect-cell");
  const std::vector<Profile> usual_ones = usual_profiles(run);
  REQUIRE(usual_ones.size() == 4);
  const std::int64_t few = usual_ones[0].sites;
  CHECK(at(answer, 1e-2, few).best == std::vector<std::string>{"indirect-cell"});
  CHECK_FALSE(holds(at(answer, 1e-2, 16384).best, "indirect-cell"));
  CHECK_FALSE(holds(at(answer, 1e-2, 16384).best, "mprotect-toggle"));
  CHECK(holds(at(answer, 1e-6, 16384).best, "mprotect-toggle"));
  CHECK_THAT(answer.recommendation[0],
             contains("Use memfd-dual") && contains("rwx (writable and executable at once)"));
  CHECK_THAT(answer.recommendation[1], contains("indirect-cell") && contains("1 patch in 100"));
}

TEST_CASE("a profile costs a send and its share of a patch") {
  const Results run = with_costs(usual);
  const ProfileAnswer answer = answer_for(run, {.rate = 0.5, .sites = 16384, .threads = 1});
  CHECK(answer.costs.front().strategy == "indirect-cell");  // 12 + 5 against 4 + 50
  CHECK(answer.costs.front().ns == Approx(17).epsilon(0.01));
  const auto rwx = std::ranges::find(answer.costs, "rwx", &results::ProfileCost::strategy);
  REQUIRE(rwx != answer.costs.end());
  CHECK(rwx->ns == Approx(54).epsilon(0.01));
  CHECK(*rwx->ratio == Approx(54.0 / 17).epsilon(0.01));
  CHECK(rwx->verdict == results::Verdict::slower);
}

TEST_CASE("what may not be patched beside other threads is not recommended for several") {
  const Results run = with_costs([](const std::string& strategy) {
    return Costs{.patch = strategy == "mprotect-toggle" ? 1.0 : 100.0};
  });
  const Profile one{.rate = 0.1, .sites = 16384, .threads = 1};
  Profile two = one;
  two.threads = 2;
  CHECK(answer_for(run, one).best == std::vector<std::string>{"mprotect-toggle"});
  CHECK_FALSE(holds(answer_for(run, two).best, "mprotect-toggle"));
  CHECK(answer_for(run, two).barred == std::vector<std::string>{"mprotect-toggle"});
}

namespace {

results::Metric five_rounds(std::string name, double ns) {
  results::Metric metric;
  metric.name = std::move(name);
  metric.unit = "ns";
  metric.median = ns;
  for (int round = 0; round < 5; ++round) metric.samples.emplace_back(ns * (1 + 0.001 * round));
  return metric;
}

/// A patch beside one executor, which loses half of what it does in each interval of 100 us.
void add_patches_beside(Results& run, const std::string& strategy, const std::string& protocol,
                        double patch_ns, double undisturbed_ns) {
  results::Cell cell;
  cell.workload = "threads";
  cell.strategy = strategy;
  cell.params = {{"protocol", protocol}, {"executors", 1}, {"sites", 1024}};
  cell.id = results::cell_id(cell.workload, cell.strategy, cell.params);
  cell.status = results::CellStatus::ok;
  cell.metrics = {five_rounds("patch_beside_executors", patch_ns),
                  five_rounds("send_undisturbed", undisturbed_ns),
                  five_rounds("send_beside_patches", 2 * undisturbed_ns)};
  run.cells.push_back(std::move(cell));
  for (const char* id : {"patch_beside_executors", "send_undisturbed", "send_beside_patches"}) {
    if (std::ranges::count(run.metrics, id, &results::MetricEntry::id) > 0) continue;
    results::MetricEntry entry;
    entry.id = entry.title = entry.meaning = id;
    entry.unit = "ns";
    entry.beside_executors = true;
    entry.patches = std::string_view(id) != "send_undisturbed";
    if (std::string_view(id) == "send_beside_patches") entry.undisturbed = "send_undisturbed";
    run.metrics.push_back(std::move(entry));
  }
}

}  // namespace

TEST_CASE("with several threads a patch is what it costs all of them, by the cheapest protocol") {
  Results run = with_costs([](const std::string&) { return Costs{}; });
  add_patches_beside(run, "rwx", "stop-the-world", 10'000, 8);
  add_patches_beside(run, "rwx", "membarrier", 1'000, 9);
  add_patches_beside(run, "mprotect-toggle", "stop-the-world", 40'000, 8);
  const double send = answer_for(run, {.rate = 0, .sites = 16384, .threads = 1}).costs.front().ns;

  const ProfileAnswer often = answer_for(run, {.rate = 0.1, .sites = 16384, .threads = 2});
  CHECK(often.barred.empty());  // measured, under the protocol that it may use
  REQUIRE(often.costs.size() == 2);
  CHECK(often.costs.front().strategy == "rwx");
  CHECK(often.costs.front().protocol == "membarrier");
  // Half of 100 us lost by the other thread, and the stub's nanosecond in each send.
  CHECK(often.costs.front().ns == Approx(send + 1 + 0.1 * (1'000 + 50'000)).epsilon(0.01));
  CHECK(often.costs.back().ns == Approx(send + 0.1 * (40'000 + 50'000)).epsilon(0.01));
  CHECK(holds(often.unmeasured, "indirect-cell"));

  // Without patches the protocol without a stub is the cheaper one.
  const ProfileAnswer never = answer_for(run, {.rate = 0, .sites = 16384, .threads = 2});
  CHECK(never.costs.front().protocol == "stop-the-world");

  // Two other threads lose twice as much.
  const ProfileAnswer three = answer_for(run, {.rate = 0.1, .sites = 16384, .threads = 3});
  CHECK(three.costs.front().ns == Approx(send + 1 + 0.1 * (1'000 + 100'000)).epsilon(0.01));
}

TEST_CASE("what a run measured in few of its rounds is not recommended") {
  Results run = with_costs([](const std::string& strategy) {
    return Costs{.patch = strategy == "sysv-shm" ? 1.0 : 100.0};
  });
  const Profile profile{.rate = 0.1, .sites = 16384, .threads = 1};
  REQUIRE(answer_for(run, profile).best == std::vector<std::string>{"sysv-shm"});
  for (results::Cell& cell : run.cells) {
    if (cell.strategy == "sysv-shm") cell.every = 6;
  }
  const ProfileAnswer answer = answer_for(run, profile);
  CHECK_FALSE(holds(answer.best, "sysv-shm"));
  CHECK_FALSE(holds(answer.open, "sysv-shm"));
}

TEST_CASE("what is recommended as far as a run can tell is not named among the inconclusive") {
  // Nothing is certain but of rwx, which is not recommended where another may do as well.
  const Results run = with_costs(
      [](const std::string& strategy) { return Costs{.wobble = strategy == "rwx" ? 0.001 : 0.2}; });
  const results::Answer answer = answer_of(run);
  REQUIRE_FALSE(answer.strategies.empty());
  CHECK_THAT(answer.recommendation.front(), contains("Use " + answer.strategies.front()) &&
                                                contains("as far as this run can tell"));
  CHECK_THAT(answer.recommendation.back(), contains("Inconclusive") && contains("--rounds="));
  CHECK(answer.recommendation.back().find(answer.strategies.front()) == std::string::npos);
}

TEST_CASE("where a run cannot decide it says so, and how many rounds would") {
  const Results run = with_costs([](const std::string& strategy) {
    return Costs{.wobble = strategy == "sysv-shm" ? 0.2 : 0.001};
  });
  const results::Answer answer = answer_of(run);
  CHECK(holds(answer.profiles[0].open, "sysv-shm"));
  CHECK_THAT(answer.recommendation.back(),
             contains("Inconclusive: sysv-shm") && contains("--rounds="));
  const std::string& said = answer.recommendation.back();
  CHECK(std::stoi(said.substr(said.find("--rounds=") + 9)) > run.run.rounds);
  CHECK(std::ranges::none_of(answer_of(with_costs(usual)).recommendation,
                             [](const auto& text) { return text.starts_with("Inconclusive"); }));
}

TEST_CASE("break-even is where what sends lose is what patches gain") {
  const Results run = with_costs(usual);
  const auto answers = break_even_answers(run);
  const auto find = [&](const std::string& id, bool many) {
    const auto found = std::ranges::find_if(answers, [&](const auto& one) {
      return one.strategy == id && (one.sites == 16384) == many;
    });
    REQUIRE(found != answers.end());
    return *found;
  };
  CHECK(find("indirect-cell", true).cheaper == Cheaper::below);
  CHECK(*find("indirect-cell", true).sends == Approx(1 + 90.0 / 8).epsilon(0.02));
  CHECK(find("indirect-cell", false).cheaper == Cheaper::always);
  CHECK(find("mprotect-toggle", true).cheaper == Cheaper::never);
  CHECK(find("memfd-dual", true).cheaper == Cheaper::same);
}

TEST_CASE("no break-even rests on a ratio that the run calls inconclusive") {
  Results run = with_costs(usual);
  for (auto& cell : run.cells) {
    if (cell.workload != "mic") continue;
    for (auto& ratio : cell.ratios) ratio.verdict = results::Verdict::inconclusive;
  }
  for (const auto& one : break_even_answers(run)) CHECK(one.cheaper == Cheaper::inconclusive);
}

TEST_CASE("an emulated run recommends nothing, nor does one without sends") {
  SampleRun emulated = sample_run({.emulated = true});
  CHECK(answer_of(emulated.results).strategies.empty());
  CHECK_THAT(answer_of(emulated.results).recommendation[0], contains("emulator"));
  Results none = with_costs(usual);
  std::erase_if(none.cells, [](const results::Cell& cell) { return cell.workload == "mic"; });
  CHECK(answer_of(none).strategies.empty());
  CHECK_THAT(answer_of(none).recommendation[0], contains("workload mic"));
}

TEST_CASE("what this machine refuses takes no part, and is named with its reason") {
  Results run = with_costs(usual);
  for (auto& status : run.strategies) {
    if (status.id != "memfd-dual") continue;
    status.status = results::Availability::denied;
    status.reason = "memfd_create: EACCES";
  }
  const results::Answer answer = answer_of(run);
  CHECK_FALSE(holds(answer.strategies, "memfd-dual"));
  CHECK(std::ranges::any_of(answer.refused, [](const auto& line) {
    return line.find("memfd-dual") != std::string::npos && line.find("EACCES") != std::string::npos;
  }));
}

TEST_CASE("a profile is patches a send, sites and threads") {
  const Profile profile = profile_from_text("1/1000,4096,2");
  CHECK(profile.rate == Approx(0.001));
  CHECK(profile.sites == 4096);
  CHECK(profile.threads == 2);
  CHECK(profile_from_text("0,1,1").rate == 0);
  for (const char* wrong :
       {"", "1", "0.1,2", "0.1,2,3,4", "2,4,1", "-1,4,1", "1/0,4,1", "x,4,1", "0.1,0,1",
        "0.1,1.5,1", "0.1,4,0", "0.1,4,1 ", "nan,4,1", "1/2/3,4,1"}) {
    CAPTURE(wrong);
    CHECK_THROWS_AS(profile_from_text(wrong), std::invalid_argument);
  }
}

TEST_CASE("the answer is in results.json, and comes back") {
  Results run = with_costs(usual);
  run.answer = answer_of(run);
  const std::string text = results::to_json_text(run);
  const Results read = results::from_json_text(text, "answer");
  CHECK(results::to_json_text(read) == text);
  REQUIRE(read.answer);
  CHECK(read.answer->strategies == run.answer->strategies);
}

}  // namespace patchbench::analysis
