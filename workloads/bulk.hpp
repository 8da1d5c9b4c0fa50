// workloads/bulk.hpp - changes of everything at once: all sites unlinked and linked again, and a
// compaction that moves every method.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "workloads/measured_cell.hpp"
#include "workloads/send/shown_code.hpp"
#include "workloads/send/steady_state.hpp"
#include "workloads/send/transition_cell.hpp"
#include "workloads/workload.hpp"

namespace patchbench {

struct BulkRequest {
  std::uint32_t per_scope = 0;  // changes under one scope; 0: all
  bool publish_each = false;    // otherwise once a scope
};

[[nodiscard]] BulkRequest bulk_request(const CellRequest& request);

/// Sites are MICs. Changes come in layout order, so that a scope is over a range; each metric is ns
/// a site, or of `compact` ns a method, of which there are about as many.
///
/// - `unlink_all`: every site goes to the miss trampoline.
/// - `link_all`: every site that was unlinked is linked again, by the VM and not by misses.
/// - `compact`: every method is copied to the other half of the methods' room, its one relative
///   jump is changed, and every site is sent to the copy.
template <class Strategy>
class BulkCell : public MeasuredCell<BulkCell<Strategy>> {
 public:
  using Machine = send::SendMachine<typename Strategy::Zone, Strategy::kDispatch>;

  BulkCell(const send::TwoClassSites& sites, const BulkRequest& request)
      : machine_(with_spare_methods(sites.plan)),
        classes_(sites.first),
        publish_each_(request.publish_each),
        per_scope_(request.per_scope == 0 ? UINT32_MAX : request.per_scope),
        random_(sites.seed),
        receivers_(machine_.table(), sites.plan.arena, random_),
        oops_(send::one_receiver_each(receivers_, classes_, random_)),
        stream_(oops_, sites.plan.arena) {
    send::prelink_first(machine_, sites);
    const auto each = static_cast<double>(machine_.sites());
    this->measure(
        "unlink_all", each, [](BulkCell& cell) { cell.execute_linked(); },
        [](BulkCell& cell) { cell.unlink_all(); });
    this->measure(
        "link_all", each, [](BulkCell& cell) { cell.execute_unlinked(); },
        [](BulkCell& cell) { cell.link_all(); });
    this->measure(
        "compact", machine_.table().methods(), [](BulkCell& cell) { cell.execute_linked(); },
        [](BulkCell& cell) { cell.compact(); });
  }

  void check() override {
    const std::uint64_t expected = send::oracle_of_pass(machine_.table(), machine_.plan(), oops_);
    for (int turn = 0; turn < 3; ++turn) {  // both halves of the room, and back
      unlink_all();
      expect_all(send::SiteState::unlinked, "unlinking");
      link_all();
      check_linked("linking", expected);
      compact();
      check_linked("a compaction", expected);
    }
    // Every site misses after it was unlinked: none was left linked.
    unlink_all();
    const std::uint64_t before = machine_.misses();
    send::expect_equal(execute(), expected, "sends of unlinked sites");
    send::expect_equal(machine_.misses() - before, machine_.sites(), "misses of unlinked sites");
  }

  [[nodiscard]] std::vector<SiteCounter> counters() const override {
    return send::code_of_a_site<Machine>(machine_.plan().order);
  }
  [[nodiscard]] MemoryUse memory() const override { return memory_in_arena(machine_.plan().arena); }
  [[nodiscard]] std::optional<std::int64_t> vmas_while_open() override {
    return machine_.vmas_while_open();
  }

 private:
  static send::SendPlan with_spare_methods(send::SendPlan plan) {
    plan.spare_methods = true;
    return plan;
  }

  std::uint64_t execute() noexcept { return sink_ = machine_.driver()(stream_.data(), 1, 0); }
  /// All sites have been executed since they were last changed.
  void execute_linked() noexcept {
    link_all();
    execute();
  }
  /// Likewise; sites that miss are linked by that.
  void execute_unlinked() noexcept {
    execute_linked();
    unlink_all();
  }

  /// `change(first, count)` over the numbers below `total`, a scope's worth at a time.
  template <class Change>
  void for_each_scope(std::uint32_t total, Change change) noexcept {
    for (std::uint32_t first = 0; first < total;) {
      const std::uint32_t count = std::min(per_scope_, total - first);
      change(first, count);
      first += count;
    }
  }
  /// `change(site)` leaves the barrier to whoever publishes.
  template <class Change>
  void change_sites(Change change) noexcept {
    for_each_scope(machine_.sites(), [&](std::uint32_t first, std::uint32_t count) {
      [[maybe_unused]] const auto scope = machine_.scope_over(first, count);
      for (std::uint32_t site = first; site < first + count; ++site) {
        change(site);
        if (publish_each_) machine_.publish_scope(site);
      }
      if (!publish_each_) machine_.publish_scope(first + count - 1);
    });
  }

  void unlink_all() noexcept {
    change_sites([this](std::uint32_t site) { machine_.unlink_unpublished(site); });
  }
  /// Whatever is linked stays as it is.
  void link_all() noexcept {
    change_sites([this](std::uint32_t site) {
      if (machine_.state(site) != send::SiteState::unlinked) return;
      machine_.relink_unpublished(site, machine_.unlinked_value(site),
                                  machine_.mic_value(site, classes_[site]));
    });
  }
  void compact() noexcept {
    for_each_scope(machine_.table().methods(), [this](std::uint32_t first, std::uint32_t count) {
      machine_.copy_methods(first, count, publish_each_);
    });
    change_sites([this](std::uint32_t site) {
      const ExecAddress old = machine_.read_site(site).target;
      machine_.retarget_unpublished(site, old,
                                    machine_.next_mic_target(machine_.code().method_at(old)));
    });
    machine_.finish_compaction();
  }

  void expect_all(send::SiteState state, std::string_view what) const {
    for (std::uint32_t site = 0; site < machine_.sites(); ++site) {
      if (machine_.state(site) != state) {
        throw WrongResult("site " + std::to_string(site) + " is " +
                          send::name_of_state(machine_, site) + " after " + std::string{what});
      }
    }
  }
  /// Each site calls its method where that is now, and not where it was.
  void check_linked(std::string_view what, std::uint64_t expected) {
    send::expect_linked(machine_, what, [this](std::uint32_t site) {
      return machine_.mic_value(site, classes_[site]);
    });
    const std::uint64_t before = machine_.misses();
    send::expect_equal(execute(), expected, std::string{"sends after "} + std::string{what});
    send::expect_equal(machine_.misses(), before, "misses of linked sites");
  }

  Machine machine_;
  std::vector<std::uint32_t> classes_;  // of each site
  bool publish_each_;
  std::uint32_t per_scope_;
  SeededRandom random_;
  send::Receivers receivers_;
  std::vector<send::Oop> oops_;
  send::ReceiverStream stream_;
  std::uint64_t sink_ = 0;
};

struct Bulk {
  static constexpr std::string_view kId = "bulk";

  static WorkloadInfo info();
  template <class Strategy>
  static constexpr std::string_view unsupported() {
    return send::unless_code_is_patched<Strategy>(
        "its code stays where it is: a compaction would write to code that was sealed");
  }
  template <class Strategy>
  static std::unique_ptr<Instance> make(const CellRequest& request) {
    return std::make_unique<BulkCell<Strategy>>(send::describe_two_class_sites(request),
                                                bulk_request(request));
  }
};

}  // namespace patchbench
