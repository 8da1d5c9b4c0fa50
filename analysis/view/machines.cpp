#include "analysis/view/machines.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "analysis/quantity/comparable.hpp"
#include "analysis/quantity/selection.hpp"
#include "analysis/render/chart.hpp"
#include "analysis/render/numbers.hpp"
#include "analysis/render/wrap.hpp"
#include "analysis/view/simulated.hpp"
#include "analysis/view/table.hpp"
#include "analysis/view/titles.hpp"

namespace patchbench::analysis {
namespace {

using results::Results;

constexpr std::array kClaims = {Claim::costs_more, Claim::costs_less, Claim::costs_the_same};

bool has_times(const Quantities& run) { return times_mean_something(run.results().context); }

/// The same for all machines that have times; empty where it is not, or is empty for one.
std::string common(const std::vector<Quantities>& runs, std::string Results::*strategy) {
  std::set<std::string> named;
  for (const Quantities& run : runs) {
    if (has_times(run)) named.insert(run.results().*strategy);
  }
  return named.size() == 1 ? *named.begin() : std::string();
}

void add_column(std::vector<HeadlineColumn>& columns, HeadlineColumn column) {
  if (std::ranges::none_of(columns,
                           [&](const auto& known) { return same_operation(known, column); })) {
    columns.push_back(std::move(column));
  }
}

std::size_t machines_with_times(const Machines& machines) {
  return static_cast<std::size_t>(std::ranges::count_if(machines.runs(), has_times));
}

/// Of the first machine that describes the metric.
std::string title_of(const Machines& machines, const HeadlineColumn& column) {
  std::string title = column.metric;
  for (const Quantities& run : machines.runs()) {
    if (title != column.metric) break;
    title = metric_title(run.results(), column.metric);
  }
  const std::string params = spaced(column.params);
  return fmt::format("{}: {}{}", column.workload, title, params.empty() ? "" : ", " + params);
}

// ---- the machines ----

std::string or_unknown(const std::optional<std::string>& text) { return text.value_or("unknown"); }

Section machines_section(const Machines& machines) {
  Section section{.title = "The machines"};
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < machines.runs().size(); ++i) rows.push_back(i);
  using Row = const std::size_t&;
  const auto context = [&machines](std::size_t i) -> const results::Context& {
    return machines.runs()[i].results().context;
  };
  fill_table(
      section, rows,
      {{"", [&](Row i) { return name(machines.letter(i)); }},
       {"architecture",
        [&](Row i) { return plain(context(i).arch + (context(i).emulated ? ", EMULATED" : "")); }},
       {"processor", [&](Row i) { return plain(or_unknown(context(i).cpu.model)); }},
       {"kernel", [&](Row i) { return plain(or_unknown(context(i).kernel)); }},
       {"virtualisation", [&](Row i) { return plain(or_unknown(context(i).virtualization)); }},
       {"run", [&](Row i) { return plain(machines.runs()[i].results().run.id); }},
       {"rounds",
        [&](Row i) { return number(std::to_string(machines.runs()[i].results().run.rounds)); }},
       {"ratios are to", [&](Row i) {
          const std::string& reference = machines.reference(i);
          return plain(reference.empty() ? "no ratios: emulated" : reference);
        }}});
  return section;
}

// ---- which conclusion holds where ----

std::string claim_text(Claim claim, const std::string& strategy, const std::string& reference) {
  const std::string delta = fmt::format("{:.3g} %", 100 * kMachineDelta);
  switch (claim) {
    case Claim::costs_more:
      return fmt::format("{} costs more than {} more than {}", strategy, delta, reference);
    case Claim::costs_less:
      return fmt::format("{} costs more than {} less than {}", strategy, delta, reference);
    case Claim::costs_the_same:
      break;
  }
  return fmt::format("{} costs the same as {} within {}", strategy, reference, delta);
}

std::string reference_text(const Machines& machines) {
  std::set<std::string> named;
  for (std::size_t i = 0; i < machines.runs().size(); ++i) {
    if (!machines.reference(i).empty()) named.insert(machines.reference(i));
  }
  return named.size() == 1 ? *named.begin() : "the machine's own baseline";
}

/// "A, C", or "-" for none.
std::string letters(const Machines& machines, const MachineConclusion& conclusion,
                    Holding holding) {
  std::vector<std::string> found;
  for (std::size_t i = 0; i < conclusion.machines.size(); ++i) {
    if (conclusion.machines[i] == holding) found.push_back(machines.letter(i));
  }
  return found.empty() ? "-" : joined(found);
}

/// Every machine that has an interval says the same.
bool holds_everywhere(const MachineConclusion& conclusion) {
  return std::ranges::none_of(conclusion.machines, [](Holding one) {
    return one == Holding::not_so || one == Holding::open;
  });
}

void fill_conclusions(Section& section, const Machines& machines,
                      const std::vector<MachineConclusion>& conclusions) {
  const std::string reference = reference_text(machines);
  using Row = const MachineConclusion&;
  const auto on = [&machines](Holding holding) {
    return [&machines, holding](Row row) { return plain(letters(machines, row, holding)); };
  };
  fill_table(section, conclusions,
             {{"operation", [&](Row row) { return plain(title_of(machines, row.operation)); }},
              {"conclusion",
               [&](Row row) { return plain(claim_text(row.claim, row.strategy, reference)); }},
              {"holds on", on(Holding::holds)},
              {"not on", on(Holding::not_so)},
              {"undecided on", on(Holding::open)},
              {"not measured on", on(Holding::unmeasured)}});
}

/// Those that all machines draw: nothing to decide by.
Section common_section(const Machines& machines, std::vector<MachineConclusion> conclusions) {
  Section section{.title = "Conclusions that hold on every machine that measured them"};
  std::erase_if(conclusions, [](const auto& one) { return !holds_everywhere(one); });
  fill_conclusions(section, machines, conclusions);
  if (!section.table) section.paragraphs.emplace_back("None.");
  return section;
}

Section conclusions_section(const Machines& machines, std::vector<MachineConclusion> conclusions) {
  Section section{
      .title = "Which conclusion holds on which machine",
      .paragraphs = {fmt::format(
          "A conclusion stands here when at least one machine draws it. It holds on a machine "
          "whose "
          "95 % interval lies wholly where it says, is not so where the interval lies wholly "
          "outside, and is undecided where the interval has both in it. Each interval is one of "
          "its "
          "own machine's rounds, without a correction for how many there are: of {} machines and "
          "many rows some intervals miss by chance.",
          machines_with_times(machines))}};
  const auto all = conclusions.size();
  std::erase_if(conclusions, holds_everywhere);
  section.paragraphs.push_back(fmt::format(
      "{} of {} conclusions hold on every machine that measured them, and stand further "
      "down; those that do not are these.",
      all - conclusions.size(), all));
  fill_conclusions(section, machines, conclusions);
  return section;
}

// ---- ratios side by side ----

struct RatioRow {
  HeadlineColumn operation;
  std::string strategy;
};

Entry ratio_entry(const Machines& machines, std::size_t machine, const RatioRow& row) {
  const Quantities& run = machines.runs()[machine];
  const auto ratio = machines.ratio(machine, row.operation, row.strategy);
  if (ratio && ratio->median) {
    const auto interval = deciding_interval(*ratio);
    return number(short_number(*ratio->median) + (interval ? " " + short_interval(*interval) : ""));
  }
  const Quantity cost = cost_of(run, row.operation, row.strategy);
  Entry entry = number("-");
  if (run.status(row.strategy) != nullptr) entry.why = why(run, cost);
  return entry;
}

Section ratios_section(const Machines& machines) {
  Section section{
      .title = "Ratios, each to its own machine's reference",
      .paragraphs = {"Below 1 costs less than the reference on that machine. In brackets "
                     "95 % intervals. Across a row no two numbers are a cost of the same "
                     "thing: compare what a machine says, and not how much."}};
  std::vector<RatioRow> rows;
  for (const HeadlineColumn& operation : machines.operations()) {
    for (const std::string& id : machines.strategies()) {
      for (std::size_t i = 0; i < machines.runs().size(); ++i) {
        if (id == machines.reference(i) || !machines.ratio(i, operation, id)) continue;
        rows.push_back({operation, id});
        break;
      }
    }
  }
  std::vector<Column<RatioRow>> columns = {
      {"operation", [&](const RatioRow& row) { return plain(title_of(machines, row.operation)); }},
      {"strategy", [](const RatioRow& row) { return name(row.strategy); }}};
  for (std::size_t i = 0; i < machines.runs().size(); ++i) {
    if (machines.reference(i).empty()) continue;
    columns.push_back(
        {fmt::format("{}, to {}", machines.letter(i), machines.reference(i)),
         [&machines, i](const RatioRow& row) { return ratio_entry(machines, i, row); }});
  }
  fill_table(section, rows, columns);
  return section;
}

// ---- statuses ----

Entry status_entry(const Quantities& run, const std::string& id) {
  const results::StrategyStatus* row = run.status(id);
  if (row == nullptr) return faint("not part");
  if (row->status != results::Availability::available) {
    return {.cell = {.text = std::string(to_string(row->status))},
            .why = why_missing(run, id, nullptr)};
  }
  std::size_t ok = 0;
  std::size_t all = 0;
  for (const results::Cell& cell : run.results().cells) {
    if (cell.strategy != id) continue;
    ++all;
    ok += is_ok(&cell) ? 1 : 0;
  }
  return plain(ok == all ? fmt::format("{} ok", ok) : fmt::format("{} of {} ok", ok, all));
}

Section status_section(const Machines& machines) {
  Section section{.title = "What each machine allows",
                  .paragraphs = {"Cases of each strategy that were executed and were right."}};
  std::vector<Column<std::string>> columns = {
      {"strategy", [](const std::string& id) { return name(id); }}};
  for (std::size_t i = 0; i < machines.runs().size(); ++i) {
    const Quantities& run = machines.runs()[i];
    columns.push_back({machines.letter(i) + (has_times(run) ? "" : ", emulated"),
                       [&run](const std::string& id) { return status_entry(run, id); }});
  }
  fill_table(section, machines.strategies(), columns);
  return section;
}

/// Of those runs that have any; nothing where fewer than two do.
void add_simulated(std::span<const Results> runs, Document& document) {
  std::vector<Results> counted;
  for (const Results& run : runs) {
    if (has_simulated_counts(run)) counted.push_back(run);
  }
  if (counted.size() < 2) return;
  Document simulated = simulated_document(counted);
  for (Section& section : simulated.summary) document.rest.push_back(std::move(section));
}

// ---- figures ----

std::string panel_title(const Machines& machines, std::size_t machine) {
  const results::Context& context = machines.runs()[machine].results().context;
  return fmt::format("{}: {}, to {}", machines.letter(machine),
                     context.cpu.model.value_or(context.arch), machines.reference(machine));
}

Bar ratio_bar(const Machines& machines, std::size_t machine, const HeadlineColumn& operation,
              const std::string& id) {
  const auto ratio = machines.ratio(machine, operation, id);
  if (!ratio || !ratio->median || *ratio->median <= 0) return {.text = "no ratio"};
  return {.total = ratio->median,
          .solid = *ratio->median,
          .range = deciding_interval(*ratio),
          .n = static_cast<std::size_t>(ratio->n),
          .text = short_number(*ratio->median)};
}

/// A section for each operation of the headlines, a panel for each machine, a row for each
/// strategy.
Figure ratios_figure(const Machines& machines) {
  BarChart chart;
  chart.name = "machines-ratios";
  chart.title = "Costs as ratios to each machine's own reference";
  chart.x_label = "cost / reference on the same machine (logarithmic)";
  chart.log = true;
  chart.ratio = true;
  std::vector<HeadlineColumn> headline;
  for (const Quantities& run : machines.runs()) {
    if (!has_times(run)) continue;
    for (HeadlineColumn& column : headline_columns(run)) add_column(headline, std::move(column));
  }
  for (const HeadlineColumn& operation : headline) {
    BarSection section{
        .title = title_of(machines, operation), .rows = {}, .panels = {}, .notes = {}};
    for (const std::string& id : machines.strategies()) section.rows.push_back({id, id});
    for (std::size_t i = 0; i < machines.runs().size(); ++i) {
      if (machines.reference(i).empty()) continue;
      BarPanel panel{.title = panel_title(machines, i), .scale = operation.metric, .bars = {}};
      for (const std::string& id : machines.strategies()) {
        panel.bars.push_back(ratio_bar(machines, i, operation, id));
      }
      section.panels.push_back(std::move(panel));
    }
    chart.sections.push_back(std::move(section));
  }
  return {
      chart.name,
      chart.title,
      "Each dot is a strategy's cost as a ratio to that of the reference on the same machine, "
      "with its 95 % interval; a panel is a machine. Compare on which side of 1 a strategy lies "
      "in each panel, and not how far.",
      chart_script(chart),
      drawn_chart(chart),
      Part::send};
}

/// The numbers of sites at which any machine measured sends of mic, ascending.
std::set<std::int64_t> all_sites(const std::vector<HeadlineColumn>& operations) {
  std::set<std::int64_t> sites;
  for (const HeadlineColumn& one : operations) {
    const auto count = one.workload == "mic" ? integer_param(one.params, "sites") : std::nullopt;
    if (count && *count > 0) sites.insert(*count);
  }
  return sites;
}

/// Of one set of parameters beside the number of sites: those that the most machines have.
std::vector<HeadlineColumn> sends_by_sites(const Machines& machines) {
  std::vector<HeadlineColumn> columns = machines.operations();
  std::erase_if(columns, [](const HeadlineColumn& one) {
    return one.workload != "mic" || one.metric != "send" || !integer_param(one.params, "sites");
  });
  if (columns.empty()) return columns;
  const auto measured = [&](const HeadlineColumn& column) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < machines.runs().size(); ++i) {
      count += machines.reference(i).empty() || !machines.ratio(i, column, machines.reference(i))
                   ? 0U
                   : 1U;
    }
    return count;
  };
  const auto best = std::ranges::max_element(columns, {}, measured);
  const results::Params rest = without_param(best->params, "sites");
  std::erase_if(columns, [&rest](const HeadlineColumn& one) {
    return without_param(one.params, "sites") != rest;
  });
  return columns;
}

