// workloads/send/send_machine.hpp - a small VM's send machinery in one zone: methods, send sites,
// PICs, the miss trampoline, and the transitions that link and unlink sites.
//
// One thread mutates and executes: what a VM with several executors needs beyond the order of the
// stores is said where they are made (site_words.hpp). Nothing on the miss path allocates, throws
// or calls virtually.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <sys/mman.h>

#include "strategies/code_zone.hpp"
#include "strategies/mapping.hpp"
#include "strategies/publish.hpp"
#include "strategies/vmas.hpp"
#include "workloads/send/architecture.hpp"
#include "workloads/send/method_cache.hpp"
#include "workloads/send/object_model.hpp"
#include "workloads/send/send_plan.hpp"
#include "workloads/send/site_words.hpp"
#include "workloads/workload.hpp"

namespace patchbench::send {

enum class SiteState { unlinked, mic, closed_pic, open_pic };

template <CodeZone Zone_, Dispatch kDispatch, Architecture A = NativeArchitecture>
class SendMachine {
 public:
  using Zone = Zone_;
  using Words = SiteWords<Zone, kDispatch, A>;
  static constexpr Dispatch kDispatchOfSites = kDispatch;
  static constexpr bool kCellPics = links_cells(kDispatch);
  static constexpr bool kSharedStub = kDispatch == Dispatch::cell_cache_shared;
  static constexpr bool kNewestFirst = kDispatch == Dispatch::cell_cache_newest_first;

  /// In the shorter of its layouts: linear order may fill the whole stride (site_return_offset).
  static constexpr double kSiteCodeBytes =
      static_cast<double>(A::site_return_offset(kDispatch, SiteOrder::standalone));
  static constexpr double site_instructions(SiteOrder order) noexcept {
    return A::site_operations(kDispatch, order);
  }
  static constexpr double kSiteStrideBytes = static_cast<double>(A::kSiteStride);
  static constexpr double kCellBytes = !Words::kHasCells ? 0
                                       : kDispatch == Dispatch::cell_cache_scattered
                                           ? 64
                                           : double{sizeof(Cell)};

  /// Reserves the zone and installs everything, all sites unlinked. Throws std::system_error as the
  /// zone does, and std::invalid_argument when the code does not fit within the reach of a direct
  /// call.
  explicit SendMachine(SendPlan plan)
      : plan_(std::move(plan)),
        table_(plan_.heap_classes, plan_.selectors),
        layout_(checked_layout()),
        zone_(ZoneRequest{
            .size = layout_.size, .placement = plan_.arena.placement(), .landing_pads = true}),
        cells_(map_cells()),
        cache_memory_(
            Mapping::anonymous(round_up_to_pages(plan_.cache_entries * sizeof(MethodCacheEntry)),
                               PROT_READ | PROT_WRITE, plan_.arena.method_cache)),
        cache_(std::span(static_cast<MethodCacheEntry*>(cache_memory_.address()),
                         plan_.cache_entries)),
        words_(zone_, sites_address(), plan_.sites.size(), plan_.order, cells_begin(),
               plan_.publish),
        pic_cases_(plan_.closed_pics ? plan_.sites.size() : 0),
        free_pics_(kCellPics ? 0 : pic_cases_.size()) {
    free_all_pics();
    install();
  }
  SendMachine(const SendMachine&) = delete;  // trampolines hold this object's address
  SendMachine& operator=(const SendMachine&) = delete;
  ~SendMachine() = default;

  // --- what is where ---

