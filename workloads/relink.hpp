// workloads/relink.hpp - MICs that are rewritten for another class: the price of one patch.
#pragma once

#include <algorithm>
#include <memory>
#include <numeric>
#include <string_view>
#include <vector>

#include "workloads/send/transition_cell.hpp"
#include "workloads/workload.hpp"

namespace patchbench {

/// Sites alternate between two classes; each run takes all of them, in random order, from one to
/// the other.
///
/// - `patch`: begin, three stores, publish, end, on sites executed since their last patch.
/// - `patch_execute`: a patch, then one send through that site. (With batch=N: N patches under one
/// scope, then N sends.)
/// - `miss`: a send to a site linked for the other class: a real miss that relinks it
/// (on_miss=relink).
/// - `execute`: the same loop with the same sends and no patch: how much of the two before is not
/// patching.
///
/// Sites are executed one at a time through a call stub, by an indirect call, in random order. What
/// a store into code costs depends on where the line is: 64 sites and their methods (6 KiB) stay in
/// a first-level instruction cache, the 32 KiB of 1,024 sites and their methods do not.
template <class Strategy>
class RelinkCell : public Instance {
 public:
  using Machine = send::SendMachine<typename Strategy::Zone, Strategy::kDispatch>;

  RelinkCell(const send::TwoClassSites& sites, std::uint32_t batch)
      : machine_(with_relinking(sites.plan)),
        random_(sites.seed),
        receivers_(machine_.table(), sites.plan.arena, random_),
        oops_{send::one_receiver_each(receivers_, sites.first, random_),
              send::one_receiver_each(receivers_, sites.second, random_)},
        stream_(both(), sites.plan.arena),
        order_(machine_.sites()),
        batch_(batch) {
    std::iota(order_.begin(), order_.end(), 0U);
    random_.shuffle(order_);
    for (std::uint32_t i = 0; i < machine_.sites(); ++i) {
      values_[0].push_back(machine_.mic_value(i, sites.first[i]));
      values_[1].push_back(machine_.mic_value(i, sites.second[i]));
    }
    std::vector<std::vector<std::uint32_t>> linked_for;
    linked_for.reserve(sites.first.size());
    for (const std::uint32_t class_index : sites.first) {
      linked_for.push_back({class_index});
    }
    machine_.prelink(linked_for);
    machine_.seal();
    add(
        "patch", [](void* self) { cell(self).execute_all(); },
        [](void* self) noexcept { cell(self).patch_all(); });
    add("patch_execute", nullptr, [](void* self) noexcept { cell(self).patch_and_execute_all(); });
    add("miss", nullptr, [](void* self) noexcept { cell(self).miss_all(); });
    add("execute", nullptr, [](void* self) noexcept { cell(self).execute_all(); });
  }

  void check() override {
    for (int turn = 0; turn < 4; ++turn) {
      check_linked("sends of linked sites");
      patch_all();
      check_linked("sends of patched sites");
      const std::uint64_t executed = patch_and_execute_all();
      send::expect_equal(executed, oracle(), "sends right after each patch");
      const std::uint64_t before = machine_.misses();
      const std::uint64_t missed = miss_all();
      send::expect_equal(missed, oracle(), "sends that miss");
      send::expect_equal(machine_.misses() - before, machine_.sites(), "misses");
    }
  }

  [[nodiscard]] std::span<const Measurement> measurements() const override { return measurements_; }
  [[nodiscard]] std::vector<SiteCounter> counters() const override {
    return send::bytes_per_site<Machine>();
  }
  [[nodiscard]] MemoryUse memory() const override { return memory_in_arena(machine_.plan().arena); }
  [[nodiscard]] std::optional<std::int64_t> vmas_while_open() override {
    return machine_.vmas_while_open();
  }

 private:
  static RelinkCell& cell(void* self) noexcept { return *static_cast<RelinkCell*>(self); }

  static send::SendPlan with_relinking(send::SendPlan plan) {
    plan.order = send::SiteOrder::standalone;
    plan.on_miss = send::MissPolicy::relink;
    return plan;
  }

  [[nodiscard]] std::vector<send::Oop> both() const {
    std::vector<send::Oop> oops = oops_[0];
    oops.insert(oops.end(), oops_[1].begin(), oops_[1].end());
    return oops;
  }

  void add(const char* metric, void (*prepare)(void*), void (*run)(void*) noexcept) {
    measurements_.push_back({.metric = metric,
                             .operations = static_cast<double>(machine_.sites()),
                             .self = this,
                             .prepare = prepare,
                             .run = run});
  }

