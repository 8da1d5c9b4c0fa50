// strategies/memfd_dual.hpp - a memfd mapped twice: read-execute and read-write.
//
// Survives every policy but SELinux' refusal to execute tmpfs files.
// memfd_create(2), Linux 3.17.
#pragma once

#include <array>
#include <cerrno>
#include <string>
#include <string_view>

#include "code_zone.hpp"
#include "dispatch.hpp"
#include "mapping.hpp"
#include "policy.hpp"
#include "zone_traits.hpp"

namespace patchbench {

class MemfdDualZone {
 public:
  static constexpr AliasKind kAlias = AliasKind::second_view;
  static constexpr Fork kFork = Fork::shared;
  static constexpr std::array kRefusedBy = {
      Refusal{Policy::selinux_no_tmpfs_exec, EACCES, "mmap"},
      Refusal{Policy::file_size_limit, EFBIG, "ftruncate"},
  };

  /// The descriptor is closed once both views exist: they keep the memory alive.
  explicit MemfdDualZone(const ZoneRequest& request)
      : views_(executable_memfd("patchbench-code", round_up_to_pages(request.size)), request) {}

  [[nodiscard]] ExecAddress exec() const noexcept { return views_.exec(); }
  [[nodiscard]] std::size_t size() const noexcept { return views_.size(); }
  [[nodiscard]] WritableAddress writable(ExecAddress at) const noexcept {
    return views_.writable(at);
  }
  void begin_patch(ExecAddress /*at*/, std::size_t /*size*/) noexcept {}
  void end_patch(ExecAddress /*at*/, std::size_t /*size*/) noexcept {}
  void seal() noexcept {}
  void isolate_after_fork() { views_.isolate(executable_memfd("patchbench-code", size())); }
  [[nodiscard]] std::string describe() const { return {}; }

 private:
  DualView views_;
};

struct MemfdDual {
  static constexpr std::string_view kId = "memfd-dual";
  static constexpr std::string_view kSummary = "a memfd mapped twice, read-execute and read-write";
  using Zone = MemfdDualZone;
  static constexpr Dispatch kDispatch = Dispatch::inline_cache;
  static constexpr bool kPreferredBaseline = true;
};

}  // namespace patchbench