  [[nodiscard]] const SendPlan& plan() const noexcept { return plan_; }
  [[nodiscard]] const MethodTable& table() const noexcept { return table_; }
  [[nodiscard]] Zone& zone() noexcept { return zone_; }
  [[nodiscard]] const CodeLayout& layout() const noexcept { return layout_; }
  [[nodiscard]] std::uint32_t sites() const noexcept {
    return static_cast<std::uint32_t>(plan_.sites.size());
  }
  [[nodiscard]] ExecAddress site(std::uint32_t index) const noexcept { return words_.site(index); }
  [[nodiscard]] ExecAddress miss_trampoline() const noexcept { return at(layout_.miss_trampoline); }
  [[nodiscard]] ExecAddress checked_entry(std::uint32_t method) const noexcept {
    return at(layout_.methods + method * layout_.method_stride);
  }
  [[nodiscard]] ExecAddress unchecked_entry(std::uint32_t method) const noexcept {
    return checked_entry(method) + A::unchecked_entry_offset();
  }
  [[nodiscard]] ExecAddress open_pic(std::uint32_t selector) const noexcept {
    return at(layout_.open_pics + selector * A::kOpenPicStride);
  }
  [[nodiscard]] ExecAddress pic(std::uint32_t index) const noexcept {
    return at(layout_.pics + index * A::kPicStride);
  }
  [[nodiscard]] DriverFunction* driver() const noexcept {
    return at(layout_.driver).template as_function<DriverFunction>();
  }
  [[nodiscard]] CallSiteFunction* call_site() const noexcept {
    return at(layout_.call_site).template as_function<CallSiteFunction>();
  }
  /// Over plan().walks[number], which has no hook; its receivers are where the sites' are.
  [[nodiscard]] DriverFunction* walk(std::size_t number) const noexcept {
    return at(layout_.walks[number]).template as_function<DriverFunction>();
  }
  /// Likewise over one that has a hook.
  [[nodiscard]] HookedWalkFunction* hooked_walk(std::size_t number) const noexcept {
    return at(layout_.walks[number]).template as_function<HookedWalkFunction>();
  }
  [[nodiscard]] SiteValue read_site(std::uint32_t index) const noexcept {
    return words_.read(index);
  }
  [[nodiscard]] SiteState state(std::uint32_t index) const noexcept {
    return state_of(words_.read(index).target);
  }

  // --- what happened ---

  [[nodiscard]] std::uint64_t misses() const noexcept { return misses_; }
  /// Sends through an open PIC that its three probes did not answer.
  [[nodiscard]] std::uint64_t method_cache_misses() const noexcept { return method_cache_misses_; }

  // --- transitions, called from C++ ---

  /// Takes the sites through the transitions that real misses take, under one scope: round k sends
  /// to each site its k-th class, in the order in which the driver executes the sites. Leaves the
  /// same bytes as the misses would.
  void prelink(std::span<const std::vector<std::uint32_t>> classes_of_site) noexcept {
    const PatchScope scope{zone_};
    std::size_t rounds = 0;
    for (const auto& classes : classes_of_site) {
      rounds = std::max(rounds, classes.size());
    }
    for (std::size_t k = 0; k < rounds; ++k) {
      for_each_site_in_order([&](std::uint32_t index) {
        if (k < classes_of_site[index].size()) {
          const std::uint32_t class_index = classes_of_site[index][k];
          advance<OuterScope>(index, table_.tag_of_class(class_index),
                              table_.method(class_index, plan_.selector_of_site[index]));
        }
      });
    }
    publish_code(zone_.exec(), zone_.size());
  }

  /// Installation and prelinking are over: strategies that never patch code give up the right to.
  void seal() { zone_.seal(); }

  /// What a MIC linked for this class holds.
  [[nodiscard]] SiteValue mic_value(std::uint32_t site_index,
                                    std::uint32_t class_index) const noexcept {
    const std::uint32_t method = table_.method(class_index, plan_.selector_of_site[site_index]);
    return {.tag = table_.tag_of_class(class_index), .target = mic_target(method)};
  }

