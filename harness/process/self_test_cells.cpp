#include "harness/process/self_test_cells.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <vector>

#include <fmt/format.h>

#include "harness/base/clock.hpp"
#include "harness/process/known_chains.hpp"

namespace patchbench::harness {
namespace {

/// What they have in common: one measurement, and nothing that could be counted.
class SelfTestCell : public Instance {
 public:
  [[nodiscard]] std::span<const Measurement> measurements() const override {
    return {&measurement_, 1};
  }
  [[nodiscard]] std::vector<SiteCounter> counters() const override { return {}; }
  [[nodiscard]] MemoryUse memory() const override { return {}; }

 protected:
  SelfTestCell(std::string_view metric, void (*run)(void*) noexcept) {
    measurement_.metric = metric;
    measurement_.self = this;
    measurement_.run = run;
  }

 private:
  Measurement measurement_;
};

std::uint64_t power(std::uint64_t factor, int steps) {
  std::uint64_t product = 1;
  for (int step = 0; step < steps; ++step) product *= factor;
  return product;
}

/// Each call takes the last one's answer, so that no call begins before the one before has ended.
template <Chain kChain, int kSteps>
class ChainCell : public SelfTestCell {
 public:
  explicit ChainCell(const CellRequest& request)
      : SelfTestCell(kChainMetric, &run), value_(request.seed | 1U) {}

  /// The answer tells how many multiplications there were.
  void check() override {
    const std::uint64_t expected = value_ * power(kFactor, kSteps);
    const std::uint64_t found = kChain(value_, kFactor);
    if (found != expected) {
      throw WrongResult(fmt::format("a chain of {} multiplications of {} by {} answered {}, not {}",
                                    kSteps, value_, kFactor, found, expected));
    }
  }

  static std::unique_ptr<Instance> make(const CellRequest& request) {
    return std::make_unique<ChainCell>(request);
  }

 private:
  static constexpr std::uint64_t kFactor = 3;

  static void run(void* self) noexcept {
    auto& cell = static_cast<ChainCell&>(*static_cast<SelfTestCell*>(self));
    cell.value_ = kChain(cell.value_, kFactor);
  }

  std::uint64_t value_;
};

/// The smallest time above 0 between two readings: what the clock can tell apart, or what reading
/// it costs, whichever is more.
double smallest_step_ns() {
  constexpr int kReadings = 10'000;
  std::int64_t smallest = std::numeric_limits<std::int64_t>::max();
  std::int64_t before = now_ns();
  for (int reading = 0; reading < kReadings; ++reading) {
    const std::int64_t now = now_ns();
    if (now > before) smallest = std::min(smallest, now - before);
    before = now;
  }
  return static_cast<double>(smallest);
}

class EmptyCell : public SelfTestCell {
 public:
  EmptyCell() : SelfTestCell(kEmptyMetric, [](void*) noexcept {}) {}

  void check() override {}
  [[nodiscard]] std::vector<SiteCounter> counters() const override {
    return {{.name = std::string(kClockStep), .per = "site", .value = smallest_step_ns()}};
  }
  static std::unique_ptr<Instance> make(const CellRequest& /*request*/) {
    return std::make_unique<EmptyCell>();
  }
};

constexpr std::array kCells = {
    CellFactory{kChainCell, kSelfTestWorkload, &ChainCell<&chain, kChainSteps>::make, nullptr, {}},
    CellFactory{
        kKnown0, kSelfTestWorkload, &ChainCell<&other_chain, kChainSteps>::make, nullptr, {}},
    CellFactory{
        kKnown3, kSelfTestWorkload, &ChainCell<&longer_chain, kLongerSteps>::make, nullptr, {}},
    CellFactory{kEmptyCell, kSelfTestWorkload, &EmptyCell::make, nullptr, {}},
};

std::vector<StrategyEntry> make_strategies() {
  std::vector<StrategyEntry> strategies;
  for (const CellFactory& cell : kCells) {
    StrategyEntry entry;
    entry.info.id = cell.strategy;
    strategies.push_back(entry);
  }
  return strategies;
}

WorkloadInfo make_workload() {
  WorkloadInfo info;
  info.id = kSelfTestWorkload;
  info.metrics = {std::string(kChainMetric)};
  return info;
}

const CellFactory* find_self_test_cell(std::string_view strategy, std::string_view workload) {
  const auto found = std::ranges::find_if(kCells, [&](const CellFactory& cell) {
    return cell.strategy == strategy && cell.workload == workload;
  });
  return found == kCells.end() ? nullptr : &*found;
}

}  // namespace

Catalogue self_test_catalogue() {
  static const std::vector<StrategyEntry> strategies = make_strategies();
  static const std::vector<WorkloadInfo> workloads = {make_workload()};
  return {.strategies = strategies, .workloads = workloads, .find_cell = &find_self_test_cell};
}

}  // namespace patchbench::harness
