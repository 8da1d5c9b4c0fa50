// workloads/threads.hpp - sends that other threads execute while one thread patches them.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sched.h>

#include "workloads/measured_cell.hpp"
#include "workloads/send/changing_sites.hpp"
#include "workloads/send/concurrent_patch.hpp"
#include "workloads/send/executors.hpp"
#include "workloads/send/transition_cell.hpp"
#include "workloads/workload.hpp"

namespace patchbench {

/// What is asked of a case beside its sites.
struct ThreadsRequest {
  send::Protocol protocol = send::Protocol::stop_the_world;
  unsigned executors = 1;
  std::uint32_t interval_us = 100;
  std::uint32_t sends = 1U << 17U;  // of each executor, in a run in which it is timed
  std::vector<int> processors;      // of executors
};

/// The calling thread patches; executors walk over all sites. One site in kSitesPerPatched is ever
/// patched, from one class to another and back; there, receivers are of either class at random, and
/// whichever the site is not linked for is looked up and links nothing. So what an executor does is
/// the same whatever the sites are linked for, and each pass has an answer that is known: the
/// oracle of a pass, checked for every pass, also while the clock runs.
///
/// - `patch_beside_executors`: what the patching thread takes for a patch, one right after another,
///   of sites executed since their last patch; ns a patch.
/// - `visible`: executors send through one site and nothing else. From the beginning of a patch
///   until the patching thread knows that each of them has executed what it changed; ns a patch.
///   That includes a cache line's way from executor to patching thread.
/// - `send_undisturbed`, `send_beside_patches`: a pass's time in an executor, without patches and
///   with one every interval; ns a send, by the slowest executor.
///
/// Under stop-the-world an executor's safepoints are the ends of passes, so that a stop takes up to
/// a pass.
template <class Strategy>
class ThreadsCell : public MeasuredCell<ThreadsCell<Strategy>> {
 public:
  using Machine = send::SendMachine<typename Strategy::Zone, Strategy::kDispatch>;
  using Protocol = send::Protocol;

  ThreadsCell(const send::TwoClassSites& sites, const ThreadsRequest& request)
      : request_(request),
        machine_(concurrent(sites.plan, sites.seed)),
        random_(sites.seed),
        receivers_(machine_.table(), machine_.plan().arena, random_),
        patched_(some_sites(machine_.plan().walks.front().sites)),
        oops_{send::one_receiver_each(receivers_, sites.first, random_),
              send::one_receiver_each(receivers_, sites.second, random_)},
        stream_(draw_rows(), machine_.plan().arena),
        values_(send::mic_values(machine_, sites)),
        sides_(machine_.sites()) {
    list_stubs(sites);
    link_first(sites);
    if (request_.protocol != Protocol::cells) register_for_core_barriers();
    if (request_.protocol == Protocol::int3) breakpoints_.emplace();
    latencies_ns_.reserve(kKeptLatencies);
    executors_.emplace(code_of_executors(), request_.executors, request_.processors);
    add_measurements();
  }

  void check() override {
    for (int turn = 0; turn < 4; ++turn) {
      prepare_patches();
      patch_listed();
      executors_->settle();
      send::expect_equal(machine_.walk(0)(row(0), 1, 0), expected_.front(), "sends after patches");
      expect_as_linked();
      expect_no_wrong();
    }
    if (request_.executors > 0) {
      prepare_visible();
      make_visible();
      executors_->settle();
      expect_no_wrong();
    }
    latencies_ns_.clear();
  }

  [[nodiscard]] std::vector<SiteCounter> counters() const override {
    expect_no_wrong();  // nor while the clock ran
    std::vector<SiteCounter> counters = send::code_of_a_site<Machine>(machine_.plan().order);
    if (request_.executors > 0 && !request_.processors.empty()) {
      counters.push_back({.name = "executors-a-processor",
                          .per = "site",
                          .value = static_cast<double>(request_.executors) /
                                   static_cast<double>(request_.processors.size())});
    }
    add_distribution(counters);
    return counters;
  }
  [[nodiscard]] MemoryUse memory() const override { return memory_in_arena(machine_.plan().arena); }
  [[nodiscard]] std::optional<std::int64_t> vmas_while_open() override {
    return machine_.vmas_while_open();
  }