  /// One patch: a MIC is rewritten for another class. Scope, three stores, publish, end of scope.
  void relink(std::uint32_t index, const SiteValue& from, const SiteValue& to) noexcept {
    [[maybe_unused]] const auto scope =
        OwnScope::over(zone_, site(index), Words::patched_size(index));
    relink_in_scope(index, from, to);
  }
  /// The same under a scope that the caller holds.
  void relink_in_scope(std::uint32_t index, const SiteValue& from, const SiteValue& to) noexcept {
    words_.store_pair(index, from, to, miss_trampoline());
    words_.publish_site(index);
  }
  /// Mappings in the arena while the site in the middle is open for a patch.
  [[nodiscard]] std::optional<std::int64_t> vmas_while_open() {
    [[maybe_unused]] const auto scope =
        OwnScope::over(zone_, site(sites() / 2), Words::patched_size(sites() / 2));
    return count_vmas(plan_.arena.base, plan_.arena.base + kArenaSize);
  }
  /// Keeps all sites writable; what a batch of patches runs under.
  [[nodiscard]] auto scope_over_sites() noexcept {
    return OwnScope::over(zone_, sites_address(), A::sites_size(sites()));
  }

  /// What a VM does when a class changes: every site is unlinked, under one scope, and all PICs are
  /// free again.
  void unlink_all() noexcept {
    unlink_sites_if([](std::uint32_t) { return true; });
    free_all_pics();
  }
  /// Every site of one selector.
  void unlink_selector(std::uint32_t selector) noexcept {
    unlink_sites_if([&](std::uint32_t index) { return plan_.selector_of_site[index] == selector; });
  }
  void clear_method_cache() noexcept { cache_.clear(); }

  // --- for showing the code ---

  /// "unlinked", "mic", "closed-pic-3", "open-pic".
  [[nodiscard]] std::string name_of_state(std::uint32_t index) const {
    const SiteValue value = words_.read(index);
    switch (state_of(value.target)) {
      case SiteState::unlinked:
        return "unlinked";
      case SiteState::mic:
        return "mic";
      case SiteState::closed_pic:
        return "closed-pic-" + std::to_string(pic_cases_[pic_of(index, value)]);
      case SiteState::open_pic:
        return "open-pic";
    }
    return {};
  }
  /// The code that a send at this site may execute now.
  [[nodiscard]] std::vector<CodePiece> pieces(std::uint32_t site_index) const {
    const SiteValue value = words_.read(site_index);
    const std::uint32_t selector = plan_.selector_of_site[site_index];
    std::vector<CodePiece> pieces;
    add_piece(pieces, "send-site", site(site_index), A::kSiteStride);
    const bool is_mic = state_of(value.target) == SiteState::mic;
    const std::uint32_t some_method = table_.method(1, selector);
    add_piece(pieces, "checked-entry",
              checked_entry(is_mic ? method_at(value.target) : some_method), layout_.method_stride);
    if (state_of(value.target) == SiteState::closed_pic) {
      add_piece(pieces, "closed-pic", value.target, A::kPicStride);
    }
    add_piece(pieces, "open-pic", open_pic(selector), A::kOpenPicStride);
    add_piece(pieces, "miss-trampoline", miss_trampoline(), A::kTrampolineStride);
    add_piece(pieces, "open-miss-trampoline", at(layout_.open_miss_trampoline),
              A::kTrampolineStride);
    if (Words::tag_is_away(site_index)) {
      add_piece(pieces, "class-tag-data", words_.tag_word(site_index), sizeof(ClassTag));
    }
    if constexpr (Words::kHasCells) {
      add_piece(pieces, "cell-data", ExecAddress{&words_.cell(site_index)}, sizeof(Cell));
    }
    if constexpr (kCellPics) {
      if (state_of(value.target) == SiteState::closed_pic) {
        add_piece(pieces, "pic-slots-data", ExecAddress{&slots(site_index)}, sizeof(CellPicSlots));
      }
    }
    return pieces;
  }

