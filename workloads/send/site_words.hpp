// workloads/send/site_words.hpp - where a site's tag and target live under each dispatch, and how
// they are stored.
//
// InlineCache and CellCache differ in nothing else: both go through the same transitions
// (send_machine.hpp), which call the functions here. A store to code goes through the zone's
// writable view; a store to a cell is a store to data.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "strategies/code_zone.hpp"
#include "strategies/dispatch.hpp"
#include "strategies/publish.hpp"
#include "workloads/send/codegen.hpp"

namespace patchbench::send {

/// What a site's two words say.
struct SiteValue {
  std::uint32_t tag =
      0;  // class tag, selector, or under a shared PIC stub the offset of the site's slots
  ExecAddress target;

  friend bool operator==(const SiteValue&, const SiteValue&) = default;
};

template <CodeZone Zone, Dispatch kDispatch, Architecture A>
class SiteWords {
 public:
  static constexpr bool kTagInCell = kDispatch == Dispatch::cell_cache ||
                                     kDispatch == Dispatch::cell_cache_shared ||
                                     kDispatch == Dispatch::tag_cell;
  static constexpr bool kTargetInCell = kDispatch == Dispatch::cell_cache ||
                                        kDispatch == Dispatch::cell_cache_shared ||
                                        kDispatch == Dispatch::target_cell;
  static constexpr bool kHasCells = kTagInCell || kTargetInCell;
  /// Whether any store of a transition goes to code, so that it needs a patch scope and publishing.
  static constexpr bool kPatchesCode = !kTagInCell || !kTargetInCell;

  SiteWords() = default;
  /// `sites` is the executable address of site 0, `cells` its cell (null without cells).
  SiteWords(Zone& zone, ExecAddress sites, Cell* cells, PublishMode mode) noexcept
      : zone_(&zone), sites_(sites), cells_(cells), mode_(mode) {}

  [[nodiscard]] ExecAddress site(std::uint32_t index) const noexcept {
    return sites_ + A::site_offset(index);
  }
  /// Of a tag that is not in a cell.
  [[nodiscard]] ExecAddress tag_word(std::uint32_t index) const noexcept {
    return sites_ + A::tag_offset(index);
  }
  [[nodiscard]] std::uint32_t site_of_return(std::uintptr_t return_address) const noexcept {
    const std::uintptr_t first = sites_.value() + A::site_return_offset(kDispatch);
    return A::site_at(return_address - first);
  }

  [[nodiscard]] SiteValue read(std::uint32_t index) const noexcept {
    SiteValue value;
    if constexpr (kTagInCell) {
      value.tag = static_cast<std::uint32_t>(cells_[index].tag);
    } else {
      value.tag = load_code<std::uint32_t>(tag_word(index));
    }
    if constexpr (kTargetInCell) {
      value.target = ExecAddress{static_cast<std::uintptr_t>(cells_[index].target)};
    } else {
      const ExecAddress word = target_word(index);
      value.target = A::template decode_target<kDispatch>(word, load_code<TargetWord>(word));
    }
    return value;
  }

  void store_tag(std::uint32_t index, std::uint32_t from, std::uint32_t to) noexcept {
    store_tag_at(locate(index), from, to);
  }
  void store_target(std::uint32_t index, ExecAddress from, ExecAddress to) noexcept {
    store_target_at(locate(index), from, to);
  }

