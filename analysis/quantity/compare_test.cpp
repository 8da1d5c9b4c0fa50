#include "analysis/quantity/compare.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>
#include <patchbench_catch.hpp>

#include "analysis/quantity/context_difference.hpp"
#include "analysis/quantity/selection.hpp"
#include "analysis/render/terminal.hpp"
#include "analysis/sample_results_test.hpp"
#include "analysis/view/comparison_document.hpp"
#include "analysis/view/conclusions.hpp"
#include "results/json.hpp"
#include "results/matchers_test.hpp"

namespace patchbench::analysis {
namespace {

using results::about;
using results::contains;
using results::Results;
using results::Verdict;
using Json = nlohmann::ordered_json;

/// Two runs of the same costs, with noise of their own.
Results sample(std::uint64_t seed, int rounds = 12) {
  return sample_run({.rounds = rounds, .seed = seed}).results;
}

void for_samples(Results& results, const std::string& cell, const std::string& metric,
                 const std::function<double(double)>& change) {
  for (auto& known : results.cells) {
    if (known.id != cell) continue;
    for (auto& found : known.metrics) {
      if (found.name != metric) continue;
      for (auto& value : found.samples) {
        if (value) value = change(*value);
      }
      found.median = median(present(found.samples));
    }
  }
}

void scale(Results& results, const std::string& cell, const std::string& metric, double factor) {
  for_samples(results, cell, metric, [factor](double value) { return value * factor; });
}

constexpr const char* kSend = "mic/memfd-dual/sites=1024,order=linear,targets=64";
constexpr const char* kAgain = "mic/again/sites=1024,order=linear,targets=64";

const Change& change_of(const Comparison& comparison, const std::string& cell,
                        const std::string& metric = "send") {
  const auto found = std::find_if(
      comparison.changes.begin(), comparison.changes.end(),
      [&](const Change& change) { return change.cell == cell && change.metric == metric; });
  REQUIRE(found != comparison.changes.end());
  return *found;
}

TEST_CASE("two runs of the same have no change that stands") {
  const Comparison comparison = compare(sample(1), sample(2), {.max_regression = 0.1});
  CHECK(comparison.baseline == "rwx");
  CHECK(comparison.tested > 50);
  for (const Change& change : comparison.changes) {
    CAPTURE(change.cell, change.metric);
    CHECK(change.verdict != Verdict::faster);
    CHECK(change.verdict != Verdict::slower);
    CHECK(change.strategy != "rwx");
    CHECK_FALSE(change.regression);
  }
  CHECK(outcome(comparison) == Outcome::none);
}

TEST_CASE("a run is the same as itself") {
  const Results run = sample(1);
  const Comparison comparison = compare(run, run, {});
  for (const Change& change : comparison.changes) CHECK(*change.change == about(1));
  for (const StrategyOrder& order : strategy_orders(run, run)) {
    for (const PairOrder& pair : order.pairs) CHECK(pair.agreement != Agreement::reversed);
  }
}

TEST_CASE("a change is that of the ratio: a slower machine is none") {
  Results slow = sample(2);
  for (auto& cell : slow.cells) {
    for (const auto& metric : std::vector(cell.metrics)) scale(slow, cell.id, metric.name, 1.7);
  }
  const Results first = sample(1);
  const Comparison as_it_was = compare(first, sample(2), {});
  const Comparison comparison = compare(first, slow, {});
  CHECK(*change_of(comparison, kSend).change == about(*change_of(as_it_was, kSend).change));
  // Times do show it.
  const auto times = compare_times(first, slow);
  CHECK(times.size() > comparison.changes.size());
  CHECK(*times.front().change == about(1.7).epsilon(0.05));
}

TEST_CASE("a cell that takes longer is slower, one that takes less is faster, and only that one") {
  for (const double factor : {1.3, 0.7}) {
    Results second = sample(2);
    scale(second, kSend, "send", factor);
    const Comparison comparison = compare(sample(1), second, {.max_regression = 0.1});
    const Change& found = change_of(comparison, kSend);
    CHECK(found.verdict == (factor > 1 ? Verdict::slower : Verdict::faster));
    CHECK(*found.change == about(factor).epsilon(0.05));
    CHECK((*found.interval)[0] < factor);
    CHECK((*found.interval)[1] > factor);
    CHECK(found.regression == (factor > 1));
    CHECK(outcome(comparison) == (factor > 1 ? Outcome::regression : Outcome::none));
    CHECK(std::count_if(
              comparison.changes.begin(), comparison.changes.end(), [](const Change& change) {
                return change.verdict == Verdict::slower || change.verdict == Verdict::faster;
              }) == 1);
  }
}

TEST_CASE("a certain change below the limit is no regression") {
  Results second = sample(2);
  scale(second, kSend, "send", 1.15);
  const Comparison comparison = compare(sample(1), second, {.max_regression = 0.3});
  CHECK(change_of(comparison, kSend).verdict == Verdict::slower);
  CHECK_FALSE(change_of(comparison, kSend).regression);
  CHECK(outcome(comparison) == Outcome::none);
}

TEST_CASE("what may exceed the limit is not decided") {
  // 2 % of noise and a dozen rounds: intervals reach beyond 1 %.
  CHECK(outcome(compare(sample(1), sample(2), {.max_regression = 0.01})) == Outcome::cannot_tell);
  // The estimate lies below the limit, the end of the interval does not.
  Results second = sample(2);
  scale(second, kSend, "send", 1.09);
  const Comparison close = compare(sample(1), second, {.max_regression = 0.1});
  CHECK(*change_of(close, kSend).change < 1.1);
  CHECK((*change_of(close, kSend).interval)[1] > 1.1);
  CHECK(outcome(close) == Outcome::cannot_tell);
  // A single round has no interval at all.
  CHECK(outcome(compare(sample(1, 1), sample(2, 1), {.max_regression = 0.5})) ==
        Outcome::cannot_tell);
  CHECK(outcome(compare(sample(1, 1), sample(2, 1), {})) == Outcome::none);
}

TEST_CASE("the baseline's twin decides nothing, and is never a regression") {
  Results second = sample(2);
  scale(second, kAgain, "send", 1.4);
  const Comparison comparison = compare(sample(1), second, {.max_regression = 0.2});
  const Change& twin = change_of(comparison, kAgain);
  CHECK(twin.twin);
  CHECK(twin.verdict == Verdict::inconclusive);
  CHECK_FALSE(twin.regression);
  CHECK(outcome(comparison) == Outcome::none);
}

/// What two runs of one program differ by, beside what their rounds scatter.
Results with_run_effects(Results results, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal(0, kDefaultBetweenRuns);
  for (auto& cell : results.cells) {
    for (auto& metric : cell.metrics) {
      const double factor = cell.strategy == results.baseline ? 1 : std::exp(normal(random));
      for (auto& value : metric.samples) {
        if (value) *value *= factor;
      }
    }
  }
  return results;
}

Results standard_run(int rounds, std::uint64_t seed) {
  return with_run_effects(sample_run({.rounds = rounds, .standard = true, .seed = seed}).results,
                          seed);
}

TEST_CASE("with hundreds of comparisons chance alone shows nothing, one by one it would") {
  const Comparison comparison = compare(standard_run(9, 1000), standard_run(14, 2000), {});
  int one_by_one = 0;
  int standing = 0;
  for (const Change& change : comparison.changes) {
    if (change.twin) continue;
    one_by_one += (*change.interval)[0] > 1 || (*change.interval)[1] < 1 ? 1 : 0;
    standing += change.p_none < 0.05 ? 1 : 0;
  }
  CHECK(comparison.tested > 300);
  CHECK(one_by_one > comparison.tested / 100);
  CHECK(one_by_one < comparison.tested / 10);
  CHECK(standing == 0);
}

TEST_CASE(
    "with hundreds of changes by delta chance alone calls none the same, one by one it would") {
  constexpr double kDelta = 0.1;
  const Results first = standard_run(30, 1000);
  Results second = standard_run(30, 2000);
  for (auto& cell : second.cells) {
    if (cell.strategy == second.baseline) continue;
    for (auto& metric : cell.metrics) {
      for (auto& value : metric.samples) {
        if (value) *value *= 1 + kDelta;
      }
    }
  }
  const Comparison comparison = compare(first, second, {.delta = kDelta, .max_regression = {}});
  int one_by_one = 0;
  int standing = 0;
  for (const Change& change : comparison.changes) {
    if (change.twin) continue;
    one_by_one += plain_verdict(change.interval, kDelta) == Verdict::same ? 1 : 0;
    standing += change.verdict == Verdict::same ? 1 : 0;
  }
  CHECK(comparison.tested > 300);
  CHECK(one_by_one > 0);
  CHECK(one_by_one < comparison.tested / 10);
  CHECK(standing == 0);
}

TEST_CASE("runs with nothing in common, and samples that are no times, are refused") {
  const Results run = sample(1);
  Results other = sample(2);
  for (auto& cell : other.cells) cell.params.emplace_back("x", std::int64_t{1});
  CHECK_THROWS_WITH(compare(run, other, {}), contains("no case in common"));
  Results without = sample(2);
  std::erase_if(without.cells, [](const auto& cell) { return cell.strategy == "rwx"; });
  CHECK_THROWS_WITH(compare(run, without, {}), contains("share no baseline"));
  Results zero = sample(2);
  zero.cells[0].metrics[0].samples[3] = 0.0;
  CHECK_THROWS_WITH(compare(run, zero, {}), contains("round 3 is 0") && contains("second run's"));
  CHECK_THROWS_WITH(compare(zero, run, {}), contains("first run's"));
  zero.cells[0].metrics[0].samples[3] = -1.0;
  CHECK_THROWS_AS(compare(run, zero, {}), CompareError);
}

TEST_CASE("another baseline is taken where both measured it") {
  const Results first = sample(1);
  Results second = sample(2);
  second.baseline = "memfd-dual";
  CHECK(compare(first, second, {}).baseline == "rwx");
  std::erase_if(second.cells, [](const auto& cell) { return cell.strategy == "rwx"; });
  const Comparison comparison = compare(first, second, {});
  CHECK(comparison.baseline == "memfd-dual");
  CHECK(change_of(comparison, "mic/floor/sites=1024,order=linear,targets=64").first.n == 12);
}

TEST_CASE("cells of one run alone are named, and one that was lost keeps CI from passing") {
  const Results first = sample_run({.rounds = 12, .deny_sysv = false, .crash_one = false}).results;
  Results second = sample_run({.rounds = 12, .crash_one = false, .seed = 8}).results;
  second.cells.erase(second.cells.begin() + 1);
  const Comparison comparison = compare(first, second, {.max_regression = 0.2});
  REQUIRE(comparison.only_first.size() == 1);
  CHECK(comparison.only_first[0] == kSend);
  REQUIRE_FALSE(comparison.not_compared.empty());
  CHECK(comparison.not_compared[0].lost);
  CHECK_THAT(comparison.not_compared[0].cell, contains("sysv-shm"));
  CHECK_THAT(comparison.not_compared[0].why, contains("denied in the second run: shmat"));
  CHECK(outcome(comparison) == Outcome::cannot_tell);
  // Found the other way round it is a gain.
  CHECK(outcome(compare(second, first, {.max_regression = 0.2})) == Outcome::none);
}

TEST_CASE("orders that hold, that are reversed, and that are open") {
  const Results first = sample(1);
  Results second = sample(2);
  const std::string cells = "mic/indirect-cell/sites=16384,order=linear,targets=64";
  const auto find = [&](const Results& other) {
    for (const StrategyOrder& order : strategy_orders(first, other)) {
      if (order.workload != "mic" || integer_param(order.params, "sites").value_or(0) != 16384) {
        continue;
      }
      CHECK(order.strategies.size() == 5);  // sysv-shm is denied, controls are none
      for (const PairOrder& pair : order.pairs) {
        if (pair.costlier == "indirect-cell" && pair.cheaper == "rwx") return pair.agreement;
        if (pair.cheaper == "indirect-cell") return Agreement::open;
      }
    }
    return Agreement::open;
  };
  CHECK(find(second) == Agreement::holds);
  scale(second, cells, "send", 0.2);
  CHECK(find(second) == Agreement::reversed);
  scale(second, cells, "send", 5 / 1.8);  // about what rwx costs
  CHECK(find(second) == Agreement::open);
  const auto orders = strategy_orders(first, sample(2));
  const auto patch = std::ranges::find_if(orders, [](const StrategyOrder& order) {
    return order.workload == "relink" && order.metric == "patch";
  });
  REQUIRE(patch != orders.end());
  CHECK(patch->strategies.front() == "indirect-cell");
  CHECK(patch->strategies.back() == "mprotect-toggle");
  CHECK(patch->certain.front());
  CHECK(patch->certain.back());
}

TEST_CASE("the break-even is where both cost the same") {
  // A patch with its first send: 100 and 10; a send: 2 and 5. 100 + 30 * 2 = 10 + 30 * 5 = 160
  // after 31 sends.
  const auto with_costs = [](std::uint64_t seed, double slow_send) {
    Results run = sample(seed);
    const std::string patch = "/sites=1024,batch=1";
    const std::string send = "/sites=1024,order=linear,targets=64";
    const auto set = [&](const std::string& cell, const std::string& metric, double value) {
      int turn = 0;
      for_samples(run, cell, metric,
                  [&](double) { return value * (1 + 0.001 * (++turn % 3 - 1)); });
    };
    set("relink/rwx" + patch, "patch_execute", 100);
    set("relink/indirect-cell" + patch, "patch_execute", 10);
    set("mic/rwx" + send, "send", 2);
    set("mic/again" + send, "send", 2);
    set("relink/again" + patch, "patch_execute", 100);
    set("mic/indirect-cell" + send, "send", slow_send);
    return run;
  };
  const auto find = [](const Results& first, const Results& second) {
    for (const BreakEvenPair& pair : break_evens(first, second)) {
      if (pair.one == "rwx" && pair.other == "indirect-cell") return pair;
    }
    FAIL("no break-even of rwx and indirect-cell");
    return BreakEvenPair{};
  };
  const BreakEvenPair same = find(with_costs(1, 5), with_costs(2, 5));
  CHECK(same.first.kind == BreakEven::Kind::at);
  CHECK(same.first.one_from_there_on);
  CHECK(*same.first.sends == about(31).epsilon(0.01));
  CHECK((*same.first.interval)[0] <= *same.first.sends);
  CHECK(same.agreement == Agreement::holds);
  const BreakEvenPair moved = find(with_costs(1, 5), with_costs(2, 4));
  CHECK(*moved.second.sends == about(46).epsilon(0.01));
  CHECK(moved.agreement == Agreement::open);
  const BreakEvenPair none = find(with_costs(1, 5), with_costs(2, 1));
  CHECK(none.second.kind == BreakEven::Kind::other_always);
  CHECK(none.agreement == Agreement::reversed);
  CHECK(find(with_costs(1, 2), with_costs(2, 2)).first.kind == BreakEven::Kind::inconclusive);
}

TEST_CASE("what a run depends on is decisive, where it was run is not") {
  const results::Context context = sample(1).context;
  CHECK(context_differences(context, context).decisive.empty());
  CHECK(context_differences(context, context).others.empty());
  const auto decisive = [&](const std::function<void(results::Context&)>& change) {
    results::Context other = context;
    change(other);
    const auto lines = context_differences(context, other).decisive;
    return lines.size() == 1 ? to_text(lines[0]) : std::to_string(lines.size()) + " differences";
  };
  CHECK(decisive([](auto& c) { c.cpu.model = "other"; }) == "CPU: Made-up CPU @ 3.00GHz and other");
  CHECK(decisive([](auto& c) { c.kernel = std::nullopt; }) == "kernel: Linux 6.1.0 and unknown");
  CHECK(decisive([](auto& c) { c.governor = "performance"; }) ==
        "governor: unknown and performance");
  CHECK(decisive([](auto& c) { c.compiler = "clang 14"; }) == "compiler: g++ 12.2.0 and clang 14");
  CHECK(decisive([](auto& c) { c.flags = ""; }) == "flags: -O2 and nothing");
  CHECK(decisive([](auto& c) { c.smt = false; }) == "SMT: on and off");
  CHECK(decisive([](auto& c) { c.mitigations = {}; }) ==
        "mitigation spectre_v2: Mitigation: Enhanced IBRS and unknown");
  CHECK(decisive([](auto& c) { c.host = c.git = "other"; }) == "0 differences");
  results::Context other = context;
  other.host = other.git = "other";
  std::ranges::reverse(other.libraries);
  CHECK(context_differences(context, other).others.size() == 2);
}

/// `fact` with another value of whatever type it has.
results::Context with_another(const Json& document, const Json::json_pointer& fact) {
  const Json& old = document[fact];
  for (const Json& value : {Json("other"), Json(old != Json(true)), Json(7), Json::array({7}),
                            Json::object({{"x", "other"}})}) {
    Json changed = document;
    changed[fact] = value;
    try {
      return results::from_json_text(changed.dump(), "changed").context;
    } catch (const results::FormatError&) {
      continue;  // of another type
    }
  }
  FAIL("no other value for " << fact.to_string());
  return {};
}

TEST_CASE("every fact of the context is compared, but what says how a run was and not where") {
  const Results run = sample(1);
  const Json document = Json::parse(results::to_json_text(run));
  const std::set<std::string> left_out = {"load_average", "simulator", "counting",
                                          "selftest",     "sources",   "warnings"};
  std::vector<std::string> facts;
  for (const auto& [name, value] : document["context"].items()) {
    if (name != "cpu" && !left_out.contains(name)) facts.push_back("/context/" + name);
  }
  for (const auto& [name, value] : document["context"]["cpu"].items()) {
    facts.push_back("/context/cpu/" + name);
  }
  for (const std::string& fact : facts) {
    INFO(fact);
    const auto differences =
        context_differences(run.context, with_another(document, Json::json_pointer(fact)));
    CHECK(differences.decisive.size() + differences.others.size() >= 1);
  }
  Results later = run;
  later.context.load_average = 3;
  later.context.simulator = "another";
  later.context.counting.emplace();
  later.context.selftest.emplace();
  later.context.sources = {{"host", "hostname(1)"}};
  later.context.warnings = {"loud"};
  const auto differences = context_differences(run.context, later.context);
  CHECK((differences.decisive.empty() && differences.others.empty()));
}

TEST_CASE("the text says all of it") {
  Results second = sample(2);
  scale(second, kSend, "send", 1.3);
  second.context.kernel = "Linux 6.12";
  const Results first = sample(1);
  ComparisonReport report;
  report.differences = context_differences(first.context, second.context);
  report.comparison = compare(first, second, {.delta = 0.025, .max_regression = 0.1});
  report.times = compare_times(first, second);
  report.orders = strategy_orders(first, second);
  report.break_evens = break_evens(first, second);
  const std::string text = terminal_text(comparison_document(report), {.width = 1000});
  for (const char* part :
       {"ENVIRONMENTS DIFFER", "kernel: Linux 6.1.0 and Linux 6.12", "Ratios to rwx",
        "Absolute times", "REGRESSION", "slower: mic/memfd-dual", "(noise)", "Holm", "within 2.5 %",
        "between runs of 0.9 %", "< indirect-cell", "Break-even", "hold in both runs",
        "regression: 1 of more than 10 %"}) {
    CHECK_THAT(text, contains(part));
  }
  report.times.clear();
  CHECK_THAT(terminal_text(comparison_document(report), {}), !contains("Absolute"));
}

}  // namespace
}  // namespace patchbench::analysis
