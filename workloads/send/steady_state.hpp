// workloads/send/steady_state.hpp - measuring sends at sites that are linked and stay so.
//
// A workload describes the sites, the classes each has met, and the receivers to come; the case is
// the same for all of them: prelink, seal, check against the oracle, then run the driver.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "workloads/arena_map.hpp"
#include "workloads/measured_cell.hpp"
#include "workloads/send/receivers.hpp"
#include "workloads/send/send_machine.hpp"
#include "workloads/send/shown_code.hpp"
#include "workloads/workload.hpp"

namespace patchbench::send {

struct SteadyState {
  SendPlan plan;
  /// For each site the classes it is linked for, in the order in which it meets them.
  std::vector<std::vector<std::uint32_t>> classes_of_site;
  /// Receivers of one run, by class: pass p, site i reads index p * receivers_per_pass +
  /// slot_of(i).
  std::vector<std::uint32_t> class_stream;
  std::uint64_t passes = 1;
  std::uint64_t receivers_per_pass = 0;  // 0: every pass reads the same receivers
  /// The frame of a monomorphic driver; otherwise any object of the class.
  bool one_receiver_per_class = false;
  std::uint64_t seed = 1;
};

/// Sites that met more classes than a closed PIC holds: they send through their selector's open
/// PIC, and only these read the method cache.
[[nodiscard]] inline std::uint64_t megamorphic_sites(const SteadyState& state) {
  return static_cast<std::uint64_t>(std::ranges::count_if(
      state.classes_of_site, [](const auto& classes) { return classes.size() > kMaxPicCases; }));
}

[[nodiscard]] inline std::uint64_t slot_of(const SendPlan& plan, std::size_t site) {
  return static_cast<std::uint64_t>(plan.sites[site].receiver_offset) / sizeof(Oop);
}

/// What a site executes of its own, without the methods and PICs behind it, and what it occupies:
/// the live bytes of its code, the distance to the next site, and its cell.
template <class Machine>
[[nodiscard]] std::vector<SiteCounter> code_of_a_site(SiteOrder order) {
  return {{.name = "send-instructions", .per = "site", .value = Machine::site_instructions(order)},
          {.name = "send-code-bytes", .per = "site", .value = Machine::kSiteCodeBytes},
          {.name = "site-stride-bytes", .per = "site", .value = Machine::kSiteStrideBytes},
          {.name = "cell-bytes", .per = "site", .value = Machine::kCellBytes}};
}

template <class Strategy>
class SteadyStateCell : public MeasuredCell<SteadyStateCell<Strategy>> {
 public:
  using Machine = SendMachine<typename Strategy::Zone, Strategy::kDispatch>;

  explicit SteadyStateCell(const SteadyState& state)
      : machine_(state.plan),
        random_(state.seed),
        receivers_(machine_.table(), state.plan.arena, random_),
        oops_(receivers_of(state)),
        stream_(oops_, state.plan.arena),
        passes_(state.passes),
        stride_(static_cast<std::int64_t>(state.receivers_per_pass * sizeof(Oop))),
        open_sends_per_run_(state.passes * megamorphic_sites(state)) {
    machine_.prelink(state.classes_of_site);
    machine_.seal();
    this->measure("send", static_cast<double>(sends_per_run()), kUnprepared,
                  [](SteadyStateCell& cell) { cell.run(); });
  }

  void check() override {
    const std::uint64_t expected = oracle();
    const std::uint64_t found = machine_.driver()(stream_.data(), passes_, stride_);
    if (found != expected) {
      throw WrongResult("the sends answered " + std::to_string(found) + ", the oracle " +
                        std::to_string(expected));
    }
    if (machine_.misses() != 0) {
      throw WrongResult("linked sites missed " + std::to_string(machine_.misses()) + " times");
    }
    if (open_sends_per_run_ == 0 && machine_.method_cache_misses() != 0) {
      throw WrongResult("sends that need no method cache missed it");
    }
    misses_before_ = machine_.method_cache_misses();
    runs_ = 0;
  }

