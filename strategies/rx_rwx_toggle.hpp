// strategies/rx_rwx_toggle.hpp - private memory that is read-execute, and also writable only while
// it is patched.
//
// For VMs whose other threads may not stop: they go on executing the page that is open. Refused
// wherever RWX memory is.
#pragma once

#include <array>
#include <string_view>

#include "code_zone.hpp"
#include "dispatch.hpp"
#include "policy.hpp"
#include "toggling_zone.hpp"

namespace patchbench {

struct RxRwxToggleName {
  static constexpr const char* kPatchFailed = "rx-rwx-toggle: mprotect";
};

class RxRwxToggleZone
    : public TogglingZone<RxRwxToggleName, kReadWrite | PROT_EXEC, ToggledSpan::pages> {
 public:
  static constexpr bool kWritableAndExecutableInScope = true;
  static constexpr std::array kRefusedBy = kRefusePrivateToggle;

  explicit RxRwxToggleZone(const ZoneRequest& request)
      : TogglingZone(private_code(toggled_by_page(request)), protection_to_execute(request)) {}
};

struct RxRwxToggle {
  static constexpr std::string_view kId = "rx-rwx-toggle";
  static constexpr std::string_view kSummary =
      "read-execute memory, also writable inside a patch scope (mprotect)";
  using Zone = RxRwxToggleZone;
  static constexpr Dispatch kDispatch = Dispatch::inline_cache;
  static constexpr bool kSmallGrid = true;
};

}  // namespace patchbench
