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
#include "strategies/zone_traits.hpp"
#include "workloads/send/codegen.hpp"

namespace patchbench::send {

/// What a site's two words say.
struct SiteValue {
  /// Class tag, selector, or under a shared PIC stub the offset of the site's slots.
  std::uint32_t tag = 0;
  ExecAddress target;

  friend bool operator==(const SiteValue&, const SiteValue&) = default;
};

template <CodeZone Zone, Dispatch kDispatch, Architecture A>
class SiteWords {
 public:
  static constexpr bool kTagInCell = tag_is_in_cell(kDispatch);
  static constexpr bool kTargetInCell = target_is_in_cell(kDispatch);
  static constexpr bool kHasCells = kTagInCell || kTargetInCell;
  /// Whether any store of a transition goes to code, so that it needs a patch scope and publishing.
  static constexpr bool kPatchesCode = !kTagInCell || !kTargetInCell;

  SiteWords() = default;
  /// `sites` is the executable address of site 0, `count` how many there are, `cells` the first
  /// place of cells (cell_offset; null without cells).
  SiteWords(Zone& zone, ExecAddress sites, std::size_t count, SiteOrder order, std::byte* cells,
            PublishMode mode) noexcept
      : zone_(&zone),
        sites_(sites),
        tag_offset_(A::first_tag_offset(kDispatch, order)),
        target_offset_(A::site_target_offset(kDispatch, order)),
        first_return_(sites + A::site_return_offset(kDispatch, order)),
        count_(count),
        cells_(cells),
        mode_(mode) {}

  [[nodiscard]] ExecAddress site(std::uint32_t index) const noexcept {
    return sites_ + A::site_offset(index);
  }
  /// Of a tag that is not in a cell.
  [[nodiscard]] ExecAddress tag_word(std::uint32_t index) const noexcept {
    return sites_ + (tag_offset_ + A::tag_distance(index));
  }
  /// Of a target that is not in a cell.
  [[nodiscard]] ExecAddress target_word(std::uint32_t index) const noexcept {
    return site(index) + target_offset_;
  }
  [[nodiscard]] Cell& cell(std::uint32_t index) const noexcept {
    return *reinterpret_cast<Cell*>(cells_ + cell_offset(kDispatch, index, count_));
  }
  [[nodiscard]] std::uint32_t site_of_return(std::uintptr_t return_address) const noexcept {
    return A::site_at(return_address - first_return_.value());
  }

  [[nodiscard]] SiteValue read(std::uint32_t index) const noexcept {
    SiteValue value;
    if constexpr (kTagInCell) {
      value.tag = static_cast<std::uint32_t>(cell(index).tag);
    } else {
      value.tag = load_code<std::uint32_t>(readable(tag_word(index)));
    }
    if constexpr (kTargetInCell) {
      value.target = ExecAddress{static_cast<std::uintptr_t>(cell(index).target)};
    } else {
      const ExecAddress word = target_word(index);
      value.target =
          A::template decode_target<kDispatch>(word, load_code<TargetWord>(readable(word)));
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
  /// That is a property of memory, not of execution, and serves one thread that patches and
  /// executes. With more of them no order of these stores is enough, nor is a barrier between them:
  /// a thread may be inside the site with the old tag in its register, and call whatever is there
  /// next. concurrent_patch.hpp has what is enough.
  void store_pair(std::uint32_t index, const SiteValue& from, const SiteValue& to,
                  ExecAddress safe) noexcept {
    const Place place = locate(index);
    store_target_at(place, from.target, safe);
    store_tag_at(place, from.tag, to.tag);
    store_target_at(place, safe, to.target);
  }

  /// A patch of this site stores only within this many bytes from its beginning.
  [[nodiscard]] static std::size_t patched_size(std::uint32_t index) noexcept {
    return tag_is_away(index)
               ? distant_tag_offset(index) + sizeof(std::uint32_t) - A::site_offset(index)
               : A::kSiteStride;
  }
  /// Whether this site's tag is in the code, but not in the site.
  [[nodiscard]] static bool tag_is_away(std::uint32_t index) noexcept {
    return !kTagInCell && distant_tag_offset(index) >= A::site_offset(index) + A::kSiteStride;
  }

  /// Makes a site's stores visible to instruction fetch. A tag that stands away from its site is
  /// data there, and needs nothing.
  void publish_site(std::uint32_t index) noexcept { publish_site(index, mode_); }
  /// What the processor must have for each site, without what one barrier does for many.
  void maintain_site(std::uint32_t index) noexcept { publish_site(index, PublishMode::none); }

 private:
  void publish_site(std::uint32_t index, PublishMode mode) noexcept {
    if constexpr (kPatchesCode) {
      publish(site(index), zone_->writable(site(index)), A::kSiteStride, Zone::kAlias, mode);
    }
  }

  using TargetWord = typename A::template TargetWord<kDispatch>;

  /// From the first site. A tag away from its site does not depend on the order of sites.
  static std::size_t distant_tag_offset(std::uint32_t index) noexcept {
    return A::first_tag_offset(kDispatch, SiteOrder::standalone) + A::tag_distance(index);
  }

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
      place.tag = writable + (tag_offset_ + A::tag_distance(index));
      place.target = writable + (A::site_offset(index) + target_offset_);
    }
    if constexpr (kTagInCell) place.tag = WritableAddress{&cell(index).tag};
    if constexpr (kTargetInCell) place.target = WritableAddress{&cell(index).target};
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

  /// Where the mutator reads what it stored: what is staged is not executed before its scope ends.
  [[nodiscard]] const std::byte* readable(ExecAddress at) const noexcept {
    if constexpr (is_staged<Zone>()) {
      return zone_->writable(at).data();
    } else {
      return at.data();
    }
  }
  template <class Word>
  [[nodiscard]] static Word load_code(const std::byte* at) noexcept {
    return std::atomic_ref<Word>(*const_cast<Word*>(reinterpret_cast<const Word*>(at)))
        .load(std::memory_order_relaxed);
  }

  Zone* zone_ = nullptr;
  ExecAddress sites_;
  // By the order of sites, looked up once: a patch adds them, and decides nothing.
  std::size_t tag_offset_ = 0;     // of the first site's tag, from the first site
  std::size_t target_offset_ = 0;  // of a target, from its site
  ExecAddress first_return_;       // where the call of site 0 returns to
  std::size_t count_ = 0;
  std::byte* cells_ = nullptr;
  PublishMode mode_ = PublishMode::none;
};

}  // namespace patchbench::send
