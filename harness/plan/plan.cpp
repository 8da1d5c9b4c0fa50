#include "harness/plan/plan.hpp"

#include <algorithm>
#include <csignal>
#include <utility>

#include <fmt/format.h>

#include "harness/base/text_parts.hpp"
#include "harness/base/usage_error.hpp"
#include "harness/machine/sandbox.hpp"

namespace patchbench::harness {
namespace {

bool contains(const std::vector<std::string>& words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

bool selected(const std::vector<std::string>& words, std::string_view word) {
  return words.empty() || contains(words, word);
}

/// The parameters of the selected workloads, each name once.
std::vector<std::string> selected_parameters(const Catalogue& catalogue,
                                             const Selection& selection) {
  std::vector<std::string> names;
  for (const WorkloadInfo& workload : catalogue.workloads) {
    for (const Parameter& parameter : workload.parameters) {
      if (selected(selection.workloads, workload.id) && !contains(names, parameter.name)) {
        names.push_back(parameter.name);
      }
    }
  }
  return names;
}

void check_words(std::string_view kind, const std::vector<std::string>& words,
                 const std::vector<std::string>& valid) {
  for (const std::string& word : words) {
    if (!contains(valid, word)) throw UsageError(unknown_word(kind, word, valid));
  }
}

/// The values of one parameter in this run: --param's, or the preset's grid, or the default.
std::vector<std::string> values_of(const WorkloadInfo& workload, const Parameter& parameter,
                                   const Selection& selection) {
  std::vector<std::string> values;
  for (const ParamOverride& one : selection.overrides) {
    if (one.name == parameter.name) {
      for (const std::string& text : one.values) {
        std::string value = checked_value("--param", workload, parameter, text);
        if (!contains(values, value)) values.push_back(std::move(value));
      }
    }
  }
  if (values.empty()) {
    values = selection.preset->quick_grid ? parameter.quick_grid : parameter.standard_grid;
  }
  if (values.empty()) values.push_back(parameter.default_value);
  return values;
}

std::vector<ParamText> grid_of(const WorkloadInfo& workload, const Selection& selection) {
  std::vector<std::vector<std::string>> values;
  for (const Parameter& parameter : workload.parameters) {
    values.push_back(values_of(workload, parameter, selection));
  }
  return combinations(workload, values);
}

/// Null make without a reason in the catalogue: the pair has no row at all. Nor has one that has no
/// meaning with parameters which nobody asked for.
std::optional<PlannedCell> plan_cell(const Catalogue& catalogue, const WorkloadInfo& workload,
                                     const ParamText& params, bool asked_for,
                                     std::string_view strategy, std::string_view runs) {
  const CellFactory* factory = catalogue.find_cell(runs, workload.id);
  if (factory == nullptr) return std::nullopt;
  std::string_view reason = factory->unsupported;
  if (reason.empty() && factory->unsupported_at != nullptr) {
    reason = factory->unsupported_at(params);
    if (!reason.empty() && !asked_for) return std::nullopt;
  }
  PlannedCell cell{.id = {},
                   .strategy = std::string(strategy),
                   .runs = std::string(runs),
                   .workload = workload.id,
                   .params = params,
                   .shown = shown_params(workload, params),
                   .metrics = workload.metrics.size(),
                   .make = reason.empty() ? factory->make : nullptr,
                   .unsupported = std::string(reason),
                   .unavailable = {},
                   .every = 1};
  cell.id = results::cell_id(cell.workload, cell.strategy, cell.shown);
  return cell;
}

bool has_all(const ParamText& params, const ParamText& wanted) {
  return std::ranges::all_of(
      wanted, [&params](const auto& one) { return std::ranges::count(params, one) > 0; });
}

/// Whether this is a point of the grid at which strategies with a small grid are measured.
bool is_in_small_grid(const WorkloadInfo& workload, const ParamText& params, SmallGrid grid) {
  if (grid == SmallGrid::deciding && workload.decides.empty()) return false;
  return !workload.small_grid.empty() && has_all(params, workload.small_grid);
}

bool only_the_preset_decides(const Selection& selection) {
  return selection.preset->small_grid != SmallGrid::whole && selection.strategies.empty() &&
         selection.workloads.empty() && selection.overrides.empty() && !selection.filter;
}

/// Every case of one (workload, parameters): what was asked for comes later.
std::vector<PlannedCell> plan_group(const Catalogue& catalogue, const Selection& selection,
                                    const WorkloadInfo& workload, const ParamText& params,
                                    std::string_view baseline) {
  std::vector<PlannedCell> group;
  const bool asked_for = !selection.overrides.empty();
  const bool small_too = !only_the_preset_decides(selection) ||
                         is_in_small_grid(workload, params, selection.preset->small_grid);
  for (const StrategyEntry& entry : catalogue.strategies) {
    if (!entry.info.only_workload.empty() && entry.info.only_workload != workload.id) continue;
    if (entry.info.small_grid && !small_too) continue;
    if (auto cell =
            plan_cell(catalogue, workload, params, asked_for, entry.info.id, entry.info.id)) {
      group.push_back(std::move(*cell));
    }
  }
  if (!baseline.empty()) {
    if (auto cell = plan_cell(catalogue, workload, params, asked_for, kAgain, baseline)) {
      group.push_back(std::move(*cell));
    }
  }
  return group;
}

bool is_control(const Catalogue& catalogue, std::string_view strategy) {
  const StrategyEntry* entry = find_strategy(catalogue, strategy);
  return entry == nullptr || entry->info.role == StrategyRole::control;
}

/// Drops what was not asked for. As long as anything of the group is left, its controls and
/// baseline are too.
void keep_selected(const Catalogue& catalogue, const Selection& selection,
                   std::string_view baseline, std::vector<PlannedCell>& group) {
  const auto keep = [&](auto asked_for) {
    if (std::ranges::none_of(group, asked_for)) group.clear();
    std::erase_if(group, [&](const PlannedCell& cell) {
      return !asked_for(cell) && cell.strategy != baseline && !is_control(catalogue, cell.strategy);
    });
  };
  keep([&](const PlannedCell& cell) { return selected(selection.strategies, cell.strategy); });
  if (selection.filter) {
    keep([&](const PlannedCell& cell) { return std::regex_search(cell.id, *selection.filter); });
  }
}

}  // namespace

void check_selection(const Catalogue& catalogue, const Selection& selection) {
  std::vector<std::string> strategies = strategy_ids(catalogue);
  strategies.emplace_back(kAgain);
  check_words("strategy", selection.strategies, strategies);
  check_words("workload", selection.workloads, workload_ids(catalogue));
  for (const ParamOverride& one : selection.overrides) {
    const std::vector<std::string> names = selected_parameters(catalogue, selection);
    if (!contains(names, one.name)) throw UsageError(unknown_word("parameter", one.name, names));
  }
  for (const WorkloadInfo& workload : catalogue.workloads) {
    if (selected(selection.workloads, workload.id)) static_cast<void>(grid_of(workload, selection));
  }
}

std::vector<PlannedCell> plan_cells(const Catalogue& catalogue, const Selection& selection,
                                    std::string_view baseline) {
  check_selection(catalogue, selection);
  std::vector<PlannedCell> cells;
  for (const WorkloadInfo& workload : catalogue.workloads) {
    if (!selected(selection.workloads, workload.id)) continue;
    for (const ParamText& params : grid_of(workload, selection)) {
      std::vector<PlannedCell> group = plan_group(catalogue, selection, workload, params, baseline);
      keep_selected(catalogue, selection, baseline, group);
      std::ranges::move(group, std::back_inserter(cells));
    }
  }
  if (cells.empty()) {
    throw UsageError(
        selection.filter
            ? "--filter matches no case of the selected strategies and workloads: "
              "--dry-run without it lists them"
            : "the selected strategies and workloads have no case together: --list shows which "
              "control belongs to which workload");
  }
  return cells;
}

int rounds_apart(const Catalogue& catalogue, const Selection& selection, std::string_view baseline,
                 const PlannedCell& cell) {
  const StrategyEntry* entry = find_strategy(catalogue, cell.strategy);
  const bool explains =
      cell.strategy != kAgain && cell.strategy != baseline && is_control(catalogue, cell.strategy);
  const int usual = explains ? selection.preset->controls_every : 1;
  if (!only_the_preset_decides(selection)) return usual;
  const auto& points = find_workload(catalogue, cell.workload)->decides;
  const bool decides = std::ranges::any_of(
      points, [&cell](const ParamText& point) { return has_all(cell.params, point); });
  const bool is_extra = entry != nullptr && entry->info.small_grid;
  return decides && !is_extra ? usual : std::max(usual, selection.preset->others_every);
}

namespace {

/// Without a filter that kills, no child is started for it.
bool asking_kills(const Parameter& parameter, const std::string& value) {
  if (killed_calls().empty()) return false;
  const auto ask = [&] { return parameter.why_unavailable(value).empty() ? 0 : 1; };
  return try_in_child(ask).signal == SIGSYS;
}

}  // namespace

void find_unavailable(const Catalogue& catalogue, PlannedCell& cell) {
  for (const Parameter& parameter : find_workload(catalogue, cell.workload)->parameters) {
    const auto given =
        std::ranges::find(cell.params, parameter.name, &std::pair<std::string, std::string>::first);
    if (parameter.why_unavailable == nullptr || given == cell.params.end()) continue;
    cell.denied = asking_kills(parameter, given->second);
    const std::string reason =
        cell.denied ? reason_of_sigsys() : parameter.why_unavailable(given->second);
    if (reason.empty()) continue;
    cell.unavailable = fmt::format("{}={}: {}", parameter.name, given->second, reason);
    return;
  }
}

double setup_ms(const WorkloadInfo& workload, const ParamText& params, bool toggles) {
  double sum_ms = 0;
  for (const auto& [name, value] : params) {
    const auto parameter = std::ranges::find(workload.parameters, name, &Parameter::name);
    if (parameter == workload.parameters.end()) continue;
    const auto usual = to_number<double>(parameter->default_value);
    const auto number = to_number<double>(value);
    const Growth& growth = parameter->growth;
    if (usual && number && *usual > 0) {
      sum_ms += (toggles ? growth.toggling_ms : growth.ms) * *number / *usual;
    }
  }
  return sum_ms;
}

std::vector<std::vector<std::size_t>> groups_of(const std::vector<PlannedCell>& cells,
                                                std::span<const std::size_t> order) {
  std::vector<std::vector<std::size_t>> groups;
  for (const std::size_t cell : order) {
    const auto found = std::ranges::find_if(groups, [&](const std::vector<std::size_t>& group) {
      const PlannedCell& first = cells[group.front()];
      return first.workload == cells[cell].workload && first.params == cells[cell].params;
    });
    if (found == groups.end()) {
      groups.push_back({cell});
    } else {
      found->push_back(cell);
    }
  }
  return groups;
}

RoundPlanner::RoundPlanner(const std::vector<PlannedCell>& cells, std::uint64_t seed,
                           ChooseArena choose_arena)
    : seeds_(seed), choose_arena_(choose_arena) {
  for (std::size_t cell = 0; cell < cells.size(); ++cell) {
    if (cells[cell].make != nullptr) made_.push_back(cell);
  }
}

PlannedRound RoundPlanner::next() {
  PlannedRound round;
  round.seed = seeds_();
  SeededRandom own(round.seed);  // a round does not depend on how many cases others have
  round.arena = choose_arena_(own);
  round.order = made_;
  own.shuffle(round.order);
  return round;
}

}  // namespace patchbench::harness
