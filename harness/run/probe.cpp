#include "harness/run/probe.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "harness/base/usage_error.hpp"
#include "harness/process/launch.hpp"

namespace patchbench::harness {
namespace {

using results::Availability;
using results::CellStatus;

ChildTask probe_task(const StrategyEntry& strategy) {
  ChildTask task;
  task.cell = fmt::format("probe/{}", strategy.info.id);
  task.strategy = strategy.info.id;
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

}  // namespace

std::optional<std::vector<Probed>> probe_strategies(const Catalogue& catalogue,
                                                    std::chrono::milliseconds timeout,
                                                    SignalWatch& signals) {
  std::vector<Probed> probed;
  for (const StrategyEntry& strategy : catalogue.strategies) {
    auto entry = run_child(probe_task(strategy), timeout, signals);
    if (!entry) {
      return std::nullopt;
    }
    probed.push_back(to_probed(strategy, std::move(*entry)));
  }
  return probed;
}

const Probed* find_probed(const std::vector<Probed>& probed, std::string_view id) {
  const auto found =
      std::ranges::find_if(probed, [id](const Probed& one) { return one.row.id == id; });
  return found == probed.end() ? nullptr : &*found;
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

}  // namespace patchbench::harness
