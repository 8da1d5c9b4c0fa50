// workloads/publish.hpp - the price of publishing by how much is published: from one word to a
// mebibyte of new code.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include "strategies/cgroup.hpp"
#include "strategies/code_zone.hpp"
#include "strategies/dispatch.hpp"
#include "strategies/publish.hpp"
#include "strategies/zone_traits.hpp"
#include "workloads/arena_map.hpp"
#include "workloads/measured_cell.hpp"
#include "workloads/parameters.hpp"
#include "workloads/send/architecture.hpp"
#include "workloads/send/transition_cell.hpp"
#include "workloads/workload.hpp"

namespace patchbench {

/// Functions that lie one behind the other and begin at cache lines, and the part of each that a
/// patch replaces. There are two versions of that part.
struct PublishedFunctions {
  std::size_t count = 0;
  std::size_t stride = 0;  // of one function; all of it is executed by a call
  std::size_t patched_at = 0;
  std::size_t patched_size = 0;
  std::array<send::CodeBytes, 2> code;
  std::array<std::uint64_t, 2> result;  // of a call, by arithmetic in C++
};

/// Functions that a patch of `bytes` (a power of two from 4 on) changes. As many as make a
/// mebibyte, but no more than 1,024 and no fewer than 4: with one, the clock would cost more than
/// what is timed.
[[nodiscard]] PublishedFunctions published_functions(std::size_t bytes);

/// Where the walks over them lie, in bytes from the first function, on pages of their own.
struct PublishedWalks {
  std::size_t all = 0;
  std::size_t patching = 0;  // with a hook before each call
  std::size_t size = 0;      // of functions and walks
};
[[nodiscard]] PublishedWalks walks_of(const PublishedFunctions& functions);

/// Whether publish() executes anything at all in this mode on this architecture. Nothing where
/// instruction fetch is coherent with stores and no serialisation is asked for.
[[nodiscard]] bool publishing_does_something(PublishMode mode);

/// Each run takes all functions, in random order, from one version to the other, or executes them.
///
/// - `publish`: publishing alone, of functions that were executed and then stored to; ns a
///   function. Not measured where publishing executes nothing (publishing_does_something()): a
///   ratio of two loops that do nothing is no number.
/// - `patch`: begin, stores, publish, end, of functions executed since their last patch.
/// - `patch_execute`: a patch, then one call of that function, which executes all of its bytes.
/// - `execute`: the same calls without a patch.
///
/// The calls come from walks behind the functions: direct calls, the same code at the same address
/// for all strategies.
template <class Strategy>
class PublishCell : public MeasuredCell<PublishCell<Strategy>> {
 public:
  using Zone = typename Strategy::Zone;

  explicit PublishCell(const CellRequest& request)
      : mode_(prepared_publish_mode(request)),
        functions_(published_functions(count_parameter(request, "bytes"))),
        arena_(map_arena(request.arena, request.zone)),
        zone_(arena_.zone_request(walks_of(functions_).size)),
        list_(functions_.count) {
    std::iota(list_.begin(), list_.end(), 0U);
    for (const std::uint32_t i : send::random_order(functions_.count, request.seed)) {
      order_.push_back(zone_.exec() + i * functions_.stride);
    }
    install();
    if (publishing_does_something(mode_)) {
      add(
          "publish",
          [](PublishCell& cell) {
            cell.execute_all();
            cell.store_all();
          },
          [](PublishCell& cell) { cell.publish_all(); });
    }
    add(
        "patch", [](PublishCell& cell) { cell.execute_all(); },
        [](PublishCell& cell) { cell.patch_all(); });
    add("patch_execute", kUnprepared, [](PublishCell& cell) { cell.patch_and_execute_all(); });
    add("execute", kUnprepared, [](PublishCell& cell) { cell.execute_all(); });
  }

  void check() override {
    for (int turn = 0; turn < 4; ++turn) {
      send::expect_equal(execute_all(), oracle(), "calls before a patch");
      patch_all();
      send::expect_equal(execute_all(), oracle(), "calls after all patches");
      const std::uint64_t executed = patch_and_execute_all();
      send::expect_equal(executed, oracle(), "calls right after each patch");
      store_all();
      publish_all();
      send::expect_equal(execute_all(), oracle(), "calls after publishing alone");
    }
  }

  [[nodiscard]] std::vector<SiteCounter> counters() const override { return {}; }
  [[nodiscard]] MemoryUse memory() const override { return memory_in_arena(arena_); }

  /// The first function as it is now, then with its patch.
  [[nodiscard]] std::vector<CodeSnapshot> snapshots() {
    std::vector<CodeSnapshot> both;
    for (const char* moment : {"before", "after"}) {
      const std::byte* code = zone_.exec().data();
      both.push_back({.moment = moment,
                      .pieces = {{.name = "sum",
                                  .address = zone_.exec().value(),
                                  .bytes = {code, code + functions_.stride}}}});
      patch_all();
    }
    return both;
  }

