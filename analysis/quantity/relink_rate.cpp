#include "analysis/quantity/relink_rate.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <optional>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "analysis/quantity/selection.hpp"
#include "analysis/statistics/statistics.hpp"

namespace patchbench::analysis {
namespace {

using results::Cheaper;
using results::Metric;
using results::Params;
using results::RateCrossing;
using results::RateModel;
using results::RatePair;
using results::Verdict;

constexpr std::string_view kRelinkRate = "relink-rate";
constexpr std::string_view kShareName = "p";
constexpr std::string_view kSendRelinking = "send_relinking";
/// Through two points every line goes.
constexpr std::size_t kPointsOfModel = 3;

/// Empty for what is no share.
std::optional<double> share_of(const Params& params) {
  const results::ParamValue* value = find_param(params, kShareName);
  if (value == nullptr) return std::nullopt;
  if (const auto* whole = std::get_if<std::int64_t>(value)) {
    return *whole == 1 ? std::optional(1.0) : std::nullopt;
  }
  const auto& text = std::get<std::string>(*value);
  double share = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), share);
  const bool is_number = error == std::errc() && end == text.data() + text.size();
  return is_number && share > 0 && share <= 1 ? std::optional(share) : std::nullopt;
}

// ---- which costs less at a share ----

Verdict reversed(Verdict verdict) {
  if (verdict == Verdict::faster) return Verdict::slower;
  return verdict == Verdict::slower ? Verdict::faster : verdict;
}

/// The run's own verdict; empty where the run has none.
std::optional<Verdict> recorded(const Quantities& run, const CostAt& at, const std::string& id) {
  const Quantity time = run.time({at.workload, at.params}, id, at.metric);
  if (!time.value || time.ratio == nullptr) return std::nullopt;
  return time.ratio->verdict;
}

Verdict order_at(const Quantities& run, const CostAt& at, const std::string& strategy,
                 const std::string& other) {
  const std::string& baseline = run.results().baseline;
  if (other == baseline) {
    if (const auto verdict = recorded(run, at, strategy)) return *verdict;
  }
  if (strategy == baseline) {
    if (const auto verdict = recorded(run, at, other)) return reversed(*verdict);
  }
  const PairedRatio ratio =
      paired_ratio(find_cost(run, at, strategy)->samples, find_cost(run, at, other)->samples);
  return plain_verdict(deciding_interval(ratio), delta_of(run.results()));
}

// ---- where they cost the same ----

/// What two strategies cost at one share.
struct PairAt {
  double p = 0;
  const Metric* strategy = nullptr;
  const Metric* other = nullptr;
  Verdict verdict = Verdict::inconclusive;

  /// Empty where either was lost.
  [[nodiscard]] std::optional<double> difference(std::size_t round) const {
    if (round >= strategy->samples.size() || round >= other->samples.size()) return std::nullopt;
    const auto& one = strategy->samples[round];
    const auto& two = other->samples[round];
    return one && two ? std::optional(*one - *two) : std::nullopt;
  }
};

std::vector<PairAt> pair_over(const Quantities& run, const RateCurve& curve,
                              const std::string& strategy, const std::string& other) {
  std::vector<PairAt> pairs;
  for (const RatePoint& point : curve.points) {
    const CostAt at = relinking_sends_at(point);
    const Metric* one = find_cost(run, at, strategy);
    const Metric* two = find_cost(run, at, other);
    if (one == nullptr || two == nullptr) continue;
    pairs.push_back({point.p, one, two, order_at(run, at, strategy, other)});
  }
  return pairs;
}

/// In one round, between the first and the last of these, at which the two are ordered differently.
/// Empty where a value was lost.
std::optional<double> crossing_in(std::span<const PairAt> between, std::size_t round) {
  std::vector<double> differences;
  for (const PairAt& one : between) {
    const auto difference = one.difference(round);
    if (!difference) return std::nullopt;
    differences.push_back(*difference);
  }
  const bool falls = between.front().verdict == Verdict::slower;
  std::vector<double> found;
  for (std::size_t i = 0; i + 1 < between.size(); ++i) {
    const double here = differences[i];
    const double there = differences[i + 1];
    if ((here > 0) == (there > 0)) continue;
    found.push_back(between[i].p + (between[i + 1].p - between[i].p) * here / (here - there));
  }
  if (!found.empty()) return found[found.size() / 2];
  // Throughout as it is at one end: the crossing is beyond the other.
  const bool as_at_the_end = (differences.front() > 0) != falls;
  return as_at_the_end ? between.front().p : between.back().p;
}

