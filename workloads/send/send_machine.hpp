// workloads/send/send_machine.hpp - a small VM's send machinery in one zone: methods, send sites,
// PICs, the miss trampoline, and the transitions that link and unlink sites.
//
// One thread mutates and executes, unless the plan says MissPolicy::look_up: then misses link
// nothing, and other threads may execute sends while one thread calls retarget() (what that takes
// beside the store is said in concurrent_patch.hpp). Nothing on the miss path allocates, throws or
// calls virtually, except where the plan has code emitted on demand, which is a compiler's work.
//
//   code_map.hpp        where its pieces are
//   installed_code.hpp  what is there from the beginning
//   site_words.hpp      a site's tag and target, in code or in a cell
//   closed_pics.hpp     closed PICs, in code or over cells
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <sys/mman.h>

#include "strategies/cgroup.hpp"
#include "strategies/code_zone.hpp"
#include "strategies/mapping.hpp"
#include "strategies/publish.hpp"
#include "strategies/vmas.hpp"
#include "workloads/send/architecture.hpp"
#include "workloads/send/closed_pics.hpp"
#include "workloads/send/code_map.hpp"
#include "workloads/send/installed_code.hpp"
#include "workloads/send/method_cache.hpp"
#include "workloads/send/object_model.hpp"
#include "workloads/send/send_plan.hpp"
#include "workloads/send/site_words.hpp"
#include "workloads/workload.hpp"

namespace patchbench::send {

/// Misses that this thread has had under MissPolicy::look_up.
inline thread_local std::uint64_t lookups_of_thread = 0;

template <CodeZone Zone_, Dispatch kDispatch, Architecture A = NativeArchitecture>
class SendMachine {
 public:
  using Zone = Zone_;
  using Arch = A;
  using Words = SiteWords<Zone, kDispatch, A>;
  using Pics = ClosedPics<Zone, kDispatch, A>;
  static constexpr Dispatch kDispatchOfSites = kDispatch;
  static constexpr bool kCellPics = links_cells(kDispatch);
  static constexpr bool kCallsStub = calls_stub(kDispatch);

  /// A site's stub, where it has one, is part of it.
  ///
  /// In the shorter of its layouts: linear order may fill the whole stride (site_return_offset).
  static constexpr double kSiteCodeBytes =
      static_cast<double>(A::site_return_offset(kDispatch, SiteOrder::standalone) +
                          (kCallsStub ? A::stub_size(kDispatch) : 0));
  static constexpr double site_instructions(SiteOrder order) noexcept {
    return A::site_operations(kDispatch, order) + (kCallsStub ? A::stub_operations(kDispatch) : 0U);
  }
  static constexpr double kSiteStrideBytes =
      static_cast<double>(A::kSiteStride + (kCallsStub ? A::stub_stride(kDispatch) : 0));
  static constexpr double kCellBytes = !Words::kHasCells ? 0
                                       : kDispatch == Dispatch::cell_cache_scattered
                                           ? 64
                                           : double{sizeof(Cell)};

  /// Reserves the zone and installs everything, all sites unlinked. Throws std::system_error as the
  /// zone does, std::invalid_argument when the code does not fit within the reach of a direct call,
  /// and Unsupported where publishing would come before the stores that it is for.
  explicit SendMachine(SendPlan plan)
      : plan_(checked(std::move(plan))),
        table_(plan_.heap_classes, plan_.selectors, plan_.understood),
        zone_(plan_.arena.zone_request(checked_layout<A>(plan_, table_.methods(), kDispatch).size)),
        code_(zone_.exec(), checked_layout<A>(plan_, table_.methods(), kDispatch)),
        cells_(map_cells()),
        cache_memory_(
            Mapping::anonymous(round_up_to_pages(plan_.cache_entries * sizeof(MethodCacheEntry)),
                               PROT_READ | PROT_WRITE, plan_.arena.method_cache)),
        cache_(std::span(static_cast<MethodCacheEntry*>(cache_memory_.address()),
                         plan_.cache_entries)),
        words_(zone_, code_.sites(), plan_.sites.size(), plan_.order, cells_begin(), plan_.publish),
        pics_(zone_, {.begin = code_.pics(),
                      .count = plan_.closed_pics ? sites() : 0,
                      .miss_trampoline = code_.miss_trampoline(),
                      .slots = cells_begin() + slots_offset(),
                      .publish = plan_.publish}) {
    install();
  }
  SendMachine(const SendMachine&) = delete;  // trampolines hold this object's address
  SendMachine& operator=(const SendMachine&) = delete;
  ~SendMachine() = default;

