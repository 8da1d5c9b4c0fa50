#include "harness/run/prepared.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "harness/base/clock.hpp"
#include "harness/base/usage_error.hpp"
#include "harness/machine/cpu_list.hpp"
#include "harness/machine/sandbox.hpp"
#include "harness/plan/arena.hpp"
#include "harness/process/forked.hpp"
#include "harness/process/launch.hpp"
#include "harness/run/output_directory.hpp"
#include "harness/run/resume.hpp"
#include "harness/run/zone_options.hpp"
#include "strategies/apply_policy.hpp"
#include "strategies/publish.hpp"
#include "workloads/parameters.hpp"

namespace patchbench::harness {
namespace {

using results::Availability;
using results::CellStatus;

/// Throws UsageError where the children of this run could not set it.
void require_policy(const std::optional<Policy>& policy) {
  if (!policy) return;
  const Forked child = run_forked([&] { return apply(*policy).reason; });
  if (child.returned() && child.text.empty()) return;
  throw UsageError(fmt::format("--policy={}: it cannot be set here: {}", policy_info(*policy).word,
                               child.returned() ? child.text : child.ending));
}

ChildTask probe_task(const StrategyEntry& strategy, const Options& options) {
  ChildTask task;
  task.cell = fmt::format("probe/{}", strategy.info.id);
  task.strategy = strategy.info.id;
  task.policy = policy_word(options);
  return task;
}

Probed to_probed(const StrategyEntry& strategy, results::JournalEntry entry) {
  Probed probed;
  probed.row.id = strategy.info.id;
  probed.cells = entry.status;
  if (entry.status == CellStatus::ok) {
    probed.row.detail = std::move(entry.reason);
    return probed;
  }
  // A probe that ends badly was not refused anything.
  probed.row.status =
      entry.status == CellStatus::denied ? Availability::denied : Availability::unsupported;
  probed.row.call = std::move(entry.call);
  probed.row.error = std::move(entry.error);
  probed.row.reason = std::move(entry.reason);
  return probed;
}

bool is_available(const Probed* probed) {
  return probed != nullptr && probed->row.status == Availability::available;
}

/// One child for each strategy and control, in the catalogue's order. Empty when the run was asked
/// to stop.
std::optional<std::vector<Probed>> probe_strategies(const Catalogue& catalogue,
                                                    const Options& options,
                                                    std::chrono::milliseconds timeout,
                                                    SignalWatch& signals) {
  std::vector<Probed> probed;
  for (const StrategyEntry& strategy : catalogue.strategies) {
    auto entry = run_child(probe_task(strategy, options), timeout, signals);
    if (!entry) return std::nullopt;
    probed.push_back(to_probed(strategy, std::move(*entry)));
  }
  return probed;
}

std::string choose_baseline(const Catalogue& catalogue, const std::vector<Probed>& probed,
                            const std::optional<std::string>& wanted) {
  if (wanted) {
    const Probed* found = find_probed(probed, *wanted);
    if (!is_available(found)) {
      throw UsageError(fmt::format("--baseline={}: not available on this machine: {}", *wanted,
                                   found != nullptr ? found->row.reason : "unknown strategy"));
    }
    return *wanted;
  }
  for (const bool preferred : {true, false}) {
    for (const StrategyEntry& strategy : catalogue.strategies) {
      if (strategy.info.role == StrategyRole::strategy &&
          strategy.info.preferred_baseline == preferred &&
          is_available(find_probed(probed, strategy.info.id))) {
        return std::string(strategy.info.id);
      }
    }
  }
  return {};
}

/// What the architecture promises of this case's patches. Every mode but the default is named.
std::string note_on_publishing(const StrategyInfo& strategy, const PlannedCell& cell) {
  const PublishMode mode = publish_mode_of(cell.params);
  if (!strategy.patches_code && mode != PublishMode::none) {
    return "patches data: nothing is published";
  }
  return publish_note(strategy.second_view ? AliasKind::second_view : AliasKind::same_address,
                      mode);
}

results::Cell blank_row(const Catalogue& catalogue, const Prepared& prepared,
                        const PlannedCell& cell, bool pinned) {
  results::Cell row;
  row.id = cell.id;
  row.strategy = cell.strategy;
  row.workload = cell.workload;
  row.params = cell.shown;
  if (cell.every > 1) row.every = cell.every;
  if (cell.make == nullptr) {
    row.status = CellStatus::unsupported;
    row.reason = cell.unsupported;
  } else if (!cell.unavailable.empty()) {
    row.status = cell.denied ? CellStatus::denied : CellStatus::unsupported;
    row.reason = cell.unavailable;
  } else if (!is_allowed(prepared, cell)) {
    const Probed* probed = find_probed(prepared.probed, cell.runs);
    row.status = probed->cells;
    row.reason = probed->row.reason;
  }
  if (cell.strategy == kAgain) row.notes.push_back(fmt::format("twin of {}", cell.runs));
  if (!pinned && row.status == CellStatus::ok) row.notes.emplace_back("not pinned to a processor");
  const StrategyEntry* strategy = find_strategy(catalogue, cell.runs);
  if (strategy != nullptr && row.status == CellStatus::ok) {
    if (std::string note = note_on_publishing(strategy->info, cell); !note.empty()) {
      row.notes.push_back(std::move(note));
    }
  }
  return row;
}

/// Of everything that was probed, and of the baseline's twin before the other controls.
std::vector<results::StrategyStatus> strategy_rows(const Catalogue& catalogue,
                                                   const Prepared& prepared) {
  std::vector<results::StrategyStatus> rows;
  for (const Probed& probed : prepared.probed) rows.push_back(probed.row);
  if (!prepared.baseline.empty()) {
    results::StrategyStatus again;
    again.id = kAgain;
    const auto is_control = [&](const results::StrategyStatus& row) {
      return find_strategy(catalogue, row.id)->info.role == StrategyRole::control;
    };
    rows.insert(std::ranges::find_if(rows, is_control), std::move(again));
  }
  return rows;
}

results::Run describe_run(const Options& options, const results::Context& context) {
  results::Run run;
  run.id = fmt::format("{}-{}-{}", as_file_name(context.host.value_or("unknown")), context.arch,
                       utc_now_compact());
  run.started = utc_now();
  run.command = options.command;
  run.preset = options.selection.preset->name;
  run.seed = options.seed;
  run.rounds = options.rounds;
  run.interrupted = true;  // until it has ended: a run that is killed leaves it so
  run.arguments = options.arguments;
  run.program = program_fingerprint();
  run.delta = options.delta;
  return run;
}

}  // namespace

const Probed* find_probed(const std::vector<Probed>& probed, std::string_view id) {
  const auto found =
      std::ranges::find_if(probed, [id](const Probed& one) { return one.row.id == id; });
  return found == probed.end() ? nullptr : &*found;
}

std::optional<Prepared> prepare(const Catalogue& catalogue, const Options& options,
                                const Settings& settings, SignalWatch& signals) {
  require_policy(options.policy);
  auto probed = probe_strategies(catalogue, options, settings.child_timeout, signals);
  if (!probed) return std::nullopt;
  Prepared prepared;
  prepared.probed = std::move(*probed);
  prepared.baseline = choose_baseline(catalogue, prepared.probed, options.baseline);
  prepared.cells = plan_cells(catalogue, options.selection, prepared.baseline);
  for (PlannedCell& cell : prepared.cells) {
    find_unavailable(catalogue, cell);
    const StrategyEntry* strategy = find_strategy(catalogue, cell.runs);
    cell.setup_ms = setup_ms(*find_workload(catalogue, cell.workload), cell.params,
                             strategy != nullptr && strategy->info.toggles_protection);
    if (options.until) {
      cell.every = rounds_apart(catalogue, options.selection, prepared.baseline, cell);
      prepared.rounds_apart = std::max(prepared.rounds_apart, cell.every);
    }
  }
  prepared.arena = find_arena();
  prepared.layouts = find_layouts(settings.layout_marker);
  return prepared;
}

bool is_allowed(const Prepared& prepared, const PlannedCell& cell) {
  if (!cell.unavailable.empty()) return false;
  const Probed* probed = find_probed(prepared.probed, cell.runs);
  return probed == nullptr || probed->cells == CellStatus::ok;
}

bool is_run(const Prepared& prepared, const PlannedCell& cell) {
  return cell.make != nullptr && is_allowed(prepared, cell);
}

std::set<std::string> requested_cells(const Catalogue& catalogue, const Prepared& prepared) {
  std::set<std::string> requested;
  for (const PlannedCell& cell : prepared.cells) {
    const StrategyEntry* entry = find_strategy(catalogue, cell.strategy);
    if (entry != nullptr && entry->info.role == StrategyRole::strategy) requested.insert(cell.id);
  }
  return requested;
}

results::Results blank_results(const Catalogue& catalogue, const Options& options,
                               const Settings& settings, const Prepared& prepared) {
  results::Results results;
  results.context = read_environment(settings.sources, options.cpus);
  if (options.policy) results.context.policy = policy_word(options);
  results.context.zone_options = texts_of(options.zone);
  results.run = describe_run(options, results.context);
  results.run.execute_only = execute_only_metrics(catalogue);
  results.baseline = prepared.baseline;
  results.strategies = strategy_rows(catalogue, prepared);
  describe(results, catalogue, options.selection.workloads);
  for (const PlannedCell& cell : prepared.cells) {
    results.cells.push_back(blank_row(catalogue, prepared, cell, !options.cpus.empty()));
  }
  if (options.cpus.empty()) {
    results.context.warnings.push_back(fmt::format(
        "not pinned: {}: the kernel may move a case between processors, and no processor is kept "
        "for a round; allow sched_setaffinity in the sandbox's profile (systemd: "
        "SystemCallFilter= without ~@resources)",
        why_not_pinned(allowed_cpus().back())));
  }
  if (!prepared.arena) {
    results.context.warnings.emplace_back(
        "no free stretch of addresses for all strategies to share: the kernel places each, and "
        "layout may look like a difference between them");
  }
  if (!prepared.layouts.warning.empty()) {
    results.context.warnings.push_back(prepared.layouts.warning);
  }
  if (options.self_test != SelfTestWanted::no && results.context.emulated) {
    results.context.warnings.emplace_back(
        "--selftest: not run, because an emulator's times mean nothing");
  }
  if (prepared.baseline.empty()) {
    results.context.warnings.emplace_back(
        "this machine allows no strategy: there is no baseline and no ratio");
  }
  return results;
}

}  // namespace patchbench::harness
