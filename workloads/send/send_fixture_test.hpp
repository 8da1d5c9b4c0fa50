// workloads/send/send_fixture_test.hpp - what tests of send machines share: the list they run over,
// small plans, and the model that says what must happen.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <patchbench_catch.hpp>

#include "strategies/registry.hpp"
#include "workloads/seeded_random.hpp"
#include "workloads/send/receiver_mix.hpp"
#include "workloads/send/receivers.hpp"
#include "workloads/send/send_machine.hpp"
#include "workloads/send/shown_code.hpp"

namespace patchbench::send {

template <class Strategy>
inline constexpr int kKindOfZone = (is_staged<typename Strategy::Zone>() ? 1 : 0) +
                                   (is_writable_only_in_scope<typename Strategy::Zone>() ? 2 : 0);

/// Of those with a small grid, whose linked sends are another strategy's, the first of each kind of
/// zone: where stores go is all that send machines see of it.
template <class Kept, class... Rest>
struct WithoutRepetition {
  using Type = Kept;
};
template <class... Kept, class First, class... Rest>
struct WithoutRepetition<std::tuple<Kept...>, First, Rest...> {
  static constexpr bool kSkip =
      has_small_grid<First>() && ((kKindOfZone<Kept> == kKindOfZone<First>) || ...);
  using Type = typename WithoutRepetition<
      std::conditional_t<kSkip, std::tuple<Kept...>, std::tuple<Kept..., First>>, Rest...>::Type;
};
template <class... Strategies>
typename WithoutRepetition<std::tuple<>, Strategies...>::Type without_repetition(
    std::tuple<Strategies...>);

/// Every (zone, dispatch) that is registered and differs for a send machine.
using EveryStrategy = decltype(without_repetition(
    std::declval<decltype(std::tuple_cat(std::declval<StrategyList>(),
                                         std::declval<ControlList>()))>()));

template <class Strategy>
using MachineOf = SendMachine<typename Strategy::Zone, Strategy::kDispatch>;

/// Whether a machine links the sites of this strategy by misses for as many classes as they meet.
/// `unchecked` cannot: nothing of a linked site compares.
template <class Strategy>
inline constexpr bool kChecksClasses = Strategy::kDispatch != Dispatch::unchecked;

/// Whether this machine lets the strategy have any memory at all. What is refused here cannot be
/// tested here; strategies/ tests how it is refused.
template <class Strategy>
[[nodiscard]] bool is_allowed() {
  try {
    const typename Strategy::Zone zone{ZoneRequest{.size = 1}};
    return true;
  } catch (const std::system_error& refused) {
    WARN(Strategy::kId << " is denied on this machine: " << refused.what());
    return false;
  }
}

/// Few sites, more classes than an inline cache holds, and a method cache too small for them.
struct SmallPlan {
  std::uint32_t sites = 24;
  SiteOrder order = SiteOrder::standalone;
  bool closed_pics = true;
  MissPolicy on_miss = MissPolicy::grow;
  std::uint32_t heap_classes = 12;
  std::uint32_t selectors = 3;
  std::uint32_t cache_entries = 8;
  std::uint32_t work = 3;
  std::size_t site_shift = NativeArchitecture::site_shift(3);
  Emission emission = Emission::installed;  // of methods and open PICs
  bool generic_lookup = false;
  bool spare_methods = false;
};

[[nodiscard]] inline SendPlan make_plan(const SmallPlan& small) {
  SendPlan plan;
  plan.heap_classes = small.heap_classes;
  plan.selectors = small.selectors;
  plan.work = small.work;
  plan.cache_entries = small.cache_entries;
  plan.order = small.order;
  plan.site_shift = small.site_shift;
  plan.closed_pics = small.closed_pics;
  plan.on_miss = small.on_miss;
  plan.methods = small.emission;
  plan.open_pics = small.emission;
  plan.generic_lookup = small.generic_lookup;
  plan.spare_methods = small.spare_methods;
  plan.arena = map_arena(Arena{});
  plan.sites.resize(small.sites);
  if (plan.order != SiteOrder::standalone) {  // those read the one receiver they are given
    give_each_site_its_receiver(plan.sites);
  }
  if (plan.order == SiteOrder::shuffled) plan.first_site = chain_in_random_order(plan.sites, 7);
  SeededRandom random{5};
  for (std::uint32_t i = 0; i < small.sites; ++i) {
    // Each selector has a site; beyond that at random.
    plan.selector_of_site.push_back(
        i < small.selectors ? i : static_cast<std::uint32_t>(random.below(small.selectors)));
  }
  return plan;
}

/// Sites in the order in which the driver executes them.
[[nodiscard]] inline std::vector<std::uint32_t> driver_order(const SendPlan& plan) {
  std::vector<std::uint32_t> order;
  const auto sites = static_cast<std::uint32_t>(plan.sites.size());
  if (plan.order == SiteOrder::shuffled) {
    for (std::uint32_t i = plan.first_site; i != sites; i = plan.sites[i].next) order.push_back(i);
  } else {
    for (std::uint32_t i = 0; i < sites; ++i) order.push_back(i);
  }
  return order;
}

/// The method cache again, from its description alone: a power of two of places, an entry in one of
/// three, the first free one; where there is none, the first place, and the others are emptied.
class ModelCache {
 public:
  ModelCache(std::uint32_t entries, const MethodTable& table) : table_(table), places_(entries) {}