  /// For tests: patches random sites while executors run. Sends that they finish meanwhile.
  std::uint64_t patch_while_executing(std::uint64_t patches) {
    const std::uint64_t before = executors_->passes();
    for (std::uint64_t done = 0; done < patches; done += list_.size()) {
      prepare_patches();
      patch_listed();
    }
    executors_->settle();
    return (executors_->passes() - before) * machine_.sites();
  }
  [[nodiscard]] std::uint64_t wrong() const noexcept { return executors_->wrong(); }
  [[nodiscard]] Machine& machine() noexcept { return machine_; }

 private:
  static constexpr std::uint32_t kSitesPerPatched = 16;
  /// With fewer sites all of them are patched.
  static constexpr std::uint32_t kFewSites = 16;
  static constexpr std::size_t kPatchesInRun = 64;
  static constexpr std::size_t kVisiblePatchesInRun = 16;
  static constexpr std::size_t kRows = 32;
  static constexpr std::size_t kKeptLatencies = 4096;

  // --- set-up ---

  static send::SendPlan concurrent(send::SendPlan plan, std::uint64_t seed) {
    plan.order = send::SiteOrder::standalone;
    plan.on_miss = send::MissPolicy::look_up;
    plan.tag_stubs = true;
    plan.walks = {{.sites = send::random_order(plan.sites.size(), seed), .stretch = 0}};
    return plan;
  }

  [[nodiscard]] std::vector<std::uint32_t> some_sites(
      const std::vector<std::uint32_t>& order) const {
    const std::size_t count =
        order.size() <= kFewSites ? order.size() : order.size() / kSitesPerPatched;
    return {order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count)};
  }

  /// Row 0 has each site's first class, as watched sites need it.
  [[nodiscard]] std::vector<send::Oop> draw_rows() {
    std::vector<send::Oop> rows;
    rows.reserve(kRows * oops_[0].size());
    for (std::size_t row = 0; row < kRows; ++row) {
      std::vector<send::Oop> next = oops_[0];
      for (const std::uint32_t site : patched_) {
        if (row != 0 && random_.below(2) == 1) next[site] = oops_[1][site];
      }
      expected_.push_back(send::oracle_of_pass(machine_.table(), machine_.plan(), next));
      rows.insert(rows.end(), next.begin(), next.end());
    }
    return rows;
  }

  [[nodiscard]] bool calls_tag_stubs() const noexcept {
    return request_.protocol != Protocol::stop_the_world;
  }

  void list_stubs(const send::TwoClassSites& sites) {
    for (std::uint32_t site = 0; site < machine_.sites(); ++site) {
      const std::uint32_t selector = machine_.plan().selector_of_site[site];
      for (const unsigned side : {0U, 1U}) {
        const std::uint32_t class_index = side == 0 ? sites.first[site] : sites.second[site];
        stubs_[side].push_back(
            machine_.code().tag_stub(machine_.table().method(class_index, selector)));
      }
    }
  }

  void link_first(const send::TwoClassSites& sites) {
    send::prelink_first(machine_, sites);
    for (std::uint32_t site = 0; calls_tag_stubs() && site < machine_.sites(); ++site) {
      machine_.retarget(site, values_[0][site].target, stubs_[0][site]);
    }
    machine_.seal();
  }

  [[nodiscard]] send::ExecutorCode code_of_executors() const {
    return {.walk = machine_.walk(0),
            .stream = stream_.data(),
            .row_bytes = static_cast<std::int64_t>(machine_.sites() * sizeof(send::Oop)),
            .expected = expected_,
            .call_site = machine_.call_site(),
            .watched_row = row(0),
            .lookups = []() noexcept { return send::lookups_of_thread; }};
  }