  /// All sites are linked for class `linked_` (0 or 1) whenever one of the functions below begins
  /// or ends.
  [[nodiscard]] std::uint64_t oracle() const {
    return send::oracle_of_pass(machine_.table(), machine_.plan(), oops_[linked_]);
  }
  void check_linked(std::string_view what) {
    const std::uint64_t before = machine_.misses();
    send::expect_equal(execute_all(), oracle(), what);
    send::expect_equal(machine_.misses(), before, "misses of linked sites");
  }

  [[nodiscard]] const send::Oop* receivers_for(unsigned state) const noexcept {
    return stream_.data() + state * machine_.sites();
  }
  std::uint64_t execute(std::uint32_t site, const send::Oop* receivers) noexcept {
    return machine_.call_site()(receivers, machine_.site(site).value());
  }

  std::uint64_t execute_all() noexcept {
    std::uint64_t sum = 0;
    for (const std::uint32_t site : order_) {
      sum += execute(site, receivers_for(linked_));
    }
    return sink_ = sum;
  }

  void patch(std::uint32_t site) noexcept {
    machine_.relink(site, values_[linked_][site], values_[1 - linked_][site]);
  }
  /// Patches order_[begin, end) under one scope.
  void patch_batch(std::size_t begin, std::size_t end) noexcept {
    [[maybe_unused]] const auto scope = machine_.scope_over_sites();
    for (std::size_t i = begin; i < end; ++i) {
      const std::uint32_t site = order_[i];
      machine_.relink_in_scope(site, values_[linked_][site], values_[1 - linked_][site]);
    }
  }

  void patch_all() noexcept {
    if (batch_ == 1) {
      for (const std::uint32_t site : order_) {
        patch(site);
      }
    } else {
      for (std::size_t i = 0; i < order_.size(); i += batch_) {
        patch_batch(i, std::min<std::size_t>(i + batch_, order_.size()));
      }
    }
    linked_ = 1 - linked_;
  }

  std::uint64_t patch_and_execute_all() noexcept {
    const send::Oop* receivers = receivers_for(1 - linked_);
    std::uint64_t sum = 0;
    if (batch_ == 1) {
      for (const std::uint32_t site : order_) {
        patch(site);
        sum += execute(site, receivers);
      }
    } else {
      for (std::size_t i = 0; i < order_.size(); i += batch_) {
        const std::size_t end = std::min<std::size_t>(i + batch_, order_.size());
        patch_batch(i, end);
        for (std::size_t k = i; k < end; ++k) {
          sum += execute(order_[k], receivers);
        }
      }
    }
    linked_ = 1 - linked_;
    return sink_ = sum;
  }

  std::uint64_t miss_all() noexcept {
    const send::Oop* receivers = receivers_for(1 - linked_);
    std::uint64_t sum = 0;
    for (const std::uint32_t site : order_) {
      sum += execute(site, receivers);
    }
    linked_ = 1 - linked_;
    return sink_ = sum;
  }

  Machine machine_;
  SeededRandom random_;
  send::Receivers receivers_;
  std::vector<send::Oop> oops_[2];
  send::ReceiverStream stream_;
  std::vector<send::SiteValue> values_[2];
  std::vector<std::uint32_t> order_;
  std::size_t batch_;
  unsigned linked_ = 0;
  std::vector<Measurement> measurements_;
  std::uint64_t sink_ = 0;
};

struct Relink {
  static constexpr std::string_view kId = "relink";

  static WorkloadInfo info() {
    return {.id = std::string{kId},
            .summary =
                "MICs rewritten for another class: one patch, patch and send, and a relinking miss",
            .parameters = {sites_parameter({"64", "1024"}, {"64", "1024"}),
                           on_miss_parameter("relink"),
                           {.name = "batch",
                            .summary = "patches under one scope",
                            .default_value = "1",
                            .standard_grid = {"1", "16", "256"},
                            .quick_grid = {"1"},
                            .min = 1,
                            .max = 1 << 20,
                            .choices = {}},
                           work_parameter(),
                           publish_parameter()},
            .metrics = {"patch", "patch_execute", "miss", "execute"}};
  }
  template <class Strategy>
  static constexpr std::string_view unsupported() {
    return send::never_patched<Strategy>();
  }
  template <class Strategy>
  static std::unique_ptr<Instance> make(const CellRequest& request) {
    return std::make_unique<RelinkCell<Strategy>>(send::describe_two_class_sites(request),
                                                  count_parameter(request, "batch"));
  }
  template <class Strategy>
  static std::vector<CodeSnapshot> dump(const CellRequest& request) {
    send::TwoClassSites sites = send::describe_two_class_sites(request);
    sites.plan.order = send::SiteOrder::standalone;
    sites.plan.on_miss = send::MissPolicy::relink;
    std::vector<std::vector<std::uint32_t>> classes(sites.first.size());
    classes.front() = {sites.first.front(), sites.second.front()};
    return send::snapshots_of_life<Strategy>(sites.plan, classes);
  }
};

}  // namespace patchbench