Series series_of(const Machines& machines, std::size_t machine, const std::string& id,
                 const std::vector<HeadlineColumn>& columns) {
  Series series{id, {}};
  for (const HeadlineColumn& column : columns) {
    const auto x = static_cast<double>(*integer_param(column.params, "sites"));
    const auto ratio = machines.ratio(machine, column, id);
    if (ratio && ratio->median) {
      series.points.push_back(
          {x, ratio->median, deciding_interval(*ratio), static_cast<std::size_t>(ratio->n)});
    }
  }
  return series;
}

/// Empty where no machine has sends at two numbers of sites.
std::optional<Figure> sites_figure(const Machines& machines) {
  std::vector<HeadlineColumn> columns = sends_by_sites(machines);
  const std::set<std::int64_t> sites = all_sites(columns);
  if (sites.size() < 2) return std::nullopt;
  std::ranges::sort(columns, {},
                    [](const auto& one) { return integer_param(one.params, "sites"); });
  LineChart chart;
  chart.name = "machines-send-by-sites";
  chart.title =
      "A monomorphic send by number of send sites, as a ratio to each machine's reference";
  chart.x_label = "send sites";
  chart.y_label = "send cost / reference on the same machine";
  chart.log_x = true;
  chart.ratio = true;
  for (const std::int64_t count : sites) {
    chart.x_tics.push_back({static_cast<double>(count), grouped(count)});
  }
  for (std::size_t i = 0; i < machines.runs().size(); ++i) {
    if (machines.reference(i).empty()) continue;
    LinePanel panel{panel_title(machines, i), {}};
    for (const std::string& id : machines.strategies()) {
      Series series = series_of(machines, i, id, columns);
      if (!series.points.empty()) panel.series.push_back(std::move(series));
    }
    if (!panel.series.empty()) chart.panels.push_back(std::move(panel));
  }
  return Figure{chart.name,
                chart.title,
                fmt::format("Each point is a strategy's ratio to the reference of the same machine "
                            "and round, with its 95 % interval ({}). All panels have one axis.",
                            spaced(without_param(columns.front().params, "sites"))),
                chart_script(chart),
                drawn_chart(chart),
                Part::send};
}

}  // namespace