 private:
  // A transition either opens its own patch scopes (a miss at run time) or runs under one that
  // covers everything (prelink). Strategies that store to data need neither.
  struct NoScope {
    ~NoScope() {}  // not trivial, so that an unused one is not warned about
  };
  struct OwnScope {
    [[nodiscard]] static auto over(Zone& zone, ExecAddress at, std::size_t size) noexcept {
      if constexpr (Words::kPatchesCode) {
        return PatchScope<Zone>{zone, at, size};
      } else {
        return NoScope{};
      }
    }
  };
  struct OuterScope {
    [[nodiscard]] static auto over(Zone&, ExecAddress, std::size_t) noexcept { return NoScope{}; }
  };

  void publish_code(ExecAddress where, std::size_t size) noexcept {
    publish(where, zone_.writable(where), size, Zone::kAlias, plan_.publish);
  }

  [[nodiscard]] ExecAddress at(std::size_t offset) const noexcept { return zone_.exec() + offset; }
  [[nodiscard]] ExecAddress sites_address() const noexcept { return at(layout_.sites); }
  [[nodiscard]] std::byte* cells_begin() const noexcept {
    return static_cast<std::byte*>(cells_.address());
  }
  [[nodiscard]] std::size_t slots_offset() const noexcept {
    return cells_size(kDispatch, plan_.sites.size());
  }
  [[nodiscard]] CellPicSlots& slots(std::uint32_t index) const noexcept {
    return reinterpret_cast<CellPicSlots*>(cells_begin() + slots_offset())[index];
  }
  [[nodiscard]] ExecAddress mic_target(std::uint32_t method) const noexcept {
    return kDispatch == Dispatch::unchecked ? unchecked_entry(method) : checked_entry(method);
  }
  [[nodiscard]] std::uint32_t method_at(ExecAddress entry) const noexcept {
    return static_cast<std::uint32_t>(static_cast<std::size_t>(entry - at(layout_.methods)) /
                                      layout_.method_stride);
  }
  [[nodiscard]] SiteState state_of(ExecAddress target) const noexcept {
    if (target < at(layout_.open_pics)) {
      return SiteState::unlinked;
    }
    if (target < at(layout_.methods)) {
      return SiteState::open_pic;
    }
    return target < at(layout_.driver) ? SiteState::mic : SiteState::closed_pic;
  }

  static void add_piece(std::vector<CodePiece>& pieces, const char* name, ExecAddress where,
                        std::size_t size) {
    pieces.push_back({.name = name,
                      .address = where.value(),
                      .bytes = std::vector<std::byte>(where.data(), where.data() + size)});
  }

  CodeLayout checked_layout() const {
    CodeLayout layout = lay_out<A>(plan_, table_.methods());
    constexpr std::size_t kReach = std::min(A::kMaxZoneSize, kCodeRoom);
    if (layout.size > kReach) {
      constexpr std::size_t kMiB = std::size_t{1} << 20U;
      throw std::invalid_argument("the code of these sites and methods takes " +
                                  std::to_string((layout.size + kMiB - 1) / kMiB) +
                                  " MiB, and a direct call reaches no further than " +
                                  std::to_string(kReach / kMiB) +
                                  ": ask for fewer sites, classes or operations");
    }
    return layout;
  }

  Mapping map_cells() const {
    if constexpr (!Words::kHasCells) {
      return {};
    } else {
      const std::size_t slot_bytes =
          kCellPics && plan_.closed_pics ? plan_.sites.size() * sizeof(CellPicSlots) : 0;
      return Mapping::anonymous(round_up_to_pages(slots_offset() + slot_bytes),
                                PROT_READ | PROT_WRITE, plan_.arena.cells);
    }
  }

  template <class Visit>
  void for_each_site_in_order(Visit visit) const noexcept {
    if (plan_.order == SiteOrder::shuffled) {
      for (std::uint32_t i = plan_.first_site; i != sites(); i = plan_.sites[i].next) {
        visit(i);
      }
    } else {
      for (std::uint32_t i = 0; i < sites(); ++i) {
        visit(i);
      }
    }
  }

  // --- installation ---