  // --- what is where ---

  [[nodiscard]] const SendPlan& plan() const noexcept { return plan_; }
  [[nodiscard]] const MethodTable& table() const noexcept { return table_; }
  [[nodiscard]] Zone& zone() noexcept { return zone_; }
  [[nodiscard]] const CodeLayout& layout() const noexcept { return code_.layout(); }
  [[nodiscard]] const CodeMap<A>& code() const noexcept { return code_; }
  [[nodiscard]] const Words& words() const noexcept { return words_; }
  [[nodiscard]] const Pics& pics() const noexcept { return pics_; }
  [[nodiscard]] std::uint32_t sites() const noexcept {
    return static_cast<std::uint32_t>(plan_.sites.size());
  }
  [[nodiscard]] ExecAddress site(std::uint32_t index) const noexcept { return words_.site(index); }
  [[nodiscard]] SiteValue read_site(std::uint32_t index) const noexcept {
    return words_.read(index);
  }
  [[nodiscard]] SiteState state(std::uint32_t index) const noexcept {
    return code_.state_of(words_.read(index).target);
  }
  /// Of a site that has a closed PIC.
  [[nodiscard]] std::uint32_t pic_of(std::uint32_t index) const noexcept {
    return pics_.number_of(index, words_.read(index).target);
  }

  [[nodiscard]] DriverFunction* driver() const noexcept {
    return code_.driver().template as_function<DriverFunction>();
  }
  [[nodiscard]] CallSiteFunction* call_site() const noexcept {
    return code_.call_site().template as_function<CallSiteFunction>();
  }
  /// Over plan().walks[number], which has no hook; its receivers are where the sites' are.
  [[nodiscard]] DriverFunction* walk(std::size_t number) const noexcept {
    return code_.walk(number).template as_function<DriverFunction>();
  }
  /// Likewise over one that has a hook.
  [[nodiscard]] HookedWalkFunction* hooked_walk(std::size_t number) const noexcept {
    return code_.walk(number).template as_function<HookedWalkFunction>();
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
    const PatchScope scope{zone_, zone_.exec(), layout().size};
    std::size_t rounds = 0;
    for (const auto& classes : classes_of_site) rounds = std::max(rounds, classes.size());
    for (std::size_t k = 0; k < rounds; ++k) {
      for_each_site_in_order([&](std::uint32_t index) {
        if (k < classes_of_site[index].size()) {
          const std::uint32_t class_index = classes_of_site[index][k];
          advance<OuterScope>(index, table_.tag_of_class(class_index),
                              table_.method(class_index, plan_.selector_of_site[index]));
        }
      });
    }
    publish_code(zone_.exec(), layout().size);
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
    words_.store_pair(index, from, to, code_.miss_trampoline());
    words_.publish_site(index);
  }
  /// One of several under a scope of the caller's, none of which is executed before
  /// publish_scope(): each has the maintenance that it must have, and all share one barrier.
  void relink_unpublished(std::uint32_t index, const SiteValue& from,
                          const SiteValue& to) noexcept {
    words_.store_pair(index, from, to, code_.miss_trampoline());
    words_.maintain_site(index);
  }
  /// The site goes to the miss trampoline, with its selector as tag. Likewise.
  void unlink_unpublished(std::uint32_t index) noexcept {
    unlink_in_scope(index);
    words_.maintain_site(index);
  }
  /// One word, where the tag stays. Likewise.
  void retarget_unpublished(std::uint32_t index, ExecAddress from, ExecAddress to) noexcept {
    words_.store_target(index, from, to);
    words_.maintain_site(index);
  }
  /// `last` is one of the sites that were relinked.
  void publish_scope(std::uint32_t last) noexcept { words_.publish_site(last); }
  // A compaction: every method is copied, then every site is sent to where its method is now.