  void add_measurements() {
    this->measure(
            "patch_beside_executors", static_cast<double>(list_size()),
            [](ThreadsCell& cell) { cell.prepare_patches(); },
            [](ThreadsCell& cell) { cell.patch_listed(); })
        .has_executors = request_.executors > 0;
    if (request_.executors > 0) add_measurements_of_executors();
  }
  void add_measurements_of_executors() {
    this->measure(
            "visible", kVisiblePatchesInRun, [](ThreadsCell& cell) { cell.prepare_visible(); },
            [](ThreadsCell& cell) { cell.make_visible(); })
        .has_executors = true;
    const auto sends = static_cast<double>(passes_in_run() * machine_.sites());
    this->measure(
            "send_undisturbed", sends, [](ThreadsCell& cell) { cell.executors_->walk(); },
            [](ThreadsCell& cell) { cell.execute_passes(false); })
        .has_executors = true;
    this->measure(
            "send_beside_patches", sends, [](ThreadsCell& cell) { cell.prepare_interval(); },
            [](ThreadsCell& cell) { cell.execute_passes(true); })
        .has_executors = true;
  }

  // --- patches ---

  [[nodiscard]] const send::Oop* row(std::size_t index) const noexcept {
    return stream_.data() + index * machine_.sites();
  }
  [[nodiscard]] std::size_t list_size() const noexcept {
    return std::min(kPatchesInRun, patched_.size());
  }

  template <Protocol kProtocol>
  void patch(std::uint32_t site) noexcept {
    const unsigned from = sides_[site];
    const unsigned to = 1 - from;
    if constexpr (kProtocol == Protocol::stop_the_world) {
      executors_->stop();
      machine_.relink(site, values_[from][site], values_[to][site]);
      core_barrier();
      executors_->resume();
    } else if constexpr (kProtocol == Protocol::int3) {
      if constexpr (Machine::Words::kPatchesCode) {
        machine_.retarget_by(*breakpoints_, site, stubs_[from][site], stubs_[to][site]);
      }
    } else {
      machine_.retarget(site, stubs_[from][site], stubs_[to][site]);
      if constexpr (kProtocol == Protocol::membarrier) core_barrier();
    }
    sides_[site] = static_cast<std::uint8_t>(to);
  }

  /// `step` is called with the protocol as a constant, so that no patch decides which.
  template <class Step>
  void with_protocol(Step step) noexcept {
    switch (request_.protocol) {
      case Protocol::stop_the_world:
        return step.template operator()<Protocol::stop_the_world>();
      case Protocol::membarrier:
        return step.template operator()<Protocol::membarrier>();
      case Protocol::int3:
        return step.template operator()<Protocol::int3>();
      case Protocol::cells:
        return step.template operator()<Protocol::cells>();
    }
  }

  /// Each patched site at most once, after a pass of this thread's own over all of them: without
  /// executors nobody else executes them.
  void prepare_patches() noexcept {
    executors_->settle();
    draw_list();
    sink_ = machine_.walk(0)(row(1), 1, 0);
    executors_->walk();
  }
  void draw_list() noexcept {
    random_.draw_to_front(patched_, list_size());
    std::copy_n(patched_.begin(), list_size(), list_.begin());
  }
  void patch_listed() noexcept {
    const std::size_t count = list_size();
    with_protocol([this, count]<Protocol kProtocol>() {
      for (std::size_t i = 0; i < count; ++i) patch<kProtocol>(list_[i]);
    });
    executors_->rest();
  }

  // --- visibility ---