  /// A piece of code and where it goes. Everything is emitted before the scope opens: emitting
  /// allocates.
  struct Installed {
    ExecAddress at;
    CodeBytes bytes;
  };
  using Pieces = std::vector<Installed>;

  void write(const Pieces& pieces) noexcept {
    const PatchScope scope{zone_};
    for (const Installed& piece : pieces) {
      std::memcpy(zone_.writable(piece.at).data(), piece.bytes.data(), piece.bytes.size());
    }
    publish_code(zone_.exec(), zone_.size());
  }

  void install() {
    if constexpr (!kCellPics) {
      pic_prototype_ = A::emit_pic_prototype();
    }
    Pieces pieces;
    pieces.push_back({at(layout_.driver), A::emit_driver(driver_plan())});
    pieces.push_back({at(layout_.call_site), A::emit_call_site()});
    emit_trampoline(pieces, miss_trampoline(), &on_miss);
    emit_trampoline(pieces, at(layout_.open_miss_trampoline), &on_open_miss);
    emit_methods(pieces);
    emit_open_pics(pieces);
    if constexpr (kCellPics) {
      emit_cell_pics(pieces);
    }
    emit_walks(pieces);
    write(pieces);
    if constexpr (Words::kHasCells) {
      for (std::uint32_t i = 0; i < sites(); ++i) {
        words_.cell(i) = {.tag = selector_of(i), .target = miss_trampoline().value()};
      }
    }
  }

  void emit_trampoline(Pieces& pieces, ExecAddress where, MissFunction function) {
    pieces.push_back(
        {where, A::emit_trampoline({.at = where, .function = function, .machine = this})});
  }

  [[nodiscard]] DriverPlan driver_plan() {
    selectors_.resize(plan_.sites.size());
    for (std::uint32_t i = 0; i < sites(); ++i) {
      selectors_[i] = selector_of(i);
    }
    return {.dispatch = kDispatch,
            .order = plan_.order,
            .at = at(layout_.driver),
            .site_shift = plan_.site_shift,
            .cells = ExecAddress{cells_.address()},
            .first_site = plan_.first_site,
            .sites = plan_.sites,
            .selectors = selectors_,
            .miss_trampoline = miss_trampoline()};
  }

  void emit_methods(Pieces& pieces) const {
    for (std::uint32_t m = 0; m < table_.methods(); ++m) {
      pieces.push_back(
          {checked_entry(m), A::emit_method({.at = checked_entry(m),
                                             .miss_trampoline = miss_trampoline(),
                                             .method = m,
                                             .work = plan_.work,
                                             .immediate_receiver = m % table_.classes() == 0})});
    }
  }

  void emit_open_pics(Pieces& pieces) const {
    for (std::uint32_t s = 0; s < plan_.selectors; ++s) {
      pieces.push_back({open_pic(s), A::emit_open_pic({.at = open_pic(s),
                                                       .selector = table_.selector(s),
                                                       .method_cache = ExecAddress{cache_.base()},
                                                       .mask = cache_.mask(),
                                                       .open_miss_trampoline =
                                                           at(layout_.open_miss_trampoline)})});
    }
  }

  void emit_cell_pics(Pieces& pieces) const {
    const std::uint32_t stubs = !plan_.closed_pics ? 0 : kSharedStub ? 1 : sites();
    for (std::uint32_t i = 0; i < stubs; ++i) {
      pieces.push_back({pic(i), A::emit_cell_pic({.at = pic(i),
                                                  .slots = ExecAddress{&slots(i)},
                                                  .shared = kSharedStub,
                                                  .miss_trampoline = miss_trampoline()})});
    }
  }

  void emit_walks(Pieces& pieces) const {
    for (std::size_t number = 0; number < plan_.walks.size(); ++number) {
      std::vector<ExecAddress> calls;
      for (const std::uint32_t index : plan_.walks[number].sites) {
        calls.push_back(site(index));
      }
      const ExecAddress where = at(layout_.walks[number]);
      pieces.push_back({where, A::emit_walk({.at = where,
                                             .called = Called::sites,
                                             .calls = calls,
                                             .stretch = plan_.walks[number].stretch})});
    }
  }