  /// `count` methods beginning with `first` are copied to where they go next, and are published as
  /// one or one by one. Sites still call the old ones.
  void copy_methods(std::uint32_t first, std::uint32_t count, bool publish_each) noexcept {
    const std::size_t stride = layout().method_stride;
    const ExecAddress to = code_.next_checked_entry(first);
    const PatchScope scope{zone_, to, count * stride};
    for (std::uint32_t method = first; method < first + count; ++method) {
      copy_method(method);
      if (publish_each) publish_code(code_.next_checked_entry(method), stride);
    }
    if (!publish_each) publish_code(to, count * stride);
  }
  /// What a MIC of that method calls after the compaction.
  [[nodiscard]] ExecAddress next_mic_target(std::uint32_t method) const noexcept {
    return code_.next_checked_entry(method) +
           static_cast<std::size_t>(mic_target(method) - code_.checked_entry(method));
  }
  /// All sites call the copies. The method cache is cleared: it holds addresses of the old ones.
  void finish_compaction() noexcept {
    code_.take_other_methods();
    clear_method_cache();
  }
  [[nodiscard]] SiteValue unlinked_value(std::uint32_t index) const noexcept {
    return {.tag = selector_of(index), .target = code_.miss_trampoline()};
  }

  /// One word of a site: what it calls. `to` may be a tag stub, which needs no tag at the site.
  void retarget(std::uint32_t index, ExecAddress from, ExecAddress to) noexcept {
    [[maybe_unused]] const auto scope =
        OwnScope::over(zone_, site(index), Words::patched_size(index));
    words_.store_target(index, from, to);
    words_.publish_site(index);
  }
  /// The same of a direct call that other threads may be executing, by a breakpoint.
  template <class Breakpoints>
  void retarget_by(Breakpoints& breakpoints, std::uint32_t index, ExecAddress from,
                   ExecAddress to) noexcept {
    [[maybe_unused]] const auto scope =
        OwnScope::over(zone_, site(index), Words::patched_size(index));
    const ExecAddress word = words_.target_word(index);
    breakpoints.change_call(word, zone_.writable(word), from, to);
  }
  /// Mappings in the arena while the site in the middle is open for a patch.
  [[nodiscard]] std::optional<std::int64_t> vmas_while_open() {
    [[maybe_unused]] const auto scope =
        OwnScope::over(zone_, site(sites() / 2), Words::patched_size(sites() / 2));
    return count_vmas_in_arena(plan_.arena);
  }
  /// `count` sites beginning with `first`, in layout order.
  [[nodiscard]] auto scope_over(std::uint32_t first, std::uint32_t count) noexcept {
    const std::uint32_t last = first + count - 1;
    const auto to_last = static_cast<std::size_t>(site(last) - site(first));
    return OwnScope::over(zone_, site(first), to_last + Words::patched_size(last));
  }
  /// Keeps all sites writable; what a batch of patches runs under.
  [[nodiscard]] auto scope_over_sites() noexcept {
    return OwnScope::over(zone_, code_.sites(), A::sites_size(sites()));
  }

  /// Takes away what was emitted on demand, when no site is linked to any of it: traps stand in its
  /// place, and the method cache forgets it.
  void discard_emitted() noexcept {
    const PatchScope scope{zone_, zone_.exec(), layout().size};
    for (std::uint32_t method = 0; method < method_is_there_.size(); ++method) {
      if (std::exchange(method_is_there_[method], false)) {
        trap(code_.checked_entry(method), layout().method_stride);
      }
    }
    for (std::uint32_t selector = 0; selector < open_pic_is_there_.size(); ++selector) {
      if (std::exchange(open_pic_is_there_[selector], false)) {
        trap(code_.open_pic(selector), A::kOpenPicStride);
      }
    }
    clear_method_cache();
  }