RateCrossing crossing_of(std::span<const PairAt> between) {
  std::vector<double> values;
  for (std::size_t round = 0; round < between.front().strategy->samples.size(); ++round) {
    if (const auto p = crossing_in(between, round)) values.push_back(*p);
  }
  return {.p = median(values).value_or(between.front().p), .ci95 = median_ci95(values)};
}

/// Where the order of the decided shares turns.
std::vector<RateCrossing> crossings_of(std::span<const PairAt> all) {
  std::vector<RateCrossing> crossings;
  std::optional<std::size_t> last;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!is_decided(all[i].verdict)) continue;
    if (last && all[*last].verdict != all[i].verdict) {
      crossings.push_back(crossing_of(all.subspan(*last, i - *last + 1)));
    }
    last = i;
  }
  return crossings;
}

/// Without a share that is open, where there is no crossing: it could be one.
Cheaper cheaper_of(std::span<const PairAt> all, const RatePair& pair) {
  const auto first = std::ranges::find_if(all, is_decided, &PairAt::verdict);
  if (!pair.crossings.empty()) {
    return first->verdict == Verdict::faster ? Cheaper::below : Cheaper::above;
  }
  if (all.empty() || open_rates(pair) > 0) return Cheaper::inconclusive;
  if (first == all.end()) return Cheaper::same;
  return first->verdict == Verdict::faster ? Cheaper::always : Cheaper::never;
}

// ---- the model ----

struct Line {
  double send = 0;
  double relink = 0;

  [[nodiscard]] double at(double p) const { return send + p * relink; }
};

struct Measured {
  double p = 0;
  double ns = 0;
};

/// Least squares of (send + p * relink) / ns - 1. Empty where the shares do not determine a line.
std::optional<Line> fitted(const std::vector<Measured>& points) {
  double w = 0;
  double wp = 0;
  double wpp = 0;
  double v = 0;
  double vp = 0;
  for (const Measured& point : points) {
    const double weight = 1 / point.ns;
    w += weight * weight;
    wp += weight * weight * point.p;
    wpp += weight * weight * point.p * point.p;
    v += weight;
    vp += weight * point.p;
  }
  const double determinant = w * wpp - wp * wp;
  if (!(determinant > 0)) return std::nullopt;
  return Line{(v * wpp - vp * wp) / determinant, (w * vp - wp * v) / determinant};
}

using MeasuredOf = std::vector<std::pair<double, const Metric*>>;

/// Empty where a value was lost.
std::vector<Measured> in_round(const MeasuredOf& costs, std::size_t round) {
  std::vector<Measured> points;
  for (const auto& [p, metric] : costs) {
    if (round >= metric->samples.size() || !metric->samples[round]) return {};
    if (!(*metric->samples[round] > 0)) return {};
    points.push_back({p, *metric->samples[round]});
  }
  return points;
}

void set_error(const std::vector<std::vector<double>>& errors, const MeasuredOf& costs,
               RateModel& model) {
  for (std::size_t i = 0; i < costs.size(); ++i) {
    const double error = median(errors[i]).value_or(0);
    if (std::abs(error) < std::abs(model.error)) continue;
    model.error = error;
    model.error_at = costs[i].first;
  }
}

std::optional<RateModel> model_of(const Quantities& run, const RateCurve& curve,
                                  const std::string& strategy) {
  MeasuredOf costs;
  for (const RatePoint& point : curve.points) {
    const Metric* metric = find_cost(run, relinking_sends_at(point), strategy);
    if (metric != nullptr) costs.emplace_back(point.p, metric);
  }
  if (costs.size() < kPointsOfModel) return std::nullopt;
  std::vector<double> send;
  std::vector<double> relink;
  std::vector<std::vector<double>> errors(costs.size());
  for (std::size_t round = 0; round < costs.front().second->samples.size(); ++round) {
    const std::vector<Measured> points = in_round(costs, round);
    const auto line = fitted(points);
    if (!line) continue;
    send.push_back(line->send);
    relink.push_back(line->relink);
    for (std::size_t i = 0; i < points.size(); ++i) {
      errors[i].push_back(line->at(points[i].p) / points[i].ns - 1);
    }
  }
  if (send.empty()) return std::nullopt;
  RateModel model{.strategy = strategy,
                  .params = curve.params,
                  .send_ns = *median(send),
                  .send_ci95 = median_ci95(send),
                  .relink_ns = *median(relink),
                  .relink_ci95 = median_ci95(relink)};
  set_error(errors, costs, model);
  return model;
}

