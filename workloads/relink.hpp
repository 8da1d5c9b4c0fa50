// workloads/relink.hpp - MICs that are rewritten for another class: the price of one patch.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "workloads/measured_cell.hpp"
#include "workloads/send/changing_sites.hpp"
#include "workloads/send/transition_cell.hpp"
#include "workloads/workload.hpp"

namespace patchbench {

/// Sites alternate between two classes. In most metrics all of them do, in step:
///
/// - `patch`: a burst. Begin, three stores, publish, end, on sites executed since their last patch,
///   one site right after the other: the throughput of patches.
/// - `patch_execute`: every send is patched right before. (With batch=N: N patches under one scope,
///   then N sends.)
/// - `miss`: every send misses: its site is linked for the other class, and relinked
///   (on_miss=relink).
/// - `execute`: the same sends without a patch and without a miss: how much of the two before is
///   neither.
///
/// In the others some do, drawn anew for each run, so that no predictor learns which. Of these the
/// time of the same sends without a change is taken. They are measured with batch=1 alone:
///
/// - `patch_isolated`: a patch of a site that was executed since its last patch and is not executed
///   after it. kSendsBetweenPatches other sends follow each. Needs two sites.
/// - `patch_execute_among_hits`: a patch of one of the next kSendsBetweenPatches sites, and the
///   first send through it.
/// - `miss_among_hits`: a miss that relinks its site, beyond a hit.
///
/// Sites are executed one after the other in random order, by a walk in the zone: direct calls, the
/// same code at the same address for all strategies. What a store into code costs depends on where
/// the line is: 64 sites and their methods (6 KiB) stay in a first-level instruction cache, the 32
/// KiB of 1,024 sites and their methods do not.
template <class Strategy>
class RelinkCell : public MeasuredCell<RelinkCell<Strategy>> {
 public:
  using Machine = send::SendMachine<typename Strategy::Zone, Strategy::kDispatch>;