  void prepare_visible() noexcept {
    watched_ = patched_[random_.below(patched_.size())];
    executors_->settle();
    executors_->watch(machine_.site(watched_), answer_of_watched());
  }
  [[nodiscard]] std::uint64_t answer_of_watched() const noexcept {
    return send::oracle_of_send(machine_.table(), machine_.plan(), watched_, oops_[0][watched_]);
  }
  void make_visible() noexcept {
    with_protocol([this]<Protocol kProtocol>() {
      for (std::size_t i = 0; i < kVisiblePatchesInRun; ++i) {
        const auto begin = std::chrono::steady_clock::now();
        patch<kProtocol>(watched_);
        send::Patience patience;
        while (!executors_->all_saw(sides_[watched_] != 0)) patience.wait();
        keep(std::chrono::steady_clock::now() - begin);
      }
    });
    executors_->rest();
  }
  /// The last ones, without allocating.
  void keep(std::chrono::nanoseconds latency) noexcept {
    if (latencies_ns_.size() < kKeptLatencies) {
      latencies_ns_.push_back(static_cast<double>(latency.count()));
    } else {
      latencies_ns_[next_kept_++ % kKeptLatencies] = static_cast<double>(latency.count());
    }
  }
  void add_distribution(std::vector<SiteCounter>& counters) const {
    if (latencies_ns_.empty()) return;
    std::vector<double> sorted = latencies_ns_;
    std::ranges::sort(sorted);
    const auto at = [&](double share) {
      return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
    };
    counters.push_back({.name = "visible-p50-ns", .per = "patch", .value = at(0.5)});
    counters.push_back({.name = "visible-p90-ns", .per = "patch", .value = at(0.9)});
    counters.push_back({.name = "visible-p99-ns", .per = "patch", .value = at(0.99)});
    counters.push_back({.name = "visible-max-ns", .per = "patch", .value = sorted.back()});
  }

  // --- throughput ---

  [[nodiscard]] std::uint64_t passes_in_run() const noexcept {
    return std::max<std::uint64_t>(1, request_.sends / machine_.sites());
  }

  void prepare_interval() noexcept {
    executors_->settle();
    draw_list();
    executors_->walk();
  }
  /// Until each executor has finished that many passes. This thread looks every microsecond, with
  /// patches and without.
  void execute_passes(bool patches) noexcept {
    const std::uint64_t end = executors_->passes() + passes_in_run();
    with_protocol([this, patches, end]<Protocol kProtocol>() {
      using Clock = std::chrono::steady_clock;
      const std::chrono::microseconds interval{request_.interval_us};
      Clock::time_point next = Clock::now();
      for (std::size_t i = 0; executors_->passes() < end;) {
        const Clock::time_point now = Clock::now();
        if (patches && now >= next) {
          patch<kProtocol>(list_[i++ % list_size()]);
          next = now + interval;
        }
        while (Clock::now() - now < std::chrono::microseconds{1}) {
        }
        if (shares_processor_) std::this_thread::yield();
      }
    });
    executors_->rest();
  }

  // --- the oracle ---

  void expect_as_linked() const {
    for (std::uint32_t site = 0; site < machine_.sites(); ++site) {
      const ExecAddress target = machine_.read_site(site).target;
      const unsigned side = sides_[site];
      if (target != (calls_tag_stubs() ? stubs_[side][site] : values_[side][site].target)) {
        throw WrongResult("site " + std::to_string(site) + " is not linked as it was patched");
      }
    }
  }
  void expect_no_wrong() const {
    if (const std::uint64_t wrong = executors_->wrong(); wrong != 0) {
      throw WrongResult(std::to_string(wrong) + " passes of executors (of " +
                        std::to_string(executors_->passes()) +
                        " or more) answered something else than their receivers do");
    }
  }

  ThreadsRequest request_;
  Machine machine_;
  SeededRandom random_;
  send::Receivers receivers_;
  std::vector<std::uint32_t> patched_;
  std::array<std::vector<send::Oop>, 2> oops_;  // of each side, one a site
  std::vector<std::uint64_t> expected_;         // of each row
  send::ReceiverStream stream_;
  std::array<std::vector<send::SiteValue>, 2> values_;
  std::array<std::vector<ExecAddress>, 2> stubs_;
  std::vector<std::uint8_t> sides_;  // for which each site is linked
  std::array<std::uint32_t, kPatchesInRun> list_{};
  std::uint32_t watched_ = 0;
  std::vector<double> latencies_ns_;
  std::size_t next_kept_ = 0;
  bool shares_processor_ =  // with an executor
      request_.processors.empty() || std::ranges::count(request_.processors, sched_getcpu()) > 0;
  std::uint64_t sink_ = 0;
  std::optional<send::Breakpoints> breakpoints_;
  std::optional<send::Executors> executors_;  // ends before what it executes
};