std::vector<std::string> not_controls(const Quantities& run) {
  std::vector<std::string> ids = run.strategies();
  std::erase_if(ids, [&](const std::string& id) { return run.is_control(id); });
  return ids;
}

}  // namespace

std::vector<RateCurve> rate_curves(const Quantities& run) {
  std::vector<RateCurve> curves;
  for (const Params& params : param_sets(run, kRelinkRate)) {
    const auto share = share_of(params);
    if (!share) continue;
    Params rest = without_param(params, kShareName);
    auto curve = std::ranges::find(curves, rest, &RateCurve::params);
    if (curve == curves.end()) curve = curves.insert(curve, RateCurve{std::move(rest), {}});
    curve->points.push_back({*share, params});
  }
  for (RateCurve& curve : curves) std::ranges::sort(curve.points, {}, &RatePoint::p);
  return curves;
}

int open_rates(const RatePair& pair) {
  return pair.rates - pair.strategy_less - pair.other_less - pair.same;
}

CostAt relinking_sends_at(const RatePoint& point) {
  return {std::string(kRelinkRate), point.params, std::string(kSendRelinking)};
}

RatePair rate_pair(const Quantities& run, const RateCurve& curve, const std::string& strategy,
                   const std::string& other) {
  const std::vector<PairAt> all = pair_over(run, curve, strategy, other);
  RatePair pair{.strategy = strategy, .other = other, .params = curve.params};
  pair.rates = static_cast<int>(all.size());
  for (const PairAt& one : all) {
    pair.strategy_less += one.verdict == Verdict::faster ? 1 : 0;
    pair.other_less += one.verdict == Verdict::slower ? 1 : 0;
    pair.same += one.verdict == Verdict::same ? 1 : 0;
  }
  pair.crossings = crossings_of(all);
  pair.cheaper = cheaper_of(all, pair);
  return pair;
}

std::vector<RatePair> rate_pairs(const Quantities& run) {
  std::vector<RatePair> pairs;
  std::vector<std::string> ids = not_controls(run);
  // Whoever comes later is the other one.
  std::stable_partition(ids.begin(), ids.end(),
                        [&run](const std::string& id) { return id != run.results().baseline; });
  for (const RateCurve& curve : rate_curves(run)) {
    for (std::size_t i = 0; i < ids.size(); ++i) {
      for (std::size_t j = i + 1; j < ids.size(); ++j) {
        RatePair pair = rate_pair(run, curve, ids[i], ids[j]);
        if (pair.rates > 0) pairs.push_back(std::move(pair));
      }
    }
  }
  return pairs;
}

std::vector<RateModel> rate_models(const Quantities& run) {
  std::vector<RateModel> models;
  for (const RateCurve& curve : rate_curves(run)) {
    for (const std::string& id : not_controls(run)) {
      if (auto model = model_of(run, curve, id)) models.push_back(std::move(*model));
    }
  }
  return models;
}

results::BreakEvenAnswer measured_break_even(const RatePair& pair) {
  results::BreakEvenAnswer answer{.strategy = pair.strategy,
                                  .sites = integer_param(pair.params, "sites").value_or(1),
                                  .cheaper = pair.cheaper,
                                  .measured = true};
  // Below a share is above a number of sends.
  if (pair.cheaper == Cheaper::below) answer.cheaper = Cheaper::above;
  if (pair.cheaper == Cheaper::above) answer.cheaper = Cheaper::below;
  if (pair.crossings.empty()) return answer;
  const RateCrossing& crossing = pair.crossings.front();
  answer.sends = 1 / crossing.p;
  if (crossing.ci95) answer.ci95 = {1 / (*crossing.ci95)[1], 1 / (*crossing.ci95)[0]};
  return answer;
}

std::string share_in_words(double p) {
  constexpr double kPlainFrom = 0.001;
  if (p >= kPlainFrom || p <= 0) return fmt::format("{:.3g}", p);
  const double power = std::floor(std::log10(p) + 1e-9);
  return fmt::format("{:.3g}e{}", p / std::pow(10, power), power);
}

}  // namespace patchbench::analysis
