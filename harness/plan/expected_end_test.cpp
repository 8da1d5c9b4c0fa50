#include "harness/plan/expected_end.hpp"

#include <array>
#include <optional>

#include <patchbench_catch.hpp>

namespace patchbench::harness {
namespace {

constexpr StopRule kRule{.precision = 0.01, .budget_s = 60, .of_distance = 0};

/// A ratio of 1 that is known to within `reach` after `n` rounds.
results::Results known_to(double reach, int n) {
  results::Results results;
  results::Cell& cell = results.cells.emplace_back();
  cell.id = "a";
  results::Ratio& ratio = cell.ratios.emplace_back();
  ratio.median = 1;
  ratio.ci95 = {{1 - reach, 1 + reach}};
  ratio.ci_free = ratio.ci95;
  ratio.n = n;
  return results;
}

}  // namespace

TEST_CASE("a run that its budget ends uses whole rounds of it") {
  const std::array<double, 3> seven{7, 7, 7};
  CHECK(expected_use(kRule, {seven, 1, 0}, std::nullopt) == Approx(56));
  CHECK(expected_use(kRule, {{}, 1, 7}, std::nullopt) == Approx(56));  // before the first round
  const std::array<double, 1> longer{90};
  CHECK(expected_use(kRule, {longer, 1, 0}, std::nullopt) == Approx(90));
}

TEST_CASE("rounds with controls come again") {
  const std::array<double, 3> rounds{10, 4, 4};
  // 10 4 4 10 4 4 10 4 4 is 54; the next one would take 10.
  CHECK(expected_use(kRule, {rounds, 3, 0}, std::nullopt) == Approx(54));
}

TEST_CASE("a run that knows enough before ends there") {
  const std::array<double, 4> two{2, 2, 2, 2};
  CHECK(expected_use(kRule, {two, 1, 0}, 12) == Approx(24));
  CHECK(expected_use(kRule, {two, 1, 0}, 1000) == Approx(60));
  CHECK(expected_use(kRule, {two, 1, 0}, 3) == Approx(8));  // what was used is used
}

TEST_CASE("rounds without a time do not go on for ever") {
  const std::array<double, 2> none{3, 0};
  CHECK(expected_use(kRule, {none, 1, 0}, std::nullopt) == Approx(3));
}

TEST_CASE("an interval of twice the precision takes four times the rounds") {
  const std::optional<int> four_times = rounds_to_know(kRule, known_to(0.02, 10), {"a"});
  REQUIRE(four_times);
  CHECK(*four_times >= 40);
  CHECK(*four_times <= 41);  // binary fractions
  CHECK(rounds_to_know(kRule, known_to(0.005, 10), {"a"}) == 0);
  CHECK(rounds_to_know(kRule, known_to(0.005, 4), {"a"}) == kFewestRounds);
  CHECK(rounds_to_know(kRule, known_to(0.02, 10), {"b"}) == 0);  // not asked for
  results::Results none = known_to(0.02, 1);
  none.cells[0].ratios[0].ci95.reset();
  none.cells[0].ratios[0].ci_free.reset();
  CHECK_FALSE(rounds_to_know(kRule, none, {"a"}));
}

}  // namespace patchbench::harness
