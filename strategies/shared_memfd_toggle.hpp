// strategies/shared_memfd_toggle.hpp - mprotect-toggle on a memfd that is mapped once, shared.
//
// SELinux's execmod and execmem are about private memory: this survives them where files on tmpfs
// may be executed. The patch costs what mprotect-toggle's does.
#pragma once

#include <array>
#include <cerrno>
#include <string_view>

#include "code_zone.hpp"
#include "dispatch.hpp"
#include "policy.hpp"
#include "toggling_zone.hpp"
#include "zone_traits.hpp"

namespace patchbench {

struct SharedMemfdToggleName {
  static constexpr const char* kPatchFailed = "shared-memfd-toggle: mprotect";
};

class SharedMemfdToggleZone
    : public TogglingZone<SharedMemfdToggleName, kReadWrite, ToggledSpan::pages> {
 public:
  static constexpr Fork kFork = Fork::shared;
  static constexpr std::array kRefusedBy = {
      Refusal{Policy::mdwe, EACCES, "mprotect"},
      Refusal{Policy::seccomp, EPERM, "mprotect"},
      Refusal{Policy::selinux_no_tmpfs_exec, EACCES, "mmap"},
      Refusal{Policy::file_size_limit, EFBIG, "ftruncate"},
  };

  explicit SharedMemfdToggleZone(const ZoneRequest& request)
      : TogglingZone(Mapping::shared_view(
                         executable_memfd("patchbench-toggled", toggled_by_page(request)),
                         zone_size(request), protection_to_execute(request), exec_place(request)),
                     protection_to_execute(request)) {}

  void isolate_after_fork() {
    const Fd copy = executable_memfd("patchbench-toggled", size());
    copy_code(copy, exec().data(), size());
    mapping().replace(copy, executable());
  }
};

struct SharedMemfdToggle {
  static constexpr std::string_view kId = "shared-memfd-toggle";
  static constexpr std::string_view kSummary =
      "a memfd mapped once and shared, read-write only inside a patch scope (mprotect)";
  using Zone = SharedMemfdToggleZone;
  static constexpr Dispatch kDispatch = Dispatch::inline_cache;
  static constexpr bool kSmallGrid = true;
};

}  // namespace patchbench
