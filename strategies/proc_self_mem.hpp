// strategies/proc_self_mem.hpp - private read-execute memory, written through /proc/self/mem.
//
// What Julia does where the kernel lets it. proc(5): the kernel writes to pages of the process
// whatever their protection, as a debugger would. Linux 6.12 and later can be configured to refuse
// that (proc_mem.force_override). The descriptor belongs to the memory of who opened it: a child of
// fork(2) that patches through it changes its parent's code and not its own.
#pragma once

#include <array>
#include <string_view>

#include <fcntl.h>

#include "code_zone.hpp"
#include "dispatch.hpp"
#include "landing_pads.hpp"
#include "mapping.hpp"
#include "policy.hpp"
#include "staged_zone.hpp"
#include "zone_traits.hpp"

namespace patchbench {

class ProcMemWriter {
 public:
  static constexpr bool kSharesStaging = false;

  /// Writes once, because opening says nothing about whether protection may be overridden.
  ProcMemWriter(const ZoneRequest& request, const Mapping& staging)
      : memory_(open_memory()),
        exec_(Mapping::anonymous(staging.size(), protection_to_execute(request),
                                 exec_place(request))) {
    if (!write_all(memory_, staging.bytes(), sizeof(std::uint64_t), exec().value())) {
      throw_errno("pwrite (/proc/self/mem)");
    }
  }

  [[nodiscard]] ExecAddress exec() const noexcept { return ExecAddress{exec_.address()}; }
  [[nodiscard]] std::size_t size() const noexcept { return exec_.size(); }
  void store(std::size_t offset, const std::byte* staged, std::size_t size) noexcept {
    if (!write_all(memory_, staged, size, exec().value() + offset)) {
      patch_failed("proc-self-mem: pwrite");
    }
  }
  /// The descriptor still leads to the parent's memory.
  void isolate_after_fork(const Mapping& /*staging*/) { memory_ = open_memory(); }

 private:
  [[nodiscard]] static Fd open_memory() {
    Fd memory{open("/proc/self/mem", O_RDWR | O_CLOEXEC)};
    if (!memory) throw_errno("open (/proc/self/mem)");
    return memory;
  }

  Fd memory_;
  Mapping exec_;
};

class ProcSelfMemZone : public StagedZone<ProcMemWriter> {
 public:
  static constexpr Fork kFork = Fork::shared;
  static constexpr std::array kRefusedBy = kRefuseAnonymousCode;
  using StagedZone::StagedZone;
};

struct ProcSelfMem {
  static constexpr std::string_view kId = "proc-self-mem";
  static constexpr std::string_view kSummary =
      "private read-execute memory, patched through /proc/self/mem";
  using Zone = ProcSelfMemZone;
  static constexpr Dispatch kDispatch = Dispatch::inline_cache;
  static constexpr bool kSmallGrid = true;
};

}  // namespace patchbench