  /// What a VM does when a class changes: every site is unlinked, under one scope, and all PICs are
  /// free again.
  void unlink_all() noexcept {
    unlink_sites_if([](std::uint32_t) { return true; });
    pics_.free_all();
  }
  /// Every site of one selector.
  void unlink_selector(std::uint32_t selector) noexcept {
    unlink_sites_if([&](std::uint32_t index) { return plan_.selector_of_site[index] == selector; });
  }
  void clear_method_cache() noexcept { cache_.clear(); }

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
    /// New code, which is code whatever sites consist of.
    [[nodiscard]] static auto over_new(Zone& zone, ExecAddress at, std::size_t size) noexcept {
      return PatchScope<Zone>{zone, at, size};
    }
  };
  struct OuterScope {
    [[nodiscard]] static auto over(Zone&, ExecAddress, std::size_t) noexcept { return NoScope{}; }
    [[nodiscard]] static auto over_new(Zone&, ExecAddress, std::size_t) noexcept {
      return NoScope{};
    }
  };

  void publish_code(ExecAddress where, std::size_t size) noexcept {
    publish(where, zone_.writable(where), size, Zone::kAlias, plan_.publish);
  }

  [[nodiscard]] ExecAddress mic_target(std::uint32_t method) const noexcept {
    return kDispatch == Dispatch::unchecked ? code_.unchecked_entry(method)
                                            : code_.checked_entry(method);
  }
  [[nodiscard]] Selector selector_of(std::uint32_t index) const noexcept {
    return table_.selector(plan_.selector_of_site[index]);
  }

  template <class Visit>
  void for_each_site_in_order(Visit visit) const noexcept {
    if (plan_.order == SiteOrder::shuffled) {
      for (std::uint32_t i = plan_.first_site; i != sites(); i = plan_.sites[i].next) visit(i);
    } else {
      for (std::uint32_t i = 0; i < sites(); ++i) visit(i);
    }
  }

  // --- installation ---

  [[nodiscard]] static SendPlan checked(SendPlan plan) {
    if (is_staged<Zone>() && plan.publish != PublishMode::none)
      throw Unsupported(kStagedPublishing);
    return plan;
  }

  /// Cells, and behind them the slots of closed PICs.
  [[nodiscard]] Mapping map_cells() const {
    if constexpr (!Words::kHasCells) {
      return {};
    } else {
      const std::size_t slots = plan_.closed_pics ? plan_.sites.size() * Pics::kSlotBytes : 0;
      return Mapping::anonymous(round_up_to_pages(slots_offset() + slots), PROT_READ | PROT_WRITE,
                                plan_.arena.cells);
    }
  }
  [[nodiscard]] std::byte* cells_begin() const noexcept {
    return static_cast<std::byte*>(cells_.address());
  }
  [[nodiscard]] std::size_t slots_offset() const noexcept {
    return Words::kHasCells ? cells_size(kDispatch, plan_.sites.size()) : 0;
  }

  void install() {
    std::vector<Installed> pieces;
    pieces.push_back(emit_driver(plan_, table_, code_, kDispatch, ExecAddress{cells_.address()}));
    emit_stubs(pieces, plan_, code_, kDispatch, ExecAddress{cells_.address()});
    pieces.push_back({code_.call_site(), A::emit_call_site()});
    pieces.push_back(
        emit_trampoline<A>(code_.miss_trampoline(),
                           plan_.on_miss == MissPolicy::look_up ? &on_lookup : &on_miss, this));
    pieces.push_back(emit_trampoline<A>(code_.open_miss_trampoline(), &on_open_miss, this));
    if (plan_.methods == Emission::installed) emit_methods(pieces, plan_, table_, code_);
    emit_tag_stubs(pieces, plan_, table_, code_);
    if (plan_.open_pics == Emission::installed) {
      emit_open_pics(pieces, plan_, table_, code_, cache_);
    }
    pics_.emit(pieces);
    emit_walks(pieces, plan_, code_);
    write(pieces);
    // Marked as there, so that discarding puts the first traps.
    if (plan_.methods == Emission::on_demand) method_is_there_.assign(table_.methods(), true);
    if (plan_.open_pics == Emission::on_demand) open_pic_is_there_.assign(plan_.selectors, true);
    if (plan_.methods == Emission::on_demand || plan_.open_pics == Emission::on_demand) {
      discard_emitted();
    }
    if constexpr (Words::kHasCells) {
      for (std::uint32_t i = 0; i < sites(); ++i) {
        words_.cell(i) = {.tag = selector_of(i), .target = code_.miss_trampoline().value()};
      }
    }
  }

