// workloads/far_call.hpp - calls of functions that lie further away than a direct call reaches.
//
// A direct call reaches 2 GiB on x86-64 (a displacement of 32 bits, Intel SDM vol. 2A, CALL) and
// 128 MiB on AArch64 (an immediate of 26 bits, in instructions; Arm ARM, BL). Beyond that a call
// goes through a veneer, or through a word of data.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <sys/mman.h>

#include "strategies/cgroup.hpp"
#include "strategies/code_zone.hpp"
#include "strategies/dispatch.hpp"
#include "strategies/mapping.hpp"
#include "strategies/publish.hpp"
#include "workloads/arena_map.hpp"
#include "workloads/measured_cell.hpp"
#include "workloads/parameters.hpp"
#include "workloads/seeded_random.hpp"
#include "workloads/send/architecture.hpp"
#include "workloads/send/code_map.hpp"
#include "workloads/send/transition_cell.hpp"
#include "workloads/workload.hpp"

namespace patchbench {

/// How a call site reaches its function, and what relinking it stores to.
enum class Reach {
  near,      // direct call of a function in the zone; the call itself is patched
  veneer,    // direct call of the site's veneer, which jumps to a far function through the word
             // behind it; that word is patched, in the code zone
  indirect,  // call of a far function through the site's word in data; that word is stored to
};

/// The calls of one walk.
struct FarSites {
  ExecAddress walk;
  std::uint32_t stretch = 0;       // of the walk's hook
  ExecAddress veneers = {};        // of site 0; only under Reach::veneer
  std::uint64_t* slots = nullptr;  // of site 0; only under Reach::indirect
  unsigned linked = 0;             // to the first or the second function of each site
};

/// - `patch`: all sites relinked in random order, right after all were executed; ns a site.
/// - `patch_execute`: a site relinked and called at once.
/// - `execute`: one call at a linked site, its function included, which adds one number; ns a call.
///
/// Each site has two functions, drawn for it, that answer different numbers. With `near` they lie
/// in the zone of the sites; otherwise in a second zone of the same strategy, 5 GiB or more away.
template <class Strategy>
class FarCallCell : public MeasuredCell<FarCallCell<Strategy>> {
 public:
  using Zone = typename Strategy::Zone;
  using A = send::NativeArchitecture;

  FarCallCell(const CellRequest& request, Reach reach)
      : reach_(reach),
        sites_(count_parameter(request, "sites")),
        arena_(map_arena(request.arena, request.zone)),
        zone_(arena_.zone_request(lay_out())),
        list_(sites_) {
    place();
    draw(request.seed);
    install();
    this->measure(
        "patch", static_cast<double>(sites_), [](FarCallCell& cell) { cell.call_all(1); },
        [](FarCallCell& cell) { cell.patch_all(); });
    this->measure("patch_execute", static_cast<double>(sites_), kUnprepared,
                  [](FarCallCell& cell) { cell.patch_and_call_all(); });
    this->measure("execute", static_cast<double>(passes() * sites_), kUnprepared,
                  [](FarCallCell& cell) { cell.call_all(cell.passes()); });
  }

  void check() override {
    for (int turn = 0; turn < 2; ++turn) {
      send::expect_equal(call_all(1), oracle(called_), "calls of linked sites");
      patch_all();
      send::expect_equal(call_all(1), oracle(called_), "calls after all sites were relinked");
      const std::uint64_t answered = patch_and_call_all();
      send::expect_equal(answered, oracle(patched_), "calls right after each patch");
    }
    check_one_at_a_time();
  }

  [[nodiscard]] std::vector<SiteCounter> counters() const override { return {}; }
  [[nodiscard]] MemoryUse memory() const override { return memory_in_arena(arena_); }

  /// Site 0 as it is now, then relinked.
  [[nodiscard]] std::vector<CodeSnapshot> snapshots() {
    std::vector<CodeSnapshot> both{{.moment = "linked", .pieces = pieces()}};
    patch_all();
    both.push_back({.moment = "relinked", .pieces = pieces()});
    return both;
  }