  /// Whether the entry is there; afterwards it is.
  bool find_or_add(std::uint32_t class_index, std::uint32_t selector) {
    const Key key{class_index, selector};
    std::optional<Key>* free = nullptr;
    for (unsigned probe = 0; probe < 3; ++probe) {
      std::optional<Key>& place = place_of(key, probe);
      if (place == key) return true;
      free = free == nullptr && !place ? &place : free;
    }
    if (free == nullptr) {
      place_of(key, 1).reset();
      place_of(key, 2).reset();
      free = &place_of(key, 0);
    }
    *free = key;
    return false;
  }
  void clear() { places_.assign(places_.size(), std::nullopt); }

 private:
  using Key = std::pair<std::uint32_t, std::uint32_t>;

  std::optional<Key>& place_of(const Key& key, unsigned probe) {
    const std::uint32_t tag = table_.tag_of_class(key.first);
    const std::uint32_t hash = (0x4000'0000U + key.second) * 2654435761U / 256;
    return places_[((tag ^ hash) >> probe) % places_.size()];
  }

  MethodTable table_;
  std::vector<std::optional<Key>> places_;
};

/// What sends, misses and unlinking must do: plain C++ that knows neither code nor cells.
class SendModel {
 public:
  explicit SendModel(const SendPlan& plan)
      : plan_(plan),
        sites_(plan.sites.size()),
        cache_(plan.cache_entries, MethodTable{plan.heap_classes, plan.selectors}) {}

  /// One send to a receiver of the class; answers whether it missed.
  bool send(std::uint32_t site, std::uint32_t class_index) {
    const std::uint32_t selector = plan_.selector_of_site[site];
    Site& s = sites_[site];
    if (s.open) {
      method_cache_misses_ += cache_.find_or_add(class_index, selector) ? 0 : 1;
      return false;
    }
    if (std::ranges::find(s.met, class_index) != s.met.end()) return false;
    cache_.find_or_add(class_index, selector);
    ++misses_;
    link(s, class_index);
    return true;
  }

  void unlink_all() { sites_.assign(sites_.size(), {}); }
  void unlink_selector(std::uint32_t selector) {
    for (std::size_t i = 0; i < sites_.size(); ++i) {
      if (plan_.selector_of_site[i] == selector) sites_[i] = {};
    }
  }
  void clear_method_cache() { cache_.clear(); }

  [[nodiscard]] std::uint64_t misses() const { return misses_; }
  [[nodiscard]] std::uint64_t method_cache_misses() const { return method_cache_misses_; }
  [[nodiscard]] std::string name_of_state(std::uint32_t site) const {
    const Site& s = sites_[site];
    if (s.open) return "open-pic";
    if (s.met.size() < 2) return s.met.empty() ? "unlinked" : "mic";
    return "closed-pic-" + std::to_string(s.met.size());
  }

 private:
  struct Site {
    std::vector<std::uint32_t> met;
    bool open = false;
  };

  void link(Site& site, std::uint32_t class_index) const {
    if (site.met.empty() || plan_.on_miss == MissPolicy::relink) {
      site.met = {class_index};
    } else if (!plan_.closed_pics || site.met.size() == 6) {
      site = {.met = {}, .open = true};
    } else {
      site.met.push_back(class_index);
    }
  }

  const SendPlan& plan_;
  std::vector<Site> sites_;
  ModelCache cache_;
  std::uint64_t misses_ = 0;
  std::uint64_t method_cache_misses_ = 0;
};

/// A machine with receivers for it, and the model beside it.
template <class Strategy>
class Sends {
 public:
  using Machine = MachineOf<Strategy>;

  explicit Sends(const SendPlan& plan)
      : machine_(plan),
        model_(machine_.plan()),
        random_(11),
        receivers_(machine_.table(), plan.arena, random_) {}

  [[nodiscard]] Machine& machine() { return machine_; }
  [[nodiscard]] SendModel& model() { return model_; }
  [[nodiscard]] SeededRandom& random() { return random_; }
  [[nodiscard]] Oop receiver(std::uint32_t class_index) {
    return receivers_.any_of(class_index, random_);
  }
  [[nodiscard]] std::uint64_t oracle(std::uint32_t site, Oop receiver) const {
    const std::uint32_t class_index = machine_.table().class_of_tag(class_tag_of(receiver));
    return evaluate_method(
        machine_.table().method(class_index, machine_.plan().selector_of_site[site]),
        machine_.plan().work, receiver);
  }

  /// A send at a standalone site, held against model and oracle.
  void send(std::uint32_t site, std::uint32_t class_index) {
    const Oop oop = receiver(class_index);
    const std::uint64_t answered = machine_.call_site()(&oop, machine_.site(site).value());
    model_.send(site, class_index);
    INFO("site " << site << ", class " << class_index);
    if (answered != oracle(site, oop)) REQUIRE(answered == oracle(site, oop));
    check_counts();
    if (name_of_state(machine_, site) != model_.name_of_state(site)) {
      REQUIRE(name_of_state(machine_, site) == model_.name_of_state(site));
    }
  }

