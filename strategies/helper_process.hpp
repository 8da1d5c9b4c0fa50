// strategies/helper_process.hpp - another process holds the only writable view of the code.
//
// The design of SDCG (Song et al., "Exploiting and Protecting Dynamic Code Generation", NDSS 2015;
// read in its abstract only): who takes over the virtual machine's process cannot write code there.
// Here the helper trusts what it is asked; a real one would check the request. A patch costs two
// messages and two switches of processes.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include <sys/types.h>

#include "code_zone.hpp"
#include "dispatch.hpp"
#include "landing_pads.hpp"
#include "mapping.hpp"
#include "policy.hpp"
#include "staged_zone.hpp"
#include "zone_traits.hpp"

namespace patchbench {

/// The end of the pair that this process keeps, and the process at the other end. It ends when its
/// socket is closed or its parent dies.
class CodeHelper {
 public:
  /// Copies from `staging` to `file`, which it maps; the caller's views of it are made afterwards.
  /// Throws std::system_error (socketpair, fork, and what the helper met: mmap).
  CodeHelper(const Fd& file, const Mapping& staging);
  CodeHelper(CodeHelper&& other) noexcept;
  CodeHelper& operator=(CodeHelper&& other) noexcept;
  CodeHelper(const CodeHelper&) = delete;
  CodeHelper& operator=(const CodeHelper&) = delete;
  ~CodeHelper();

  /// Has [offset, offset + size) copied; returns when that is done. False when the helper is gone.
  [[nodiscard]] bool copy(std::size_t offset, std::size_t size) noexcept;
  /// For a child of fork(2): the helper is another process's to wait for.
  void leave() noexcept {
    socket_ = Fd{};
    process_ = -1;
  }

 private:
  Fd socket_;
  pid_t process_ = -1;
};

class HelperWriter {
 public:
  static constexpr bool kSharesStaging = true;

  HelperWriter(const ZoneRequest& request, const Mapping& staging)
      : HelperWriter(executable_memfd("patchbench-helped", request), request, staging) {}

  [[nodiscard]] ExecAddress exec() const noexcept { return ExecAddress{exec_.address()}; }
  [[nodiscard]] std::size_t size() const noexcept { return exec_.size(); }
  void store(std::size_t offset, const std::byte* /*staged*/, std::size_t size) noexcept {
    if (!helper_.copy(offset, size)) patch_failed("helper-process: its helper is gone");
  }
  /// The helper is the parent's child, which its own end of the socket keeps alive.
  void isolate_after_fork(const Mapping& staging) {
    const Fd copy = executable_memfd("patchbench-helped", size());
    copy_code(copy, staging.bytes(), size());
    helper_.leave();
    helper_ = CodeHelper(copy, staging);
    exec_.replace(copy, protection_);
  }

 private:
  /// The descriptor goes with this constructor: a process that kept it could map the code writable.
  HelperWriter(const Fd& file, const ZoneRequest& request, const Mapping& staging)
      : helper_(file, staging),
        exec_(Mapping::shared_view(file, staging.size(), protection_to_execute(request),
                                   exec_place(request))),
        protection_(protection_to_execute(request)) {}

  CodeHelper helper_;
  Mapping exec_;
  int protection_;
};

class HelperProcessZone : public StagedZone<HelperWriter> {
 public:
  static constexpr Fork kFork = Fork::shared;
  static constexpr std::array kRefusedBy = kRefuseMemfd;
  using StagedZone::StagedZone;
};

struct HelperProcess {
  static constexpr std::string_view kId = "helper-process";
  static constexpr std::string_view kSummary =
      "a memfd mapped read-execute only; another process has the one writable view";
  using Zone = HelperProcessZone;
  static constexpr Dispatch kDispatch = Dispatch::inline_cache;
  static constexpr bool kSmallGrid = true;
};

}  // namespace patchbench
