// workloads/install.hpp - new code, which is what most JITs do all day: methods stored in memory
// that is fresh or was used before, published, and executed for the first time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "strategies/cgroup.hpp"
#include "strategies/code_zone.hpp"
#include "strategies/dispatch.hpp"
#include "strategies/prefault.hpp"
#include "strategies/publish.hpp"
#include "strategies/zone_traits.hpp"
#include "workloads/arena_map.hpp"
#include "workloads/measured_cell.hpp"
#include "workloads/parameters.hpp"
#include "workloads/publish.hpp"
#include "workloads/send/transition_cell.hpp"
#include "workloads/workload.hpp"

namespace patchbench {

/// What the pages are when methods come into them.
enum class MethodMemory {
  fresh,          // of a zone that was just made: nothing was touched
  populated,      // the same, after prefault()
  map_populated,  // of a zone that was mapped with MAP_POPULATE
  recycled,       // they hold other methods, which were executed
};

/// Throws Unsupported where this machine lacks what the request's `memory` asks for.
[[nodiscard]] MethodMemory method_memory_of(const CellRequest& request);

/// Methods are straight code of `size` bytes, all of it executed by a call, that answers a sum.
/// There are two versions; all of a run are of one, and the next run has the other. Their bytes are
/// there before a run, because emitting them costs the same under every strategy.
///
/// A run fills the zone from its beginning: under one scope `batch` methods are stored and each
/// published; then each of these is called, for the first time.
///
/// - `install`: a method stored, published and called, its part of the scope included; ns a method.
/// - `install_total`: the same in a zone that is made in the same run, prefaulted where that is
///   asked for; ns a method. What is saved at install time and paid before is in it. Not of
///   recycled memory.
/// - `prefault`: prefault() alone; ns a method. Only of populated memory.
/// - `execute`: a call of a method that was called before.
template <class Strategy>
class InstallCell : public MeasuredCell<InstallCell<Strategy>> {
 public:
  using Zone = typename Strategy::Zone;

  explicit InstallCell(const CellRequest& request)
      : mode_(mode_of(request)),
        memory_(method_memory_of(request)),
        methods_(published_functions(count_parameter(request, "size"))),
        count_(count_parameter(request, "kib") * std::size_t{1024} / methods_.stride),
        batch_(std::min<std::size_t>(count_parameter(request, "batch"), count_)),
        arena_(map_arena(request.arena, request.zone)),
        request_(arena_.zone_request(count_ * methods_.stride)) {
    request_.populate = memory_ == MethodMemory::map_populated;
    zone_.emplace(request_);  // refused memory is reported here, where it can be
    if (memory_ == MethodMemory::recycled) install_all();
    add(
        "install", [](InstallCell& cell) { cell.prepare_memory(); },
        [](InstallCell& cell) { cell.install_all(); });
    if (memory_ != MethodMemory::recycled) {
      add(
          "install_total", [](InstallCell& cell) { cell.give_back(); },
          [](InstallCell& cell) { cell.install_all_anew(); });
    }
    if (memory_ == MethodMemory::populated) {
      add(
          "prefault", [](InstallCell& cell) { cell.renew(); },
          [](InstallCell& cell) { cell.prefault_all(); });
    }
    add(
        "execute", [](InstallCell& cell) { cell.ensure_installed(); },
        [](InstallCell& cell) { cell.execute_all(); });
  }

  /// Each method must answer its own sum when it is first called, when all are there, and when the
  /// other version is stored in the same places.
  void check() override {
    for (int turn = 0; turn < 2; ++turn) {
      prepare_memory();
      install_all();
      expect_right("first calls");
      execute_all();
      expect_right("calls of installed methods");
      check_each();
      if (turn == 0) memory_use_ = memory_in_arena(arena_);
    }
    if (memory_ == MethodMemory::recycled) return;
    give_back();
    install_all_anew();
    expect_right("first calls in a zone that was just made");
  }

  [[nodiscard]] std::vector<SiteCounter> counters() const override { return {}; }
  /// When all methods are installed.
  [[nodiscard]] MemoryUse memory() const override { return memory_use_; }

  /// The first method, then the one that takes its place.
  [[nodiscard]] std::vector<CodeSnapshot> snapshots() {
    std::vector<CodeSnapshot> both;
    for (const char* moment : {"installed", "recycled"}) {
      install_all();
      const std::byte* code = zone_->exec().data();
      both.push_back({.moment = moment,
                      .pieces = {{.name = "method",
                                  .address = zone_->exec().value(),
                                  .bytes = {code, code + methods_.stride}}}});
    }
    return both;
  }

