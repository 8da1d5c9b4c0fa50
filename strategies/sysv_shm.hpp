// strategies/sysv_shm.hpp - a System V shared memory segment attached twice: read-write, and
// read-only executable.
//
// SHM_EXEC is a Linux flag (shmat(2)). The segment is marked IPC_RMID as soon as one attachment
// keeps it alive; Linux still allows the second attachment after that, so a crash leaks it only
// between shmget and shmctl.
//
// Huge pages come from the pool (SHM_HUGETLB), or from MADV_COLLAPSE where the kernel collapses the
// pages of a segment.
#pragma once

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>

#include "code_zone.hpp"
#include "dispatch.hpp"
#include "landing_pads.hpp"
#include "mapping.hpp"
#include "newer_linux.hpp"
#include "policy.hpp"
#include "zone_traits.hpp"

namespace patchbench {

class SysvShmZone {
 public:
  static constexpr AliasKind kAlias = AliasKind::second_view;
  static constexpr Fork kFork = Fork::shared;
  static constexpr std::array kRefusedBy = {
      Refusal{Policy::seccomp, EPERM, "shmat"},
      Refusal{Policy::selinux, EACCES, "shmat"},
      Refusal{Policy::selinux_no_tmpfs_exec, EACCES, "shmat"},
  };

  explicit SysvShmZone(const ZoneRequest& request)
      : size_(zone_size(request)), landing_pads_(request.landing_pads) {
    require_no_populate(request, "shmat (it has no MAP_POPULATE)");
    // SHM_EXEC asks for execute permission, which only a privileged process has without the mode
    // bit.
    const int segment = shmget(IPC_PRIVATE, size_, IPC_CREAT | 0700 | huge_flags(request));
    if (segment < 0) throw_errno("shmget");
    attach_and_mark(segment, attach_at(request, request.placement.writable_at));
    exec_ = ShmAttachment(segment, SHM_RDONLY | SHM_EXEC,
                          attach_at(request, request.placement.exec_at));
    // Not before the mark: a process that is killed until then leaves its segment.
    writable_.set_pages(size_, writable_place(request));
    exec_.set_pages(size_, exec_place(request));
    if (request.landing_pads && landing_pad_protection() != 0) {
      protect(protection_to_execute(request));
    }
    delta_ = reinterpret_cast<std::uintptr_t>(writable_.address()) -
             reinterpret_cast<std::uintptr_t>(exec_.address());
  }

  [[nodiscard]] ExecAddress exec() const noexcept { return ExecAddress{exec_.address()}; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] WritableAddress writable(ExecAddress at) const noexcept {
    return WritableAddress{at.value() + delta_};
  }
  void begin_patch(ExecAddress /*at*/, std::size_t /*size*/) noexcept {}
  void end_patch(ExecAddress /*at*/, std::size_t /*size*/) noexcept {}
  void seal() noexcept {}
  void isolate_after_fork() {
    SysvShmZone copy{ZoneRequest{.size = size_, .landing_pads = landing_pads_}};
    std::memcpy(copy.writable_.address(), exec_.address(), size_);
    copy.exec_.move_to(exec_, size_);
    copy.writable_.move_to(writable_, size_);
  }
  [[nodiscard]] std::string describe() const { return {}; }

 private:
  [[nodiscard]] static int huge_flags(const ZoneRequest& request) noexcept {
    return request.pages == Pages::hugetlb ? SHM_HUGETLB | kHugetlbOf2MiB : 0;
  }
  // shmat(2) aligns to 2 MiB only what is of the pool.
  [[nodiscard]] std::uintptr_t attach_at(const ZoneRequest& request, std::uintptr_t at) const {
    return at == 0 && request.pages == Pages::transparent_huge ? aligned_place(size_) : at;
  }

  // shmat(2) knows nothing of landing pads.
  void protect(int protection) {
    if (mprotect(exec_.address(), size_, protection) != 0) throw_errno("mprotect (landing pads)");
  }

  // Marking before the first attachment would destroy the segment, so a failed attachment is noted
  // and rethrown after the mark.
  void attach_and_mark(int segment, std::uintptr_t at) {
    try {
      writable_ = ShmAttachment(segment, 0, at);
    } catch (...) {
      shmctl(segment, IPC_RMID, nullptr);
      throw;
    }
    if (shmctl(segment, IPC_RMID, nullptr) != 0) throw_errno("shmctl (IPC_RMID)");
  }

  std::size_t size_ = 0;
  ShmAttachment writable_;
  ShmAttachment exec_;
  std::uintptr_t delta_ = 0;
  bool landing_pads_ = false;
};

struct SysvShm {
  static constexpr std::string_view kId = "sysv-shm";
  static constexpr std::string_view kSummary =
      "a System V segment attached twice, read-write and SHM_EXEC|SHM_RDONLY";
  using Zone = SysvShmZone;
  static constexpr Dispatch kDispatch = Dispatch::inline_cache;
};

}  // namespace patchbench
