#include "analysis/quantity/identical.hpp"

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include <boost/math/distributions/binomial.hpp>
#include <patchbench_catch.hpp>

#include "analysis/quantity/summarise.hpp"
#include "analysis/render/document.hpp"
#include "analysis/render/markdown.hpp"
#include "analysis/view/report_document.hpp"
#include "analysis/view/result.hpp"
#include "results/matchers_test.hpp"

namespace patchbench::analysis {
namespace {

using results::about;
using results::contains;
using results::Results;

constexpr int kRounds = 12;

struct Made {
  double factor = 1;          // of memfd-dual's execute at sites=64, against all others
  std::int64_t page_kib = 4;  // of memfd-dual
  double scatter = 0.02;
  std::uint64_t seed = 1;
};

/// Ten cells of a workload with a metric that only executes and one that patches; indirect-cell has
/// other code.
Results made_up(const Made& made) {
  Results results;
  results.run.rounds = kRounds;
  results.run.execute_only = {"execute"};
  results.baseline = "rwx";
  for (const char* id : {"rwx", "memfd-dual", "sysv-shm", "indirect-cell"}) {
    results.strategies.push_back({.id = id, .call = "", .error = {}, .reason = "", .detail = ""});
    results.strategies.back().code = id == std::string("indirect-cell") ? "cell" : "inline-cache";
  }
  std::vector<results::JournalEntry> journal;
  std::mt19937_64 random(made.seed);
  std::normal_distribution<double> normal(0, made.scatter);
  for (const std::int64_t sites : {64, 512, 1024, 4096, 16384}) {
    for (const char* id : {"rwx", "memfd-dual", "sysv-shm", "indirect-cell", "again"}) {
      results::Cell cell;
      cell.strategy = id;
      cell.workload = "relink";
      cell.params = {{"sites", sites}};
      cell.id = results::cell_id(cell.workload, id, cell.params);
      const bool dual = cell.strategy == "memfd-dual";
      const double factor = cell.strategy == "indirect-cell" ? 1.4
                            : dual && sites == 64            ? made.factor
                                                             : 1;
      for (int round = 0; round < kRounds; ++round) {
        results::JournalEntry entry;
        entry.round = round;
        entry.cell = cell.id;
        entry.metrics.resize(2);
        entry.metrics[0].name = "execute";
        entry.metrics[0].median = 2 * factor * std::exp(normal(random));
        entry.metrics[1].name = "patch";
        entry.metrics[1].median = (dual ? 9 : 3) * std::exp(normal(random));
        for (auto& metric : entry.metrics) metric.unit = "ns";
        entry.memory.page_kib = dual ? made.page_kib : 4;
        journal.push_back(std::move(entry));
      }
      results.cells.push_back(std::move(cell));
    }
  }
  summarise(results, journal);
  return results;
}

TEST_CASE("code-identical: only the baseline's code, and only what executes") {
  const Results results = made_up({});
  REQUIRE(results.run.identical.has_value());
  const results::Identical& identical = *results.run.identical;
  // memfd-dual and sysv-shm at five sizes; patch and indirect-cell would differ.
  CHECK(identical.code.intervals == 10);
  CHECK(identical.code.missing <= 2);
  CHECK(identical.code.expected == about(0.5));
  CHECK(*identical.code.scatter < 0.02);
  CHECK(identical.again.intervals == 10);
  CHECK(identical.alarm.empty());
  CHECK(identical_alarms(results).empty());
}

TEST_CASE("code-identical: a line stands in every report, also when all is well") {
  const Results results = made_up({});
  const auto lines = identical_lines(results);
  REQUIRE(lines.size() == 2);
  CHECK_THAT(lines[0], contains("code-identical: ") && contains(" of 10 intervals miss") &&
                           contains("0.5 expected"));
  CHECK_THAT(lines[1], contains("A/A: ") && contains(" of 10 intervals miss"));
  CHECK_THAT(terminal_table(results, {}), contains("code-identical: ") && contains("A/A: "));
  CHECK_THAT(markdown_page(make_document(results)), contains("code-identical: "));
  CHECK_THAT(markdown_page(make_document(results)), !contains("DIFFER"));
}

TEST_CASE("code-identical: one cost that is off beyond doubt raises the alarm at the top") {
  const Results results = made_up({.factor = 1.15});
  REQUIRE(identical_alarms(results).size() == 1);
  const std::string alarm = identical_alarms(results).front();
  CHECK_THAT(alarm, contains("CODE-IDENTICAL COSTS DIFFER") && contains("do not cite it") &&
                        contains("relink/memfd-dual/sites=64, execute: 1.1") &&
                        !contains("pages are"));
  CHECK(terminal_table(results, {}).starts_with("CODE-IDENTICAL COSTS DIFFER"));
  CHECK_THAT(make_document(results).warnings.front(), contains("CODE-IDENTICAL COSTS DIFFER"));
}

TEST_CASE("code-identical: other pages are named as the probable cause") {
  const Results results = made_up({.factor = 0.8, .page_kib = 2048});
  REQUIRE(identical_alarms(results).size() == 1);
  CHECK_THAT(identical_alarms(results).front(),
             contains("its pages are 2048 KiB, those of rwx are 4 KiB"));
  CHECK(identical_alarms(made_up({.page_kib = 2048})).empty());
}

TEST_CASE("code-identical: small differences that are too many raise it as well") {
  Results results = made_up({});
  for (auto& cell : results.cells) {
    if (cell.strategy != "memfd-dual" && cell.strategy != "sysv-shm") continue;
    for (auto& ratio : cell.ratios) {
      ratio.median = 1.011;
      ratio.ci95 = ratio.ci_free = {{1.002, 1.02}};
    }
  }
  const auto identical = identical_costs(results);
  CHECK(identical->code.missing == 10);
  CHECK(*identical->code.chance < 0.01);
  CHECK_THAT(identical->alarm,
             contains("10 of 10 intervals miss 1") && contains("0 by more than 3 % beyond doubt"));
}

TEST_CASE("code-identical: alarms are as rare as they claim where nothing differs") {
  int alarms = 0;
  constexpr int kRuns = 10;
  for (int run = 0; run < kRuns; ++run) {
    const Results results = made_up({.seed = static_cast<std::uint64_t>(run) + 100});
    alarms += results.run.identical->alarm.empty() ? 0 : 1;
  }
  CHECK(alarms <= 1);
}

TEST_CASE("code-identical: a run without codes, or whose times mean nothing, is not judged") {
  Results old = made_up({});
  for (auto& strategy : old.strategies) strategy.code.reset();
  CHECK(identical_costs(old)->code.intervals == 0);
  CHECK(identical_costs(old)->again.intervals == 10);
  old.context.emulated = true;
  CHECK_FALSE(identical_costs(old).has_value());
}

TEST_CASE("the chance of missing is binomial for ratios that share nothing") {
  const std::vector<int> apart(38, 1);
  const boost::math::binomial_distribution<double> binomial(38, 0.05);
  for (const int missing : {1, 2, 5, 9}) {
    CHECK(chance_of_missing(apart, missing) ==
          about(boost::math::cdf(boost::math::complement(binomial, missing - 1))));
  }
  CHECK(chance_of_missing(apart, 0) == about(1));
}

TEST_CASE("ratios to one sample miss together: the expectation stays, the tail grows") {
  const std::vector<int> together(6, 6);
  const std::vector<int> apart(36, 1);
  const auto expectation = [](const std::vector<int>& groups) {
    double sum = 0;
    for (int k = 1; k <= 36; ++k) sum += chance_of_missing(groups, k);
    return sum;
  };
  CHECK(expectation(together) == about(1.8));
  CHECK(expectation(apart) == about(1.8));
  CHECK(chance_of_missing(together, 6) > 2 * chance_of_missing(apart, 6));
}

}  // namespace
}  // namespace patchbench::analysis
