#include "analysis/view/attribution.hpp"

#include <cmath>
#include <map>
#include <random>
#include <string>

#include <patchbench_catch.hpp>

#include "analysis/quantity/summarise.hpp"
#include "analysis/render/document.hpp"
#include "analysis/render/markdown.hpp"
#include "analysis/view/report_document.hpp"
#include "results/matchers_test.hpp"

namespace patchbench::analysis {
namespace {

using results::about;
using results::contains;
using results::Results;
using Outcome = Attribution::Outcome;

using Costs = std::map<std::string, double>;  // ns a send, by strategy

const Costs kNormal = {{"rwx", 2.0},
                       {"indirect-cell", 2.6},
                       {"tag-cell", 2.1},
                       {"target-cell", 2.5},
                       {"target-register", 2.3}};

Results made_up(const Costs& costs, double scatter = 0.01, int rounds = 12) {
  Results results;
  results.run.rounds = rounds;
  results.baseline = "rwx";
  std::vector<results::JournalEntry> journal;
  std::mt19937_64 random(3);
  std::normal_distribution<double> normal(0, scatter);
  for (const auto& [id, cost] : costs) {
    results::Cell cell;
    cell.strategy = id;
    cell.workload = "mic";
    cell.params = {{"sites", std::int64_t{1024}}};
    cell.id = results::cell_id(cell.workload, id, cell.params);
    for (int round = 0; round < rounds; ++round) {
      results::JournalEntry entry;
      entry.round = round;
      entry.cell = cell.id;
      entry.metrics.resize(1);
      entry.metrics[0].name = "send";
      entry.metrics[0].unit = "ns";
      entry.metrics[0].median = cost * std::exp(normal(random));
      journal.push_back(std::move(entry));
    }
    results.cells.push_back(std::move(cell));
  }
  summarise(results, journal);
  return results;
}

void add_counter(Results& results, const std::string& strategy, const results::Counter& counter) {
  for (auto& cell : results.cells) {
    if (cell.strategy == strategy) cell.counters.push_back(counter);
  }
}

void count(Results& results, const std::string& strategy, double instructions) {
  results::Counter counter;
  counter.name = "instructions";
  counter.source = "hardware";
  counter.scope = "user";
  counter.per = "send";
  counter.value = instructions;
  counter.status = "ok";
  add_counter(results, strategy, counter);
}

void of_site(Results& results, const std::string& strategy, double instructions) {
  results::Counter counter;
  counter.name = "send-instructions";
  counter.source = "software";
  counter.per = "site";
  counter.value = instructions;
  counter.status = "ok";
  add_counter(results, strategy, counter);
}

Attribution only(const Results& results) {
  const auto all = attributions(results);
  REQUIRE(all.size() == 1);
  return all.front();
}

TEST_CASE("attribution: each control's share, with its interval") {
  for (const int rounds : {6, 12}) {
    const Attribution found = only(made_up(kNormal, 0.005, rounds));
    CHECK(found.outcome == Outcome::attributed);
    CHECK(found.whole.ns == about(0.6).epsilon(0.05));
    REQUIRE(found.parts.size() == 3);
    CHECK(found.parts[0].strategy == "target-cell");
    CHECK(found.parts[0].ns == about(0.5).epsilon(0.06));
    CHECK(found.parts[0].interval[0] < found.parts[0].ns);
    CHECK(found.parts[0].interval[1] > found.parts[0].ns);
    CHECK_THAT(found.text, contains("sites=1024: a send of indirect-cell costs +0.") &&
                               contains("tag-cell (the tag from a cell) +0.1") &&
                               contains("need not add up") && !contains("undecided"));
  }
}

TEST_CASE(
    "claims: each holds where its strategy or control says so, and is open where nothing does") {
  const auto words = [](const Results& results) {
    const Section section = claims_section(results);
    REQUIRE(section.table);
    REQUIRE(section.table->rows.size() == 1);
    const auto& row = section.table->rows.front();
    return row[row.size() - 2].text + ", " + row.back().text;
  };
  CHECK(words(made_up(kNormal)) == "does not hold, holds");
  CHECK_THAT(claims_section(made_up(kNormal)).paragraphs.front(),
             contains("does not hold in 1 of 1 cases (sites=1024)"));
  Costs costs = kNormal;
  costs["indirect-cell"] = costs["target-register"] = 2.0;
  CHECK(words(made_up(costs)) == "holds, does not hold");
  CHECK(words(made_up(costs, 0.5)) == "open, open");
  costs.erase("target-register");
  CHECK(words(made_up(costs)) == "holds, open");
  costs.erase("indirect-cell");
  CHECK_FALSE(claims_section(made_up(costs)).table);
}

TEST_CASE("claims: what hardened branches cost stands beside the branch that is not") {
  const auto columns_of = [](const Costs& costs) {
    const Section section = claims_section(made_up(costs));
    REQUIRE(section.table);
    return section.table->header.size();
  };
  Costs costs = kNormal;
  costs["data-slot-stub"] = 2.6;
  const std::size_t usual = columns_of(kNormal);
  CHECK(columns_of(costs) == usual);  // says nothing without a hardened one to compare it with
  costs["data-slot-retpoline"] = 9;
  CHECK(columns_of(costs) == usual + 2);
  const Section section = claims_section(made_up(costs));
  CHECK_THAT(section.table->rows.front().back().text, contains("8.99 ns"));
  CHECK_THAT(section.paragraphs.back(), contains("branch target injection"));
}

TEST_CASE("attribution: none where a part of the work costs more than all of it") {
  Costs costs = kNormal;
  costs["tag-cell"] = 2.9;
  const Results results = made_up(costs);
  const Attribution found = only(results);
  CHECK(found.outcome == Outcome::not_attributed);
  CHECK_THAT(found.text, contains("not attributed: tag-cell") && !contains("target-register"));
  CHECK_THAT(markdown_page(make_document(results)), contains("not attributed: tag-cell"));
  // More by the median alone is no contradiction.
  costs["tag-cell"] = 2.605;
  CHECK(only(made_up(costs, 0.02)).outcome == Outcome::attributed);
}

TEST_CASE("attribution: an interval that holds 0 is undecided") {
  Costs costs = kNormal;
  costs["indirect-cell"] = 2.0;
  costs["tag-cell"] = 2.0;
  const Attribution none = only(made_up(costs, 0.02));
  CHECK(none.outcome == Outcome::undecided);
  CHECK_THAT(none.text, contains("undecided") && contains("nothing to attribute"));
  costs["indirect-cell"] = 2.6;
  const Attribution some = only(made_up(costs, 0.02));
  CHECK(some.outcome == Outcome::attributed);
  CHECK_THAT(some.text, contains("], undecided"));
}

TEST_CASE("attribution: a difference in operations stands beside its control") {
  Results results = made_up(kNormal);
  CHECK_THAT(only(results).text, !contains("instructions"));
  // What is known of the code, where nothing was counted.
  of_site(results, "rwx", 4);
  of_site(results, "tag-cell", 4);
  of_site(results, "target-register", 5);
  CHECK_THAT(only(results).text,
             contains("the kind of branch; 1.0 instructions a send more, of a site: 5.0 against "
                      "4.0") &&
                 contains("the tag from a cell) "));
  count(results, "rwx", 6);
  count(results, "target-register", 7.5);
  CHECK_THAT(
      only(results).text,
      contains("the kind of branch; 1.5 instructions a send more, hardware: 7.5 against 6.0"));
}

TEST_CASE("attribution: a part is of the rounds that the whole was measured in") {
  Results results = made_up(kNormal);
  const std::string known = only(results).text;
  // From its eighth round on the whole was known; what its parts cost then is of no account.
  for (results::Cell& cell : results.cells) {
    for (results::Metric& metric : cell.metrics) {
      for (std::size_t round = 7; round < metric.samples.size(); ++round) {
        if (cell.strategy == "indirect-cell") metric.samples[round].reset();
        if (cell.strategy == "target-cell") *metric.samples[round] *= 9;
      }
    }
  }
  const Attribution found = only(results);
  CHECK(found.outcome == Outcome::attributed);
  REQUIRE_FALSE(found.parts.empty());
  CHECK(found.parts.front().strategy == "target-cell");
  CHECK(found.parts.front().ns < found.whole.ns * 1.5);
}

TEST_CASE("attribution: nothing is said without the controls, or from four rounds") {
  CHECK(attributions(made_up({{"rwx", 2}, {"indirect-cell", 3}})).empty());
  CHECK(attributions(made_up({{"rwx", 2}, {"tag-cell", 3}})).empty());
  CHECK(attributions(made_up(kNormal, 0.01, 4)).empty());
}

}  // namespace
}  // namespace patchbench::analysis