inline constexpr std::string_view kExecutorsParameter = "executors";

struct Threads {
  static constexpr std::string_view kId = "threads";

  static WorkloadInfo info() {
    return {
        .id = std::string{kId},
        .summary =
            "threads execute sends while another one patches them, by a protocol that is "
            "correct under concurrency",
        .parameters = {protocol_parameter(), executors_parameter(),
                       patched_sites_parameter({"1024"}, {"1024"}), interval_parameter(),
                       sends_parameter(), work_parameter()},
        .metrics = {"patch_beside_executors", "visible", "send_undisturbed", "send_beside_patches"},
        .headline = {{{"patch_beside_executors", {{"executors", 1}, {"sites", 1024}}},
                      {"visible", {{"executors", 1}, {"sites", 1024}}}}},
        .small_grid = {{"protocol", "stop-the-world"}, {"executors", "1"}}};
  }
  template <class Strategy>
  static constexpr std::string_view unsupported() {
    return Strategy::kDispatch == Dispatch::unchecked
               ? std::string_view{"receivers of two classes meet a call that checks neither"}
               : send::never_patched<Strategy>();
  }
  template <class Strategy>
  static std::string_view unsupported_at(const ParamText& params) {
    for (const auto& [name, value] : params) {
      if (name == "protocol") return send::why_no_protocol<Strategy>(send::protocol_of(value));
    }
    return {};
  }
  template <class Strategy>
  static std::unique_ptr<Instance> make(const CellRequest& request) {
    const std::string& protocol = word_parameter(request, "protocol");
    if (const std::string_view reason = unsupported_at<Strategy>(request.params); !reason.empty()) {
      throw Unsupported(std::string{reason});
    }
    if (const std::string lacking = send::why_protocol_unavailable(protocol); !lacking.empty()) {
      throw Unsupported(lacking);
    }
    return std::make_unique<ThreadsCell<Strategy>>(
        send::describe_two_class_sites(request),
        ThreadsRequest{.protocol = send::protocol_of(protocol),
                       .executors = count_parameter(request, kExecutorsParameter),
                       .interval_us = count_parameter(request, "interval_us"),
                       .sends = count_parameter(request, "sends"),
                       .processors = request.processors});
  }

 private:
  static Parameter protocol_parameter() {
    const std::vector<std::string> words(send::kProtocols.begin(), send::kProtocols.end());
    return {.name = "protocol",
            .summary = "how a site is changed that others execute",
            .default_value = "stop-the-world",
            .standard_grid = words,
            .quick_grid = {"stop-the-world", "membarrier"},
            .choices = words,
            .why_unavailable = &send::why_protocol_unavailable};
  }
  static Parameter executors_parameter() {
    return {.name = std::string{kExecutorsParameter},
            .summary = "threads that execute sends, on processors of their own as far as there are",
            .default_value = "1",
            .standard_grid = {"0", "1", "2", "4", "8"},
            .quick_grid = {"1"},
            .min = 0,
            .max = 64,
            .choices = {}};
  }
  /// A millisecond or less, so that there are several intervals in it.
  static Parameter sends_parameter() {
    return {.name = "sends",
            .summary = "of each executor, in one run of send_undisturbed and send_beside_patches",
            .default_value = "131072",
            .standard_grid = {"131072"},
            .quick_grid = {"131072"},
            .min = 1,
            .max = 1 << 24,
            .choices = {},
            .in_id = false};
  }
  static Parameter interval_parameter() {
    return {.name = "interval_us",
            .summary = "microseconds from one patch to the next, for send_beside_patches",
            .default_value = "100",
            .standard_grid = {"100"},
            .quick_grid = {"100"},
            .min = 1,
            .max = 1'000'000,
            .choices = {},
            .in_id = false};
  }
};

}  // namespace patchbench
