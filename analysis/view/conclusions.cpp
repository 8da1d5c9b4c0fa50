#include "analysis/view/conclusions.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string_view>
#include <utility>

#include "analysis/quantity/selection.hpp"

namespace patchbench::analysis {
namespace {

using results::Params;
using results::Verdict;

PairOrder pair_order(const Quantities& first, const Quantities& second, const CostAt& at,
                     const std::string& one, const std::string& other) {
  const Verdict here = cost_order(first, at, one, other);
  const Verdict there = cost_order(second, at, one, other);
  const Verdict shown = is_decided(here) ? here : there;
  PairOrder pair{one, other, Agreement::open};
  if (shown == Verdict::slower) std::swap(pair.cheaper, pair.costlier);
  if (is_decided(here) && is_decided(there)) {
    pair.agreement = here == there ? Agreement::holds : Agreement::reversed;
  }
  return pair;
}

std::vector<std::string> strategies_of_both(const Quantities& first, const Quantities& second,
                                            const CostAt& at) {
  std::vector<std::string> ids = first.strategies();
  std::erase_if(ids, [&](const std::string& id) {
    return first.is_control(id) || find_cost(first, at, id) == nullptr ||
           find_cost(second, at, id) == nullptr;
  });
  return ids;
}

std::vector<std::string> metrics_of(const Quantities& run, std::string_view workload) {
  return distinct(
      run, [&](const Quantity& one) { return one.set == kTimes && one.workload == workload; },
      [](const Quantity& one) { return one.name; });
}

void fill(StrategyOrder& order, const Quantities& first, const Quantities& second,
          const CostAt& at) {
  auto& ids = order.strategies;
  const auto cost = [&](const std::string& id) {
    return std::log(*find_cost(first, at, id)->median) +
           std::log(*find_cost(second, at, id)->median);
  };
  std::ranges::stable_sort(ids, [&](const auto& a, const auto& b) { return cost(a) < cost(b); });
  for (std::size_t i = 0; i < ids.size(); ++i) {
    for (std::size_t j = i + 1; j < ids.size(); ++j) {
      order.pairs.push_back(pair_order(first, second, at, ids[i], ids[j]));
      if (j != i + 1) continue;
      const PairOrder& pair = order.pairs.back();
      order.certain.push_back(pair.agreement == Agreement::holds && pair.cheaper == ids[i]);
    }
  }
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

}  // namespace

std::vector<StrategyOrder> strategy_orders(const Quantities& first, const Quantities& second) {
  std::vector<StrategyOrder> orders;
  for (const std::string& workload : workloads(first)) {
    for (const Params& params : param_sets(first, workload)) {
      for (const std::string& metric : metrics_of(first, workload)) {
        const CostAt at{workload, params, metric};
        StrategyOrder order;
        order.workload = workload;
        order.metric = metric;
        order.params = params;
        order.strategies = strategies_of_both(first, second, at);
        if (order.strategies.size() < 2) continue;
        fill(order, first, second, at);
        orders.push_back(std::move(order));
      }
    }
  }
  return orders;
}

std::vector<BreakEvenPair> break_evens(const Quantities& first, const Quantities& second) {
  std::vector<BreakEvenPair> pairs;
  for (const Params& params : single_patches(first)) {
    const auto send = sends_like(first, params);
    if (!send) continue;
    // The same metric in both: what every send costs where one of them has nothing better.
    const CostAt here = patches_at(first, params);
    const CostAt there = patches_at(second, params);
    const CostAt& patch = sends_in(here) > 0 ? here : there;
    const auto ids = strategies_of_both(first, second, patch);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      for (std::size_t j = i + 1; j < ids.size(); ++j) {
        BreakEvenPair pair{ids[i], ids[j], params, send->params, {}, {}, Agreement::open};
        pair.first = break_even(first, patch, *send, ids[i], ids[j]);
        pair.second = break_even(second, patch, *send, ids[i], ids[j]);
        pair.agreement = agreement(pair.first, pair.second);
        pairs.push_back(std::move(pair));
      }
    }
  }
  return pairs;
}

}  // namespace patchbench::analysis