  [[nodiscard]] std::uint32_t sites() const noexcept { return sites_; }
  [[nodiscard]] Zone& zone() noexcept { return zone_; }
  /// Of the instruction or displacement that a direct call at this site ends with.
  [[nodiscard]] ExecAddress call_word(std::uint32_t site) const noexcept {
    return word_of(called_, site);
  }
  [[nodiscard]] ExecAddress function(std::uint32_t site, unsigned side) const noexcept {
    return functions_ + functions_of_site_[site][side] * kFunctionStride;
  }
  /// What one pass over all sites answers, and what it should.
  std::uint64_t call_once() noexcept { return call_all(1); }
  [[nodiscard]] std::uint64_t expected() const noexcept { return oracle(called_); }
  /// One site to its other function, without telling the oracle.
  void relink_secretly(std::uint32_t site) noexcept {
    link(called_, site, called_.linked, 1 - called_.linked);
  }

 private:
  static constexpr std::uint32_t kFunctions = 128;
  static constexpr std::size_t kFunctionStride = 64;

  // --- where everything is ---

  [[nodiscard]] send::Called called() const noexcept {
    return reach_ == Reach::indirect ? send::Called::slots : send::Called::functions;
  }
  [[nodiscard]] std::size_t walk_room(std::uint32_t stretch) const {
    return round_up_to_pages(A::walk_size(called(), sites_, stretch));
  }
  [[nodiscard]] std::size_t veneer_room() const {
    return reach_ == Reach::veneer ? round_up_to_pages(sites_ * A::kVeneerStride) : 0;
  }
  [[nodiscard]] std::size_t near_functions_room() const {
    return reach_ == Reach::near ? round_up_to_pages(kFunctions * kFunctionStride) : 0;
  }
  /// Size of the zone: functions, then each walk with its veneers, all on pages of their own, so
  /// that no patch takes away what is executed next.
  [[nodiscard]] std::size_t lay_out() const {
    return near_functions_room() + walk_room(0) + walk_room(1) + 2 * veneer_room();
  }

  void place() {
    called_ = {.walk = zone_.exec() + near_functions_room()};
    called_.veneers = called_.walk + walk_room(0);
    patched_ = {.walk = called_.veneers + veneer_room(), .stretch = 1};
    patched_.veneers = patched_.walk + walk_room(1);
    if (reach_ == Reach::indirect) {
      slots_ = Mapping::anonymous(round_up_to_pages(sizeof(std::uint64_t) * 2 * sites_),
                                  PROT_READ | PROT_WRITE, arena_.cells);
      called_.slots = static_cast<std::uint64_t*>(slots_.address());
      patched_.slots = called_.slots + sites_;
    }
    functions_ = reach_ == Reach::near ? zone_.exec() : far_functions();
  }
  /// A mapping that the kernel had put elsewhere would be measured as something that it is not.
  [[nodiscard]] ExecAddress far_functions() {
    far_.emplace(ZoneRequest{.size = require_memory(kFunctions * kFunctionStride),
                             .placement = arena_.far_placement(),
                             .landing_pads = true,
                             .pages = arena_.options.pages});
    if (A::reaches(called_.walk, far_->exec())) {
      throw std::logic_error("the far functions are within the reach of a direct call");
    }
    return far_->exec();
  }

  void draw(std::uint64_t seed) {
    SeededRandom random{seed};
    functions_of_site_.resize(sites_);
    for (auto& [first, second] : functions_of_site_) {
      first = static_cast<std::uint32_t>(random.below(kFunctions));
      second = (first + 1 + static_cast<std::uint32_t>(random.below(kFunctions - 1))) % kFunctions;
    }
    std::iota(list_.begin(), list_.end(), 0U);
    order_ = send::random_order(sites_, random.below(UINT64_MAX));
  }

  // --- installation ---

