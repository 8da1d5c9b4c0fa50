#include "analysis/quantity/shared_patch.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <limits>

#include "analysis/quantity/selection.hpp"
#include "analysis/statistics/statistics.hpp"
#include "results/model.hpp"

namespace patchbench::analysis {
namespace {

using results::MetricEntry;
using results::Params;
using Samples = std::vector<std::optional<double>>;

constexpr std::string_view kProtocolParam = "protocol";
constexpr std::string_view kExecutorsParam = "executors";
constexpr std::string_view kIntervalParam = "interval_us";
constexpr std::string_view kInPlace = "stop-the-world";
constexpr double kUsualIntervalUs = 100;  // files do not name a value that is the default

const MetricEntry* first_metric(const Quantities& run, bool is_of_patches) {
  for (const MetricEntry& metric : run.results().metrics) {
    if (!metric.beside_executors || !metric.patches) continue;
    if (metric.undisturbed.empty() == is_of_patches) return &metric;
  }
  return nullptr;
}

/// Of the metrics of one case, in the order of rounds.
struct CaseSamples {
  Samples patch;
  Samples disturbed;    // an executor's send beside patches
  Samples undisturbed;  // and without
  double interval_ns = 0;
};

std::optional<std::string> word_param(const Params& params, std::string_view name) {
  for (const auto& [key, value] : params) {
    if (key != name) continue;
    if (const auto* text = std::get_if<std::string>(&value)) return *text;
  }
  return std::nullopt;
}

Samples samples_of_metric(const Quantities& run, const Key& key, const std::string& metric) {
  const Quantity time = run.time(key, key.strategy, metric);
  return time.metric == nullptr ? Samples{} : time.metric->samples;
}

CaseSamples samples_of_case(const Quantities& run, const Key& key) {
  const MetricEntry* patch = first_metric(run, true);
  const MetricEntry* disturbed = first_metric(run, false);
  CaseSamples found;
  found.patch = samples_of_metric(run, key, patch->id);
  if (disturbed != nullptr) {
    found.disturbed = samples_of_metric(run, key, disturbed->id);
    found.undisturbed = samples_of_metric(run, key, disturbed->undisturbed);
  }
  const auto interval = integer_param(key.params, kIntervalParam);
  found.interval_ns = 1000 * (interval ? static_cast<double>(*interval) : kUsualIntervalUs);
  return found;
}

std::optional<double> sample_of(const Samples& samples, std::size_t round) {
  return round < samples.size() ? samples[round] : std::nullopt;
}

/// What an executor does not do between two patches: the share of its sends that are missing, of
/// the time from one patch to the next.
double lost_ns(const CaseSamples& samples, std::size_t round, double patch_ns) {
  const auto with = sample_of(samples.disturbed, round);
  const auto without = sample_of(samples.undisturbed, round);
  if (!with || !without || *with <= 0) return 0;
  return std::max(0.0, 1 - *without / *with) * std::max(samples.interval_ns, patch_ns);
}

SharedPatch cost_for_all(const CaseSamples& own, const CaseSamples* in_place, int executors,
                         std::string protocol) {
  SharedPatch cost{.protocol = std::move(protocol), .patch = own.patch, .send = {}};
  for (std::size_t round = 0; round < cost.patch.size(); ++round) {
    std::optional<double>& patch = cost.patch[round];
    if (patch) *patch += executors * lost_ns(own, round, *patch);
    const auto send = sample_of(own.undisturbed, round);
    const auto usual = in_place == nullptr ? std::nullopt : sample_of(in_place->undisturbed, round);
    cost.send.push_back(patch ? std::optional(send && usual ? *send - *usual : 0) : std::nullopt);
  }
  return cost;
}

/// Of the strategy, those whose executors are nearest to `executors`.
std::vector<Key> nearest_cases(const Quantities& run, const std::string& id, int executors) {
  const MetricEntry* patch = first_metric(run, true);
  std::vector<Key> nearest;
  std::int64_t best = std::numeric_limits<std::int64_t>::max();
  for (const Quantity& one : run.all()) {
    if (one.set != kTimes || one.name != patch->id || one.strategy != id || !one.value) continue;
    const auto number = integer_param(one.params, kExecutorsParam);
    if (!number || *number < 1) continue;
    const std::int64_t off = std::abs(*number - executors);
    if (off < best) nearest.clear();
    best = std::min(best, off);
    if (off == best) {
      nearest.push_back({.workload = one.workload, .params = one.params, .strategy = id});
    }
  }
  return nearest;
}

}  // namespace

bool has_shared_patches(const Quantities& run) {
  const MetricEntry* patch = first_metric(run, true);
  return patch != nullptr && any(run, [&](const Quantity& one) {
           return one.set == kTimes && one.name == patch->id && one.value &&
                  integer_param(one.params, kExecutorsParam).value_or(0) > 0;
         });
}

std::vector<SharedPatch> shared_patches(const Quantities& run, const std::string& id, int threads) {
  if (!has_shared_patches(run)) return {};
  const std::vector<Key> cases = nearest_cases(run, id, threads - 1);
  std::optional<CaseSamples> in_place;
  for (const Key& one : cases) {
    if (word_param(one.params, kProtocolParam) == kInPlace) in_place = samples_of_case(run, one);
  }
  std::vector<SharedPatch> costs;
  costs.reserve(cases.size());
  for (const Key& one : cases) {
    costs.push_back(cost_for_all(samples_of_case(run, one), in_place ? &*in_place : nullptr,
                                 threads - 1, word_param(one.params, kProtocolParam).value_or("")));
  }
  return costs;
}

}  // namespace patchbench::analysis