  /// One run of the driver, a pass for each row, row[i] being the class at site i.
  void drive(const std::vector<std::vector<std::uint32_t>>& passes) {
    std::vector<Oop> stream;
    for (const auto& row : passes) {
      for (const std::uint32_t class_index : row) stream.push_back(receiver(class_index));
    }
    const std::uint64_t sites = machine_.sites();
    std::uint64_t sum = 0;
    for (std::size_t pass = 0; pass < passes.size(); ++pass) {
      for (const std::uint32_t site : driver_order(machine_.plan())) {
        model_.send(site, passes[pass][site]);
        sum += oracle(site, stream[pass * sites + site]);
      }
    }
    REQUIRE(machine_.driver()(stream.data(), passes.size(),
                              static_cast<std::int64_t>(sites * sizeof(Oop))) == sum);
    check_counts();
    check_states();
  }

  void check_counts() const {
    if (machine_.misses() != model_.misses()) REQUIRE(machine_.misses() == model_.misses());
    if (machine_.method_cache_misses() != model_.method_cache_misses()) {
      REQUIRE(machine_.method_cache_misses() == model_.method_cache_misses());
    }
  }
  void check_states() const {
    for (std::uint32_t i = 0; i < machine_.sites(); ++i) {
      INFO("site " << i);
      REQUIRE(name_of_state(machine_, i) == model_.name_of_state(i));
    }
  }

 private:
  Machine machine_;
  SendModel model_;
  SeededRandom random_;
  Receivers receivers_;
};

// --- bytes ---

using Bytes = std::vector<std::byte>;

[[nodiscard]] inline Bytes bytes_at(std::uintptr_t address, std::size_t size) {
  const auto* begin = ExecAddress{address}.data();
  return {begin, begin + size};
}

/// What a machine's sites consist of: code, the tag where it stands away from it, then cells. The
/// slots of cell PICs are not among them.
template <Dispatch kDispatch>
[[nodiscard]] std::uintptr_t cell_address(const SendPlan& plan, std::uint32_t index) {
  return plan.arena.cells + cell_offset(kDispatch, index, plan.sites.size());
}

template <class Machine>
[[nodiscard]] Bytes bytes_of_site(const Machine& machine, std::uint32_t index) {
  Bytes bytes = bytes_at(machine.site(index).value(), NativeArchitecture::kSiteStride);
  if (Machine::Words::tag_is_away(index)) {
    const std::uintptr_t first =
        machine.site(index).value() - NativeArchitecture::site_offset(index);
    const std::size_t offset =
        NativeArchitecture::first_tag_offset(Machine::kDispatchOfSites, machine.plan().order) +
        NativeArchitecture::tag_distance(index);
    const Bytes tag = bytes_at(first + offset, sizeof(ClassTag));
    bytes.insert(bytes.end(), tag.begin(), tag.end());
  }
  if (Machine::Words::kHasCells) {
    const Bytes cell =
        bytes_at(cell_address<Machine::kDispatchOfSites>(machine.plan(), index), sizeof(Cell));
    bytes.insert(bytes.end(), cell.begin(), cell.end());
  }
  return bytes;
}

template <class Machine>
[[nodiscard]] std::vector<Bytes> bytes_of_sites(const Machine& machine) {
  std::vector<Bytes> sites;
  for (std::uint32_t i = 0; i < machine.sites(); ++i) sites.push_back(bytes_of_site(machine, i));
  return sites;
}

/// Where the slots of site i's cell PIC are.
template <Dispatch kDispatch>
[[nodiscard]] std::uintptr_t slots_address(const SendPlan& plan, std::uint32_t index) {
  return plan.arena.cells + cells_size(kDispatch, plan.sites.size()) + index * sizeof(CellPicSlots);
}

/// The whole zone, then all cells and slots.
template <class Machine>
[[nodiscard]] Bytes everything_of(Machine& machine) {
  Bytes bytes = bytes_at(machine.zone().exec().value(), machine.zone().size());
  if (Machine::Words::kHasCells) {
    const SendPlan& plan = machine.plan();
    const auto pics =
        static_cast<std::uint32_t>(Machine::kCellPics && plan.closed_pics ? machine.sites() : 0);
    const Bytes cells = bytes_at(
        plan.arena.cells, slots_address<Machine::kDispatchOfSites>(plan, pics) - plan.arena.cells);
    bytes.insert(bytes.end(), cells.begin(), cells.end());
  }
  return bytes;
}

/// The first offset at which they differ, or nothing: what a failed comparison of kilobytes should
/// say.
[[nodiscard]] inline std::optional<std::size_t> first_difference(const Bytes& a, const Bytes& b) {
  const auto [at_a, at_b] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  if (at_a == a.end() && at_b == b.end()) return std::nullopt;
  return static_cast<std::size_t>(at_a - a.begin());
}

}  // namespace patchbench::send
