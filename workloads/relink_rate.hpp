// workloads/relink_rate.hpp - sends of which a share misses and relinks its site: what a send costs
// against how often a VM's sites change.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "workloads/measured_cell.hpp"
#include "workloads/relink.hpp"
#include "workloads/send/relinking_runs.hpp"
#include "workloads/send/transition_cell.hpp"
#include "workloads/workload.hpp"

namespace patchbench {

/// `send_relinking`: a run of sends of which the share `p` are real misses through the trampoline,
/// which relink their site for its other class (on_miss=relink); ns a send, hits and misses
/// together. Which sites miss, and when, is drawn anew for each run. Where p is 1 there is nothing
/// to draw: every send misses.
///
/// Sites are executed as those of `relink`: one after the other in random order, by a walk in the
/// zone that is the same for all strategies.
template <class Strategy>
class RelinkRateCell : public MeasuredCell<RelinkRateCell<Strategy>> {
 public:
  using Machine = send::SendMachine<typename Strategy::Zone, Strategy::kDispatch>;

  RelinkRateCell(const send::TwoClassSites& sites, double share)
      : machine_(with_walk(sites)),
        runs_(sites, machine_.table(), share),
        values_(send::mic_values(machine_, sites)) {
    send::prelink_first(machine_, sites);
    machine_.seal();
    this->measure(
        "send_relinking", static_cast<double>(runs_.sends()),
        [](RelinkRateCell& cell) { cell.runs_.draw(); },
        [](RelinkRateCell& cell) { cell.execute(); });
  }

  /// Each site hits, and misses in both directions; then runs as they are measured.
  void check() override {
    for (int turn = 0; turn < 2; ++turn) {
      runs_.set_pass(false);
      check_run(0, "sends of linked sites");
      runs_.set_pass(true);
      check_run(machine_.sites(), "sends that all miss");
    }
    for (int turn = 0; turn < 2; ++turn) {
      runs_.draw();
      check_run(runs_.misses(), "sends of which some miss");
    }
  }

  [[nodiscard]] std::vector<SiteCounter> counters() const override {
    return send::code_of_a_site<Machine>(machine_.plan().order);
  }
  [[nodiscard]] MemoryUse memory() const override { return memory_in_arena(machine_.plan().arena); }
  [[nodiscard]] std::optional<std::int64_t> vmas_while_open() override {
    return machine_.vmas_while_open();
  }

  /// For tests.
  [[nodiscard]] const Machine& machine() const noexcept { return machine_; }
  [[nodiscard]] const send::RelinkingRuns& runs() const noexcept { return runs_; }

 private:
  static send::SendPlan with_walk(const send::TwoClassSites& sites) {
    send::SendPlan plan = sites.plan;
    plan.order = send::SiteOrder::standalone;
    plan.on_miss = send::MissPolicy::relink;
    plan.walks = {{.sites = send::random_order(plan.sites.size(), sites.seed), .stretch = 0}};
    return plan;
  }

  std::uint64_t execute() noexcept {
    std::uint64_t sum = 0;
    for (const send::RunSegment& segment : runs_.segments()) {
      sum += machine_.walk(0)(segment.receivers, segment.passes, segment.stride);
    }
    runs_.commit();
    return sink_ = sum;
  }

  /// What the drawn run answers.
  [[nodiscard]] std::uint64_t oracle() const {
    std::uint64_t sum = 0;
    for (const send::RunSegment& segment : runs_.segments()) {
      const auto pass = [&](const send::Oop* receivers) {
        return send::oracle_of_pass(machine_.table(), machine_.plan(),
                                    {receivers, machine_.sites()});
      };
      if (segment.stride == 0) {
        sum += segment.passes * pass(segment.receivers);
        continue;
      }
      for (std::uint64_t i = 0; i < segment.passes; ++i) {
        sum += pass(segment.receivers + i * machine_.sites());
      }
    }
    return sum;
  }

  void check_run(std::uint64_t misses, std::string_view what) {
    const std::uint64_t expected = oracle();
    const std::uint64_t before = machine_.misses();
    send::expect_equal(execute(), expected, what);
    send::expect_equal(machine_.misses() - before, misses, "misses of " + std::string{what});
    send::expect_linked(machine_, what,
                        [this](std::uint32_t site) { return values_[runs_.side(site)][site]; });
  }

  Machine machine_;
  send::RelinkingRuns runs_;
  std::array<std::vector<send::SiteValue>, 2> values_;  // of each class
  std::uint64_t sink_ = 0;
};

struct RelinkRate {
  static constexpr std::string_view kId = "relink-rate";

  static WorkloadInfo info() {
    return {.id = std::string{kId},
            .summary =
                "sends of which a share p misses and relinks its site, from every send to "
                "one in a million",
            .parameters = {{.name = "p",
                            .summary = "share of the sends that miss and relink",
                            .default_value = "0.001",
                            .standard_grid = {"1", "0.1", "0.01", "0.001", "1e-4", "1e-5", "1e-6"},
                            .quick_grid = {"0.01", "1e-4"},
                            .smallest_share = send::kSmallestShare,
                            .choices = {}},
                           patched_sites_parameter({"1024"}, {"1024"}),
                           on_miss_parameter("relink"),
                           work_parameter(),
                           publish_parameter()},
            .metrics = {"send_relinking"},
            .headline = std::vector<Headline>{},
            .small_grid = {{"p", "0.01"}, {"sites", "1024"}}};
  }
  template <class Strategy>
  static constexpr std::string_view unsupported() {
    return send::never_patched<Strategy>();
  }
  template <class Strategy>
  static std::unique_ptr<Instance> make(const CellRequest& request) {
    return std::make_unique<RelinkRateCell<Strategy>>(send::describe_two_class_sites(request),
                                                      share_parameter(request, "p"));
  }
  template <class Strategy>
  static std::vector<CodeSnapshot> dump(const CellRequest& request) {
    return Relink::dump<Strategy>(request);
  }
};

}  // namespace patchbench