  // --- transitions ---

  [[nodiscard]] Selector selector_of(std::uint32_t index) const noexcept {
    return table_.selector(plan_.selector_of_site[index]);
  }

  /// One miss's worth of linking.
  template <class Scoping>
  void advance(std::uint32_t index, ClassTag tag, std::uint32_t method) noexcept {
    const SiteValue value = words_.read(index);
    switch (state_of(value.target)) {
      case SiteState::unlinked:
        link_mic<Scoping>(index, value, tag, method);
        return;
      case SiteState::mic:
        if (plan_.on_miss == MissPolicy::relink) {
          link_mic<Scoping>(index, value, tag, method);
        } else if (plan_.closed_pics) {
          make_closed_pic<Scoping>(index, value, tag, method);
        } else {
          make_open<Scoping>(index, value);
        }
        return;
      case SiteState::closed_pic:
        if (pic_cases_[pic_of(index, value)] < kMaxPicCases) {
          grow_closed_pic<Scoping>(pic_of(index, value), tag, method);
        } else {
          make_open<Scoping>(index, value);
        }
        return;
      case SiteState::open_pic:
        return;
    }
  }

  template <class Scoping>
  void link_mic(std::uint32_t index, const SiteValue& from, ClassTag tag,
                std::uint32_t method) noexcept {
    [[maybe_unused]] const auto scope =
        Scoping::over(zone_, site(index), Words::patched_size(index));
    relink_in_scope(index, from, {.tag = tag, .target = mic_target(method)});
  }

  template <class Scoping>
  void make_open(std::uint32_t index, const SiteValue& from) noexcept {
    {
      [[maybe_unused]] const auto scope =
          Scoping::over(zone_, site(index), Words::patched_size(index));
      relink_in_scope(
          index, from,
          {.tag = selector_of(index), .target = open_pic(plan_.selector_of_site[index])});
    }
    if (state_of(from.target) == SiteState::closed_pic) {
      free_pic(pic_of(index, from));
    }
  }

  template <class Scoping>
  void make_closed_pic(std::uint32_t index, const SiteValue& mic, ClassTag tag,
                       std::uint32_t method) noexcept {
    if constexpr (kCellPics) {
      set_slot(index, 0, mic.tag, unchecked_entry(method_at(mic.target)));
      set_slot(index, 1, tag, unchecked_entry(method));
      pic_cases_[index] = 2;
      if constexpr (kSharedStub) {
        const auto offset = static_cast<std::uint32_t>(index * sizeof(CellPicSlots));
        words_.store_pair(index, mic, {.tag = offset, .target = pic(0)}, miss_trampoline());
      } else {
        words_.store_target(index, mic.target, pic(index));
      }
    } else {
      const std::uint32_t number = take_pic(index);
      write_new_pic<Scoping>(number, unchecked_entry(method_at(mic.target)), tag,
                             unchecked_entry(method));
      // The first case compares with the tag that the site goes on loading, so one store links the
      // PIC.
      [[maybe_unused]] const auto scope =
          Scoping::over(zone_, site(index), Words::patched_size(index));
      words_.store_target(index, mic.target, pic(number));
      words_.publish_site(index);
    }
  }

  template <class Scoping>
  void write_new_pic(std::uint32_t number, ExecAddress first_target, ClassTag tag,
                     ExecAddress target) noexcept {
    const ExecAddress where = pic(number);
    [[maybe_unused]] const auto scope = Scoping::over(zone_, where, A::kPicStride);
    std::byte* bytes = zone_.writable(where).data();
    std::memcpy(bytes, pic_prototype_.data(), pic_prototype_.size());
    A::fill_pic(bytes, where, first_target, miss_trampoline());
    A::fill_pic_case(bytes, where, 1, tag, target);
    const ExecAddress jump = where + A::kPicJumpOffset;
    const std::uint32_t to_first_case = A::encode_jump(jump, where + A::pic_case_offset(1));
    std::memcpy(bytes + A::kPicJumpOffset, &to_first_case, sizeof to_first_case);
    publish_code(where, pic_prototype_.size());
    pic_cases_[number] = 2;
  }

