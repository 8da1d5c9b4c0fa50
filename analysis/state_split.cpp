#include "analysis/state_split.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "analysis/shift.hpp"

namespace patchbench::analysis {
namespace {

using Samples = std::vector<std::optional<double>>;

std::optional<double> at(const Samples& samples, std::size_t round) {
  return round < samples.size() ? samples[round] : std::nullopt;
}

enum class State { quiet, shared, neither };

State state_of(const results::Metric& one, const results::Metric& other, std::size_t round,
               double quiet_ns) {
  const auto here = at(one.throughput_ns, round);
  const auto there = at(other.throughput_ns, round);
  if (!here || !there) return State::neither;
  const double slowest = std::max(*here, *there) / quiet_ns;
  if (slowest <= kQuietUntil) return State::quiet;
  return slowest >= kSharedFrom ? State::shared : State::neither;
}

PairedRatio ratio_in(State state, const results::Metric& strategy, const results::Metric& baseline,
                     double quiet_ns) {
  Samples own = strategy.samples;
  for (std::size_t round = 0; round < own.size(); ++round) {
    if (state_of(strategy, baseline, round, quiet_ns) != state) own[round].reset();
  }
  return paired_ratio(own, baseline.samples);
}

std::vector<double> logs_of(const PairedRatio& ratio) {
  std::vector<double> logs;
  for (const double value : ratio.values) logs.push_back(std::log(value));
  return logs;
}

}  // namespace

std::optional<double> quiet_throughput_ns(const results::Results& results) {
  std::vector<double> all;
  for (const results::Cell& cell : results.cells) {
    for (const results::Metric& metric : cell.metrics) {
      const std::vector<double> some = present(metric.throughput_ns);
      all.insert(all.end(), some.begin(), some.end());
    }
  }
  return lower_decile(all);
}

std::optional<StateSplit> split_by_state(const results::Metric& strategy,
                                         const results::Metric& baseline, double quiet_ns) {
  StateSplit split{ratio_in(State::quiet, strategy, baseline, quiet_ns),
                   ratio_in(State::shared, strategy, baseline, quiet_ns)};
  if (std::min(split.quiet.n, split.shared.n) < kFewestOfAState) return std::nullopt;
  if (!deciding_interval(split.quiet) || !deciding_interval(split.shared)) return std::nullopt;
  split.p = Shift(logs_of(split.quiet), logs_of(split.shared)).p_none();
  return split;
}

std::string state_note(const std::string& metric, const StateSplit& split) {
  const auto text = [](const PairedRatio& ratio) {
    const Interval interval = *deciding_interval(ratio);
    return fmt::format("{:.3g} [{:.3g}, {:.3g}]", *ratio.median, interval[0], interval[1]);
  };
  return fmt::format(
      "{}the ratio of {} is {} in {} rounds in which the core was quiet and {} in {} in which "
      "it was shared",
      kStateNote, metric, text(split.quiet), split.quiet.n, text(split.shared), split.shared.n);
}

}  // namespace patchbench::analysis
