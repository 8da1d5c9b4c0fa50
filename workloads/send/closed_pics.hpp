// workloads/send/closed_pics.hpp - closed PICs in code and over cells, behind one interface.
//
// A send machine has as many PICs as sites, or none. Under either kind
//
//   take(site)                   is the number of a PIC that nobody uses
//   make(number, first, second)  writes its two first cases
//   grow(number, added)          adds a case while sends go through it
//   free(number)                 nobody is in it any more
//   count(number)                cases that it has
//
// Making and growing open their own patch scopes or run under another one, as Scoping says
// (send_machine.hpp). Nothing here allocates once it is constructed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

#include "strategies/code_zone.hpp"
#include "strategies/publish.hpp"
#include "workloads/send/code_map.hpp"
#include "workloads/send/codegen.hpp"

namespace patchbench::send {

/// A class, and where its sends go behind the check.
struct PicCase {
  ClassTag tag = kNoClass;
  ExecAddress target;
};

/// Where closed PICs lie.
struct PicPlace {
  ExecAddress begin;  // of the first one
  std::uint32_t count = 0;
  ExecAddress miss_trampoline;
  std::byte* slots = nullptr;               // of the first one, under cells
  PublishMode publish = PublishMode::none;  // of every patch
};

/// Copied from a prototype when a site needs one, and grown by patching a jump.
template <CodeZone Zone, Architecture A>
class PatchedPics {
 public:
  static constexpr bool kReplacesTag = false;  // of the site that is linked to one
  static constexpr std::size_t kSlotBytes = 0;

  PatchedPics(Zone& zone, const PicPlace& place)
      : zone_(zone),
        place_(place),
        prototype_(A::emit_pic_prototype()),
        cases_(place.count),
        free_(place.count) {
    free_all();
  }

  /// What is there before any is made: nothing.
  void emit(std::vector<Installed>& /*pieces*/) const {}

  [[nodiscard]] ExecAddress at(std::uint32_t number) const noexcept {
    return place_.begin + number * A::kPicStride;
  }
  [[nodiscard]] std::uint32_t number_of(std::uint32_t /*site*/, ExecAddress at) const noexcept {
    return static_cast<std::uint32_t>(static_cast<std::size_t>(at - place_.begin) / A::kPicStride);
  }
  [[nodiscard]] unsigned count(std::uint32_t number) const noexcept { return cases_[number]; }

  [[nodiscard]] std::uint32_t take(std::uint32_t /*site*/) noexcept { return free_[--free_count_]; }

  /// The first case compares with the tag that the site goes on loading.
  template <class Scoping>
  void make(std::uint32_t number, const PicCase& first, const PicCase& second) noexcept {
    const ExecAddress where = at(number);
    [[maybe_unused]] const auto scope = Scoping::over(zone_, where, A::kPicStride);
    std::byte* bytes = zone_.writable(where).data();
    store_code(bytes, prototype_.data(), prototype_.size());
    A::fill_pic(bytes, where, first.target, place_.miss_trampoline);
    A::fill_pic_case(bytes, where, 1, second.tag, second.target);
    const ExecAddress jump = where + A::kPicJumpOffset;
    const std::uint32_t to_first_case = A::encode_jump(jump, where + A::pic_case_offset(1));
    std::memcpy(bytes + A::kPicJumpOffset, &to_first_case, sizeof to_first_case);
    publish_code(where, prototype_.size());
    cases_[number] = 2;
  }

  /// The new case is written and published while nothing reaches it; then one word makes it
  /// reachable.
  template <class Scoping>
  void grow(std::uint32_t number, const PicCase& added) noexcept {
    const unsigned index = cases_[number]++;
    const ExecAddress where = at(number);
    const ExecAddress new_case = where + A::pic_case_offset(index);
    const ExecAddress old_case = where + A::pic_case_offset(index - 1);
    const ExecAddress jump = where + A::kPicJumpOffset;
    [[maybe_unused]] const auto scope = Scoping::over(zone_, where, A::kPicStride);
    A::fill_pic_case(zone_.writable(where).data(), where, index, added.tag, added.target);
    publish_code(new_case, A::kPicCaseSize);
    patch_word(zone_.writable(jump), A::encode_jump(jump, old_case),
               A::encode_jump(jump, new_case));
    publish_code(jump, sizeof(std::uint32_t));
  }

  /// With one mutator that is also the only executor, nobody can still be inside the PIC.
  void free(std::uint32_t number) noexcept {
    free_[free_count_++] = number;
    cases_[number] = 0;
  }
  /// The lowest is taken first: the same history gives the same bytes.
  void free_all() noexcept {
    free_count_ = place_.count;
    for (std::uint32_t i = 0; i < free_count_; ++i) free_[i] = free_count_ - 1 - i;
  }

 private:
  void publish_code(ExecAddress where, std::size_t size) noexcept {
    publish(where, zone_.writable(where), size, Zone::kAlias, place_.publish);
  }