  RelinkCell(const send::TwoClassSites& sites, std::uint32_t batch, bool publish_per_scope = false)
      : machine_(with_walks(sites, batch)),
        sites_(sites, machine_.table(), machine_.plan().walks[kAllSites].sites, batch == 1),
        values_(send::mic_values(machine_, sites)),
        batch_(batch),
        publish_per_scope_(publish_per_scope) {
    list_patches_in_step();
    send::prelink_first(machine_, sites);
    machine_.seal();
    add_measurements();
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
    if (batch_ == 1) {
      check_changes_among_hits();  // once: under some strategies thousands of patches take a while
    }
    settle();
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
  [[nodiscard]] const send::ChangingSites& sites() const noexcept { return sites_; }

 private:
  using Changes = send::Changes;
  /// Of the machine. The last two with batch=1 alone.
  enum Walk : std::size_t { kAllSites, kPatchedSites, kStretches, kOneHalf };

  static send::SendPlan with_walks(const send::TwoClassSites& sites, std::uint32_t batch) {
    send::SendPlan plan = sites.plan;
    plan.order = send::SiteOrder::standalone;
    plan.on_miss = send::MissPolicy::relink;
    const std::vector<std::uint32_t> order = send::random_order(plan.sites.size(), sites.seed);
    plan.walks = {{.sites = order, .stretch = 0}, {.sites = order, .stretch = batch}};
    if (batch == 1) {
      plan.walks.push_back({.sites = order, .stretch = send::kSendsBetweenPatches});
      plan.walks.push_back(
          {.sites = send::walked_half(order), .stretch = send::kSendsBetweenPatches});
    }
    return plan;
  }

  // --- what is measured ---

  void add_measurements() {
    const auto each = static_cast<double>(machine_.sites());
    this->measure(
        "patch", each, [](RelinkCell& cell) { cell.execute_all(); },
        [](RelinkCell& cell) { cell.patch_all(); });
    if (batch_ == 1 && machine_.sites() > 1) add_isolated_patch();
    this->measure("patch_execute", each, kUnprepared,
                  [](RelinkCell& cell) { cell.patch_and_execute_all(); });
    if (batch_ == 1) add_patches_among_hits();
    this->measure("miss", each, kUnprepared, [](RelinkCell& cell) { cell.miss_all(); });
    if (batch_ == 1) add_misses_among_hits();
    this->measure("execute", each, kUnprepared, [](RelinkCell& cell) { cell.execute_all(); });
  }

  void add_isolated_patch() {
    this->measure_difference(
        "patch_isolated", static_cast<double>(sites_.patches_behind_in_run()),
        [](RelinkCell& cell) { cell.prepare_isolated(Changes::made); },
        [](RelinkCell& cell) { cell.patch_isolated(); },
        [](RelinkCell& cell) { cell.prepare_isolated(Changes::left_out); },
        [](RelinkCell& cell) { cell.walk_with_hook(kOneHalf, 0, &send::patch_nothing); });
  }
  void add_patches_among_hits() {
    this->measure_difference(
        "patch_execute_among_hits", static_cast<double>(sites_.patches_ahead_in_run()),
        [](RelinkCell& cell) { cell.sites_.draw_patches_ahead(Changes::made); },
        [](RelinkCell& cell) { cell.patch_ahead(); },
        [](RelinkCell& cell) { cell.sites_.draw_patches_ahead(Changes::left_out); },
        [](RelinkCell& cell) {
          cell.walk_with_hook(kStretches, cell.sites_.stride(), &send::patch_nothing);
        });
  }
  void add_misses_among_hits() {
    this->measure_difference(
        "miss_among_hits", static_cast<double>(sites_.misses_in_run()),
        [](RelinkCell& cell) { cell.sites_.draw_misses(Changes::made); },
        [](RelinkCell& cell) { cell.miss_some(); },
        [](RelinkCell& cell) { cell.sites_.draw_misses(Changes::left_out); },
        [](RelinkCell& cell) { cell.walk_drawn(); });
  }

  // --- all sites in step ---

  /// All sites are linked for one class whenever one of these functions ends. Where a run of some
  /// changes was before, they are made so; in a timed loop that is the first turn alone.
  void settle() noexcept {
    if (!sites_.is_uniform()) [[unlikely]] {
      settle_all();
    }
  }
  [[gnu::noinline]] void settle_all() noexcept {
    for (std::uint32_t site = 0; site < machine_.sites(); ++site) {
      if (sites_.side(site) != 0) patch(site, 0);
    }
    sites_.set_uniform(0);
  }

  /// What sends to all sites answer, each to the class that it is linked for.
  [[nodiscard]] std::uint64_t oracle() const {
    return send::oracle_of_pass(machine_.table(), machine_.plan(), sites_.oops(sites_.linked()));
  }
  void check_linked(std::string_view what) {
    settle();
    const std::uint64_t before = machine_.misses();
    send::expect_equal(execute_all(), oracle(), what);
    send::expect_equal(machine_.misses(), before, "misses of linked sites");
  }

  std::uint64_t execute_all() noexcept {
    settle();
    return sink_ = machine_.walk(kAllSites)(sites_.all_of(sites_.linked()), 1, 0);
  }

  void patch(std::uint32_t site, unsigned side) noexcept {
    machine_.relink(site, values_[1 - side][site], values_[side][site]);
  }
  /// Patches a batch of sites from order()[begin] on under one scope.
  void patch_batch(std::size_t begin) noexcept {
    [[maybe_unused]] const auto scope = machine_.scope_over_sites();
    const unsigned from = sites_.linked();
    const std::size_t end = std::min(begin + batch_, sites_.order().size());
    for (std::size_t i = begin; i < end; ++i) {
      const std::uint32_t site = sites_.order()[i];
      const send::SiteValue& old = values_[from][site];
      if (publish_per_scope_) {
        machine_.relink_unpublished(site, old, values_[1 - from][site]);
      } else {
        machine_.relink_in_scope(site, old, values_[1 - from][site]);
      }
    }
    if (publish_per_scope_) machine_.publish_scope(sites_.order()[end - 1]);
  }

  void patch_all() noexcept {
    settle();
    const unsigned to = 1 - sites_.linked();
    if (batch_ == 1) {
      for (const std::uint32_t site : sites_.order()) patch(site, to);
    } else {
      for (std::size_t i = 0; i < sites_.order().size(); i += batch_) patch_batch(i);
    }
    sites_.set_uniform(to);
  }

  // Hooks: one patch, as the list says, or a batch of the sites that come next.
  static void patch_listed(void* self, std::uint32_t packed) noexcept {
    const send::SitePatch patch = send::SitePatch::from(packed);
    RelinkCell::cell(self).patch(patch.site, patch.side);
  }
  static void patch_next_batch(void* self, std::uint32_t begin) noexcept {
    RelinkCell::cell(self).patch_batch(begin);
  }

  void list_patches_in_step() {
    for (const unsigned side : {0U, 1U}) {
      for (std::size_t i = 0; i < sites_.order().size(); i += batch_) {
        lists_[side].push_back(
            batch_ == 1 ? send::SitePatch{.site = sites_.order()[i], .side = side}.packed()
                        : static_cast<std::uint32_t>(i));
      }
    }
  }
  std::uint64_t patch_and_execute_all() noexcept {
    settle();
    const unsigned to = 1 - sites_.linked();
    sink_ =
        machine_.hooked_walk(kPatchedSites)(sites_.all_of(to), 1, 0, lists_[to].data(),
                                            batch_ == 1 ? &patch_listed : &patch_next_batch, this);
    sites_.set_uniform(to);
    return sink_;
  }

  std::uint64_t miss_all() noexcept {
    settle();
    const unsigned to = 1 - sites_.linked();
    sink_ = machine_.walk(kAllSites)(sites_.all_of(to), 1, 0);
    sites_.set_uniform(to);
    return sink_;
  }

  // --- some sites, as drawn ---

  std::uint64_t walk_drawn() noexcept {
    return sink_ = machine_.walk(kAllSites)(sites_.drawn(), sites_.run().passes, sites_.stride());
  }
  std::uint64_t walk_with_hook(Walk walk, std::int64_t stride, send::HookFunction* hook) noexcept {
    return sink_ = machine_.hooked_walk(walk)(sites_.drawn(), sites_.run().passes, stride,
                                              sites_.run().list.data(), hook, this);
  }

  std::uint64_t miss_some() noexcept {
    const std::uint64_t sum = walk_drawn();
    sites_.commit();
    return sum;
  }
  std::uint64_t patch_ahead() noexcept {
    const std::uint64_t sum = walk_with_hook(kStretches, sites_.stride(), &patch_listed);
    sites_.commit();
    return sum;
  }
  /// Afterwards each site was executed since its last patch.
  void prepare_isolated(Changes changes) {
    sites_.draw_patches_behind(changes);
    sink_ = machine_.walk(kAllSites)(sites_.drawn(), 1, 0);
  }
  std::uint64_t patch_isolated() noexcept {
    const std::uint64_t sum = walk_with_hook(kOneHalf, 0, &patch_listed);
    sites_.commit();
    return sum;
  }

  /// What the drawn run answers, over these sites.
  [[nodiscard]] std::uint64_t oracle_of_run(std::span<const std::uint32_t> walked,
                                            std::size_t receivers_a_pass) const {
    std::uint64_t sum = 0;
    for (std::uint64_t pass = 0; pass < sites_.run().passes; ++pass) {
      for (const std::uint32_t site : walked) {
        sum += send::oracle_of_send(machine_.table(), machine_.plan(), site,
                                    sites_.drawn()[pass * receivers_a_pass + site]);
      }
    }
    return sum;
  }
  void check_run(std::uint64_t sum, std::uint64_t expected, std::uint64_t misses,
                 std::uint64_t expected_misses, std::string_view what) const {
    send::expect_equal(sum, expected, what);
    send::expect_equal(misses, expected_misses, std::string{"misses of "} + std::string{what});
    send::expect_linked(machine_, what,
                        [this](std::uint32_t site) { return values_[sites_.side(site)][site]; });
  }
  template <class Run>
  void check_run_of(std::span<const std::uint32_t> walked, std::size_t receivers_a_pass,
                    std::uint64_t expected_misses, std::string_view what, Run run) {
    const std::uint64_t expected = oracle_of_run(walked, receivers_a_pass);
    const std::uint64_t before = machine_.misses();
    const std::uint64_t sum = run();
    check_run(sum, expected, machine_.misses() - before, expected_misses, what);
  }

  void check_changes_among_hits() {
    const std::size_t sites = machine_.sites();
    sites_.draw_misses(Changes::left_out);
    check_run_of(sites_.order(), sites, 0, "hits alone", [this] { return walk_drawn(); });
    sites_.draw_misses(Changes::made);
    check_run_of(sites_.order(), sites, sites_.misses_in_run(), "misses among hits",
                 [this] { return miss_some(); });
    sites_.draw_patches_ahead(Changes::left_out);
    check_run_of(sites_.order(), sites, 0, "hits with an empty hook", [this] {
      return walk_with_hook(kStretches, sites_.stride(), &send::patch_nothing);
    });
    sites_.draw_patches_ahead(Changes::made);
    check_run_of(sites_.order(), sites, 0, "sends patched among others",
                 [this] { return patch_ahead(); });
    if (sites > 1) check_isolated();
  }
  void check_isolated() {
    const std::uint64_t before = machine_.misses();
    prepare_isolated(Changes::left_out);
    check_run_of(sites_.half(), 0, 0, "sends of one half",
                 [this] { return walk_with_hook(kOneHalf, 0, &send::patch_nothing); });
    prepare_isolated(Changes::made);
    check_run_of(sites_.half(), 0, 0, "sends of one half while the other is patched",
                 [this] { return patch_isolated(); });
    prepare_isolated(Changes::left_out);  // executes what was patched
    send::expect_equal(machine_.misses(), before, "misses of sites patched one at a time");
  }

  Machine machine_;
  send::ChangingSites sites_;
  std::array<std::vector<send::SiteValue>, 2> values_;  // of each side
  std::array<std::vector<std::uint32_t>, 2> lists_;     // of patch_execute, to each side
  std::size_t batch_;
  bool publish_per_scope_;
  std::uint64_t sink_ = 0;
};

struct Relink {
  static constexpr std::string_view kId = "relink";