  void write(const std::vector<Installed>& pieces) noexcept {
    const PatchScope scope{zone_, zone_.exec(), layout().size};
    for (const Installed& piece : pieces) {
      store_code(zone_.writable(piece.at).data(), piece.bytes.data(), piece.bytes.size());
    }
    publish_code(zone_.exec(), layout().size);
  }

  /// Of a scope that is open.
  void trap(ExecAddress at, std::size_t size) noexcept {
    for (std::size_t offset = 0; offset < size; offset += sizeof(std::uint32_t)) {
      const std::uint32_t word = A::kTrapWord;
      store_code(zone_.writable(at + offset).data(), reinterpret_cast<const std::byte*>(&word),
                 sizeof word);
    }
    publish_code(at, size);
  }

  template <class Scoping>
  void store_new(const Installed& piece) noexcept {
    [[maybe_unused]] const auto scope = Scoping::over_new(zone_, piece.at, piece.bytes.size());
    store_code(zone_.writable(piece.at).data(), piece.bytes.data(), piece.bytes.size());
    publish_code(piece.at, piece.bytes.size());
  }

  // Emitting allocates, and what it throws ends the process.
  template <class Scoping>
  void need_method(std::uint32_t method) noexcept {
    if (plan_.methods == Emission::installed || method_is_there_[method]) return;
    store_new<Scoping>(emit_method(plan_, table_, code_, method));
    method_is_there_[method] = true;
  }
  template <class Scoping>
  void need_open_pic(std::uint32_t selector) noexcept {
    if (plan_.open_pics == Emission::installed || open_pic_is_there_[selector]) return;
    store_new<Scoping>(emit_open_pic(plan_, table_, code_, cache_, selector));
    open_pic_is_there_[selector] = true;
  }

  void copy_method(std::uint32_t method) noexcept {
    const ExecAddress from = code_.checked_entry(method);
    const ExecAddress to = code_.next_checked_entry(method);
    std::byte* copy = zone_.writable(to).data();
    store_code(copy, from.data(), layout().method_stride);
    const std::size_t at = A::method_jump_offset(plan_.work);
    const std::uint32_t jump = A::encode_jump(to + at, code_.miss_trampoline());
    store_code(copy + at, reinterpret_cast<const std::byte*>(&jump), sizeof jump);
  }

  // --- transitions ---