  /// What a function answers: different for each, since 4093 is prime.
  static std::uint16_t answer(std::uint32_t function) noexcept {
    return static_cast<std::uint16_t>(1 + function * 1021 % 4093);
  }
  [[nodiscard]] std::vector<send::Installed> emit_functions() const {
    std::vector<send::Installed> pieces;
    for (std::uint32_t i = 0; i < kFunctions; ++i) {
      const std::uint16_t one = answer(i);
      pieces.push_back({functions_ + i * kFunctionStride, A::emit_sum({&one, 1})});
    }
    return pieces;
  }
  void emit_sites(std::vector<send::Installed>& pieces, const FarSites& at) const {
    std::vector<ExecAddress> calls;
    for (std::uint32_t site = 0; site < sites_; ++site) {
      switch (reach_) {
        case Reach::near:
          calls.push_back(function(site, 0));
          break;
        case Reach::veneer:
          calls.push_back(at.veneers + site * A::kVeneerStride);
          pieces.push_back(
              {calls.back(), A::emit_veneer({.at = calls.back(), .target = function(site, 0)})});
          break;
        case Reach::indirect:
          calls.push_back(ExecAddress{&at.slots[site]});
          at.slots[site] = function(site, 0).value();
          break;
      }
    }
    pieces.push_back(
        {at.walk,
         A::emit_walk({.at = at.walk, .called = called(), .calls = calls, .stretch = at.stretch})});
  }

  void install() {
    std::vector<send::Installed> pieces;
    emit_sites(pieces, called_);
    emit_sites(pieces, patched_);
    const std::vector<send::Installed> functions = emit_functions();
    if (far_) {
      write(*far_, far_->size(), functions);
      far_->seal();
    } else {
      write(zone_, lay_out(), functions);
    }
    write(zone_, lay_out(), pieces);
  }
  /// `size` of the zone is code; the rest of it may be reserved alone.
  static void write(Zone& zone, std::size_t size,
                    const std::vector<send::Installed>& pieces) noexcept {
    const PatchScope scope{zone, zone.exec(), size};
    for (const send::Installed& piece : pieces) {
      store_code(zone.writable(piece.at).data(), piece.bytes.data(), piece.bytes.size());
    }
    publish(zone.exec(), zone.writable(zone.exec()), size, Zone::kAlias);
  }

  // --- relinking ---

  [[nodiscard]] static ExecAddress word_of(const FarSites& at, std::uint32_t site) noexcept {
    return at.walk +
           (A::walk_call_offset(send::Called::functions, site, at.stretch) + A::kWalkCallWord);
  }

  void link(FarSites& at, std::uint32_t site, unsigned from, unsigned to) noexcept {
    switch (reach_) {
      case Reach::near:
        patch_call(word_of(at, site), function(site, from), function(site, to));
        return;
      case Reach::veneer:
        patch_veneer(at.veneers + (site * A::kVeneerStride + A::kVeneerSlot), function(site, from),
                     function(site, to));
        return;
      case Reach::indirect:
        patch_word<std::uint64_t>(WritableAddress{&at.slots[site]}, function(site, from).value(),
                                  function(site, to).value());
        return;
    }
  }
  void patch_call(ExecAddress word, ExecAddress from, ExecAddress to) noexcept {
    const PatchScope scope{zone_, word, sizeof(std::uint32_t)};
    patch_word<std::uint32_t>(zone_.writable(word), A::encode_target(word, from),
                              A::encode_target(word, to));
    publish(word, zone_.writable(word), sizeof(std::uint32_t), Zone::kAlias);
  }
  /// The word is data among code, which is loaded and not fetched: there is nothing to publish.
  void patch_veneer(ExecAddress slot, ExecAddress from, ExecAddress to) noexcept {
    const PatchScope scope{zone_, slot, sizeof(std::uint64_t)};
    patch_word<std::uint64_t>(zone_.writable(slot), from.value(), to.value());
  }

  // --- runs ---

