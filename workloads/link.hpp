// workloads/link.hpp - a VM's warm-up: sites go from unlinked to linked, by real misses through the
// trampoline.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "workloads/measured_cell.hpp"
#include "workloads/send/transition_cell.hpp"
#include "workloads/workload.hpp"

namespace patchbench {

/// - `link`: one pass in which every site is unlinked and becomes a MIC; the method cache begins
///   empty.
/// - `miss`: the next pass, every site with another class: its MIC misses and becomes a closed PIC
///   (on_miss=grow).
/// - `bulk_patch`: unlinking all sites at once, as when a class changes.
///
/// All per site.
template <class Strategy>
class LinkCell : public MeasuredCell<LinkCell<Strategy>> {
 public:
  using Machine = send::SendMachine<typename Strategy::Zone, Strategy::kDispatch>;

  explicit LinkCell(const send::TwoClassSites& sites)
      : machine_(with_pics(sites.plan)),
        random_(sites.seed),
        receivers_(machine_.table(), sites.plan.arena, random_),
        first_(send::one_receiver_each(receivers_, sites.first, random_)),
        second_(send::one_receiver_each(receivers_, sites.second, random_)),
        stream_(both(), sites.plan.arena) {
    machine_.seal();
    const auto each = static_cast<double>(machine_.sites());
    this->measure(
        "link", each, [](LinkCell& cell) { cell.unlink(); },
        [](LinkCell& cell) { cell.send_first(); });
    this->measure(
        "miss", each,
        [](LinkCell& cell) {
          cell.unlink();
          cell.send_first();
        },
        [](LinkCell& cell) { cell.send_second(); });
    this->measure(
        "bulk_patch", each, [](LinkCell& cell) { cell.send_first(); },
        [](LinkCell& cell) { cell.machine_.unlink_all(); });
  }

  void check() override {
    const std::uint64_t sites = machine_.sites();
    const std::uint64_t expected_first =
        send::oracle_of_pass(machine_.table(), machine_.plan(), first_);
    const std::uint64_t expected_second =
        send::oracle_of_pass(machine_.table(), machine_.plan(), second_);
    for (int life = 0; life < 2; ++life) {
      unlink();
      const std::uint64_t before = machine_.misses();
      send::expect_equal(send_first(), expected_first, "the first sends of unlinked sites");
      send::expect_equal(machine_.misses() - before, sites, "misses of unlinked sites");
      send::expect_equal(send_first(), expected_first, "sends of linked sites");
      send::expect_equal(send_second(), expected_second, "sends of the second class");
      send::expect_equal(machine_.misses() - before, 2 * sites, "misses after the second class");
      send::expect_equal(send_first() + send_second(), expected_first + expected_second,
                         "sends through closed PICs");
      send::expect_equal(machine_.misses() - before, 2 * sites,
                         "misses once both classes are known");
    }
  }

  [[nodiscard]] std::vector<SiteCounter> counters() const override {
    return send::code_of_a_site<Machine>(machine_.plan().order);
  }
  [[nodiscard]] MemoryUse memory() const override { return memory_in_arena(machine_.plan().arena); }
  [[nodiscard]] std::optional<std::int64_t> vmas_while_open() override {
    return machine_.vmas_while_open();
  }

 private:
  static send::SendPlan with_pics(send::SendPlan plan) {
    plan.closed_pics = true;
    plan.on_miss = send::MissPolicy::grow;
    return plan;
  }

  [[nodiscard]] std::vector<send::Oop> both() const {
    std::vector<send::Oop> oops = first_;
    oops.insert(oops.end(), second_.begin(), second_.end());
    return oops;
  }

  void unlink() noexcept {
    machine_.unlink_all();
    machine_.clear_method_cache();
  }
  std::uint64_t send_first() noexcept { return sink_ = machine_.driver()(stream_.data(), 1, 0); }
  std::uint64_t send_second() noexcept {
    return sink_ = machine_.driver()(stream_.data() + machine_.sites(), 1, 0);
  }

  Machine machine_;
  SeededRandom random_;
  send::Receivers receivers_;
  std::vector<send::Oop> first_;
  std::vector<send::Oop> second_;
  send::ReceiverStream stream_;
  std::uint64_t sink_ = 0;
};

struct Link {
  static constexpr std::string_view kId = "link";

  static WorkloadInfo info() {
    return {
        .id = std::string{kId},
        .summary = "warm-up by real misses: unlinked to MIC, MIC to closed PIC, and unlinking all",
        .parameters = {patched_sites_parameter({"1024"}, {"1024"}), on_miss_parameter("grow"),
                       work_parameter(), publish_parameter()},
        .metrics = {"link", "miss", "bulk_patch"},
        .headline = {{{"link", {{"sites", 1024}}}}}};
  }
  template <class Strategy>
  static constexpr std::string_view unsupported() {
    return send::never_patched<Strategy>();
  }
  template <class Strategy>
  static std::unique_ptr<Instance> make(const CellRequest& request) {
    return std::make_unique<LinkCell<Strategy>>(send::describe_two_class_sites(request));
  }
  template <class Strategy>
  static std::vector<CodeSnapshot> dump(const CellRequest& request) {
    send::TwoClassSites sites = send::describe_two_class_sites(request);
    sites.plan.closed_pics = true;
    std::vector<std::vector<std::uint32_t>> classes;
    for (std::size_t i = 0; i < sites.first.size(); ++i) {
      classes.push_back({sites.first[i], sites.second[i]});
    }
    return send::snapshots_of_life<Strategy>(sites.plan, classes);
  }
};

}  // namespace patchbench
