// strategies/mremap_alias.hpp - shared anonymous memory that is mapped a second time by mremap.
//
// mremap(2) with an old size of 0 duplicates a shared mapping: a dual mapping without a file, a
// descriptor or a System V segment, and nothing that could outlive the process. It answers wishes
// d, e and f of the mail "JIT emulator needs" (LKML, 2007). No virtual machine is known to use it.
// SELinux refuses the executable view, because anonymous memory has no file whose label could allow
// it (execmem).
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>

#include <sys/mman.h>

#include "code_zone.hpp"
#include "dispatch.hpp"
#include "landing_pads.hpp"
#include "mapping.hpp"
#include "policy.hpp"
#include "zone_traits.hpp"

namespace patchbench {

class MremapAliasZone {
 public:
  static constexpr AliasKind kAlias = AliasKind::second_view;
  static constexpr Fork kFork = Fork::shared;
  static constexpr std::array kRefusedBy = kRefuseAnonymousCode;

  /// Whether an old size of 0 duplicates, which qemu-user refuses. Tried on memory that nobody
  /// executes, so that no policy is taken for it.
  [[nodiscard]] static std::string why_unavailable() {
    const Mapping page = Mapping::shared_anonymous(page_size(), PROT_READ | PROT_WRITE, 0);
    try {
      static_cast<void>(Mapping::alias_of(page, PROT_READ | PROT_WRITE, 0));
      return {};
    } catch (const std::system_error& refused) {
      return refused.what();
    }
  }

  /// The executable view is made first: a mapping that was writable may never become executable
  /// under PR_SET_MDWE.
  explicit MremapAliasZone(const ZoneRequest& request)
      : exec_(Mapping::shared_anonymous(zone_size(request), protection_to_execute(request),
                                        exec_place(request))),
        writable_(Mapping::alias_of(exec_, PROT_READ | PROT_WRITE, writable_place(request))),
        delta_(reinterpret_cast<std::uintptr_t>(writable_.address()) -
               reinterpret_cast<std::uintptr_t>(exec_.address())),
        landing_pads_(request.landing_pads) {
    require_no_populate(request, "mremap (it has no MAP_POPULATE)");
  }

  [[nodiscard]] ExecAddress exec() const noexcept { return ExecAddress{exec_.address()}; }
  [[nodiscard]] std::size_t size() const noexcept { return exec_.size(); }
  [[nodiscard]] WritableAddress writable(ExecAddress at) const noexcept {
    return WritableAddress{at.value() + delta_};
  }
  void begin_patch(ExecAddress /*at*/, std::size_t /*size*/) noexcept {}
  void end_patch(ExecAddress /*at*/, std::size_t /*size*/) noexcept {}
  void seal() noexcept {}
  void isolate_after_fork() {
    MremapAliasZone copy{ZoneRequest{.size = size(), .landing_pads = landing_pads_}};
    std::memcpy(copy.writable_.address(), exec_.address(), size());
    copy.exec_.move_to(exec_);
    copy.writable_.move_to(writable_);
  }
  [[nodiscard]] std::string describe() const { return {}; }

 private:
  Mapping exec_;
  Mapping writable_;
  std::uintptr_t delta_;
  bool landing_pads_;
};

struct MremapAlias {
  static constexpr std::string_view kId = "mremap-alias";
  static constexpr std::string_view kSummary =
      "shared anonymous memory, its second view by mremap with an old size of 0";
  using Zone = MremapAliasZone;
  static constexpr Dispatch kDispatch = Dispatch::inline_cache;
  static constexpr bool kSmallGrid = true;
};

}  // namespace patchbench
