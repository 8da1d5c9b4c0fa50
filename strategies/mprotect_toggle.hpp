// strategies/mprotect_toggle.hpp - private memory that is read-execute, and read-write only while
// it is patched.
//
// Page-granular: opening a site makes the whole page, and every method on it, unexecutable until
// the scope ends. So a VM must not run anything in the zone inside its own scope, and other threads
// must be stopped.
#pragma once

#include <array>
#include <cerrno>
#include <string>
#include <string_view>

#include <sys/mman.h>

#include "code_zone.hpp"
#include "dispatch.hpp"
#include "landing_pads.hpp"
#include "mapping.hpp"
#include "policy.hpp"

namespace patchbench {

class MprotectToggleZone {
 public:
  static constexpr AliasKind kAlias = AliasKind::same_address;
  static constexpr bool kTogglesProtection = true;
  static constexpr std::array kRefusedBy = {
      Refusal{Policy::mdwe, EACCES, "mprotect"},
      Refusal{Policy::seccomp, EPERM, "mprotect"},
      Refusal{Policy::selinux, EACCES, "mmap"},
      Refusal{Policy::selinux_no_tmpfs_exec, EACCES, "mmap"},
  };

  explicit MprotectToggleZone(const ZoneRequest& request)
      : executable_(protection_to_execute(request)),
        mapping_(Mapping::anonymous(round_up_to_pages(request.size), executable_,
                                    request.placement.exec_at)),
        page_mask_(page_size() - 1) {
    // A policy may allow the mapping and refuse the toggle (PR_SET_MDWE refuses to make it
    // executable again). Better an error here than in the patch path, which cannot report one.
    toggle_once(PROT_READ | PROT_WRITE, "mprotect (to read-write)");
    toggle_once(executable_, "mprotect (to read-execute)");
  }

  [[nodiscard]] ExecAddress exec() const noexcept { return ExecAddress{mapping_.address()}; }
  [[nodiscard]] std::size_t size() const noexcept { return mapping_.size(); }
  [[nodiscard]] WritableAddress writable(ExecAddress at) const noexcept {
    return WritableAddress{at.value()};
  }
  void begin_patch(ExecAddress at, std::size_t size) noexcept {
    protect_pages(at, size, PROT_READ | PROT_WRITE);
  }
  void end_patch(ExecAddress at, std::size_t size) noexcept {
    protect_pages(at, size, executable_);
  }
  void seal() noexcept {}
  [[nodiscard]] std::string describe() const { return {}; }

 private:
  void toggle_once(int protection, const char* call) {
    if (mprotect(mapping_.address(), mapping_.size(), protection) != 0) throw_errno(call);
  }

  void protect_pages(ExecAddress at, std::size_t size, int protection) const noexcept {
    const std::uintptr_t first = at.value() & ~page_mask_;
    const std::uintptr_t end = (at.value() + size + page_mask_) & ~page_mask_;
    if (mprotect(reinterpret_cast<void*>(first), end - first, protection) != 0) {
      patch_failed("mprotect-toggle: mprotect");
    }
  }

  int executable_;  // protection
  Mapping mapping_;
  std::uintptr_t page_mask_;
};

struct MprotectToggle {
  static constexpr std::string_view kId = "mprotect-toggle";
  static constexpr std::string_view kSummary =
      "read-execute memory, read-write only inside a patch scope (mprotect)";
  using Zone = MprotectToggleZone;
  static constexpr Dispatch kDispatch = Dispatch::inline_cache;
};

}  // namespace patchbench