Holding holding(Claim claim, const std::optional<Interval>& interval, double delta) {
  if (!interval) return Holding::unmeasured;
  const auto [low, high] = *interval;
  const auto decided = [](bool yes, bool no) {
    return yes ? Holding::holds : no ? Holding::not_so : Holding::open;
  };
  switch (claim) {
    case Claim::costs_more:
      return decided(low > 1 + delta, high <= 1 + delta);
    case Claim::costs_less:
      return decided(high < 1 - delta, low >= 1 - delta);
    case Claim::costs_the_same:
      break;
  }
  return decided(low >= 1 - delta && high <= 1 + delta, low > 1 + delta || high < 1 - delta);
}

Machines::Machines(std::span<const Results> runs) {
  runs_.reserve(runs.size());
  for (const Results& run : runs) runs_.emplace_back(run);
  std::string shared = common(runs_, &Results::baseline);
  if (shared.empty()) shared = common(runs_, &Results::floor);
  for (const Quantities& run : runs_) {
    if (!has_times(run)) {
      references_.emplace_back();
    } else {
      references_.push_back(shared.empty() ? run.results().baseline : shared);
    }
  }
}

std::string Machines::letter(std::size_t machine) const {
  return {static_cast<char>('A' + static_cast<char>(machine))};
}

