// Break-even rates and models from sends of which a share relinks.
#include "analysis/quantity/relink_rate.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <patchbench_catch.hpp>

#include "analysis/quantity/answer.hpp"
#include "analysis/quantity/summarise.hpp"
#include "analysis/sample_results_test.hpp"
#include "analysis/view/figures.hpp"
#include "analysis/view/relink_rate.hpp"
#include "analysis/view/report_document.hpp"
#include "results/json.hpp"
#include "results/matchers_test.hpp"

namespace patchbench::analysis {
namespace {

using results::Cheaper;
using results::contains;
using results::RateModel;
using results::RatePair;
using results::Results;

/// ns of a send, by strategy and share.
using RateCosts = std::function<double(const std::string&, double)>;

const std::vector<std::string> kShares = {"1", "0.1", "0.01", "0.001", "1e-4", "1e-5", "1e-6"};

/// Of a run, what break-even is made of: summarising the rest takes a sanitizer seconds.
SampleRun patches_and_sends(int rounds) {
  SampleRun run = sample_run({.rounds = rounds, .deny_sysv = false, .crash_one = false});
  const auto is_other = [](const std::string& id) {
    return !id.starts_with("mic/") && !id.starts_with("relink/");
  };
  std::erase_if(run.results.cells, [&](const auto& cell) { return is_other(cell.id); });
  std::erase_if(run.journal, [&](const auto& entry) { return is_other(entry.cell); });
  return run;
}

/// A run that measured these costs, give or take what rounds scatter.
Results with_rates(const RateCosts& cost_of, const std::vector<std::string>& shares = kShares,
                   double wobble = 0.001, int rounds = 15) {
  static std::map<int, SampleRun> known;  // by rounds
  if (!known.contains(rounds)) known.emplace(rounds, patches_and_sends(rounds));
  SampleRun run = known.at(rounds);
  const auto journal = run.journal;
  for (const std::string& share : shares) {
    for (const std::string id : {"rwx", "memfd-dual", "indirect-cell"}) {
      const results::Params params = {{"p", results::param_value(share)},
                                      {"sites", std::int64_t{1024}}};
      results::Cell cell;
      cell.id = results::cell_id("relink-rate", id, params);
      cell.strategy = id;
      cell.workload = "relink-rate";
      cell.params = params;
      run.results.cells.push_back(cell);
      for (results::JournalEntry entry : journal) {
        if (entry.cell != "relink/" + id + "/sites=1024,batch=1") continue;
        const double noise = 1 + wobble * ((entry.round * 7 + id.front()) % 5 - 2);
        entry.cell = cell.id;
        results::JournalMetric metric;
        metric.name = "send_relinking";
        metric.unit = "ns";
        metric.median = cost_of(id, std::stod(share)) * noise;
        entry.metrics = {metric};
        run.journal.push_back(std::move(entry));
      }
    }
  }
  summarise(run.results, run.journal);
  return run.results;
}

/// A send, and a relink.
RateCosts linear(double cells_send, double cells_relink) {
  return [=](const std::string& id, double p) {
    return id == "indirect-cell" ? cells_send + p * cells_relink : 2 + p * 300;
  };
}

RatePair pair_of(const std::vector<RatePair>& pairs, const std::string& one,
                 const std::string& other) {
  const auto found = std::ranges::find_if(
      pairs, [&](const RatePair& pair) { return pair.strategy == one && pair.other == other; });
  REQUIRE(found != pairs.end());
  return *found;
}

}  // namespace

TEST_CASE("rates: a run's shares, ascending, numbers and words alike") {
  const Results run = with_rates(linear(3, 10));
  const auto curves = rate_curves(run);
  REQUIRE(curves.size() == 1);
  REQUIRE(curves[0].points.size() == 7);
  CHECK(curves[0].points.front().p == Approx(1e-6));
  CHECK(curves[0].points.back().p == 1);
  CHECK(results::params_text(curves[0].params) == "sites=1024");
}

TEST_CASE("rates: the break-even is where what sends lose is what relinks gain") {
  // 3 + p * 10 = 2 + p * 300: between two shares, where a logarithmic scale would put it at 0.0023.
  const Results run = with_rates(linear(3, 10));
  const auto pairs = rate_pairs(run);
  CHECK(pairs.size() == 3);
  const RatePair pair = pair_of(pairs, "indirect-cell", "rwx");
  CHECK(pair.cheaper == Cheaper::above);
  CHECK(pair.rates == 7);
  REQUIRE(pair.crossings.size() == 1);
  CHECK(pair.crossings[0].p == Approx(1.0 / 290).epsilon(0.02));
  REQUIRE(pair.crossings[0].ci95);
  CHECK((*pair.crossings[0].ci95)[0] < pair.crossings[0].p);
  CHECK((*pair.crossings[0].ci95)[1] > pair.crossings[0].p);
  CHECK((*pair.crossings[0].ci95)[0] > 0.9 / 290);
  CHECK((*pair.crossings[0].ci95)[1] < 1.1 / 290);
  // Of two that are not the baseline too.
  CHECK(pair_of(pairs, "memfd-dual", "indirect-cell").cheaper == Cheaper::below);
  CHECK(pair_of(pairs, "memfd-dual", "rwx").cheaper == Cheaper::same);
}

TEST_CASE("rates: where one costs less throughout there is no break-even, and it is said so") {
  const Results run = with_rates(linear(1, 10));
  const RatePair pair = pair_of(rate_pairs(run), "indirect-cell", "rwx");
  CHECK(pair.cheaper == Cheaper::always);
  CHECK(pair.crossings.empty());
  const Results other = with_rates(linear(3, 500));
  CHECK(pair_of(rate_pairs(other), "indirect-cell", "rwx").cheaper == Cheaper::never);
}

TEST_CASE("rates: a share that is open leaves the pair open, but for a crossing around it") {
  // Rounds disagree where the two are close, and that is at small shares.
  const Results open = with_rates(linear(2.01, 10), kShares, 0.05);
  const RatePair pair = pair_of(rate_pairs(open), "indirect-cell", "rwx");
  CHECK(pair.cheaper == Cheaper::inconclusive);
  CHECK(pair.strategy_less > 0);
  CHECK(pair.other_less == 0);
  CHECK(open_rates(pair) > 0);
  const Section section = rate_pairs_section(answer_of(open));
  REQUIRE(section.table);
  CHECK(std::ranges::any_of(section.table->rows, [](const auto& row) {
    return row.at(2).text.starts_with("indirect-cell at ") &&
           row.at(2).text.find("open at ") != std::string::npos;
  }));
  // Open in the middle: cells cost less on both sides of the crossing's neighbourhood or not at
  // all.
  const Results around = with_rates(
      [](const std::string& id, double p) {
        if (id != "indirect-cell") return 2.0;
        if (p < 5e-4) return 3.0;
        return p < 0.05 ? 2.0 : 1.0;
      },
      kShares, 0.03);
  const RatePair found = pair_of(rate_pairs(around), "indirect-cell", "rwx");
  CHECK(found.cheaper == Cheaper::above);
  REQUIRE(found.crossings.size() == 1);
  CHECK(found.crossings[0].p > 1e-4);
  CHECK(found.crossings[0].p < 0.1);
}

TEST_CASE("rates: each turn of the order is a crossing") {
  const Results run = with_rates([](const std::string& id, double p) {
    if (id != "indirect-cell") return 2.0;
    return p > 5e-5 && p < 0.5 ? 1.0 : 3.0;
  });
  const RatePair pair = pair_of(rate_pairs(run), "indirect-cell", "rwx");
  CHECK(pair.cheaper == Cheaper::above);
  REQUIRE(pair.crossings.size() == 2);
  CHECK(pair.crossings[0].p == Approx(5.5e-5).epsilon(0.1));
  CHECK(pair.crossings[1].p == Approx(0.55).epsilon(0.1));
  const Section section = rate_pairs_section(answer_of(run));
  REQUIRE(section.table);
  CHECK(std::ranges::any_of(section.table->rows, [](const auto& row) {
    return row.at(1).text == "indirect-cell or rwx" &&
           row.at(2).text == "rwx, from there on indirect-cell, then rwx";
  }));
}

TEST_CASE(
    "rates: the model is exact for costs that add up, and its error shows where they do not") {
  const auto model = [](const Results& run, const std::string& id) {
    const std::vector<RateModel> models = rate_models(run);
    const auto found = std::ranges::find(models, id, &RateModel::strategy);
    REQUIRE(found != models.end());
    return *found;
  };
  const RateModel exact = model(with_rates(linear(3, 10)), "indirect-cell");
  CHECK(exact.send_ns == Approx(3).epsilon(0.01));
  CHECK(exact.relink_ns == Approx(10).epsilon(0.02));
  CHECK(std::abs(exact.error) < 1e-6);
  REQUIRE(exact.relink_ci95);
  // Every send relinks for half of that: a predictor has learnt it.
  const RateModel learnt = model(with_rates([](const std::string& /*id*/, double p) {
                                   return 2 + p * (p < 1 ? 300.0 : 150.0);
                                 }),
                                 "rwx");
  CHECK(std::abs(learnt.error) > 0.2);
  CHECK((learnt.error_at == 1 || learnt.error_at == Approx(0.1)));
  CHECK((learnt.error > 0) == (learnt.error_at == 1));
  CHECK(rate_models(with_rates(linear(3, 10), {"0.01", "1e-4"})).empty());
}

TEST_CASE("rates: the answer has what was measured in place of what follows from other workloads") {
  Results run = with_rates(linear(3, 10));
  run.answer = answer_of(run);
  std::vector<results::BreakEvenAnswer> of_cells;
  for (const auto& one : run.answer->break_even) {
    if (one.strategy == "indirect-cell") of_cells.push_back(one);
  }
  const auto measured = std::ranges::find(of_cells, true, &results::BreakEvenAnswer::measured);
  REQUIRE(measured != of_cells.end());
  CHECK(measured->cheaper == Cheaper::below);  // in sends a patch
  CHECK(*measured->sends == Approx(290).epsilon(0.02));
  REQUIRE(measured->ci95);
  CHECK((*measured->ci95)[0] <= *measured->sends);
  CHECK(*measured->sends <= (*measured->ci95)[1]);
  CHECK(std::ranges::count(of_cells, true, &results::BreakEvenAnswer::measured) == 1);
  CHECK(of_cells.size() == break_even_answers(run).size() / 5);  // of each other strategy as many
  // And comes back from the file.
  const std::string text = results::to_json_text(run);
  const Results read = results::from_json_text(text, "answer");
  CHECK(results::to_json_text(read) == text);
  CHECK(read.answer->rate_pairs.size() == 3);
  CHECK(read.answer->rate_models.size() == 3);
}

TEST_CASE("rates: the report has pairs, models and two figures, and none of them without rates") {
  const Results run = with_rates(linear(3, 10));
  const auto titles = [](const Results& of) {
    std::vector<std::string> found;
    for (const Section& section : make_document(of).rest) found.push_back(section.title);
    return found;
  };
  const auto figures = [](const Results& of) {
    std::vector<std::string> found;
    for (const Figure& figure : make_figures(of).figures) found.push_back(figure.name);
    return found;
  };
  const std::string pairs = "Which costs less, by the share of sends that relinks";
  CHECK(std::ranges::count(titles(run), pairs) == 1);
  CHECK(std::ranges::count(figures(run), "relink-rate-ratio") == 1);
  CHECK(std::ranges::count(figures(run), "relink-rate-cost") == 1);
  const auto chart = rate_ratio_chart(run);
  REQUIRE(chart);
  REQUIRE(chart->panels.size() == 1);
  CHECK(chart->panels[0].series.size() == 2);  // without the baseline
  CHECK(chart->x_tics.front().label == "1e-6");
  CHECK(chart->x_tics.back().label == "1");
  const Results none = sample_run().results;
  CHECK(std::ranges::count(titles(none), pairs) == 0);
  CHECK(std::ranges::count(figures(none), "relink-rate-cost") == 0);
  Results emulated = run;
  emulated.context.emulated = true;
  CHECK_FALSE(rate_cost_chart(emulated));
}

TEST_CASE("rates: shares in three digits") {
  CHECK(share_in_words(1) == "1");
  CHECK(share_in_words(0.00345) == "0.00345");
  CHECK(share_in_words(1e-4) == "1e-4");
  CHECK(share_in_words(1e-6) == "1e-6");
  CHECK(share_in_words(3.449e-4) == "3.45e-4");
}

}  // namespace patchbench::analysis
