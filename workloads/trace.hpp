// workloads/trace.hpp - sends as a program made them: a recorded trace, replayed in its order.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "workloads/measured_cell.hpp"
#include "workloads/parameters.hpp"
#include "workloads/send/steady_state.hpp"
#include "workloads/send/transition_cell.hpp"
#include "workloads/trace/replay.hpp"
#include "workloads/trace/trace_format.hpp"
#include "workloads/trace/trace_statistics.hpp"
#include "workloads/workload.hpp"

namespace patchbench {

inline constexpr std::string_view kTraceParameter = "trace";

/// A shipped trace by its name, or the file where the word has a slash in it. Throws
/// trace::TraceError, and std::invalid_argument for a name that nothing is shipped under.
[[nodiscard]] trace::Trace load_trace(const std::string& word,
                                      std::uint64_t most_sends = trace::kMostSends);
/// Why the file cannot be replayed; empty when it can.
[[nodiscard]] std::string why_no_trace(const std::string& path);

/// A trace, and the sends that are made of it: a standalone site for each of its sites, a class for
/// each of its classes, and a method for each pair of a class and a selector that is sent.
struct TraceSends {
  trace::Trace trace;
  send::SendPlan plan;
  std::vector<std::uint32_t> machine_class;  // of each class of the trace
  std::uint64_t seed = 1;
};

/// Prepares the process for publishing as the request says (prepared_publish_mode).
[[nodiscard]] TraceSends describe_trace(const CellRequest& request);
/// Throws std::invalid_argument that names the trace's sizes where its code does not fit.
void require_room_for(const TraceSends& sends, Dispatch dispatch);
/// The classes that come to the site that sees most of them, and a plan of that site alone.
struct WidestSite {
  send::SendPlan plan;
  std::vector<std::vector<std::uint32_t>> classes;
};
[[nodiscard]] WidestSite widest_site(const TraceSends& sends);

/// - `replay`: the whole trace with all sites unlinked and an empty method cache at its beginning;
///   ns a send, hits and misses together.
/// - `replay_warm`: the trace once more. Every class has been at every site, so that no inline
///   cache misses (on_miss=grow). Not where each change of class relinks (on_miss=relink).
///
/// The loop that executes the sends stands once for all strategies (trace::replay); its own cost is
/// part of both.
template <class Strategy>
class TraceCell : public MeasuredCell<TraceCell<Strategy>> {
 public:
  using Machine = send::SendMachine<typename Strategy::Zone, Strategy::kDispatch>;

  explicit TraceCell(TraceSends sends)
      : trace_(std::move(sends.trace)),
        misses_(trace::misses_of(trace_, relinks(sends.plan))),
        degrees_(trace::degrees_of(trace_)),
        machine_(std::move(sends.plan)),
        random_(sends.seed),
        receivers_(machine_.table(), machine_.plan().arena, random_),
        list_(trace_.calls.size(), trace_.sends, machine_.plan().arena.stream) {
    draw_calls(sends.machine_class);
    machine_.seal();
    const auto count = static_cast<double>(list_.sends().size());
    constexpr double kUsualSendNs = 10;
    this->measure(
            "replay", count, [](TraceCell& cell) { cell.forget(); },
            [](TraceCell& cell) { cell.execute(); })
        .expected_ns = kUsualSendNs * count;
    if (relinks(machine_.plan())) return;
    this->measure(
            "replay_warm", count, [](TraceCell& cell) { cell.ensure_linked(); },
            [](TraceCell& cell) { cell.execute(); })
        .expected_ns = kUsualSendNs * count;
  }

  void check() override {
    for (int life = 0; life < 2; ++life) {
      forget();
      check_replay("the first replay", misses_.cold);
      check_replay("the second replay", misses_.again);
      check_states();
    }
    check_each();
  }

  [[nodiscard]] std::vector<SiteCounter> counters() const override {
    std::vector<SiteCounter> counters = send::code_of_a_site<Machine>(machine_.plan().order);
    counters.push_back({.name = "misses",
                        .per = "send",
                        .value = static_cast<double>(misses_of_first_) /
                                 static_cast<double>(list_.sends().size())});
    counters.push_back({.name = "method-cache-misses",
                        .per = "send",
                        .value = static_cast<double>(lookups_of_second_) /
                                 static_cast<double>(list_.sends().size())});
    add_states(counters);
    return counters;
  }
  [[nodiscard]] MemoryUse memory() const override { return memory_in_arena(machine_.plan().arena); }
  [[nodiscard]] std::optional<std::int64_t> vmas_while_open() override {
    return machine_.vmas_while_open();
  }

  /// For tests.
  [[nodiscard]] Machine& machine() noexcept { return machine_; }

 private:
  static bool relinks(const send::SendPlan& plan) noexcept {
    return plan.on_miss == send::MissPolicy::relink;
  }

  // --- set-up ---

