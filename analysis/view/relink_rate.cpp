#include "analysis/view/relink_rate.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "analysis/quantity/comparable.hpp"
#include "analysis/quantity/relink_rate.hpp"
#include "analysis/render/numbers.hpp"
#include "analysis/render/wrap.hpp"
#include "analysis/statistics/statistics.hpp"
#include "analysis/view/table.hpp"

namespace patchbench::analysis {
namespace {

using results::Cheaper;
using results::RateModel;
using results::RatePair;

constexpr std::size_t kFewestPoints = 2;

// ---- pairs ----

/// Of the two, from the smallest share on at which one of them certainly costs less.
std::string cheaper_first(const RatePair& pair) {
  const bool strategy =
      pair.cheaper == Cheaper::below || (pair.cheaper != Cheaper::above && pair.strategy_less > 0);
  return strategy ? pair.strategy : pair.other;
}

/// Whether the run says anything of the two.
bool is_distinguished(const RatePair& pair) {
  return pair.cheaper != Cheaper::inconclusive || pair.strategy_less + pair.other_less > 0;
}

std::string share_with_interval(const results::RateCrossing& crossing) {
  std::string text = share_in_words(crossing.p);
  if (crossing.ci95) {
    text += fmt::format(" [{}, {}]", share_in_words((*crossing.ci95)[0]),
                        share_in_words((*crossing.ci95)[1]));
  }
  return text;
}

std::string without_crossing(const RatePair& pair) {
  const int decided = pair.strategy_less + pair.other_less;
  if (decided == 0) return "the same at every measured rate";
  if (decided == pair.rates) return fmt::format("{} at every measured rate", cheaper_first(pair));
  std::string text = fmt::format("{} at {} of {} rates", cheaper_first(pair), decided, pair.rates);
  if (pair.same > 0) text += fmt::format(", the same at {}", pair.same);
  if (open_rates(pair) > 0) text += fmt::format(", open at {}", open_rates(pair));
  return text;
}

std::string rates_conclusion(const RatePair& pair) {
  if (pair.crossings.empty()) return without_crossing(pair);
  const bool strategy_first = pair.cheaper == Cheaper::below;
  std::string text = cheaper_first(pair);
  for (std::size_t i = 0; i < pair.crossings.size(); ++i) {
    const bool strategy = strategy_first == (i % 2 == 1);
    text += fmt::format("{} {}", i == 0 ? ", from there on" : ", then",
                        strategy ? pair.strategy : pair.other);
  }
  return text;
}

std::string crossings_text(
    const RatePair& pair, const std::function<std::string(const results::RateCrossing&)>& text_of) {
  std::vector<std::string> texts;
  texts.reserve(pair.crossings.size());
  for (const auto& crossing : pair.crossings) texts.push_back(text_of(crossing));
  return joined(texts, " and ");
}

std::string sends_between(const results::RateCrossing& crossing) {
  return crossing.p > 0 ? grouped(std::llround(1 / crossing.p)) : "";
}

// ---- charts ----

using PointOf = std::function<Point(const RatePoint& point, const std::string& id)>;

std::vector<Tic> share_tics(const std::vector<RateCurve>& curves) {
  std::set<double> shares;
  for (const RateCurve& curve : curves) {
    for (const RatePoint& point : curve.points) shares.insert(point.p);
  }
  std::vector<Tic> tics;
  tics.reserve(shares.size());
  for (const double share : shares) tics.push_back({share, share_in_words(share)});
  return tics;
}

std::vector<std::string> strategies_of(const Quantities& run) {
  std::vector<std::string> ids = run.strategies();
  std::erase_if(ids, [&run](const std::string& id) { return run.is_control(id); });
  return ids;
}

/// Without panels where there is nothing to draw.
std::optional<LineChart> chart_over_shares(const Quantities& run, LineChart chart,
                                           const std::vector<std::string>& ids,
                                           const PointOf& point_of) {
  if (!times_mean_something(run.results().context)) return std::nullopt;
  std::vector<RateCurve> curves = rate_curves(run);
  std::erase_if(curves, [](const RateCurve& curve) { return curve.points.size() < kFewestPoints; });
  if (curves.empty()) return std::nullopt;
  chart.x_label = "share of the sends that relinks, p";
  chart.log_x = true;
  chart.x_tics = share_tics(curves);
  for (const RateCurve& curve : curves) {
    LinePanel panel{spaced(curve.params), {}};
    for (const std::string& id : ids) {
      Series series{id, {}};
      for (const RatePoint& point : curve.points) series.points.push_back(point_of(point, id));
      const bool any = std::ranges::any_of(series.points, [](const Point& one) { return !!one.y; });
      if (any) panel.series.push_back(std::move(series));
    }
    if (!panel.series.empty()) chart.panels.push_back(std::move(panel));
  }
  return chart.panels.empty() ? std::nullopt : std::optional(std::move(chart));
}

Quantity relinking_send(const Quantities& run, const RatePoint& point, const std::string& id) {
  const CostAt at = relinking_sends_at(point);
  return run.time({at.workload, at.params}, id, at.metric);
}

}  // namespace

Section rate_pairs_section(const results::Answer& answer) {
  Section section{.title = "Which costs less, by the share of sends that relinks"};
  std::vector<RatePair> pairs = answer.rate_pairs;
  const std::size_t all = pairs.size();
  std::erase_if(pairs, [](const RatePair& pair) { return !is_distinguished(pair); });
  if (all == 0) return section;
  section.paragraphs.push_back(fmt::format(
      "A share p of the sends misses and relinks its site (relink-rate). The break-even "
      "is the p at which a send costs the same with both, found in each round, with the 95 % "
      "interval over rounds. The run says something of {} of {} pairs.",
      pairs.size(), all));
  using Pair = const RatePair&;
  fill_table(
      section, pairs,
      {Column<RatePair>{"parameters", [](Pair pair) { return plain(spaced(pair.params)); }},
       {"strategies", [](Pair pair) { return plain(pair.strategy + " or " + pair.other); }},
       {"costs less, from small p on", [](Pair pair) { return plain(rates_conclusion(pair)); }},
       {"break-even p",
        [](Pair pair) { return number(crossings_text(pair, share_with_interval)); }},
       {"in sends a relink",
        [](Pair pair) { return number(crossings_text(pair, sends_between)); }}});
  section.filters = {0};
  return section;
}

Section rate_models_section(const results::Answer& answer) {
  Section section{.title = "How well a send and its share of a relink add up"};
  if (answer.rate_models.empty()) return section;
  section.paragraphs.emplace_back(
      "send + p * relink, fitted to each round's cost of a send at all measured shares p by least "
      "squares of the relative errors. The largest error is that of the share at which the model "
      "is furthest from what was measured, as the median over rounds; where it is large, a relink "
      "does not cost the same at every rate.");
  using Model = const RateModel&;
  const auto with_interval = [](double value, const std::optional<Interval>& interval) {
    return number(interval ? fmt::format("{} {}", short_number(value), short_interval(*interval))
                           : short_number(value));
  };
  fill_table(
      section, answer.rate_models,
      {Column<RateModel>{"parameters", [](Model model) { return plain(spaced(model.params)); }},
       {"strategy", [](Model model) { return name(model.strategy); }},
       {"send, ns", [=](Model model) { return with_interval(model.send_ns, model.send_ci95); }},
       {"relink, ns",
        [=](Model model) { return with_interval(model.relink_ns, model.relink_ci95); }},
       {"largest error",
        [](Model model) { return number(fmt::format("{:+.2g} %", 100 * model.error)); }},
       {"at p", [](Model model) { return number(share_in_words(model.error_at)); }}});
  return section;
}

std::optional<LineChart> rate_ratio_chart(const Quantities& run) {
  const std::string& baseline = run.results().baseline;
  std::vector<std::string> ids = strategies_of(run);
  std::erase(ids, baseline);
  return chart_over_shares(run,
                           {.name = "relink-rate-ratio",
                            .title = "A send of which a share relinks, as a ratio to " + baseline,
                            .x_label = {},
                            .y_label = "cost / " + baseline,
                            .ratio = true,
                            .x_tics = {},
                            .panels = {},
                            .remarks = {}},
                           ids, [&run](const RatePoint& point, const std::string& id) {
                             const Quantity time = relinking_send(run, point, id);
                             if (!time.value || time.ratio == nullptr)
                               return Point{point.p, {}, {}};
                             return Point{point.p, time.ratio->median,
                                          deciding_interval(*time.ratio),
                                          static_cast<std::size_t>(time.ratio->n)};
                           });
}

std::optional<LineChart> rate_cost_chart(const Quantities& run) {
  return chart_over_shares(
      run,
      {.name = "relink-rate-cost",
       .title = "A send of which a share relinks",
       .x_label = {},
       .y_label = "ns per send",
       .x_tics = {},
       .panels = {},
       .remarks = {}},
      strategies_of(run), [&run](const RatePoint& point, const std::string& id) {
        const Quantity time = relinking_send(run, point, id);
        if (!time.value) return Point{point.p, {}, {}};
        return Point{point.p, time.value, time.metric->ci95, present(time.metric->samples).size()};
      });
}

}  // namespace patchbench::analysis
