#include "analysis/view/break_even.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "analysis/quantity/break_even.hpp"
#include "analysis/quantity/comparable.hpp"
#include "analysis/quantity/selection.hpp"
#include "analysis/render/numbers.hpp"
#include "analysis/render/wrap.hpp"
#include "analysis/statistics/statistics.hpp"
#include "analysis/view/conclusions.hpp"
#include "analysis/view/table.hpp"

namespace patchbench::analysis {
namespace {

using results::Params;
using Samples = std::vector<std::optional<double>>;

/// The parameters of patches, and those of the sends between them.
struct SitesPlace {
  Params patch;
  Params send;

  bool operator==(const SitesPlace&) const = default;
};

std::vector<SitesPlace> sites_places(const std::vector<BreakEvenPair>& pairs) {
  std::vector<SitesPlace> places;
  for (const BreakEvenPair& pair : pairs) {
    add_once(places, SitesPlace{pair.patch_params, pair.send_params});
  }
  return places;
}

/// Round by round; empty where either was lost or not measured.
Samples cost(const Quantities& run, const std::string& id, const SitesPlace& place, double sends) {
  const CostAt at = patches_at(run, place.patch);
  const auto* patch = find_cost(run, at, id);
  const auto* send = find_cost(run, sends_at(place.send), id);
  if (patch == nullptr || send == nullptr) return {};
  const double between = sends - sends_in(at);
  Samples sums(std::min(patch->samples.size(), send->samples.size()));
  for (std::size_t round = 0; round < sums.size(); ++round) {
    const auto& first = patch->samples[round];
    const auto& other = send->samples[round];
    if (first && other) sums[round] = *first + between * *other;
  }
  return sums;
}

Series line_of(const Quantities& run, const std::string& id, const SitesPlace& place,
               const std::vector<Tic>& tics) {
  Series series{id, {}};
  for (const Tic& tic : tics) {
    const PairedRatio ratio = paired_ratio(cost(run, id, place, tic.at),
                                           cost(run, run.results().baseline, place, tic.at));
    series.points.push_back({tic.at, ratio.median, deciding_interval(ratio), ratio.values.size()});
  }
  return series;
}

std::vector<Tic> sends_a_patch() {
  std::vector<Tic> tics;
  for (int power = 0; power <= 6; ++power) {
    const double sends = std::pow(10, power);
    tics.push_back({sends, grouped(std::llround(sends))});
  }
  return tics;
}

std::string_view better_at_first(const BreakEvenPair& pair) {
  const bool one = pair.first.kind == BreakEven::Kind::one_always ||
                   (pair.first.kind == BreakEven::Kind::at && !pair.first.one_from_there_on);
  return one ? pair.one : pair.other;
}

/// The strategy that sends more cheaply, where that is another one.
std::string_view better_later(const BreakEvenPair& pair) {
  if (pair.first.kind != BreakEven::Kind::at) return "the same";
  return pair.first.one_from_there_on ? pair.one : pair.other;
}

std::string sends_text(const BreakEvenPair& pair) {
  if (pair.first.kind != BreakEven::Kind::at || !pair.first.sends) return "";
  if (!pair.first.interval) return short_number(*pair.first.sends);
  return fmt::format("{} {}", short_number(*pair.first.sends),
                     short_interval(*pair.first.interval));
}

}  // namespace

Section break_even_section(const Quantities& run) {
  Section section{.title = "From how many sends a patch on", .part = Part::break_even};
  std::vector<BreakEvenPair> pairs = break_evens(run, run);
  const std::size_t all = pairs.size();
  std::erase_if(pairs, [](const BreakEvenPair& pair) {
    return pair.first.kind == BreakEven::Kind::inconclusive;
  });
  if (all == 0) return section;
  section.paragraphs.push_back(fmt::format(
      "A patch and its first execution are those of relink, the sends those of mic with as many "
      "sites. The run decides {} of {} pairs; in the others the patches or the sends may cost the "
      "same.",
      pairs.size(), all));
  using Pair = const BreakEvenPair&;
  fill_table(
      section, pairs,
      {{"parameters", [](Pair pair) { return plain(spaced(pair.patch_params)); }},
       {"strategies", [](Pair pair) { return plain(pair.one + " or " + pair.other); }},
       {"better at first", [](Pair pair) { return name(std::string(better_at_first(pair))); }},
       {"better later", [](Pair pair) { return name(std::string(better_later(pair))); }},
       {"from sends a patch", [](Pair pair) { return number(sends_text(pair)); }}});
  section.filters = {0, 2, 3};
  return section;
}

std::optional<LineChart> break_even_chart(const Quantities& run) {
  if (!times_mean_something(run.results().context)) return std::nullopt;
  const std::string& baseline = run.results().baseline;
  LineChart chart;
  chart.name = "break-even";
  chart.title = "A patch and the sends until the next one, as a ratio to " + baseline;
  chart.x_label = "sends a patch";
  chart.y_label = "cost / " + baseline;
  chart.ratio = true;
  chart.log_x = true;
  chart.x_tics = sends_a_patch();
  for (const SitesPlace& place : sites_places(break_evens(run, run))) {
    LinePanel panel{spaced(place.patch), {}};
    for (const std::string& id : run.strategies()) {
      if (run.is_control(id) || id == baseline) continue;
      Series series = line_of(run, id, place, chart.x_tics);
      if (series.points.front().y) panel.series.push_back(std::move(series));
    }
    if (!panel.series.empty()) chart.panels.push_back(std::move(panel));
  }
  if (chart.panels.empty()) return std::nullopt;
  return chart;
}

}  // namespace patchbench::analysis