  void draw_calls(const std::vector<std::uint32_t>& machine_class) {
    const std::span<trace::ReplayCall> calls = list_.calls();
    for (std::size_t i = 0; i < calls.size(); ++i) {
      const auto [site, class_index] = trace_.calls[i];
      calls[i] = {.receiver = receivers_.any_of(machine_class[class_index], random_),
                  .site = machine_.site(site).value()};
      answers_.push_back(
          send::oracle_of_send(machine_.table(), machine_.plan(), site, calls[i].receiver));
    }
    for (const std::uint32_t call : list_.sends()) expected_ += answers_[call];
    trace_.sends = {};  // the list has them
  }

  // --- runs ---

  /// What the last run answered is compared here, where the clock stands.
  void expect_right() const {
    if (has_run_) send::expect_equal(answered_, expected_, "the last timed replay");
  }
  void forget() {
    expect_right();
    machine_.unlink_all();
    machine_.clear_method_cache();
    linked_ = false;
  }
  void ensure_linked() {
    expect_right();
    if (!linked_) execute();
  }
  void execute() noexcept {
    answered_ = trace::replay(list_, machine_.call_site());
    linked_ = true;
    has_run_ = true;
  }

  // --- the oracle ---

  void check_replay(const std::string& what, std::uint64_t misses) {
    const std::uint64_t before = machine_.misses();
    const std::uint64_t lookups_before = machine_.method_cache_misses();
    const bool first = !linked_;
    execute();
    send::expect_equal(answered_, expected_, "the sum of " + what);
    send::expect_equal(machine_.misses() - before, misses, "misses of " + what);
    if (first) {
      misses_of_first_ = machine_.misses() - before;
    } else {
      lookups_of_second_ = machine_.method_cache_misses() - lookups_before;
    }
  }

  /// Under on_miss=grow a site's state says how many classes it saw.
  [[nodiscard]] send::SiteState state_after(std::uint32_t degree) const noexcept {
    if (degree == 0) return send::SiteState::unlinked;
    if (degree == 1 || relinks(machine_.plan())) return send::SiteState::mic;
    return degree <= send::kMaxPicCases ? send::SiteState::closed_pic : send::SiteState::open_pic;
  }
  void check_states() const {
    for (std::uint32_t site = 0; site < machine_.sites(); ++site) {
      if (machine_.state(site) != state_after(degrees_[site])) {
        throw WrongResult("site " + std::to_string(site) + " (" + trace_.names.sites[site].name +
                          ") is not in the state that " + std::to_string(degrees_[site]) +
                          " classes lead to");
      }
    }
  }
  /// A sum over all sends would not tell two errors that make up for each other.
  void check_each() {
    const std::span<const trace::ReplayCall> calls = list_.calls();
    for (std::size_t i = 0; i < calls.size(); ++i) {
      send::expect_equal(machine_.call_site()(&calls[i].receiver, calls[i].site), answers_[i],
                         "a send by itself");
    }
  }

  /// Shares of the sites that are sent through.
  void add_states(std::vector<SiteCounter>& counters) const {
    static_assert(trace::kClosedPicClasses == send::kMaxPicCases);
    const auto add = [&](const char* name, send::SiteState state) {
      const auto sites = std::ranges::count_if(
          degrees_, [&](std::uint32_t degree) { return state_after(degree) == state; });
      const auto all =
          std::ranges::count_if(degrees_, [](std::uint32_t degree) { return degree > 0; });
      counters.push_back({.name = name,
                          .per = "site",
                          .value = static_cast<double>(sites) / static_cast<double>(all)});
    };
    add("linked-to-mic", send::SiteState::mic);
    add("linked-to-closed-pic", send::SiteState::closed_pic);
    add("linked-to-open-pic", send::SiteState::open_pic);
  }

  trace::Trace trace_;
  trace::ReplayMisses misses_;
  std::vector<std::uint32_t> degrees_;
  Machine machine_;
  SeededRandom random_;
  send::Receivers receivers_;
  trace::ReplayList list_;
  std::vector<std::uint64_t> answers_;  // of each call
  std::uint64_t expected_ = 0;          // of a replay
  std::uint64_t answered_ = 0;
  bool has_run_ = false;
  bool linked_ = false;
  std::uint64_t misses_of_first_ = 0;
  std::uint64_t lookups_of_second_ = 0;
};

struct TraceReplay {
  static constexpr std::string_view kId = "trace";

  static WorkloadInfo info();
  template <class Strategy>
  static constexpr std::string_view unsupported() {
    return send::never_patched<Strategy>();
  }
  template <class Strategy>
  static std::unique_ptr<Instance> make(const CellRequest& request) {
    TraceSends sends = describe_trace(request);
    require_room_for(sends, Strategy::kDispatch);
    return std::make_unique<TraceCell<Strategy>>(std::move(sends));
  }
  template <class Strategy>
  static std::vector<CodeSnapshot> dump(const CellRequest& request) {
    const WidestSite widest = widest_site(describe_trace(request));
    return send::snapshots_of_life<Strategy>(widest.plan, widest.classes);
  }
};

}  // namespace patchbench
