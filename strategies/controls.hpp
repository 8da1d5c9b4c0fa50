// strategies/controls.hpp - what the strategies are held against: code that nobody patches.
#pragma once

#include <cstdint>
#include <string_view>

#include "dispatch.hpp"
#include "mapping.hpp"
#include "memfd_dual.hpp"
#include "rwx.hpp"
#include "sealed_zone.hpp"

namespace patchbench {

/// The bytes of a linked send, same generator, layout and place, never patched: what a strategy may
/// at best reach.
struct Floor {
  static constexpr std::string_view kId = "floor";
  static constexpr std::string_view kSummary =
      "the bytes of linked sends, installed once, never patched";
  using Zone = SealedZone;
  static constexpr Dispatch kDispatch = Dispatch::inline_cache;
  static constexpr bool kPatched = false;
  static constexpr bool kFloor = true;
};

/// Calls that enter behind the class check: the price of checking.
struct Unchecked {
  static constexpr std::string_view kId = "unchecked";
  static constexpr std::string_view kSummary = "direct calls that enter behind the class check";
  using Zone = SealedZone;
  static constexpr Dispatch kDispatch = Dispatch::unchecked;
  static constexpr bool kPatched = false;
};

/// Tag loaded from a cell, direct call: the data side of indirect-cell alone.
struct TagCell {
  static constexpr std::string_view kId = "tag-cell";
  static constexpr std::string_view kSummary = "class tag loaded from a cell, direct call";
  using Zone = SealedZone;
  static constexpr Dispatch kDispatch = Dispatch::tag_cell;
  static constexpr std::string_view kOnlyWorkload = "mic";
};

/// Tag as an immediate, call through a cell.
struct TargetCell {
  static constexpr std::string_view kId = "target-cell";
  static constexpr std::string_view kSummary = "class tag as an immediate, call through a cell";
  using Zone = SealedZone;
  static constexpr Dispatch kDispatch = Dispatch::target_cell;
  static constexpr std::string_view kOnlyWorkload = "mic";
};

/// Target formed in a register without touching data, then an indirect call: the branch kind alone.
struct TargetRegister {
  static constexpr std::string_view kId = "target-register";
  static constexpr std::string_view kSummary =
      "class tag and target as immediates, indirect call through a register";
  using Zone = SealedZone;
  static constexpr Dispatch kDispatch = Dispatch::target_register;
  static constexpr std::string_view kOnlyWorkload = "mic";
};

/// indirect-cell with each cell on a cache line of its own, somewhere: what sites that were linked
/// at different times have. Dense cells in the order of execution are prefetched.
struct ScatteredCells {
  static constexpr std::string_view kId = "scattered-cells";
  static constexpr std::string_view kSummary =
      "indirect-cell with each cell alone on a scattered cache line";
  using Zone = SealedZone;
  static constexpr Dispatch kDispatch = Dispatch::cell_cache_scattered;
  static constexpr std::string_view kOnlyWorkload = "mic";
};

/// indirect-cell whose PICs compare in the order of those that are patched: the oldest case, then
/// the newest of the others. Tells the price of cells from that of another order of comparisons.
struct NewestFirst {
  static constexpr std::string_view kId = "newest-first";
  static constexpr std::string_view kSummary =
      "indirect-cell whose PICs compare in the order of patched ones, newest case second";
  using Zone = SealedZone;
  static constexpr Dispatch kDispatch = Dispatch::cell_cache_newest_first;
  static constexpr std::string_view kOnlyWorkload = "pic";
};

/// RWX memory whose writable address is computed as a dual mapping's is, by adding an offset kept
/// in memory, here 0. What it costs beside rwx is the translation; what a dual mapping costs beside
/// it is the second view.
class TranslatedRwxZone : public RwxZone {
 public:
  explicit TranslatedRwxZone(const ZoneRequest& request) : RwxZone(request) {}

  [[nodiscard]] WritableAddress writable(ExecAddress at) const noexcept {
    return WritableAddress{at.value() + offset_};
  }

 private:
  std::uintptr_t offset_ = 0;
};

struct RwxTranslated {
  static constexpr std::string_view kId = "rwx-translated";
  static constexpr std::string_view kSummary =
      "rwx, patched through an offset as a dual mapping is";
  using Zone = TranslatedRwxZone;
  static constexpr Dispatch kDispatch = Dispatch::inline_cache;
  static constexpr std::string_view kOnlyWorkload = "relink";
};

/// memfd-dual whose writable view is at a distance that is known when the caller is compiled: the
/// code that patches adds an immediate, where memfd-dual loads the distance from the zone. The
/// price is a window of that size around the code that must be free.
class ConstantDistanceZone : public MemfdDualZone {
 public:
  static constexpr std::uintptr_t kAliasOffset = std::uintptr_t{1} << 32U;

  /// Throws std::system_error (EINVAL) where the request names places at another distance.
  explicit ConstantDistanceZone(const ZoneRequest& request) : MemfdDualZone(placed(request)) {}

  [[nodiscard]] static WritableAddress writable(ExecAddress at) noexcept {
    return WritableAddress{at.value() + kAliasOffset};
  }

 private:
  [[nodiscard]] static ZoneRequest placed(ZoneRequest request) {
    Placement& place = request.placement;
    if (place.exec_at == 0) {
      if (place.writable_at != 0) throw_errno("mmap (read-write view alone is placed)", EINVAL);
      place.exec_at = aligned_place(kAliasOffset + zone_size(request));
    }
    if (place.writable_at == 0) place.writable_at = place.exec_at + kAliasOffset;
    if (place.writable_at - place.exec_at != kAliasOffset) {
      throw_errno("mmap (read-write view at another distance than the constant)", EINVAL);
    }
    return request;
  }
};

struct MemfdDualConstant {
  static constexpr std::string_view kId = "memfd-dual-constant";
  static constexpr std::string_view kSummary =
      "memfd-dual, its writable view at a distance that is a compile-time constant (2^32)";
  using Zone = ConstantDistanceZone;
  static constexpr Dispatch kDispatch = Dispatch::inline_cache;
  static constexpr std::string_view kOnlyWorkload = "relink";
};

}  // namespace patchbench
