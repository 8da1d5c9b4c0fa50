#include "analysis/view/conclusions.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string_view>
#include <utility>

#include "analysis/quantity/selection.hpp"
#include "analysis/view/titles.hpp"

namespace patchbench::analysis {
namespace {

using results::Metric;
using results::Params;
using results::Verdict;

/// A metric's samples of one run, by strategy.
class Column {
 public:
  Column(const Quantities& run, std::string_view workload, const Params& params,
         std::string_view metric)
      : run_(&run), operation_{std::string(workload), params}, metric_(metric) {}

  [[nodiscard]] const Metric* find(const std::string& strategy) const {
    const Quantity time = run_->time(operation_, strategy, metric_);
    return time.value ? time.metric : nullptr;
  }

  /// `faster` where `one` certainly costs less than `other`.
  [[nodiscard]] Verdict order(const std::string& one, const std::string& other) const {
    const Metric* left = find(one);
    const Metric* right = find(other);
    if (left == nullptr || right == nullptr) return Verdict::inconclusive;
    return plain_verdict(deciding_interval(paired_ratio(left->samples, right->samples)), 0);
  }

  [[nodiscard]] std::string_view metric() const { return metric_; }

 private:
  const Quantities* run_;
  Key operation_;
  std::string_view metric_;
};

bool decided(Verdict verdict) { return verdict == Verdict::faster || verdict == Verdict::slower; }

PairOrder pair_order(const Column& first, const Column& second, const std::string& one,
                     const std::string& other) {
  const Verdict here = first.order(one, other);
  const Verdict there = second.order(one, other);
  const Verdict shown = decided(here) ? here : there;
  PairOrder pair{one, other, Agreement::open};
  if (shown == Verdict::slower) std::swap(pair.cheaper, pair.costlier);
  if (decided(here) && decided(there)) {
    pair.agreement = here == there ? Agreement::holds : Agreement::reversed;
  }
  return pair;
}

std::vector<std::string> strategies_of_both(const Quantities& run, const Column& first,
                                            const Column& second) {
  std::vector<std::string> ids = run.strategies();
  std::erase_if(ids, [&](const std::string& id) {
    return run.is_control(id) || first.find(id) == nullptr || second.find(id) == nullptr;
  });
  return ids;
}

std::vector<std::string> metrics_of(const Quantities& run, std::string_view workload) {
  return distinct(
      run, [&](const Quantity& one) { return one.set == kTimes && one.workload == workload; },
      [](const Quantity& one) { return one.name; });
}

void fill(StrategyOrder& order, const Column& first, const Column& second) {
  auto& ids = order.strategies;
  const auto cost = [&](const std::string& id) {
    return std::log(*first.find(id)->median) + std::log(*second.find(id)->median);
  };
  std::ranges::stable_sort(ids, [&](const auto& a, const auto& b) { return cost(a) < cost(b); });
  for (std::size_t i = 0; i < ids.size(); ++i) {
    for (std::size_t j = i + 1; j < ids.size(); ++j) {
      order.pairs.push_back(pair_order(first, second, ids[i], ids[j]));
      if (j != i + 1) continue;
      const PairOrder& pair = order.pairs.back();
      order.certain.push_back(pair.agreement == Agreement::holds && pair.cheaper == ids[i]);
    }
  }
}

/// Sends a patch at which the two cost the same, round by round; rounds without one are left out.
/// `with_patch` of them are in what a patch costs already.
std::vector<double> sends_by_round(const std::array<const Metric*, 2>& patch,
                                   const std::array<const Metric*, 2>& send, double with_patch) {
  std::vector<double> values;
  for (std::size_t round = 0; round < patch[0]->samples.size(); ++round) {
    const auto at = [round](const Metric* metric) {
      return round < metric->samples.size() ? metric->samples[round] : std::nullopt;
    };
    const auto slower = at(patch[0]);
    const auto faster = at(patch[1]);
    const auto fast = at(send[0]);
    const auto slow = at(send[1]);
    if (!slower || !faster || !fast || !slow) continue;
    const double sends = with_patch + (*slower - *faster) / (*slow - *fast);
    if (std::isfinite(sends) && sends > 0) values.push_back(sends);
  }
  return values;
}

constexpr std::string_view kEverySend = "patch_execute";

BreakEven break_even(const Column& patch, const Column& send, const std::string& one,
                     const std::string& other) {
  const Verdict patching = patch.order(one, other);
  const Verdict sending = send.order(one, other);
  BreakEven result;
  if (!decided(patching) || !decided(sending)) return result;
  if (patching == sending) {
    result.kind =
        patching == Verdict::faster ? BreakEven::Kind::one_always : BreakEven::Kind::other_always;
    return result;
  }
  result.kind = BreakEven::Kind::at;
  result.one_from_there_on = sending == Verdict::faster;
  // Of patches of every send the send right after is a part; among hits it is subtracted.
  const double with_patch = patch.metric() == kEverySend ? 1 : 0;
  const auto values = sends_by_round({patch.find(one), patch.find(other)},
                                     {send.find(one), send.find(other)}, with_patch);
  result.sends = median(values);
  result.interval = median_ci95(values);
  return result;
}

Agreement agreement(const BreakEven& first, const BreakEven& second) {
  using Kind = BreakEven::Kind;
  if (first.kind == Kind::inconclusive || second.kind == Kind::inconclusive) return Agreement::open;
  if (first.kind != second.kind || first.one_from_there_on != second.one_from_there_on) {
    return Agreement::reversed;
  }
  if (first.kind != Kind::at) return Agreement::holds;
  if (!first.interval || !second.interval) return Agreement::open;
  const bool overlap = (*first.interval)[0] <= (*second.interval)[1] &&
                       (*second.interval)[0] <= (*first.interval)[1];
  return overlap ? Agreement::holds : Agreement::open;
}

/// Patches among hits where both runs measured the baseline's, else those of every send.
std::string break_even_metric(const Quantities& first, const Quantities& second,
                              const Params& params) {
  const std::string better = among_hits(first.results(), kEverySend);
  const auto has = [&](const Quantities& run) {
    return Column(run, "relink", params, better).find(run.results().baseline) != nullptr;
  };
  return has(first) && has(second) ? better : std::string(kEverySend);
}

/// The parameters of `mic` that go with those of `relink`: as many sites, and like those in random
/// order where the run has that.
std::optional<Params> matching_sends(const Quantities& run, const Params& patch) {
  const auto sites = integer_param(patch, "sites");
  std::optional<Params> found;
  for (const Params& params : param_sets(run, "mic")) {
    if (integer_param(params, "sites") != sites) continue;
    const auto* order = find_param(params, "order");
    const bool shuffled = order != nullptr && *order == results::ParamValue("shuffled");
    if (shuffled) return params;
    if (!found) found = params;
  }
  return found;
}

}  // namespace

std::vector<StrategyOrder> strategy_orders(const Quantities& first, const Quantities& second) {
  std::vector<StrategyOrder> orders;
  for (const std::string& workload : workloads(first)) {
    for (const Params& params : param_sets(first, workload)) {
      for (const std::string& metric : metrics_of(first, workload)) {
        const Column left(first, workload, params, metric);
        const Column right(second, workload, params, metric);
        StrategyOrder order;
        order.workload = workload;
        order.metric = metric;
        order.params = params;
        order.strategies = strategies_of_both(first, left, right);
        if (order.strategies.size() < 2) continue;
        fill(order, left, right);
        orders.push_back(std::move(order));
      }
    }
  }
  return orders;
}

std::vector<BreakEvenPair> break_evens(const Quantities& first, const Quantities& second) {
  std::vector<BreakEvenPair> pairs;
  for (const Params& params : param_sets(first, "relink")) {
    if (integer_param(params, "batch").value_or(1) != 1) continue;
    const auto sends = matching_sends(first, params);
    if (!sends) continue;
    const std::string metric = break_even_metric(first, second, params);
    const Column patch_first(first, "relink", params, metric);
    const Column patch_second(second, "relink", params, metric);
    const Column send_first(first, "mic", *sends, "send");
    const Column send_second(second, "mic", *sends, "send");
    const auto ids = strategies_of_both(first, patch_first, patch_second);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      for (std::size_t j = i + 1; j < ids.size(); ++j) {
        BreakEvenPair pair{ids[i], ids[j], params, *sends, {}, {}, Agreement::open};
        pair.first = break_even(patch_first, send_first, ids[i], ids[j]);
        pair.second = break_even(patch_second, send_second, ids[i], ids[j]);
        pair.agreement = agreement(pair.first, pair.second);
        pairs.push_back(std::move(pair));
      }
    }
  }
  return pairs;
}

}  // namespace patchbench::analysis
