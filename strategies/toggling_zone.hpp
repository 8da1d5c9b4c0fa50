// strategies/toggling_zone.hpp - one mapping that is read-execute, and something else only while it
// is patched. What mprotect-toggle and its relatives have in common.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include <sys/mman.h>

#include "code_zone.hpp"
#include "landing_pads.hpp"
#include "mapping.hpp"

namespace patchbench {

enum class ToggledSpan { pages, zone };

/// `Strategy` has kId, for the message of a patch path that fails. `kOpen` is the protection inside
/// a scope.
template <class Strategy, int kOpen, ToggledSpan kSpan>
class TogglingZone {
 public:
  static constexpr AliasKind kAlias = AliasKind::same_address;
  static constexpr bool kTogglesProtection = true;

  [[nodiscard]] ExecAddress exec() const noexcept { return ExecAddress{mapping_.address()}; }
  [[nodiscard]] std::size_t size() const noexcept { return mapping_.size(); }
  [[nodiscard]] WritableAddress writable(ExecAddress at) const noexcept {
    return WritableAddress{at.value()};
  }
  void begin_patch(ExecAddress at, std::size_t size) noexcept { protect(at, size, kOpen); }
  void end_patch(ExecAddress at, std::size_t size) noexcept { protect(at, size, executable_); }
  void seal() noexcept {}
  [[nodiscard]] std::string describe() const { return {}; }

 protected:
  /// Tries what patches will do, because a policy may allow the mapping and refuse the toggle
  /// (PR_SET_MDWE refuses to make it executable again), and because a page in the middle needs two
  /// more mappings than a process near vm.max_map_count has left. The patch path cannot report it.
  TogglingZone(Mapping mapping, int executable)
      : mapping_(std::move(mapping)), page_mask_(page_size() - 1), executable_(executable) {
    toggle_once(0, mapping_.size());
    if (kSpan == ToggledSpan::pages && mapping_.size() >= 3 * page_size()) {
      toggle_once(mapping_.size() / 2 / page_size() * page_size(), page_size());
    }
  }

  /// What is mapped, and as what.
  [[nodiscard]] Mapping& mapping() noexcept { return mapping_; }
  [[nodiscard]] int executable() const noexcept { return executable_; }

 private:
  void toggle_once(std::size_t offset, std::size_t size) {
    std::byte* at = mapping_.bytes() + offset;
    if (mprotect(at, size, kOpen) != 0) throw_errno("mprotect (to patch)");
    if (mprotect(at, size, executable_) != 0) throw_errno("mprotect (to read-execute)");
  }

  void protect(ExecAddress at, std::size_t size, int protection) const noexcept {
    std::uintptr_t first = reinterpret_cast<std::uintptr_t>(mapping_.address());
    std::uintptr_t end = first + mapping_.size();
    if constexpr (kSpan == ToggledSpan::pages) {
      first = at.value() & ~page_mask_;
      end = (at.value() + size + page_mask_) & ~page_mask_;
    }
    if (mprotect(reinterpret_cast<void*>(first), end - first, protection) != 0) {
      patch_failed(Strategy::kPatchFailed);
    }
  }

  Mapping mapping_;
  std::uintptr_t page_mask_;
  int executable_;  // protection
};

inline constexpr int kReadWrite = PROT_READ | PROT_WRITE;

/// For zones that toggle single pages: a huge page would be split, and one of the pool cannot be.
[[nodiscard]] inline const ZoneRequest& toggled_by_page(const ZoneRequest& request) {
  require_base_pages(request, "mprotect (of one page, which splits a larger one)");
  return request;
}

[[nodiscard]] inline Mapping private_code(const ZoneRequest& request) {
  return Mapping::anonymous(zone_size(request), protection_to_execute(request),
                            exec_place(request));
}

}  // namespace patchbench
