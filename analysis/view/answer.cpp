#include "analysis/view/answer.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "analysis/quantity/break_even.hpp"
#include "analysis/quantity/comparable.hpp"
#include "analysis/quantity/selection.hpp"
#include "analysis/render/numbers.hpp"
#include "analysis/render/wrap.hpp"
#include "analysis/statistics/statistics.hpp"
#include "analysis/view/titles.hpp"

namespace patchbench::analysis {
namespace {

using results::Answer;
using results::Cheaper;
using results::Params;

std::string cheaper_text(const results::BreakEvenAnswer& one) {
  if (one.cheaper != Cheaper::below && one.cheaper != Cheaper::above) {
    return std::string(to_string(one.cheaper));
  }
  const bool below = one.cheaper == Cheaper::below;
  if (!one.sends) return below ? "below ?" : "above ?";
  return fmt::format("{} {} {} sends a patch", below ? "below" : "above", full_number(*one.sends),
                     full_interval(one.ci95));
}

std::string short_cheaper(const results::BreakEvenAnswer& one) {
  if (one.cheaper == Cheaper::inconclusive) return "?";
  if (one.cheaper != Cheaper::below && one.cheaper != Cheaper::above) {
    return std::string(to_string(one.cheaper));
  }
  const char sign = one.cheaper == Cheaper::below ? '<' : '>';
  return one.sends ? fmt::format("{}{}", sign, bar_number(std::round(*one.sends)))
                   : fmt::format("{}?", sign);
}

Entry policies_entry(const Quantities& run, const std::string& id) {
  const auto* status = run.status(id);
  if (status == nullptr) return plain("");
  if (status->status != results::Availability::available) {
    return plain(std::string(to_string(status->status)) + " here");
  }
  return plain(status->refused_by.empty() ? "none" : joined(status->refused_by, "; "));
}

Column<std::string> cost_column(const Quantities& run, const CostAt& at, std::string title) {
  return {std::move(title), [&run, at](const std::string& id) {
            const Quantity time = run.time({at.workload, at.params}, id, at.metric);
            return cost_entry(run, time, time.ratio, " ns", true);
          }};
}

}  // namespace

AnswerCases cases_of(const Quantities& run, const Answer& answer) {
  AnswerCases cases;
  std::vector<Params> sends;
  for (const results::ProfileAnswer& one : answer.profiles) {
    if (!one.sends.empty()) add_once(sends, one.sends);
    if (!cases.patch && !one.patches.empty()) cases.patch = patches_at(run, one.patches);
  }
  for (const Params& params : sends) cases.sends.push_back(sends_at(params));
  return cases;
}

std::vector<std::string> rows_of_answer(const Quantities& run) {
  std::vector<std::string> ids = run.strategies();
  std::erase_if(ids, [&](const std::string& id) { return run.is_control(id); });
  return ids;
}

std::string sites_text(const Params& params) {
  return grouped(integer_param(params, "sites").value_or(0)) + " sites";
}

Entry cheaper_entry(const Answer& answer, const std::string& id) {
  std::vector<std::string> texts;
  for (const results::BreakEvenAnswer& one : answer.break_even) {
    if (one.strategy == id) add_once(texts, short_cheaper(one));
  }
  return number(joined(texts, "/"));
}

std::string how_to_read_answer(const Quantities& run) {
  const results::Results& all = run.results();
  return fmt::format(
      "To {}, 95 %: < faster, > slower, = same within {:.3g} %, ? inconclusive, +- not ruled out; "
      "break-even: cheaper below (<) or above (>) a number of sends a patch, few/many sites. {} "
      "rounds{}.",
      all.baseline, 100 * delta_of(all), all.run.rounds,
      all.run.interrupted ? ", interrupted" : "");
}

Section answer_section(const Quantities& run, const Answer& answer) {
  Section section{.title = "Answer", .paragraphs = answer.recommendation};
  const AnswerCases cases = cases_of(run, answer);
  if (cases.sends.empty()) return section;
  std::vector<Column<std::string>> columns = {
      {"strategy", [](const std::string& id) { return name(id); }},
      {"refused by", [&](const std::string& id) { return policies_entry(run, id); }}};
  for (const CostAt& at : cases.sends) {
    columns.push_back(cost_column(run, at, fmt::format("send, {}", sites_text(at.params))));
  }
  if (cases.patch) {
    columns.push_back(
        cost_column(run, *cases.patch, fmt::format("patch, {}", sites_text(cases.patch->params))));
    columns.push_back(
        {"break-even", [&](const std::string& id) { return cheaper_entry(answer, id); }});
  }
  fill_table(section, rows_of_answer(run), columns);
  section.footnotes.push_back(how_to_read_answer(run));
  for (const auto* lines : {&answer.trust, &answer.refused}) {
    section.footnotes.insert(section.footnotes.end(), lines->begin(), lines->end());
  }
  return section;
}

namespace {

std::string words_on_threads(const results::ProfileAnswer& profile) {
  const bool is_measured = std::ranges::any_of(
      profile.costs, [](const results::ProfileCost& cost) { return !cost.protocol.empty(); });
  return is_measured
             ? "With several threads a patch is what it takes the thread that patches, and what "
               "every other one loses by it, under the protocol that costs least. Send sites are "
               "those of the measured threads."
             : "One thread was measured: what a patch costs the others is not in these numbers.";
}

}  // namespace

Section profiles_section(const Answer& answer) {
  Section section{.title = "What each use costs",
                  .paragraphs = {"A send, and its share of a patch with its first execution, "
                                 "summed within each round; ratios to the cheapest."}};
  struct Row {
    const results::ProfileAnswer* profile;
    const results::ProfileCost* cost;
  };
  std::vector<Row> rows;
  for (const results::ProfileAnswer& profile : answer.profiles) {
    for (const results::ProfileCost& cost : profile.costs) rows.push_back({&profile, &cost});
    if (!profile.barred.empty()) {
      section.footnotes.push_back(
          fmt::format("{}: not with {} threads, because no other thread may execute a page while "
                      "it is patched.",
                      joined(profile.barred), profile.threads));
    }
    if (!profile.unmeasured.empty()) {
      section.footnotes.push_back(fmt::format(
          "{}: this run has no patches of it beside other threads.", joined(profile.unmeasured)));
    }
    if (profile.threads > 1) section.footnotes.emplace_back(words_on_threads(profile));
  }
  std::vector<Column<Row>> columns = {
      {"sites", [](const Row& row) { return plain(grouped(row.profile->sites)); }},
      {"use", [](const Row& row) { return plain(profile_text(*row.profile)); }},
      {"strategy", [](const Row& row) { return name(row.cost->strategy); }},
      {"a send, ns", [](const Row& row) { return number(short_number(row.cost->ns)); }},
      {"to the cheapest",
       [](const Row& row) {
         if (!row.cost->ratio) return number("cheapest");
         return number(fmt::format("{} {}", short_number(*row.cost->ratio),
                                   row.cost->ci95 ? short_interval(*row.cost->ci95) : ""));
       }},
      {"verdict", [](const Row& row) { return verdict_word(row.cost->verdict); }}};
  if (std::ranges::any_of(rows, [](const Row& row) { return !row.cost->protocol.empty(); })) {
    columns.push_back({"protocol", [](const Row& row) { return plain(row.cost->protocol); }});
  }
  fill_table(section, rows, columns);
  if (!section.table) section.paragraphs.clear();
  return section;
}

Section break_even_section(const Quantities& run, const Answer& answer) {
  Section section{
      .title = "Break-even with the baseline",
      .paragraphs = {fmt::format(
          "How many sends a site has to see between two patches before what a strategy loses in "
          "one "
          "of them is made up by the other. A strategy is cheaper than {} below or above that "
          "number. `same`: neither sends nor patches differ by more than {:.3g} %. Measured: sends "
          "of which a share relinks (relink-rate). Modelled: patches of relink and sends of mic.",
          run.results().baseline, 100 * delta_of(run.results()))}};
  using Row = results::BreakEvenAnswer;
  fill_table(
      section, answer.break_even,
      {Column<Row>{"strategy", [](const Row& row) { return name(row.strategy); }},
       {"sites", [](const Row& row) { return number(grouped(row.sites)); }},
       {fmt::format("cheaper than {}", run.results().baseline),
        [](const Row& row) { return plain(cheaper_text(row)); }},
       {"how", [](const Row& row) { return plain(row.measured ? "measured" : "modelled"); }}});
  return section;
}

}  // namespace patchbench::analysis