std::optional<PairedRatio> Machines::ratio(std::size_t machine, const HeadlineColumn& operation,
                                           const std::string& strategy) const {
  if (references_[machine].empty()) return std::nullopt;
  const Quantity own = cost_of(runs_[machine], operation, strategy);
  const Quantity reference = cost_of(runs_[machine], operation, references_[machine]);
  if (!own.value || !reference.value) return std::nullopt;
  return paired_ratio(with_zeros(*own.metric), with_zeros(*reference.metric));
}

std::vector<HeadlineColumn> Machines::operations() const {
  std::vector<HeadlineColumn> columns;
  for (const Quantities& run : runs_) {
    if (!has_times(run)) continue;
    for (HeadlineColumn& column : headline_columns(run)) add_column(columns, std::move(column));
  }
  for (const Quantities& run : runs_) {
    if (!has_times(run)) continue;
    for (results::Params& params : param_sets(run, "mic")) {
      add_column(columns, {"mic", "send", std::move(params), {}});
    }
  }
  return columns;
}

std::vector<std::string> Machines::strategies() const {
  std::vector<std::string> ids;
  for (const Quantities& run : runs_) {
    for (const std::string& id : run.strategies()) {
      if (!run.is_control(id)) add_once(ids, id);
    }
  }
  return ids;
}