  Zone& zone_;
  PicPlace place_;
  CodeBytes prototype_;
  std::vector<std::uint8_t> cases_;
  std::vector<std::uint32_t> free_;  // a stack, as large as there are PICs
  std::uint32_t free_count_ = 0;
};

/// Stubs that compare with (tag, target) slots in data. Each site has its own slots, and its own
/// stub unless all share one.
template <Dispatch kDispatch, Architecture A>
class CellPics {
 public:
  static constexpr bool kShared = kDispatch == Dispatch::cell_cache_shared;
  static constexpr bool kNewestFirst = kDispatch == Dispatch::cell_cache_newest_first;
  /// A shared stub finds a site's slots by their offset, which the site loads in place of the tag.
  static constexpr bool kReplacesTag = kShared;
  static constexpr std::size_t kSlotBytes = sizeof(CellPicSlots);

  template <CodeZone Zone>
  CellPics(Zone& /*zone*/, const PicPlace& place) : place_(place), cases_(place.count) {}

  void emit(std::vector<Installed>& pieces) const {
    const std::uint32_t stubs = kShared && place_.count > 0 ? 1 : place_.count;
    for (std::uint32_t i = 0; i < stubs; ++i) {
      pieces.push_back({at(i), A::emit_cell_pic({.at = at(i),
                                                 .slots = ExecAddress{&slots(i)},
                                                 .shared = kShared,
                                                 .miss_trampoline = place_.miss_trampoline})});
    }
  }

  [[nodiscard]] ExecAddress at(std::uint32_t number) const noexcept {
    return place_.begin + (kShared ? 0 : number) * A::kCellPicStride;
  }
  [[nodiscard]] std::uint32_t number_of(std::uint32_t site, ExecAddress /*at*/) const noexcept {
    return site;
  }
  [[nodiscard]] unsigned count(std::uint32_t number) const noexcept { return cases_[number]; }
  [[nodiscard]] CellPicSlots& slots(std::uint32_t number) const noexcept {
    return reinterpret_cast<CellPicSlots*>(place_.slots)[number];
  }
  [[nodiscard]] static std::uint32_t tag_at_site(std::uint32_t number) noexcept {
    return static_cast<std::uint32_t>(number * sizeof(CellPicSlots));
  }

  [[nodiscard]] std::uint32_t take(std::uint32_t site) noexcept { return site; }

  template <class Scoping>
  void make(std::uint32_t number, const PicCase& first, const PicCase& second) noexcept {
    set_slot(number, 0, first);
    set_slot(number, 1, second);
    cases_[number] = 2;
  }

  template <class Scoping>
  void grow(std::uint32_t number, const PicCase& added) noexcept {
    const unsigned used = cases_[number]++;
    if constexpr (kNewestFirst) {
      insert_slot(number, used, added);
    } else {
      set_slot(number, used, added);
    }
  }

  void free(std::uint32_t number) noexcept {
    for (unsigned slot = 0; slot < cases_[number]; ++slot) {
      Cell& entry = slots(number).slots[slot];
      // Whatever class it was taken for: there is nothing to expect.
      patch_word<std::uint64_t>(WritableAddress{&entry.tag}, entry.tag, kNoClass);
      patch_word<std::uint64_t>(WritableAddress{&entry.target}, entry.target, 0);
    }
    cases_[number] = 0;
  }
  /// Each is freed with its site.
  void free_all() noexcept {}

 private:
  /// Target first: in memory a slot with a tag always has its target (site_words.hpp says what a
  /// reader on another core needs besides). A free slot is all zero.
  void set_slot(std::uint32_t number, unsigned slot, const PicCase& added) noexcept {
    Cell& entry = slots(number).slots[slot];
    patch_word<std::uint64_t>(WritableAddress{&entry.target}, 0, added.target.value());
    patch_word<std::uint64_t>(WritableAddress{&entry.tag}, kNoClass, added.tag);
  }

  /// The newest case second and the oldest first, as in a PIC that is patched: `used` slots but the
  /// first move down by one. Memory never pairs a tag with another's target, and no class is
  /// without a slot in between.
  void insert_slot(std::uint32_t number, unsigned used, const PicCase& added) noexcept {
    Cell* slot = slots(number).slots;
    for (unsigned i = used; i > 1; --i) replace_slot(slot[i], slot[i - 1]);
    replace_slot(slot[1], {.tag = added.tag, .target = added.target.value()});
  }
  static void replace_slot(Cell& entry, const Cell& by) noexcept {
    patch_word<std::uint64_t>(WritableAddress{&entry.tag}, entry.tag, kNoClass);
    patch_word<std::uint64_t>(WritableAddress{&entry.target}, entry.target, by.target);
    patch_word<std::uint64_t>(WritableAddress{&entry.tag}, kNoClass, by.tag);
  }

  PicPlace place_;
  std::vector<std::uint8_t> cases_;
};

template <CodeZone Zone, Dispatch kDispatch, Architecture A>
using ClosedPics =
    std::conditional_t<links_cells(kDispatch), CellPics<kDispatch, A>, PatchedPics<Zone, A>>;

}  // namespace patchbench::send
