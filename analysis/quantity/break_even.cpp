#include "analysis/quantity/break_even.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string_view>

#include "analysis/quantity/selection.hpp"

namespace patchbench::analysis {
namespace {

using results::Metric;
using results::Params;
using results::Verdict;

constexpr std::string_view kEverySend = "patch_execute";

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

}  // namespace

bool is_decided(Verdict verdict) {
  return verdict == Verdict::faster || verdict == Verdict::slower;
}

const Metric* find_cost(const Quantities& run, const CostAt& at, const std::string& strategy) {
  const Quantity time = run.time({at.workload, at.params}, strategy, at.metric);
  return time.value ? time.metric : nullptr;
}

Verdict cost_order(const Quantities& run, const CostAt& at, const std::string& one,
                   const std::string& other) {
  const Metric* left = find_cost(run, at, one);
  const Metric* right = find_cost(run, at, other);
  if (left == nullptr || right == nullptr) return Verdict::inconclusive;
  return plain_verdict(deciding_interval(paired_ratio(left->samples, right->samples)), 0);
}

CostAt patches_at(const Quantities& run, const Params& params) {
  CostAt better{"relink", params, among_hits(run.results(), kEverySend)};
  if (find_cost(run, better, run.results().baseline) != nullptr) return better;
  return {"relink", params, std::string(kEverySend)};
}

double sends_in(const CostAt& patches) { return patches.metric == kEverySend ? 1 : 0; }

CostAt sends_at(const Params& params) { return {"mic", params, "send"}; }

std::vector<Params> single_patches(const Quantities& run) {
  std::vector<Params> sets = param_sets(run, "relink");
  std::erase_if(
      sets, [](const Params& params) { return integer_param(params, "batch").value_or(1) != 1; });
  return sets;
}

std::optional<CostAt> sends_like(const Quantities& run, const Params& patches) {
  const auto sites = integer_param(patches, "sites");
  std::optional<CostAt> found;
  for (const Params& params : param_sets(run, "mic")) {
    if (integer_param(params, "sites") != sites) continue;
    const auto* order = find_param(params, "order");
    const bool shuffled = order != nullptr && *order == results::ParamValue("shuffled");
    if (shuffled || !found) found = sends_at(params);
    if (shuffled) break;
  }
  return found;
}

BreakEven break_even(const Quantities& run, const CostAt& patch, const CostAt& send,
                     const std::string& one, const std::string& other) {
  const Verdict patching = cost_order(run, patch, one, other);
  const Verdict sending = cost_order(run, send, one, other);
  BreakEven result;
  if (!is_decided(patching) || !is_decided(sending)) return result;
  if (patching == sending) {
    result.kind =
        patching == Verdict::faster ? BreakEven::Kind::one_always : BreakEven::Kind::other_always;
    return result;
  }
  result.kind = BreakEven::Kind::at;
  result.one_from_there_on = sending == Verdict::faster;
  const double with_patch = sends_in(patch);
  const auto values =
      sends_by_round({find_cost(run, patch, one), find_cost(run, patch, other)},
                     {find_cost(run, send, one), find_cost(run, send, other)}, with_patch);
  result.sends = median(values);
  result.interval = median_ci95(values);
  return result;
}

}  // namespace patchbench::analysis
