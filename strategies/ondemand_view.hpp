// strategies/ondemand_view.hpp - a memfd mapped read-execute, whose read-write view is mapped piece
// by piece when it is first patched.
//
// As .NET does since version 7, which maps read-write views on demand and caches them. The views
// lie at one distance from the code, in addresses that are reserved and lead nowhere until then, so
// that writable() stays an addition. Fewer writable pages exist at a time; a patch outside of the
// cached views costs two system calls and a page fault.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <sys/mman.h>

#include "code_zone.hpp"
#include "dispatch.hpp"
#include "landing_pads.hpp"
#include "mapping.hpp"
#include "policy.hpp"
#include "zone_traits.hpp"

namespace patchbench {

class OndemandViewZone {
 public:
  static constexpr AliasKind kAlias = AliasKind::second_view;
  static constexpr bool kWritableOnlyInScope = true;
  static constexpr Fork kFork = Fork::shared;
  static constexpr std::array kRefusedBy = kRefuseMemfd;

  static constexpr std::size_t kGranule = std::size_t{64} * 1024;  // bytes that are mapped at least
  static constexpr std::size_t kCachedViews = 3;

  explicit OndemandViewZone(const ZoneRequest& request)
      : file_(executable_memfd("patchbench-ondemand", on_base_pages(request))),
        exec_(Mapping::shared_view(file_, zone_size(request), protection_to_execute(request),
                                   exec_place(request))),
        place_(Mapping::reserved(exec_.size(), writable_place(request))),
        delta_(reinterpret_cast<std::uintptr_t>(place_.address()) -
               reinterpret_cast<std::uintptr_t>(exec_.address())),
        executable_(protection_to_execute(request)) {
    // Better refused here than in the patch path.
    if (!map({.begin = 0, .end = std::min(exec_.size(), kGranule)})) {
      throw_errno("mmap (read-write view)");
    }
  }

  [[nodiscard]] ExecAddress exec() const noexcept { return ExecAddress{exec_.address()}; }
  [[nodiscard]] std::size_t size() const noexcept { return exec_.size(); }
  /// Mapped inside a scope over it.
  [[nodiscard]] WritableAddress writable(ExecAddress at) const noexcept {
    return WritableAddress{at.value() + delta_};
  }
  void begin_patch(ExecAddress at, std::size_t size) noexcept {
    const auto first = static_cast<std::size_t>(at - exec());
    for (const View& view : views_) {
      if (view.begin <= first && first + size <= view.end) return;
    }
    if (!map(
            {.begin = first / kGranule * kGranule,
             .end = std::min(exec_.size(), (first + size + kGranule - 1) / kGranule * kGranule)})) {
      patch_failed("ondemand-view: mmap");
    }
  }
  void end_patch(ExecAddress /*at*/, std::size_t /*size*/) noexcept {}
  void seal() noexcept {}
  void isolate_after_fork() {
    Fd copy = executable_memfd("patchbench-ondemand", size());
    copy_code(copy, exec().data(), size());
    for (View& view : views_) {
      if (!unmap(view)) throw_errno("mmap (reserved addresses)");
    }
    exec_.replace(copy, executable_);
    file_ = std::move(copy);
  }
  [[nodiscard]] std::string describe() const { return {}; }

 private:
  [[nodiscard]] static const ZoneRequest& on_base_pages(const ZoneRequest& request) {
    require_base_pages(request, "mmap (of views smaller than a huge page)");
    return request;
  }

  /// Offsets in the zone; empty where begin equals end.
  struct View {
    std::size_t begin = 0;
    std::size_t end = 0;
  };

  /// In place of the view that was mapped first, and of all that overlap the new one.
  [[nodiscard]] bool map(const View& wanted) noexcept {
    View& oldest = views_[oldest_];
    oldest_ = (oldest_ + 1) % kCachedViews;
    for (View& view : views_) {
      const bool overlaps = view.begin < wanted.end && wanted.begin < view.end;
      if ((overlaps || &view == &oldest) && !unmap(view)) return false;
    }
    if (!replace(wanted, PROT_READ | PROT_WRITE, MAP_SHARED, file_.get())) return false;
    oldest = wanted;
    return true;
  }

  [[nodiscard]] bool unmap(View& view) noexcept {
    if (view.begin == view.end) return true;
    if (!replace(view, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1)) return false;
    view = {};
    return true;
  }

  [[nodiscard]] bool replace(const View& view, int protection, int flags, int fd) noexcept {
    std::byte* at = place_.bytes() + view.begin;
    return mmap(at, view.end - view.begin, protection, flags | MAP_FIXED, fd,
                static_cast<off_t>(fd < 0 ? 0 : view.begin)) != MAP_FAILED;
  }

  Fd file_;
  Mapping exec_;
  Mapping place_;  // of the views
  std::uintptr_t delta_;
  int executable_;  // protection
  std::array<View, kCachedViews> views_{};
  std::size_t oldest_ = 0;
};

struct OndemandView {
  static constexpr std::string_view kId = "ondemand-view";
  static constexpr std::string_view kSummary =
      "a memfd whose read-write view is mapped at the first patch and cached";
  using Zone = OndemandViewZone;
  static constexpr Dispatch kDispatch = Dispatch::inline_cache;
  static constexpr bool kSmallGrid = true;
};

}  // namespace patchbench
