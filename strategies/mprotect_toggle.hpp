// strategies/mprotect_toggle.hpp - private memory that is read-execute, and read-write only while
// it is patched.
//
// What SpiderMonkey does, and LuaJIT where it is built so. Page-granular: opening a site makes the
// whole page, and every method on it, unexecutable until the scope ends. So a VM must not run
// anything in the zone inside its own scope, and other threads must be stopped.
#pragma once

#include <array>
#include <string_view>

#include "code_zone.hpp"
#include "dispatch.hpp"
#include "policy.hpp"
#include "toggling_zone.hpp"

namespace patchbench {

struct MprotectToggleName {
  static constexpr const char* kPatchFailed = "mprotect-toggle: mprotect";
};

class MprotectToggleZone : public TogglingZone<MprotectToggleName, kReadWrite, ToggledSpan::pages> {
 public:
  static constexpr std::array kRefusedBy = kRefusePrivateToggle;

  explicit MprotectToggleZone(const ZoneRequest& request)
      : TogglingZone(private_code(toggled_by_page(request)), protection_to_execute(request)) {}
};

struct MprotectToggle {
  static constexpr std::string_view kId = "mprotect-toggle";
  static constexpr std::string_view kSummary =
      "read-execute memory, read-write only inside a patch scope (mprotect)";
  using Zone = MprotectToggleZone;
  static constexpr Dispatch kDispatch = Dispatch::inline_cache;
};

}  // namespace patchbench
