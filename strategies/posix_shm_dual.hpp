// strategies/posix_shm_dual.hpp - a POSIX shared memory object mapped twice.
//
// What OpenSmalltalk's Cog does where it is built with DUAL_MAPPED_CODE_ZONE. The object has a name
// in /dev/shm between shm_open(3) and shm_unlink(3), so a crash in between leaves it there; and
// containers give /dev/shm 64 MiB by default, or mount it noexec.
#pragma once

#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>

#include "code_zone.hpp"
#include "dispatch.hpp"
#include "dual_view_zone.hpp"
#include "mapping.hpp"
#include "policy.hpp"

namespace patchbench {

class PosixShmDualZone : public DualViewZone {
 public:
  static constexpr std::array kRefusedBy = kRefuseFile;

  explicit PosixShmDualZone(const ZoneRequest& request)
      : DualViewZone(views_of(posix_shm(request), request)) {}

  void isolate_after_fork() { views().isolate(posix_shm(views().memory())); }

 private:
  /// Names the file system, which may be mounted noexec: no other memory without a name is in one.
  [[nodiscard]] static DualView views_of(Fd file, const ZoneRequest& request) {
    try {
      return {std::move(file), request};
    } catch (const std::system_error& refused) {
      if (refused.code().value() != EPERM) throw;
      throw_errno("mmap (read-execute view of a file in /dev/shm)", EPERM);
    }
  }
};

struct PosixShmDual {
  static constexpr std::string_view kId = "posix-shm-dual";
  static constexpr std::string_view kSummary = "a POSIX shared memory object mapped twice";
  using Zone = PosixShmDualZone;
  static constexpr Dispatch kDispatch = Dispatch::inline_cache;
  static constexpr bool kSmallGrid = true;
};

}  // namespace patchbench
