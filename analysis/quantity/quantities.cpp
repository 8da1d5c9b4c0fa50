#include "analysis/quantity/quantities.hpp"

#include <array>

#include "analysis/quantity/comparable.hpp"
#include "analysis/quantity/selection.hpp"
#include "analysis/render/palette.hpp"

namespace patchbench::analysis {
namespace {

using results::Cell;
using results::Counter;
using results::Memory;
using results::Results;

struct MemoryMember {
  const char* name;
  std::optional<std::int64_t> Memory::*amount;
};
constexpr std::array kMemoryMembers = {
    MemoryMember{"vmas", &Memory::vmas},
    MemoryMember{"vmas_open", &Memory::vmas_open},
    MemoryMember{"process_vmas_before", &Memory::process_vmas_before},
    MemoryMember{"process_vmas_during", &Memory::process_vmas_during},
    MemoryMember{"process_vmas_after", &Memory::process_vmas_after},
    MemoryMember{"mapped_kib", &Memory::mapped_kib},
    MemoryMember{"rss_kib", &Memory::rss_kib},
    MemoryMember{"pss_kib", &Memory::pss_kib},
    MemoryMember{"anon_kib", &Memory::anon_kib},
    MemoryMember{"page_kib", &Memory::page_kib},
    MemoryMember{"huge_kib", &Memory::huge_kib}};

/// Whether it counts what happened, unlike the bytes of a site or the cost of the harness.
bool is_event(const Counter& counter) {
  if (counter.source == "hardware" || counter.source == "tracepoint") return true;
  if (counter.source == results::kSimulated) return true;
  // The harness' own facts are of source software too, and are never missing.
  return counter.source == "software" &&
         (!counter.set.empty() || counter.time_enabled || !counter.value);
}

bool less(const Quantity* left, const Key& right) { return static_cast<const Key&>(*left) < right; }

}  // namespace

bool is_ok(const Cell* cell) { return cell != nullptr && cell->status == results::CellStatus::ok; }

Quantities::Quantities(const Results& results) : results_(&results) {
  for (const auto& status : results.strategies) {
    statuses_.emplace(status.id, &status);
    add_once(strategies_, status.id);
  }
  for (const Cell& cell : results.cells) {
    starts_.push_back(all_.size());
    add(cell);
    add_once(strategies_, cell.strategy);
  }
  starts_.push_back(all_.size());
  std::stable_partition(strategies_.begin(), strategies_.end(),
                        [this](const std::string& id) { return !is_control(id); });
  for (const Quantity& one : all_) index_.push_back(&one);
  std::ranges::stable_sort(
      index_, [](const Quantity* left, const Quantity* right) { return less(left, *right); });
}

void Quantities::add(const Cell& cell) {
  const auto put = [&](std::string_view set, std::string name) -> Quantity& {
    const Key key{cell.workload, cell.params, {}, {}, cell.strategy, set, std::move(name), {}};
    all_.push_back({key, {}, &cell});
    return all_.back();
  };
  put(kCells, "");
  for (const results::Metric& metric : cell.metrics) {
    Quantity& one = put(kTimes, metric.name);
    one.metric = &metric;
    one.ratio = find_ratio(cell, metric.name);
    if (is_ok(&cell)) one.value = metric.median;
  }
  for (const Counter& counter : cell.counters) {
    if (!times_mean_something(results_->context) && counter.name.ends_with("-ns")) continue;
    Quantity& one = put(set_of(counter), counter.name);
    one.per = counter.per;
    one.beside = counter.beside;
    one.scope = counter.scope;
    one.counter = &counter;
    one.value = counter.value;
  }
  for (const MemoryMember& member : kMemoryMembers) {
    const auto& amount = cell.memory.*member.amount;
    if (amount) put(kMemory, member.name).value = static_cast<double>(*amount);
  }
}

std::span<const Quantity> Quantities::of(const Cell& cell) const {
  const auto at = static_cast<std::size_t>(&cell - results_->cells.data());
  return all().subspan(starts_[at], starts_[at + 1] - starts_[at]);
}

const Quantity* Quantities::find(const Key& key) const {
  const auto found = std::lower_bound(index_.begin(), index_.end(), key, less);
  return found != index_.end() && static_cast<const Key&>(**found) == key ? *found : nullptr;
}

Quantity Quantities::at(Key key) const {
  const Quantity* found = find(key);
  if (found != nullptr) return *found;
  const Cell* its = cell(key, key.strategy);
  return {std::move(key), {}, its};
}

Quantity Quantities::time(const Key& operation, std::string strategy,
                          std::string_view metric) const {
  return at({operation.workload,
             operation.params,
             {},
             {},
             std::move(strategy),
             kTimes,
             std::string(metric),
             {}});
}

const Cell* Quantities::cell(const Key& operation, std::string strategy) const {
  const Quantity* found =
      find({operation.workload, operation.params, {}, {}, std::move(strategy), kCells, {}, {}});
  return found == nullptr ? nullptr : found->cell;
}

const results::StrategyStatus* Quantities::status(std::string_view strategy) const {
  const auto found = statuses_.find(strategy);
  return found == statuses_.end() ? nullptr : found->second;
}

bool Quantities::is_control(std::string_view strategy) const {
  const auto* row = status(strategy);
  return row != nullptr && row->role ? *row->role == results::Role::control
                                     : appearance(strategy).control;
}

Key operation_of(const Key& key) { return {key.workload, key.params, key.per, key.beside}; }

std::vector<results::Params> param_sets(const Quantities& run, std::string_view workload) {
  return distinct(
      run, [&](const Quantity& one) { return one.set == kCells && one.workload == workload; },
      [](const Quantity& one) { return one.params; });
}

std::vector<std::string> workloads(const Quantities& run) {
  return distinct(
      run, [](const Quantity& one) { return one.set == kCells; },
      [](const Quantity& one) { return one.workload; });
}

std::string why_missing(const Quantities& run, std::string_view strategy, const Cell* cell) {
  const auto* status = run.status(strategy);
  if (status != nullptr && status->status != results::Availability::available) {
    if (!status->reason.empty()) return status->reason;
    return std::string(to_string(status->status));
  }
  if (cell == nullptr) return "not part of this run";
  if (is_ok(cell)) return "not measured";
  const std::string word(to_string(cell->status));
  return cell->reason.empty() ? word : word + ": " + cell->reason;
}

std::string why(const Quantities& run, const Quantity& one) {
  const bool counted = std::ranges::find(kEventSets, one.set) != kEventSets.end();
  if (!counted || !is_ok(one.cell)) return why_missing(run, one.strategy, one.cell);
  if (one.counter != nullptr) return why_not_counted(*one.counter);
  const Counter* other = nullptr;
  for (const Quantity& each : run.of(*one.cell)) {
    const bool same =
        each.set == one.set && each.per == one.per && each.beside == one.beside && !each.value;
    if (same && (other == nullptr || each.name == one.name)) other = each.counter;
  }
  return other == nullptr ? "not counted" : why_not_counted(*other);
}

std::string why_not_counted(const Counter& counter) {
  if (!counter.reason.empty()) return counter.reason;
  return counter.status.empty() || counter.status == "ok" ? "no value" : counter.status;
}

std::string_view set_of(const Counter& counter) {
  if (!is_event(counter)) return kFacts;
  // One that is known, whatever a file says: ids become names of files.
  const std::string_view id =
      counter.source == results::kSimulated ? results::kSimulated : std::string_view(counter.set);
  const auto* const known = std::ranges::find(kEventSets, id);
  return known == kEventSets.end() ? "events" : *known;
}

bool is_multiplexed(const Counter& counter) {
  return counter.status == "multiplexed" || (counter.time_enabled && counter.time_running &&
                                             *counter.time_running < *counter.time_enabled);
}

}  // namespace patchbench::analysis