  [[nodiscard]] std::uint64_t passes() const noexcept {
    return std::max<std::uint64_t>(1, kSendsPerRun / sites_);
  }
  /// Of one pass.
  [[nodiscard]] std::uint64_t oracle(const FarSites& at) const noexcept {
    std::uint64_t sum = 0;
    for (const auto& functions : functions_of_site_) sum += answer(functions[at.linked]);
    return sum;
  }
  std::uint64_t call_all(std::uint64_t passes) noexcept {
    return sink_ = called_.walk.template as_function<send::DriverFunction>()(nullptr, passes, 0);
  }
  void patch_all() noexcept {
    const unsigned from = called_.linked;
    for (const std::uint32_t site : order_) link(called_, site, from, 1 - from);
    called_.linked = 1 - from;
  }
  std::uint64_t patch_and_call_all() noexcept {
    const auto patch_next = [](void* self, std::uint32_t site) noexcept {
      FarCallCell& cell = FarCallCell::cell(self);
      const unsigned from = cell.patched_.linked;
      cell.link(cell.patched_, site, from, 1 - from);
    };
    sink_ = patched_.walk.template as_function<send::HookedWalkFunction>()(
        nullptr, 1, 0, list_.data(), patch_next, this);
    patched_.linked = 1 - patched_.linked;
    return sink_;
  }
  /// A sum over all sites would not tell two that were exchanged; one site's change does.
  void check_one_at_a_time() {
    constexpr std::uint32_t kMost = 64;
    const unsigned from = called_.linked;
    for (std::uint32_t i = 0; i < std::min(sites_, kMost); ++i) {
      const std::uint32_t site = order_[i];
      const auto& functions = functions_of_site_[site];
      link(called_, site, from, 1 - from);
      send::expect_equal(call_all(1) + answer(functions[from]),
                         oracle(called_) + answer(functions[1 - from]),
                         "calls after one site was relinked");
      link(called_, site, 1 - from, from);
    }
  }

  [[nodiscard]] std::vector<CodePiece> pieces() const {
    std::vector<CodePiece> all;
    const auto add = [&all](const char* name, ExecAddress at, std::size_t size) {
      all.push_back({.name = name, .address = at.value(), .bytes = {at.data(), at.data() + size}});
    };
    add("call-site", called_.walk + A::walk_call_offset(called(), 0, 0),
        A::walk_call_offset(called(), 1, 0) - A::walk_call_offset(called(), 0, 0));
    if (reach_ == Reach::veneer) add("veneer", called_.veneers, A::kVeneerStride);
    if (reach_ == Reach::indirect) {
      add("slot-data", ExecAddress{called_.slots}, sizeof(std::uint64_t));
    }
    add("function", function(0, called_.linked), kFunctionStride);
    return all;
  }

  Reach reach_;
  std::uint32_t sites_;
  ArenaMap arena_;
  Zone zone_;
  std::optional<Zone> far_;
  Mapping slots_;
  ExecAddress functions_;
  FarSites called_;
  FarSites patched_;
  std::vector<std::array<std::uint32_t, 2>> functions_of_site_;
  std::vector<std::uint32_t> order_;  // in which sites are patched in a burst
  std::vector<std::uint32_t> list_;   // for the hook: every site in turn
  std::uint64_t sink_ = 0;
};

struct FarCall {
  static constexpr std::string_view kId = "far-call";
  static constexpr std::array<std::string_view, 3> kReaches = {"near", "veneer", "indirect"};

  static WorkloadInfo info() {
    const std::vector<std::string> reaches{kReaches.begin(), kReaches.end()};
    return {.id = std::string{kId},
            .summary = "calls of functions beyond the reach of a direct call, and their relinking",
            .parameters = {patched_sites_parameter({"64", "1024", "8192"}, {"1024"}),
                           {.name = "reach",
                            .summary = "a direct call of a near function, one of a veneer that "
                                       "jumps far, or a call through data",
                            .default_value = "veneer",
                            .standard_grid = reaches,
                            .quick_grid = reaches,
                            .choices = reaches}},
            .metrics = {"patch", "patch_execute", "execute"},
            .headline = std::vector<Headline>{},
            .small_grid = {{"sites", "1024"}, {"reach", "veneer"}}};
  }
  template <class Strategy>
  static constexpr std::string_view unsupported() {
    return send::unless_code_is_patched<Strategy>(
        "its sends go through data, which holds any address");
  }
  static Reach reach_of(const CellRequest& request) {
    const auto* const found = std::ranges::find(kReaches, word_parameter(request, "reach"));
    if (found == kReaches.end()) throw std::invalid_argument("reach= is none of its words");
    return static_cast<Reach>(found - kReaches.begin());
  }
  template <class Strategy>
  static std::unique_ptr<Instance> make(const CellRequest& request) {
    return std::make_unique<FarCallCell<Strategy>>(request, reach_of(request));
  }
  template <class Strategy>
  static std::vector<CodeSnapshot> dump(const CellRequest& request) {
    return FarCallCell<Strategy>(request, reach_of(request)).snapshots();
  }
};

}  // namespace patchbench
