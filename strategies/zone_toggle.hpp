// strategies/zone_toggle.hpp - mprotect-toggle over the whole zone instead of the pages patched.
//
// What Ruby's YJIT does with its code region. No mapping is ever split, and nothing in the zone can
// be executed inside a scope; the cost grows with the pages that are mapped.
#pragma once

#include <array>
#include <string_view>

#include "code_zone.hpp"
#include "dispatch.hpp"
#include "policy.hpp"
#include "toggling_zone.hpp"

namespace patchbench {

struct ZoneToggleName {
  static constexpr const char* kPatchFailed = "zone-toggle: mprotect";
};

class ZoneToggleZone : public TogglingZone<ZoneToggleName, kReadWrite, ToggledSpan::zone> {
 public:
  static constexpr bool kOpensWholeZone = true;
  static constexpr std::array kRefusedBy = kRefusePrivateToggle;

  explicit ZoneToggleZone(const ZoneRequest& request)
      : TogglingZone(private_code(request), protection_to_execute(request)) {}
};

struct ZoneToggle {
  static constexpr std::string_view kId = "zone-toggle";
  static constexpr std::string_view kSummary =
      "mprotect over the whole zone, read-write only inside a patch scope";
  using Zone = ZoneToggleZone;
  static constexpr Dispatch kDispatch = Dispatch::inline_cache;
  static constexpr bool kSmallGrid = true;
};

}  // namespace patchbench
