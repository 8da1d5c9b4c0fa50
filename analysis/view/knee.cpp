#include "analysis/view/knee.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "analysis/quantity/selection.hpp"
#include "analysis/render/numbers.hpp"
#include "analysis/render/wrap.hpp"
#include "analysis/statistics/statistics.hpp"
#include "analysis/view/table.hpp"

namespace patchbench::analysis {
namespace {

using results::Params;

constexpr const char* kSteadySends = "mic";
constexpr std::string_view kSites = "sites";
constexpr std::string_view kSendMetric = "send";
constexpr double kKib = 1024;

/// What one strategy has at one number of sites.
struct Size {
  std::int64_t sites = 0;
  Quantity send;
  double code_kib = 0;
  double cells_kib = 0;
};

struct SizeSeries {
  Params rest;
  std::string strategy;
  std::vector<Size> sizes;  // ascending
};

double fact_of(const Quantities& run, const Key& row, std::string_view name) {
  const results::Cell* cell = run.cell(row, row.strategy);
  if (cell == nullptr) return 0;
  for (const Quantity& one : run.of(*cell)) {
    if (one.set == kFacts && one.name == name && one.value) return *one.value;
  }
  return 0;
}

SizeSeries series_of(const Quantities& run, const Params& rest, const std::string& strategy) {
  SizeSeries series{.rest = rest, .strategy = strategy, .sizes = {}};
  for (const Params& params : param_sets(run, kSteadySends)) {
    const auto sites = integer_param(params, kSites);
    if (!sites || without_param(params, kSites) != rest) continue;
    const Key row{.workload = kSteadySends, .params = params, .strategy = strategy};
    const Quantity send = run.time(row, strategy, kSendMetric);
    if (!send.value) continue;
    const double scale = static_cast<double>(*sites) / kKib;
    series.sizes.push_back({.sites = *sites,
                            .send = send,
                            .code_kib = scale * fact_of(run, row, "site-stride-bytes"),
                            .cells_kib = scale * fact_of(run, row, "cell-bytes")});
  }
  std::ranges::sort(series.sizes, {}, &Size::sites);
  return series;
}

std::vector<SizeSeries> all_series(const Quantities& run) {
  std::vector<Params> rests;
  for (const Params& params : param_sets(run, kSteadySends)) {
    add_once(rests, without_param(params, kSites));
  }
  std::vector<SizeSeries> all;
  for (const Params& rest : rests) {
    for (const std::string& strategy : run.strategies()) {
      SizeSeries series = series_of(run, rest, strategy);
      if (series.sizes.size() >= kFewestSizes) all.push_back(std::move(series));
    }
  }
  return all;
}

struct Knee {
  const Size* before = nullptr;  // the size before it
  const Size* at = nullptr;
  PairedRatio ratio;  // to the best smaller size
};

std::optional<Knee> knee_of(const SizeSeries& series) {
  const Size* best = &series.sizes.front();
  for (std::size_t i = 1; i < series.sizes.size(); ++i) {
    const Size& size = series.sizes[i];
    const PairedRatio ratio = paired_ratio(size.send.metric->samples, best->send.metric->samples);
    const auto interval = deciding_interval(ratio);
    if (interval && (*interval)[0] >= kKneeFrom) {
      return Knee{.before = &series.sizes[i - 1], .at = &size, .ratio = ratio};
    }
    if (*size.send.value < *best->send.value) best = &size;
  }
  return std::nullopt;
}

std::string caches_between(const Quantities& run, const Knee& knee) {
  std::vector<std::string> found;
  for (const auto& [name, size] : run.results().context.cpu.caches) {
    const auto bytes = bytes_of_size(size);
    if (!bytes) continue;
    const double kib = static_cast<double>(*bytes) / kKib;
    const auto lies_in = [kib](double from, double to) { return from < kib && kib <= to; };
    const bool holds_data = !name.ends_with('i');
    const bool holds_code = !name.ends_with('d');
    if (holds_code && lies_in(knee.before->code_kib, knee.at->code_kib)) {
      found.push_back(fmt::format("{} ({}), by its code", name, size));
    }
    if (holds_data && lies_in(knee.before->cells_kib, knee.at->cells_kib)) {
      found.push_back(fmt::format("{} ({}), by its cells", name, size));
    }
  }
  return found.empty() ? "none" : fmt::format("{}", fmt::join(found, "; "));
}

std::string amount_of(const Size& size) {
  return size.cells_kib > 0
             ? fmt::format("{} + {}", short_number(size.code_kib), short_number(size.cells_kib))
             : short_number(size.code_kib);
}

Entry knee_entry(const SizeSeries& series) {
  const auto knee = knee_of(series);
  if (!knee) return faint(fmt::format("none up to {}", grouped(series.sizes.back().sites)));
  return number(fmt::format("{} to {}", grouped(knee->before->sites), grouped(knee->at->sites)));
}

}  // namespace

Section knee_section(const Quantities& run) {
  Section section{
      .title = "From which number of sites on a send costs more",
      .paragraphs = {fmt::format(
          "Between two numbers of sites lies the knee: at the larger one a send certainly costs {} "
          "times as much as at the best smaller one. Beside it stand the KiB of site code (and of "
          "cells) that a pass goes through at both, and the caches whose size lies between: they "
          "may be the cause, as may the branch predictor's tables and the TLB, which have no "
          "size here. --pages=thp or hugetlb takes the TLB out of it.",
          kKneeFrom)},
      .part = Part::send};
  using Row = const SizeSeries&;
  const auto of_knee = [](auto text) {
    return [text](Row series) {
      const auto knee = knee_of(series);
      return knee ? plain(text(*knee)) : plain("");
    };
  };
  fill_table(section, all_series(run),
             {Column<SizeSeries>{"parameters", [](Row one) { return plain(spaced(one.rest)); }},
              {"strategy", [](Row one) { return name(one.strategy); }},
              {"knee, sites", [](Row one) { return knee_entry(one); }},
              {"ratio there", of_knee([](const Knee& knee) {
                 return short_number(*knee.ratio.median) + " " +
                        short_interval(*deciding_interval(knee.ratio));
               })},
              {"KiB before", of_knee([](const Knee& knee) { return amount_of(*knee.before); })},
              {"KiB at it", of_knee([](const Knee& knee) { return amount_of(*knee.at); })},
              {"caches between",
               of_knee([&run](const Knee& knee) { return caches_between(run, knee); })}});
  if (!section.table) section.paragraphs.clear();
  section.detail = section.table && section.table->rows.size() > 40;
  return section;
}

}  // namespace patchbench::analysis
