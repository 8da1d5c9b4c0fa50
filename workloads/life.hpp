// workloads/life.hpp - the whole life of a send site: unlinked, MIC, a closed PIC of two to six
// cases, open PIC; each step by a real miss.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "workloads/measured_cell.hpp"
#include "workloads/pic.hpp"
#include "workloads/send/steady_state.hpp"
#include "workloads/send/transition_cell.hpp"
#include "workloads/workload.hpp"

namespace patchbench {

/// Classes that a site meets until it has been in every state.
inline constexpr std::uint32_t kClassesOfLife = send::kMaxPicCases + 1;
/// What each of these misses leaves behind; the metrics.
inline constexpr std::array<const char*, kClassesOfLife> kStepsOfLife = {
    "to_mic", "to_pic_2", "to_pic_3", "to_pic_4", "to_pic_5", "to_pic_6", "to_open_pic"};

struct SitesOfLife {
  send::SendPlan plan;
  std::vector<std::vector<std::uint32_t>> classes;  // kClassesOfLife of each site
  std::uint64_t seed = 1;
};

[[nodiscard]] SitesOfLife describe_sites_of_life(const CellRequest& request);

/// Why a strategy whose code is never written again cannot emit any on demand; empty where nothing
/// is.
[[nodiscard]] std::string_view why_no_new_code(const ParamText& params);

/// Each metric is a pass in which every site misses and takes the same step; ns a send, the method
/// that it executes included. The method cache is empty when a life begins.
template <class Strategy>
class LifeCell : public MeasuredCell<LifeCell<Strategy>> {
 public:
  using Machine = send::SendMachine<typename Strategy::Zone, Strategy::kDispatch>;

  explicit LifeCell(const SitesOfLife& sites)
      : machine_(sites.plan),
        classes_(sites.classes),
        random_(sites.seed),
        receivers_(machine_.table(), sites.plan.arena, random_),
        oops_(oops_of_steps()),
        stream_(all_oops(), sites.plan.arena) {
    machine_.seal();
    add_steps(std::make_index_sequence<kClassesOfLife>{});
  }

  void check() override {
    for (int life = 0; life < 2; ++life) {
      begin(0);
      std::uint64_t expected_again = 0;
      for (std::uint32_t step = 0; step < kClassesOfLife; ++step) {
        check_step(step);
        expected_again += oracle(step);
        check_hits(step, expected_again);
      }
    }
    // Prepared at once instead of by the misses before it, each step is the same.
    for (std::uint32_t step = 0; step < kClassesOfLife; ++step) {
      begin(step);
      check_step(step);
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
  template <std::size_t kStep>
  void add_step() {
    this->measure(
        kStepsOfLife[kStep], static_cast<double>(machine_.sites()),
        [](LifeCell& cell) { cell.begin(kStep); }, [](LifeCell& cell) { cell.send(kStep); });
  }
  template <std::size_t... kSteps>
  void add_steps(std::index_sequence<kSteps...> /*steps*/) {
    (add_step<kSteps>(), ...);
  }

  [[nodiscard]] std::array<std::vector<send::Oop>, kClassesOfLife> oops_of_steps() {
    std::array<std::vector<send::Oop>, kClassesOfLife> oops;
    for (std::uint32_t step = 0; step < kClassesOfLife; ++step) {
      for (const auto& met : classes_) oops[step].push_back(receivers_.any_of(met[step], random_));
    }
    return oops;
  }
  [[nodiscard]] std::vector<send::Oop> all_oops() const {
    std::vector<send::Oop> all;
    for (const auto& oops : oops_) all.insert(all.end(), oops.begin(), oops.end());
    return all;
  }

  /// A new life, in which every site has met its first classes, one for each step that comes
  /// before.
  void begin(std::uint32_t step) {
    machine_.unlink_all();
    machine_.discard_emitted();
    std::vector<std::vector<std::uint32_t>> met;
    for (const auto& classes : classes_) met.emplace_back(classes.begin(), classes.begin() + step);
    machine_.prelink(met);
  }
  std::uint64_t send(std::uint32_t step) noexcept {
    return sink_ = machine_.driver()(stream_.data() + std::size_t{step} * machine_.sites(), 1, 0);
  }

  [[nodiscard]] std::uint64_t oracle(std::uint32_t step) const {
    return send::oracle_of_pass(machine_.table(), machine_.plan(), oops_[step]);
  }
  /// Every site misses once, and is in the state that the metric is named for.
  void check_step(std::uint32_t step) {
    const std::string what = std::string{"sends that lead "} + kStepsOfLife[step];
    const std::uint64_t before = machine_.misses();
    send::expect_equal(send(step), oracle(step), what);
    send::expect_equal(machine_.misses() - before, machine_.sites(), "misses of " + what);
    for (std::uint32_t site = 0; site < machine_.sites(); ++site) {
      if (!is_after(step, site)) {
        throw WrongResult("site " + std::to_string(site) + " is " +
                          send::name_of_state(machine_, site) + " after " + what);
      }
    }
  }
  [[nodiscard]] bool is_after(std::uint32_t step, std::uint32_t site) const {
    if (step == 0) return machine_.state(site) == send::SiteState::mic;
    if (step == send::kMaxPicCases) return machine_.state(site) == send::SiteState::open_pic;
    return machine_.state(site) == send::SiteState::closed_pic &&
           machine_.pics().count(machine_.pic_of(site)) == step + 1;
  }
  /// All classes met so far hit. `expected` is the sum over them.
  void check_hits(std::uint32_t step, std::uint64_t expected) {
    const std::uint64_t before = machine_.misses();
    std::uint64_t sum = 0;
    for (std::uint32_t met = 0; met <= step; ++met) sum += send(met);
    send::expect_equal(sum, expected, "sends of all classes that were met");
    send::expect_equal(machine_.misses(), before, "misses of classes that were met");
  }

  Machine machine_;
  std::vector<std::vector<std::uint32_t>> classes_;
  SeededRandom random_;
  send::Receivers receivers_;
  std::array<std::vector<send::Oop>, kClassesOfLife> oops_;  // of each step, one a site
  send::ReceiverStream stream_;
  std::uint64_t sink_ = 0;
};

struct Life {
  static constexpr std::string_view kId = "life";

  static WorkloadInfo info();
  template <class Strategy>
  static constexpr std::string_view unsupported() {
    return Strategy::kDispatch == Dispatch::unchecked ? kPolymorphicNeedsCheck
                                                      : send::never_patched<Strategy>();
  }
  template <class Strategy>
  static std::string_view unsupported_at(const ParamText& params) {
    return patched_at_run_time(Strategy::kDispatch) ? std::string_view{} : why_no_new_code(params);
  }
  template <class Strategy>
  static std::unique_ptr<Instance> make(const CellRequest& request) {
    if (const std::string_view reason = unsupported_at<Strategy>(request.params); !reason.empty()) {
      throw Unsupported(std::string{reason});
    }
    return std::make_unique<LifeCell<Strategy>>(describe_sites_of_life(request));
  }
  template <class Strategy>
  static std::vector<CodeSnapshot> dump(const CellRequest& request) {
    SitesOfLife sites = describe_sites_of_life(request);
    sites.plan.methods = send::Emission::installed;  // a snapshot shows methods not met yet
    sites.plan.open_pics = send::Emission::installed;
    return send::snapshots_of_life<Strategy>(sites.plan, sites.classes);
  }
};

}  // namespace patchbench