  /// The new case is written and published while nothing reaches it; then one word makes it
  /// reachable.
  template <class Scoping>
  void grow_closed_pic(std::uint32_t number, ClassTag tag, std::uint32_t method) noexcept {
    const unsigned index = pic_cases_[number]++;
    if constexpr (kNewestFirst) {
      insert_slot(number, index, tag, unchecked_entry(method));
    } else if constexpr (kCellPics) {
      set_slot(number, index, tag, unchecked_entry(method));
    } else {
      const ExecAddress where = pic(number);
      [[maybe_unused]] const auto scope = Scoping::over(zone_, where, A::kPicStride);
      A::fill_pic_case(zone_.writable(where).data(), where, index, tag, unchecked_entry(method));
      const ExecAddress added = where + A::pic_case_offset(index);
      publish_code(added, A::kPicCaseSize);
      const ExecAddress jump = where + A::kPicJumpOffset;
      patch_word(zone_.writable(jump), A::encode_jump(jump, where + A::pic_case_offset(index - 1)),
                 A::encode_jump(jump, added));
      publish_code(jump, sizeof(std::uint32_t));
    }
  }

  /// Target first: in memory a slot with a tag always has its target (site_words.hpp says what a
  /// reader on another core needs besides). A free slot is all zero.
  void set_slot(std::uint32_t pic_index, unsigned slot, ClassTag tag, ExecAddress target) noexcept {
    Cell& entry = slots(pic_index).slots[slot];
    patch_word<std::uint64_t>(WritableAddress{&entry.target}, 0, target.value());
    patch_word<std::uint64_t>(WritableAddress{&entry.tag}, kNoClass, tag);
  }

  /// The newest case second and the oldest first, as in a PIC that is patched: `used` slots but the
  /// first move down by one. Memory never pairs a tag with another's target, and no class is
  /// without a slot in between.
  void insert_slot(std::uint32_t pic_index, unsigned used, ClassTag tag,
                   ExecAddress target) noexcept {
    Cell* slot = slots(pic_index).slots;
    for (unsigned i = used; i > 1; --i) {
      replace_slot(slot[i], slot[i - 1]);
    }
    replace_slot(slot[1], {.tag = tag, .target = target.value()});
  }
  static void replace_slot(Cell& entry, const Cell& by) noexcept {
    patch_word<std::uint64_t>(WritableAddress{&entry.tag}, entry.tag, kNoClass);
    patch_word<std::uint64_t>(WritableAddress{&entry.target}, entry.target, by.target);
    patch_word<std::uint64_t>(WritableAddress{&entry.tag}, kNoClass, by.tag);
  }

  [[nodiscard]] std::uint32_t pic_of(std::uint32_t index, const SiteValue& value) const noexcept {
    if constexpr (kCellPics) {
      return index;
    } else {
      return static_cast<std::uint32_t>(static_cast<std::size_t>(value.target - pic(0)) /
                                        A::kPicStride);
    }
  }

  template <class Predicate>
  void unlink_sites_if(Predicate chosen) noexcept {
    [[maybe_unused]] const auto scope = scope_over_sites();
    for (std::uint32_t i = 0; i < sites(); ++i) {
      if (chosen(i)) {
        unlink_in_scope(i);
      }
    }
    if constexpr (Words::kPatchesCode) {
      publish_code(sites_address(), A::sites_size(sites()));
    }
  }