  /// One miss's worth of linking.
  template <class Scoping>
  void advance(std::uint32_t index, ClassTag tag, std::uint32_t method) noexcept {
    need_method<Scoping>(method);
    const SiteValue value = words_.read(index);
    switch (code_.state_of(value.target)) {
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
      case SiteState::closed_pic: {
        const std::uint32_t pic = pics_.number_of(index, value.target);
        if (pics_.count(pic) < kMaxPicCases) {
          pics_.template grow<Scoping>(pic, {.tag = tag, .target = code_.unchecked_entry(method)});
        } else {
          make_open<Scoping>(index, value);
        }
        return;
      }
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

  /// The PIC is whole before the site calls it.
  template <class Scoping>
  void make_closed_pic(std::uint32_t index, const SiteValue& mic, ClassTag tag,
                       std::uint32_t method) noexcept {
    const std::uint32_t pic = pics_.take(index);
    const ExecAddress first = code_.unchecked_entry(code_.method_at(mic.target));
    pics_.template make<Scoping>(pic, {.tag = mic.tag, .target = first},
                                 {.tag = tag, .target = code_.unchecked_entry(method)});
    [[maybe_unused]] const auto scope =
        Scoping::over(zone_, site(index), Words::patched_size(index));
    if constexpr (Pics::kReplacesTag) {
      words_.store_pair(index, mic, {.tag = Pics::tag_at_site(pic), .target = pics_.at(pic)},
                        code_.miss_trampoline());
    } else {
      words_.store_target(index, mic.target, pics_.at(pic));
    }
    words_.publish_site(index);
  }

  template <class Scoping>
  void make_open(std::uint32_t index, const SiteValue& from) noexcept {
    need_open_pic<Scoping>(plan_.selector_of_site[index]);
    {
      [[maybe_unused]] const auto scope =
          Scoping::over(zone_, site(index), Words::patched_size(index));
      relink_in_scope(
          index, from,
          {.tag = selector_of(index), .target = code_.open_pic(plan_.selector_of_site[index])});
    }
    if (code_.state_of(from.target) == SiteState::closed_pic) {
      pics_.free(pics_.number_of(index, from.target));
    }
  }

  template <class Predicate>
  void unlink_sites_if(Predicate chosen) noexcept {
    [[maybe_unused]] const auto scope = scope_over_sites();
    for (std::uint32_t i = 0; i < sites(); ++i) {
      if (chosen(i)) unlink_in_scope(i);
    }
    if constexpr (Words::kPatchesCode) publish_code(code_.sites(), A::sites_size(sites()));
  }

  void unlink_in_scope(std::uint32_t index) noexcept {
    const SiteValue value = words_.read(index);
    const SiteState before = code_.state_of(value.target);
    if (before == SiteState::unlinked) return;
    words_.store_target(index, value.target, code_.miss_trampoline());
    words_.store_tag(index, value.tag, selector_of(index));
    if (before == SiteState::closed_pic) pics_.free(pics_.number_of(index, value.target));
  }

  // --- misses ---

  [[nodiscard]] std::uint32_t find_method(ClassTag tag, Selector selector) noexcept {
    if (const std::uint64_t entry = cache_.find(tag, selector); entry != 0) {
      return code_.method_at(ExecAddress{static_cast<std::uintptr_t>(entry)});
    }
    const std::uint32_t method = table_.lookup(tag, selector);
    cache_.add(tag, selector, code_.unchecked_entry(method).value());
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
    return machine.code_.unchecked_entry(method).value();
  }

  /// MissPolicy::look_up: reads what nobody writes. The method cache is the mutator's.
  static std::uintptr_t on_lookup(void* self, Oop receiver, std::uint64_t /*tag_word*/,
                                  std::uintptr_t return_address) noexcept {
    auto& machine = *static_cast<SendMachine*>(self);
    const std::uint32_t index = machine.words_.site_of_return(return_address);
    ++lookups_of_thread;
    return machine.code_
        .unchecked_entry(machine.table_.lookup(class_tag_of(receiver), machine.selector_of(index)))
        .value();
  }

  /// A send through an open PIC whose entry is not in the method cache. Nothing is linked.
  static std::uintptr_t on_open_miss(void* self, Oop receiver, std::uint64_t tag_word,
                                     std::uintptr_t /*return_address*/) noexcept {
    auto& machine = *static_cast<SendMachine*>(self);
    ++machine.method_cache_misses_;
    const auto selector = static_cast<Selector>(tag_word);
    const std::uint32_t method = machine.table_.lookup(class_tag_of(receiver), selector);
    machine.template need_method<OwnScope>(method);
    const ExecAddress entry = machine.code_.unchecked_entry(method);
    machine.cache_.add(class_tag_of(receiver), selector, entry.value());
    return entry.value();
  }

  SendPlan plan_;
  MethodTable table_;
  Zone zone_;
  CodeMap<A> code_;
  Mapping cells_;
  Mapping cache_memory_;
  MethodCache cache_;
  Words words_;
  Pics pics_;
  std::vector<std::uint8_t> method_is_there_;    // where methods are emitted on demand
  std::vector<std::uint8_t> open_pic_is_there_;  // where open PICs are
  std::uint64_t misses_ = 0;
  std::uint64_t method_cache_misses_ = 0;
};

}  // namespace patchbench::send