  static WorkloadInfo info() {
    return {.id = std::string{kId},
            .summary =
                "MICs rewritten for another class: patches in a burst (patch) and one at a "
                "time, of every site in turn or of some among hits (..._among_hits), and "
                "misses that relink",
            .parameters = {patched_sites_parameter({"64", "512", "1024"}, {"64", "512"}),
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
                           publish_parameter(),
                           publish_per_parameter("patch")},
            .metrics = {"patch", "patch_isolated", "patch_execute", "patch_execute_among_hits",
                        "miss", "miss_among_hits", "execute"},
            .headline = headline(),
            .small_grid = {{"sites", "512"}, {"batch", "1"}},
            .decides = {{{"sites", "512"}, {"batch", "1"}}}};
  }
  /// Where the lines that are patched have left the first-level caches, then where they are in
  /// them.
  static std::vector<Headline> headline() {
    const std::vector<std::pair<std::string, std::int64_t>> many{{"batch", 1}, {"sites", 1024}};
    const std::vector<std::pair<std::string, std::int64_t>> few{{"batch", 1}, {"sites", 64}};
    return {{"patch", many},         {"patch_isolated", many}, {"patch_execute", many},
            {"execute", many},       {"miss", many},           {"patch", few},
            {"patch_isolated", few}, {"patch_execute", few},   {"execute", few}};
  }
  template <class Strategy>
  static constexpr std::string_view unsupported() {
    return send::never_patched<Strategy>();
  }
  template <class Strategy>
  static std::unique_ptr<Instance> make(const CellRequest& request) {
    return std::make_unique<RelinkCell<Strategy>>(
        send::describe_two_class_sites(request), count_parameter(request, "batch"),
        word_parameter(request, "publish_per") == "scope");
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