  void unlink_in_scope(std::uint32_t index) noexcept {
    const SiteValue value = words_.read(index);
    const SiteState before = state_of(value.target);
    if (before == SiteState::unlinked) {
      return;
    }
    words_.store_target(index, value.target, miss_trampoline());
    words_.store_tag(index, value.tag, selector_of(index));
    if (before == SiteState::closed_pic) {
      free_pic(pic_of(index, value));
    }
  }

  [[nodiscard]] std::uint32_t take_pic(std::uint32_t site_index) noexcept {
    if constexpr (kCellPics) {
      return site_index;  // pre-installed: each site has its own slots
    } else {
      return free_pics_[--free_pic_count_];
    }
  }

  /// With one mutator that is also the only executor, nobody can still be inside the PIC.
  void free_pic(std::uint32_t number) noexcept {
    if constexpr (kCellPics) {
      for (unsigned slot = 0; slot < pic_cases_[number]; ++slot) {
        Cell& entry = slots(number).slots[slot];
        // Whatever class it was taken for: there is nothing to expect.
        patch_word<std::uint64_t>(WritableAddress{&entry.tag}, entry.tag, kNoClass);
        patch_word<std::uint64_t>(WritableAddress{&entry.target}, entry.target, 0);
      }
    } else {
      free_pics_[free_pic_count_++] = number;
    }
    pic_cases_[number] = 0;
  }

  /// All PICs free, the lowest to be taken first: the same history gives the same bytes.
  void free_all_pics() noexcept {
    free_pic_count_ = static_cast<std::uint32_t>(free_pics_.size());
    for (std::uint32_t i = 0; i < free_pic_count_; ++i) {
      free_pics_[i] = free_pic_count_ - 1 - i;
    }
  }

  // --- misses ---

  [[nodiscard]] std::uint32_t find_method(ClassTag tag, Selector selector) noexcept {
    if (const std::uint64_t entry = cache_.find(tag, selector); entry != 0) {
      return method_at(ExecAddress{static_cast<std::uintptr_t>(entry)});
    }
    const std::uint32_t method = table_.lookup(tag, selector);
    cache_.add(tag, selector, unchecked_entry(method).value());
    return method;
  }

  static std::uintptr_t on_miss(void* self, Oop receiver, [[maybe_unused]] std::uint64_t tag_word,
                                std::uintptr_t return_address) noexcept {
    auto& machine = *static_cast<SendMachine*>(self);
    const std::uint32_t index = machine.words_.site_of_return(return_address);
    const ClassTag tag = class_tag_of(receiver);
    const std::uint32_t method = machine.find_method(tag, machine.selector_of(index));
    ++machine.misses_;
    machine.template advance<OwnScope>(index, tag, method);
    return machine.unchecked_entry(method).value();
  }

  /// A send through an open PIC whose entry is not in the method cache. Nothing is linked.
  static std::uintptr_t on_open_miss(void* self, Oop receiver, std::uint64_t tag_word,
                                     std::uintptr_t /*return_address*/) noexcept {
    auto& machine = *static_cast<SendMachine*>(self);
    ++machine.method_cache_misses_;
    const auto selector = static_cast<Selector>(tag_word);
    const std::uint32_t method = machine.table_.lookup(class_tag_of(receiver), selector);
    const ExecAddress entry = machine.unchecked_entry(method);
    machine.cache_.add(class_tag_of(receiver), selector, entry.value());
    return entry.value();
  }

  SendPlan plan_;
  MethodTable table_;
  CodeLayout layout_;
  Zone zone_;
  Mapping cells_;
  Mapping cache_memory_;
  MethodCache cache_;
  Words words_;
  std::vector<Selector> selectors_;
  CodeBytes pic_prototype_;
  std::vector<std::uint8_t> pic_cases_;
  std::vector<std::uint32_t> free_pics_;  // a stack, as large as there are PICs
  std::uint32_t free_pic_count_ = 0;
  std::uint64_t misses_ = 0;
  std::uint64_t method_cache_misses_ = 0;
};

}  // namespace patchbench::send