 private:
  using Method = std::uint64_t();

  [[nodiscard]] static PublishMode mode_of(const CellRequest& request) {
    const PublishMode mode = prepared_publish_mode(request);
    if (is_staged<Zone>() && mode != PublishMode::none) throw Unsupported(kStagedPublishing);
    return mode;
  }

  template <class Prepare, class Run>
  void add(const char* metric, Prepare prepare, Run run) {
    this->measure(metric, static_cast<double>(count_), prepare, run);
  }

  // --- memory, outside of the clock but for install_total and prefault ---

  void reserve() noexcept {
    try {
      zone_.emplace(request_);
    } catch (const std::exception& refused) {
      patch_failed(refused.what());  // what could be reserved before cannot be any more
    }
  }
  /// What the last run answered is compared here: the clock stands.
  void give_back() {
    expect_right("the last timed run");
    zone_.reset();
    installed_ = false;
  }
  void renew() {
    give_back();
    reserve();
  }
  void prefault_all() noexcept { prefault(*zone_, zone_->exec(), count_ * methods_.stride); }
  void prefault_where_wanted() noexcept {
    if (memory_ == MethodMemory::populated) prefault_all();
  }
  void prepare_memory() {
    if (memory_ == MethodMemory::recycled) {
      expect_right("the last timed run");
      return;
    }
    renew();
    prefault_where_wanted();
  }
  void ensure_installed() {
    expect_right("the last timed run");
    if (installed_) return;
    prepare_memory();
    install_all();
  }

  // --- runs ---

  /// Of the first method under a scope, and the first behind them.
  void store_batch(Zone& zone, std::size_t first, std::size_t end) noexcept {
    const send::CodeBytes& code = methods_.code[version_];
    const ExecAddress begin = zone.exec() + first * methods_.stride;
    const PatchScope scope{zone, begin, (end - first) * methods_.stride};
    ExecAddress at = begin;
    for (std::size_t i = first; i < end; ++i, at = at + methods_.stride) {
      store_code(zone.writable(at).data(), code.data(), code.size());
      publish(at, zone.writable(at), code.size(), Zone::kAlias, mode_);
    }
  }
  [[nodiscard]] std::uint64_t call(const Zone& zone, std::size_t first,
                                   std::size_t end) const noexcept {
    std::uint64_t sum = 0;
    for (std::size_t i = first; i < end; ++i) {
      sum += (zone.exec() + i * methods_.stride).template as_function<Method>()();
    }
    return sum;
  }

  void install_all() noexcept {
    version_ = 1 - version_;
    std::uint64_t sum = 0;
    for (std::size_t first = 0; first < count_; first += batch_) {
      const std::size_t end = std::min(first + batch_, count_);
      store_batch(*zone_, first, end);
      sum += call(*zone_, first, end);
    }
    installed_ = true;
    answered_ = sum;
  }
  void install_all_anew() noexcept {
    reserve();
    prefault_where_wanted();
    install_all();
  }
  void execute_all() noexcept { answered_ = call(*zone_, 0, count_); }

  // --- the oracle ---

  /// What was installed or called last, all of it; nothing was yet where none is.
  void expect_right(const char* what) const {
    if (installed_) send::expect_equal(answered_, count_ * methods_.result[version_], what);
  }
  /// A sum over all methods would not tell two errors that make up for each other.
  void check_each() const {
    for (std::size_t i = 0; i < count_; ++i) {
      send::expect_equal(call(*zone_, i, i + 1), methods_.result[version_], "a method by itself");
    }
  }

  PublishMode mode_;
  MethodMemory memory_;
  PublishedFunctions methods_;
  std::size_t count_;
  std::size_t batch_;
  ArenaMap arena_;
  ZoneRequest request_;
  std::optional<Zone> zone_;
  unsigned version_ = 0;
  bool installed_ = false;
  std::uint64_t answered_ = 0;
  MemoryUse memory_use_;
};

struct Install {
  static constexpr std::string_view kId = "install";

  static WorkloadInfo info();
  template <class Strategy>
  static constexpr std::string_view unsupported() {
    return send::unless_code_is_patched<Strategy>(
        "what it changes is data: installing code in its zone is "
        "measured under the strategy that has it");
  }
  template <class Strategy>
  static std::unique_ptr<Instance> make(const CellRequest& request) {
    return std::make_unique<InstallCell<Strategy>>(request);
  }
  template <class Strategy>
  static std::vector<CodeSnapshot> dump(const CellRequest& request) {
    return InstallCell<Strategy>(request).snapshots();
  }
};

}  // namespace patchbench