  [[nodiscard]] std::vector<SiteCounter> counters() const override {
    std::vector<SiteCounter> counters = code_of_a_site<Machine>(machine_.plan().order);
    if (open_sends_per_run_ != 0 && runs_ != 0) {
      const auto sends = static_cast<double>(runs_ * open_sends_per_run_);
      const auto misses = static_cast<double>(machine_.method_cache_misses() - misses_before_);
      counters.push_back(
          {.name = "method-cache-hit-rate", .per = "send", .value = 1 - misses / sends});
    }
    return counters;
  }

  [[nodiscard]] MemoryUse memory() const override { return memory_in_arena(machine_.plan().arena); }

 private:
  void run() noexcept {
    sink_ = machine_.driver()(stream_.data(), passes_, stride_);
    ++runs_;
  }

  [[nodiscard]] std::uint64_t sends_per_run() const { return passes_ * machine_.sites(); }

  std::vector<Oop> receivers_of(const SteadyState& state) {
    std::vector<Oop> oops;
    oops.reserve(state.class_stream.size());
    for (const std::uint32_t class_index : state.class_stream) {
      oops.push_back(state.one_receiver_per_class ? receivers_.first_of(class_index)
                                                  : receivers_.any_of(class_index, random_));
    }
    return oops;
  }

  // Plain C++ over the same receivers: class, method and result of every send, summed.
  [[nodiscard]] std::uint64_t oracle() const {
    const SendPlan& plan = machine_.plan();
    const MethodTable& table = machine_.table();
    std::uint64_t sum = 0;
    for (std::uint64_t pass = 0; pass < passes_; ++pass) {
      const std::uint64_t base = pass * static_cast<std::uint64_t>(stride_) / sizeof(Oop);
      for (std::size_t i = 0; i < plan.sites.size(); ++i) {
        const Oop receiver = oops_[base + slot_of(plan, i)];
        const std::uint32_t class_index = table.class_of_tag(class_tag_of(receiver));
        sum += evaluate_method(table.method(class_index, plan.selector_of_site[i]), plan.work,
                               receiver);
      }
    }
    return sum;
  }

  Machine machine_;
  SeededRandom random_;
  Receivers receivers_;
  std::vector<Oop> oops_;
  ReceiverStream stream_;
  std::uint64_t passes_;
  std::int64_t stride_;
  std::uint64_t open_sends_per_run_;
  std::uint64_t misses_before_ = 0;
  std::uint64_t runs_ = 0;
  std::uint64_t sink_ = 0;
};

/// Snapshots of site 0 in every state that it goes through.
template <class Strategy>
[[nodiscard]] std::vector<CodeSnapshot> snapshots_of_life(
    const SendPlan& plan, const std::vector<std::vector<std::uint32_t>>& classes_of_site) {
  SendMachine<typename Strategy::Zone, Strategy::kDispatch> machine{plan};
  std::vector<CodeSnapshot> snapshots{{.moment = "unlinked", .pieces = pieces_of(machine, 0)}};
  for (std::size_t met = 1; met <= classes_of_site.front().size(); ++met) {
    std::vector<std::vector<std::uint32_t>> next(classes_of_site.size());
    next.front() = {classes_of_site.front()[met - 1]};
    machine.prelink(next);
    const std::string state = name_of_state(machine, 0);
    const bool was_there = snapshots.back().moment == state;
    if (was_there && state == "open-pic") {
      break;  // no class changes an open PIC any more
    }
    snapshots.push_back(
        {.moment = was_there ? state + "-relinked" : state, .pieces = pieces_of(machine, 0)});
  }
  return snapshots;
}

/// What every workload is that only describes a steady state: Workload::describe(request) says
/// which.
template <class Workload>
struct SteadyStateWorkload {
  template <class Strategy>
  static std::unique_ptr<Instance> make(const CellRequest& request) {
    return std::make_unique<SteadyStateCell<Strategy>>(Workload::describe(request));
  }
  template <class Strategy>
  static std::vector<CodeSnapshot> dump(const CellRequest& request) {
    const SteadyState state = Workload::describe(request);
    return snapshots_of_life<Strategy>(state.plan, state.classes_of_site);
  }
};

}  // namespace patchbench::send
