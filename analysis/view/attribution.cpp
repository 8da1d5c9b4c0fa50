#include "analysis/view/attribution.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "analysis/render/wrap.hpp"
#include "analysis/view/table.hpp"

namespace patchbench::analysis {
namespace {

using results::Cell;
using results::kSimulated;
using results::Metric;
using results::Params;

struct NamedStrategy {
  std::string_view strategy;
  std::string_view what;
};

constexpr const char* kWorkload = "mic";
constexpr std::string_view kMetric = "send";
constexpr std::string_view kWhole = "indirect-cell";
constexpr std::string_view kSubset = "tag-cell";
constexpr std::string_view kBranch = "target-register";
/// Of data-slot-stub, each by another sequence.
constexpr std::array<NamedStrategy, 3> kStubs = {{
    {"data-slot-stub", "a stub that jumps through data"},
    {"data-slot-retpoline", "the stub as a retpoline"},
    {"data-slot-lfence", "the stub with LFENCE"},
}};
constexpr std::string_view kOfASite = "of a site";

constexpr std::array<NamedStrategy, 3> kParts = {{
    {"target-cell", "the target from a cell and the kind of branch"},
    {kBranch, "the kind of branch"},
    {kSubset, "the tag from a cell"},
}};

const Metric* send_of(const Quantities& run, std::string_view strategy, const Params& params) {
  const Quantity send = run.time({kWorkload, params}, std::string(strategy), kMetric);
  return send.value ? send.metric : nullptr;
}

/// In the rounds in which `whole` was measured, too: a part of it is of the same rounds.
std::vector<double> differences(const Metric& one, const Metric& other, const Metric& whole) {
  std::vector<double> values;
  const std::size_t rounds =
      std::min({one.samples.size(), other.samples.size(), whole.samples.size()});
  for (std::size_t i = 0; i < rounds; ++i) {
    if (one.samples[i] && other.samples[i] && whole.samples[i]) {
      values.push_back(*one.samples[i] - *other.samples[i]);
    }
  }
  return values;
}

/// Its samples in the rounds of `whole`.
std::vector<double> of_rounds(const Metric& one, const Metric& whole) {
  std::vector<double> values;
  for (std::size_t i = 0; i < std::min(one.samples.size(), whole.samples.size()); ++i) {
    if (one.samples[i] && whole.samples[i]) values.push_back(*one.samples[i]);
  }
  return values;
}

/// Below these, as where the controls of a quick run have ended early, nothing is attributed.
constexpr std::size_t kFewestRounds = 5;

std::optional<Beyond> beyond(std::string_view strategy, const Metric* metric, const Metric& base,
                             const Metric& whole) {
  if (metric == nullptr) return std::nullopt;
  const std::vector<double> values = differences(*metric, base, whole);
  const std::size_t n = values.size();
  if (n < kFewestRounds) return std::nullopt;
  Beyond found{std::string(strategy), 0, {}};
  if (n >= static_cast<std::size_t>(kRobustRounds)) {
    found.ns = *median(values);
    found.interval = median_interval(values)->interval;
    return found;
  }
  double squares = 0;
  for (const double value : values) found.ns += value / static_cast<double>(n);
  for (const double value : values) squares += std::pow(value - found.ns, 2);
  const double error = std::sqrt(squares / static_cast<double>(n - 1) / static_cast<double>(n));
  const double reach = t_quantile(kConfidence, static_cast<int>(n) - 1) * error;
  found.interval = {found.ns - reach, found.ns + reach};
  return found;
}

bool holds_zero(const Beyond& one) { return one.interval[0] <= 0 && one.interval[1] >= 0; }

std::string amount(const Beyond& one) {
  return fmt::format("{:+.3f} ns [{:+.3f}, {:+.3f}]", one.ns, one.interval[0], one.interval[1]);
}

/// Of a send: counted where this run did, else simulated.
std::optional<double> instructions(const Quantities& run, const Params& params,
                                   const std::string& strategy, std::string_view source) {
  const Cell* cell = run.cell({kWorkload, params}, strategy);
  if (cell == nullptr) return std::nullopt;
  for (const Quantity& one : run.of(*cell)) {
    const bool own = one.counter != nullptr && one.name == "instructions" && one.per == kMetric &&
                     one.beside.empty();
    if (own && one.counter->source == source && one.scope != "kernel" && one.value) {
      return one.value;
    }
    // Of a site, without the method: known from how its code is made.
    if (source == kOfASite && one.name == "send-instructions") return one.value;
  }
  return std::nullopt;
}

/// How many instructions a send of a control has more or fewer than one of the baseline: counted,
/// where this run counted, else those of its site. Empty where they are as many, or not known.
std::string operations_text(const Quantities& run, const Params& params,
                            const std::string& strategy) {
  for (const std::string_view source : {std::string_view("hardware"), kSimulated, kOfASite}) {
    const auto mine = instructions(run, params, strategy, source);
    const auto theirs = instructions(run, params, run.results().baseline, source);
    if (!mine || !theirs) continue;
    if (std::abs(*mine - *theirs) < 0.05) return "";
    return fmt::format("{:.1f} instructions a send {}, {}: {:.1f} against {:.1f}",
                       std::abs(*mine - *theirs), *mine > *theirs ? "more" : "fewer", source, *mine,
                       *theirs);
  }
  return "";
}

std::string part_text(const Quantities& run, const Attribution& all, const Beyond& part) {
  const auto meaning = std::ranges::find_if(
      kParts, [&](const NamedStrategy& known) { return known.strategy == part.strategy; });
  std::string text = fmt::format("{} ({}", part.strategy, meaning->what);
  if (const auto more = operations_text(run, all.params, part.strategy); !more.empty()) {
    text += "; " + more;
  }
  text += ") " + amount(part);
  if (holds_zero(part)) return text + ", undecided";
  return text + fmt::format(", {:.0f} %", 100 * part.ns / all.whole.ns);
}

std::string text_of(const Quantities& run, const Attribution& all,
                    const std::optional<Interval>& subset) {
  const std::string where = results::params_text(all.params);
  std::string text =
      fmt::format("{}: a send of {} costs {} beyond one of {}", where.empty() ? "mic" : where,
                  kWhole, amount(all.whole), run.results().baseline);
  if (all.outcome == Attribution::Outcome::not_attributed) {
    return text + fmt::format(
                      "; not attributed: {} does a part of what {} does, and costs more than it "
                      "(ratio in [{:.3f}, {:.3f}])",
                      kSubset, kWhole, (*subset)[0], (*subset)[1]);
  }
  if (all.outcome == Attribution::Outcome::undecided) {
    return text +
           fmt::format(
               "; undecided: not known to be {:.3g} % more, so there is nothing to attribute",
               100 * delta_of(run.results()));
  }
  text += ". Alone, beyond the same:";
  const char* separator = " ";
  for (const Beyond& part : all.parts) {
    text += separator + part_text(run, all, part);
    separator = "; ";
  }
  return text + ". Each is its own control's, and they need not add up";
}

std::optional<Attribution> attribution_at(const Quantities& run, const Params& params) {
  const Metric* base = send_of(run, run.results().baseline, params);
  const Metric* whole = send_of(run, kWhole, params);
  if (base == nullptr || whole == nullptr || base == whole) return std::nullopt;
  const auto all = beyond(kWhole, whole, *base, *whole);
  if (!all) return std::nullopt;
  Attribution found;
  found.params = params;
  found.whole = *all;
  for (const NamedStrategy& part : kParts) {
    auto own = beyond(part.strategy, send_of(run, part.strategy, params), *base, *whole);
    if (own) found.parts.push_back(std::move(*own));
  }
  if (found.parts.empty()) return std::nullopt;
  std::optional<Interval> subset;
  if (const Metric* tag = send_of(run, kSubset, params)) {
    subset = deciding_interval(paired_ratio(tag->samples, whole->samples));
  }
  const double least = delta_of(run.results()) * median(of_rounds(*base, *whole)).value_or(0);
  found.outcome = subset && (*subset)[0] > 1        ? Attribution::Outcome::not_attributed
                  : found.whole.interval[0] < least ? Attribution::Outcome::undecided
                                                    : Attribution::Outcome::attributed;
  found.text = text_of(run, found, subset) + ".";
  return found;
}

// ---- two claims ----

enum class Holds { yes, no, open };

struct Claims {
  Key row;  // of workload mic, without a strategy
  Holds data_costs_nothing = Holds::open;
  Holds branch_costs = Holds::open;
};

std::string_view word_of(Holds holds) {
  switch (holds) {
    case Holds::yes:
      return "holds";
    case Holds::no:
      return "does not hold";
    case Holds::open:
      break;
  }
  return "open";
}

std::optional<results::Verdict> verdict_at(const Quantities& run, const Key& row,
                                           std::string_view strategy) {
  const Quantity send = run.time(row, std::string(strategy), kMetric);
  if (!send.value || send.ratio == nullptr) return std::nullopt;
  return send.ratio->verdict;
}

/// Whether the cost is the same as the baseline's, or no more.
Holds costs_no_more(std::optional<results::Verdict> verdict) {
  if (verdict == results::Verdict::slower) return Holds::no;
  const bool known = verdict == results::Verdict::same || verdict == results::Verdict::faster;
  return known ? Holds::yes : Holds::open;
}

Holds opposite(Holds holds) {
  if (holds == Holds::open) return holds;
  return holds == Holds::yes ? Holds::no : Holds::yes;
}

std::vector<Claims> claims_of(const Quantities& run) {
  std::vector<Claims> all;
  for (const Params& params : param_sets(run, kWorkload)) {
    const Key row{.workload = kWorkload, .params = params};
    const auto whole = verdict_at(run, row, kWhole);
    if (!whole || kWhole == run.results().baseline) continue;
    all.push_back({.row = row,
                   .data_costs_nothing = costs_no_more(whole),
                   .branch_costs = opposite(costs_no_more(verdict_at(run, row, kBranch)))});
  }
  return all;
}

/// "holds in 2 of 4 cases (sites=16; sites=512), does not hold in 1 (sites=16384), open in 1"
std::string where_it_holds(const std::vector<Claims>& all, Holds Claims::*claim) {
  std::vector<std::string> parts;
  for (const Holds holds : {Holds::yes, Holds::no, Holds::open}) {
    std::vector<std::string> places;
    for (const Claims& one : all) {
      if (one.*claim == holds) places.push_back(spaced(one.row.params));
    }
    if (places.empty()) continue;
    const std::string list =
        holds == Holds::open ? "" : fmt::format(" ({})", fmt::join(places, "; "));
    parts.push_back(
        fmt::format("{} in {} of {} cases{}", word_of(holds), places.size(), all.size(), list));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

Column<Claims> claim_ratio_column(const Quantities& run, std::string title,
                                  std::string_view strategy) {
  return {std::move(title), [&run, strategy](const Claims& one) {
            const Quantity send = run.time(one.row, std::string(strategy), kMetric);
            return cost_entry(run, send, send.ratio, " ns", true);
          }};
}

/// Where any was measured; the first says what the others have without their hardening.
void add_hardened(const Quantities& run, std::vector<Column<Claims>>& columns,
                  std::vector<std::string>& paragraphs) {
  const auto is_measured = [&](const NamedStrategy& stub) {
    return std::ranges::find(run.strategies(), stub.strategy) != run.strategies().end();
  };
  if (std::none_of(kStubs.begin() + 1, kStubs.end(), is_measured)) return;
  for (const NamedStrategy& stub : kStubs) {
    if (is_measured(stub)) {
      columns.push_back(claim_ratio_column(run, std::string(stub.what), stub.strategy));
    }
  }
  paragraphs.emplace_back(
      "A system that hardens indirect branches against branch target injection pays for each send "
      "through data what the last columns say. Their stubs differ in the jump alone. Calls whose "
      "target is in the code need none of it.");
}

}  // namespace

std::vector<Attribution> attributions(const Quantities& run) {
  std::vector<Attribution> all;
  for (const Params& params : param_sets(run, kWorkload)) {
    if (auto one = attribution_at(run, params)) all.push_back(std::move(*one));
  }
  return all;
}

Section claims_section(const Quantities& run) {
  const std::vector<Claims> all = claims_of(run);
  Section section{.title = "Two published claims, on this machine", .part = Part::send};
  if (all.empty()) return section;
  section.paragraphs = {
      "In-place caches do not shorten execution times (Poirier, Rohou and Serrano 2025): " +
          where_it_holds(all, &Claims::data_costs_nothing) + ".",
      "Indirect calls defeat the instruction prefetch (the authors of Cog): " +
          where_it_holds(all, &Claims::branch_costs) +
          ". It holds where a call through a register costs more than a direct one, without any "
          "data to be read for it; that control executes an instruction more a send."};
  std::vector<Column<Claims>> columns = {
      {"parameters", [](const Claims& one) { return plain(spaced(one.row.params)); }},
      claim_ratio_column(run, "caches in data", kWhole),
      claim_ratio_column(run, "an indirect branch alone", kBranch),
      claim_ratio_column(run, "the tag from data alone", kSubset),
      {"caches in data cost nothing",
       [](const Claims& one) { return plain(std::string(word_of(one.data_costs_nothing))); }},
      {"the indirect branch costs time",
       [](const Claims& one) { return plain(std::string(word_of(one.branch_costs))); }}};
  add_hardened(run, columns, section.paragraphs);
  fill_table(section, all, columns);
  return section;
}

}  // namespace patchbench::analysis