 private:
  template <class Prepare, class Run>
  void add(const char* metric, Prepare prepare, Run run) {
    constexpr double kBytesPerNs = 8;  // executed or stored, roughly
    const auto functions = static_cast<double>(functions_.count);
    this->measure(metric, functions, prepare, run).expected_ns =
        functions * static_cast<double>(functions_.stride) / kBytesPerNs;
  }

  [[nodiscard]] ExecAddress walk() const noexcept {
    return zone_.exec() + walks_of(functions_).all;
  }
  /// Calls the hook before each function.
  [[nodiscard]] ExecAddress patching_walk() const noexcept {
    return zone_.exec() + walks_of(functions_).patching;
  }
  [[nodiscard]] send::CodeBytes emit_walk(ExecAddress at, std::uint32_t stretch) const {
    return send::NativeArchitecture::emit_walk(
        {.at = at, .called = send::Called::functions, .calls = order_, .stretch = stretch});
  }

  void install() {
    const send::CodeBytes walking = emit_walk(walk(), 0);
    const send::CodeBytes patching = emit_walk(patching_walk(), 1);
    const PatchScope scope{zone_, zone_.exec(), walks_of(functions_).size};
    store_code(zone_.writable(walk()).data(), walking.data(), walking.size());
    store_code(zone_.writable(patching_walk()).data(), patching.data(), patching.size());
    for (std::size_t i = 0; i < functions_.count; ++i) {
      const send::CodeBytes& code = functions_.code[0];
      store_code(zone_.writable(zone_.exec() + i * functions_.stride).data(), code.data(),
                 code.size());
    }
    publish(zone_.exec(), zone_.writable(zone_.exec()), walks_of(functions_).size, Zone::kAlias,
            mode_);
  }

  [[nodiscard]] std::uint64_t oracle() const {
    return functions_.count * functions_.result[version_];
  }

  std::uint64_t execute_all() noexcept {
    return sink_ = walk().template as_function<send::DriverFunction>()(nullptr, 1, 0);
  }

  /// In a scope of the caller's. One word, as sites are patched, in one store.
  void store(ExecAddress function) noexcept {
    const WritableAddress to = zone_.writable(function + functions_.patched_at);
    const std::byte* expected = functions_.code[version_].data() + functions_.patched_at;
    const std::byte* desired = functions_.code[1 - version_].data() + functions_.patched_at;
    if (functions_.patched_size == sizeof(std::uint32_t)) {
      patch_word(to, word_at(expected), word_at(desired));
    } else {
      patch_bytes(to, expected, desired, functions_.patched_size);
    }
  }
  void publish_patch(ExecAddress function) noexcept {
    const ExecAddress at = function + functions_.patched_at;
    publish(at, zone_.writable(at), functions_.patched_size, Zone::kAlias, mode_);
  }
  void patch(ExecAddress function) noexcept {
    const PatchScope scope{zone_, function + functions_.patched_at, functions_.patched_size};
    store(function);
    publish_patch(function);
  }

  /// Not yet to be executed.
  void store_all() noexcept {
    const PatchScope scope{zone_, zone_.exec(), walks_of(functions_).size};
    for (const ExecAddress function : order_) store(function);
    version_ = 1 - version_;
  }
  void publish_all() noexcept {
    for (const ExecAddress function : order_) publish_patch(function);
  }
  void patch_all() noexcept {
    for (const ExecAddress function : order_) patch(function);
    version_ = 1 - version_;
  }
  std::uint64_t patch_and_execute_all() noexcept {
    const auto patch_number = [](void* self, std::uint32_t number) noexcept {
      PublishCell& cell = PublishCell::cell(self);
      cell.patch(cell.order_[number]);
    };
    sink_ = patching_walk().template as_function<send::HookedWalkFunction>()(
        nullptr, 1, 0, list_.data(), patch_number, this);
    version_ = 1 - version_;
    return sink_;
  }

  static std::uint32_t word_at(const std::byte* bytes) noexcept {
    std::uint32_t word = 0;
    std::memcpy(&word, bytes, sizeof word);
    return word;
  }

  PublishMode mode_;
  PublishedFunctions functions_;
  ArenaMap arena_;
  Zone zone_;
  std::vector<ExecAddress> order_;   // in which they are called
  std::vector<std::uint32_t> list_;  // every place of it
  unsigned version_ = 0;
  std::uint64_t sink_ = 0;
};

struct Publish {
  static constexpr std::string_view kId = "publish";

  static WorkloadInfo info();
  template <class Strategy>
  static constexpr std::string_view unsupported() {
    if constexpr (!send::never_patched<Strategy>().empty()) {
      return send::never_patched<Strategy>();
    } else if constexpr (is_staged<typename Strategy::Zone>()) {
      return "its code is published when a patch scope ends, which patches cost by themselves";
    } else {
      return send::unless_code_is_patched<Strategy>(
          "its patches change data: no code is published");
    }
  }
  template <class Strategy>
  static std::unique_ptr<Instance> make(const CellRequest& request) {
    return std::make_unique<PublishCell<Strategy>>(request);
  }
  template <class Strategy>
  static std::vector<CodeSnapshot> dump(const CellRequest& request) {
    return PublishCell<Strategy>(request).snapshots();
  }
};

}  // namespace patchbench