std::vector<MachineConclusion> conclusions_of(const Machines& machines) {
  std::vector<MachineConclusion> conclusions;
  for (const HeadlineColumn& operation : machines.operations()) {
    for (const std::string& id : machines.strategies()) {
      std::vector<std::optional<Interval>> intervals;
      for (std::size_t i = 0; i < machines.runs().size(); ++i) {
        const auto ratio =
            id == machines.reference(i) ? std::nullopt : machines.ratio(i, operation, id);
        intervals.push_back(ratio ? deciding_interval(*ratio) : std::nullopt);
      }
      for (const Claim claim : kClaims) {
        MachineConclusion one{operation, id, claim, {}};
        for (const auto& interval : intervals) one.machines.push_back(holding(claim, interval));
        if (std::ranges::count(one.machines, Holding::holds) > 0) {
          conclusions.push_back(std::move(one));
        }
      }
    }
  }
  return conclusions;
}

Document machines_document(std::span<const Results> runs) {
  const Machines machines(runs);
  Document document{.title = std::string(kMachinesTitle)};
  document.summary.push_back(machines_section(machines));
  if (machines_with_times(machines) > 0) {
    std::vector<MachineConclusion> conclusions = conclusions_of(machines);
    document.summary.push_back(conclusions_section(machines, conclusions));
    document.rest.push_back(common_section(machines, std::move(conclusions)));
    document.rest.push_back(ratios_section(machines));
  } else {
    document.warnings.emplace_back(
        "All runs are EMULATED: an emulator's times mean nothing, and only statuses and counts "
        "stand "
        "here.");
  }
  document.summary.push_back(status_section(machines));
  add_simulated(runs, document);
  return document;
}

FigureSet machines_figures(std::span<const Results> runs) {
  const Machines machines(runs);
  FigureSet set;
  if (machines_with_times(machines) < 2) {
    set.absent.emplace_back(
        "No figures: they put ratios of times side by side, and fewer than two of these runs have "
        "times that mean something.");
    return set;
  }
  set.figures.push_back(ratios_figure(machines));
  if (auto figure = sites_figure(machines)) {
    set.figures.push_back(std::move(*figure));
  } else {
    set.absent.emplace_back(
        "machines-send-by-sites: no machine measured sends of mic at two numbers of sites.");
  }
  return set;
}

}  // namespace patchbench::analysis
