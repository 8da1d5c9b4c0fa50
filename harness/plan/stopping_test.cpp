// When a run has rounds enough: what stops it, what does not, and what it says.
#include "harness/plan/stopping.hpp"

#include <array>
#include <string>
#include <utility>
#include <vector>

#include <patchbench_catch.hpp>

namespace patchbench::harness {
namespace {

results::Ratio ratio(double median, double low, double high, int n = 20) {
  results::Ratio ratio;
  ratio.metric = "send";
  ratio.median = median;
  ratio.n = n;
  ratio.ci95 = std::array{low, high};
  ratio.ci_free = std::array{low, high};
  return ratio;
}

results::Results results_with(const std::vector<std::pair<std::string, results::Ratio>>& ratios) {
  results::Results results;
  for (const auto& [id, one] : ratios) {
    results::Cell cell;
    cell.id = id;
    cell.ratios.push_back(one);
    results.cells.push_back(std::move(cell));
  }
  return results;
}

const StopRule kRule{.precision = 0.01, .budget_s = 100};
constexpr Standing kEarly{.rounds = 20, .used_s = 10, .round_s = 0.5};

bool says(const std::optional<std::string>& text, std::string_view part) {
  INFO(text.value_or("nothing"));
  return text && text->find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the reach of a ratio is that of its interval's farther end, as a share") {
  CHECK(reach(ratio(2, 1.9, 2.02)).value() == Approx(0.05));
  CHECK(reach(ratio(2, 1.99, 2.2)).value() == Approx(0.1));
  CHECK_FALSE(reach(results::Ratio{}).has_value());
}

TEST_CASE("a run stops when the worst of the requested ratios is known") {
  const auto known = results_with({{"a", ratio(1, 0.995, 1.005)}, {"b", ratio(3, 2.98, 3.02)}});
  const auto reason = reason_to_stop(kRule, known, {"a", "b"}, kEarly);
  CHECK(says(reason, "precision: 20 rounds"));
  CHECK(says(reason, "b send"));
  CHECK(says(reason, "0.67 %"));
}

TEST_CASE("one ratio that is not known keeps a run going, unless nobody asked for it") {
  const auto results = results_with({{"a", ratio(1, 0.995, 1.005)}, {"b", ratio(1, 0.98, 1.005)}});
  CHECK_FALSE(reason_to_stop(kRule, results, {"a", "b"}, kEarly));
  CHECK(reason_to_stop(kRule, results, {"a"}, kEarly));
  const auto without = results_with({{"a", results::Ratio{}}});
  CHECK_FALSE(reason_to_stop(kRule, without, {"a"}, kEarly));
}

TEST_CASE("few rounds stop no run, however narrow their intervals") {
  const auto eight = results_with({{"a", ratio(1, 0.999, 1.001, 8)}});
  CHECK_FALSE(reason_to_stop(kRule, eight, {"a"}, {.rounds = 8, .used_s = 1, .round_s = 0.1}));
  const auto nine = results_with({{"a", ratio(1, 0.999, 1.001, 9)}});
  CHECK(reason_to_stop(kRule, nine, {"a"}, {.rounds = 9, .used_s = 1, .round_s = 0.1}));
}

TEST_CASE("far from 1 a ratio is known by a share of its distance") {
  const StopRule rule{.precision = 0.01, .budget_s = 100, .of_distance = 0.2};
  CHECK(is_known(rule, ratio(10, 7, 12)));  // reaches 30 %, ln 10 / 5 is 46 %
  CHECK_FALSE(is_known(rule, ratio(1.05, 1.03, 1.07)));
  CHECK(is_known(rule, ratio(1.05, 1.041, 1.06)));
  CHECK(is_known(rule, ratio(10, 7, 12, 5)));
  CHECK_FALSE(is_known(rule, ratio(1.1, 1.09, 1.11, 5)));  // ln 1.1 / 5 is 1.9 %
  CHECK_FALSE(is_known(rule, ratio(10, 7, 12, 4)));
  CHECK_FALSE(is_known(rule, ratio(1, 0.999, 1.001, 8)));
  CHECK_FALSE(is_known({.precision = 0.01, .budget_s = 100}, ratio(10, 7, 12)));
  CHECK_FALSE(is_known(rule, results::Ratio{}));
}

TEST_CASE("a cost that is next to nothing beside the baseline's keeps no run going") {
  CHECK(is_known(kRule, ratio(0.004, 0, 0.01)));
  CHECK_FALSE(is_known(kRule, ratio(0.4, 0, 0.9)));
  CHECK_FALSE(is_known(kRule, ratio(0.004, 0, 0.01, 4)));
}

TEST_CASE("cells are known when each of their ratios is") {
  auto results = results_with({{"a", ratio(1, 0.995, 1.005)}, {"b", ratio(1, 0.9, 1.005)}});
  results.cells[0].ratios.push_back(ratio(1, 0.9, 1.1));
  results.cells.emplace_back().id = "baseline";
  results.cells[0].ratios.back().metric = "patch";
  const KnownRatios before = known_ratios(kRule, results);
  CHECK(before.at("a").at(results.cells[0].ratios[0].metric));
  CHECK_FALSE(before.at("a").at("patch"));
  CHECK_FALSE(all_known(before, "a"));
  results.cells[0].ratios.pop_back();
  const KnownRatios after = known_ratios(kRule, results);
  CHECK(all_known(after, "a"));
  CHECK_FALSE(all_known(after, "b"));
  CHECK_FALSE(all_known(after, "baseline"));  // it has no ratio
}

TEST_CASE("a run stops before the round that its budget has no room for") {
  const auto results = results_with({{"a", ratio(1, 0.9, 1.1)}});
  CHECK_FALSE(reason_to_stop(kRule, results, {"a"}, {.rounds = 50, .used_s = 97, .round_s = 2}));
  const auto reason =
      reason_to_stop(kRule, results, {"a"}, {.rounds = 50, .used_s = 99, .round_s = 2});
  CHECK(says(reason, "budget: 99 s for 50 rounds"));
  CHECK(says(reason, "known worst, to 10 %: a send"));
  const auto nothing =
      reason_to_stop(kRule, results_with({}), {}, {.rounds = 3, .used_s = 99, .round_s = 30});
  CHECK(says(nothing, "there is no ratio"));
}

}  // namespace patchbench::harness