  /// Changes tag and target. In between the site goes to `safe`, the miss trampoline, so that what
  /// memory holds is at every moment the old pair, a way to the trampoline, or the new pair: never
  /// a new tag with an old target, also where a patch is cut short.
  ///
  /// That is a property of memory, not of execution. A thread inside the site may have loaded the
  /// old tag and then call the new target. Where instructions and data are not coherent (AArch64),
  /// a thread that begins the site afterwards may load the new tag, which is data, and fetch the
  /// old call; and loads of two words of a cell may be reordered. Here the mutator is the only
  /// executor, and publishes before it executes. A VM with more executors stores `safe`, publishes,
  /// makes every executor synchronise (membarrier SYNC_CORE, or a stop), and only then stores the
  /// tag and the target and publishes again; over cells it loads the target by an acquire of, or a
  /// dependency on, the tag.
  void store_pair(std::uint32_t index, const SiteValue& from, const SiteValue& to,
                  ExecAddress safe) noexcept {
    const Place place = locate(index);
    store_target_at(place, from.target, safe);
    store_tag_at(place, from.tag, to.tag);
    store_target_at(place, safe, to.target);
  }

  /// What a patch of this site stores to lies in so many bytes from its beginning.
  [[nodiscard]] static std::size_t patched_size(std::uint32_t index) noexcept {
    return tag_is_away(index) ? A::tag_offset(index) + sizeof(std::uint32_t) - A::site_offset(index)
                              : A::kSiteStride;
  }
  /// Whether this site's tag is in the code, but not in the site.
  [[nodiscard]] static bool tag_is_away(std::uint32_t index) noexcept {
    return !kTagInCell && A::tag_offset(index) >= A::site_offset(index) + A::kSiteStride;
  }

  /// Makes a site's stores visible to instruction fetch. A tag that stands away from its site is
  /// data there, and needs nothing.
  void publish_site(std::uint32_t index) noexcept {
    if constexpr (kPatchesCode) {
      publish(site(index), zone_->writable(site(index)), A::kSiteStride, Zone::kAlias, mode_);
    }
  }

 private:
  using TargetWord = typename A::template TargetWord<kDispatch>;

  /// Where a site's words are written. Found once for a patch, not once for each store: the
  /// compiler may not carry a zone's offset over the stores, and loading it again costs as much as
  /// a store.
  struct Place {
    WritableAddress tag;
    WritableAddress target;
    ExecAddress target_word;  // as executed; meaningless for a target in a cell
  };

  [[nodiscard]] Place locate(std::uint32_t index) const noexcept {
    Place place{.tag = {}, .target = {}, .target_word = target_word(index)};
    if constexpr (kPatchesCode) {
      const WritableAddress writable = zone_->writable(sites_);
      place.tag = writable + A::tag_offset(index);
      place.target = writable + (A::site_offset(index) + A::site_target_offset(kDispatch));
    }
    if constexpr (kTagInCell) {
      place.tag = WritableAddress{&cells_[index].tag};
    }
    if constexpr (kTargetInCell) {
      place.target = WritableAddress{&cells_[index].target};
    }
    return place;
  }

  static void store_tag_at(const Place& place, std::uint32_t from, std::uint32_t to) noexcept {
    if constexpr (kTagInCell) {
      patch_word<std::uint64_t>(place.tag, from, to);
    } else {
      patch_word<std::uint32_t>(place.tag, from, to);
    }
  }
  static void store_target_at(const Place& place, ExecAddress from, ExecAddress to) noexcept {
    if constexpr (kTargetInCell) {
      patch_word<std::uint64_t>(place.target, from.value(), to.value());
    } else {
      patch_word<TargetWord>(place.target,
                             A::template encode_target<kDispatch>(place.target_word, from),
                             A::template encode_target<kDispatch>(place.target_word, to));
    }
  }

  [[nodiscard]] ExecAddress target_word(std::uint32_t index) const noexcept {
    return site(index) + A::site_target_offset(kDispatch);
  }
  template <class Word>
  [[nodiscard]] static Word load_code(ExecAddress at) noexcept {
    return std::atomic_ref<Word>(*const_cast<Word*>(reinterpret_cast<const Word*>(at.data())))
        .load(std::memory_order_relaxed);
  }

  Zone* zone_ = nullptr;
  ExecAddress sites_;
  Cell* cells_ = nullptr;
  PublishMode mode_ = PublishMode::none;
};

}  // namespace patchbench::send
