// strategies/process_vm_writev.hpp - the negative control: process_vm_writev(2) onto read-execute
// memory.
//
// The call respects the protection of pages, unlike /proc/self/mem, and must be refused (EFAULT).
// Where it is not, this machine's protections do not protect, and no other row means what it says.
#pragma once

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>

#include <sys/uio.h>
#include <unistd.h>

#include "code_zone.hpp"
#include "dispatch.hpp"
#include "landing_pads.hpp"
#include "mapping.hpp"
#include "staged_zone.hpp"

namespace patchbench {

class VmWriter {
 public:
  static constexpr bool kSharesStaging = false;

  VmWriter(const ZoneRequest& request, const Mapping& staging)
      : exec_(Mapping::anonymous(staging.size(), protection_to_execute(request),
                                 exec_place(request))) {
    if (!write(0, staging.bytes(), sizeof(std::uint64_t))) {
      throw_errno("process_vm_writev (onto read-execute memory)");
    }
  }

  [[nodiscard]] ExecAddress exec() const noexcept { return ExecAddress{exec_.address()}; }
  [[nodiscard]] std::size_t size() const noexcept { return exec_.size(); }
  void store(std::size_t offset, const std::byte* staged, std::size_t size) noexcept {
    if (!write(offset, staged, size)) patch_failed("process-vm-writev: process_vm_writev");
  }
  void isolate_after_fork(const Mapping& /*staging*/) {}

 private:
  [[nodiscard]] bool write(std::size_t offset, const std::byte* bytes, std::size_t size) noexcept {
    const iovec from{.iov_base = const_cast<std::byte*>(bytes), .iov_len = size};
    const iovec to{.iov_base = exec_.bytes() + offset, .iov_len = size};
    return process_vm_writev(getpid(), &from, 1, &to, 1, 0) == static_cast<ssize_t>(size);
  }

  Mapping exec_;
};

class ProcessVmWritevZone : public StagedZone<VmWriter> {
 public:
  using StagedZone::StagedZone;

  /// What the kernel answers, which is the row: a zone that could be made would be the news.
  [[nodiscard]] static std::string why_unavailable() {
    try {
      const ProcessVmWritevZone zone{ZoneRequest{.size = 1}};
      return {};
    } catch (const std::system_error& refused) {
      return refused.what();
    }
  }
};

struct ProcessVmWritev {
  static constexpr std::string_view kId = "process-vm-writev";
  static constexpr std::string_view kSummary =
      "negative control: process_vm_writev onto read-execute memory, which must be refused";
  using Zone = ProcessVmWritevZone;
  static constexpr Dispatch kDispatch = Dispatch::inline_cache;
  static constexpr std::string_view kOnlyWorkload = "relink";
  static constexpr bool kSmallGrid = true;
};

}  // namespace patchbench
