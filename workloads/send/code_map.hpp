// workloads/send/code_map.hpp - where the pieces of a send machine's code are, and what an address
// in it means.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "strategies/code_zone.hpp"
#include "workloads/send/codegen.hpp"
#include "workloads/send/send_plan.hpp"

namespace patchbench::send {

enum class SiteState { unlinked, mic, closed_pic, open_pic };

/// A piece of code, and where it goes.
struct Installed {
  ExecAddress at;
  CodeBytes bytes;
};

template <Architecture A>
class CodeMap {
 public:
  CodeMap(ExecAddress zone, CodeLayout layout) noexcept
      : zone_(zone), layout_(std::move(layout)), methods_(layout_.methods) {}

  [[nodiscard]] const CodeLayout& layout() const noexcept { return layout_; }

  [[nodiscard]] ExecAddress miss_trampoline() const noexcept { return at(layout_.miss_trampoline); }
  [[nodiscard]] ExecAddress open_miss_trampoline() const noexcept {
    return at(layout_.open_miss_trampoline);
  }
  [[nodiscard]] ExecAddress call_site() const noexcept { return at(layout_.call_site); }
  [[nodiscard]] ExecAddress checked_entry(std::uint32_t method) const noexcept {
    return at(methods_ + method * layout_.method_stride);
  }
  /// Where the method goes next, where there is room for that.
  [[nodiscard]] ExecAddress next_checked_entry(std::uint32_t method) const noexcept {
    return at(other_methods() + method * layout_.method_stride);
  }
  /// From now on all methods are where they go next.
  void take_other_methods() noexcept { methods_ = other_methods(); }
  [[nodiscard]] ExecAddress unchecked_entry(std::uint32_t method) const noexcept {
    return checked_entry(method) + A::unchecked_entry_offset();
  }
  [[nodiscard]] ExecAddress open_pic(std::uint32_t selector) const noexcept {
    return at(layout_.open_pics + selector * layout_.open_pic_stride);
  }
  [[nodiscard]] ExecAddress driver() const noexcept { return at(layout_.driver); }
  [[nodiscard]] ExecAddress sites() const noexcept { return at(layout_.sites); }
  [[nodiscard]] ExecAddress pics() const noexcept { return at(layout_.pics); }
  /// Of a site, where sites call stubs.
  [[nodiscard]] ExecAddress stub(std::uint32_t site) const noexcept {
    return at(layout_.stubs + site * layout_.stub_stride);
  }
  /// Of a method, where there are any.
  [[nodiscard]] ExecAddress tag_stub(std::uint32_t method) const noexcept {
    return at(layout_.tag_stubs + method * A::kTagStubStride);
  }
  [[nodiscard]] ExecAddress walk(std::size_t number) const noexcept {
    return at(layout_.walks[number]);
  }

  /// Of either entry or the tag stub.
  [[nodiscard]] std::uint32_t method_at(ExecAddress entry) const noexcept {
    if (is_tag_stub(entry)) {
      return static_cast<std::uint32_t>(static_cast<std::size_t>(entry - at(layout_.tag_stubs)) /
                                        A::kTagStubStride);
    }
    const bool is_spare = layout_.spare_methods != 0 && entry >= at(layout_.spare_methods);
    const ExecAddress begin = at(is_spare ? layout_.spare_methods : layout_.methods);
    return static_cast<std::uint32_t>(static_cast<std::size_t>(entry - begin) /
                                      layout_.method_stride);
  }
  /// Of a site with this target.
  [[nodiscard]] SiteState state_of(ExecAddress target) const noexcept {
    if (target < at(layout_.open_pics)) return SiteState::unlinked;
    if (target < at(layout_.methods)) return SiteState::open_pic;
    if (is_tag_stub(target)) return SiteState::mic;
    return target < at(layout_.driver) ? SiteState::mic : SiteState::closed_pic;
  }

 private:
  [[nodiscard]] ExecAddress at(std::size_t offset) const noexcept { return zone_ + offset; }
  [[nodiscard]] std::size_t other_methods() const noexcept {
    return layout_.methods + layout_.spare_methods - methods_;
  }
  [[nodiscard]] bool is_tag_stub(ExecAddress target) const noexcept {
    return layout_.tag_stubs != 0 && target >= at(layout_.tag_stubs);
  }

  ExecAddress zone_;
  CodeLayout layout_;    // by value: a patch reads it, and follows no pointer for it
  std::size_t methods_;  // of the two places, the one where they are
};

}  // namespace patchbench::send
