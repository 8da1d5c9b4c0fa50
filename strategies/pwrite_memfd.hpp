// strategies/pwrite_memfd.hpp - a memfd mapped read-execute only, written by pwrite(2).
//
// No writable view of the code exists at any time; the descriptor is what must be guarded. The
// kernel copies, so a word is not stored atomically as far as the manual says. No virtual machine
// is known to use it.
#pragma once

#include <array>
#include <string_view>
#include <utility>

#include "code_zone.hpp"
#include "dispatch.hpp"
#include "landing_pads.hpp"
#include "mapping.hpp"
#include "policy.hpp"
#include "staged_zone.hpp"
#include "zone_traits.hpp"

namespace patchbench {

class MemfdWriter {
 public:
  static constexpr bool kSharesStaging = false;

  MemfdWriter(const ZoneRequest& request, const Mapping& staging)
      : file_(executable_memfd("patchbench-written", request)),
        exec_(Mapping::shared_view(file_, staging.size(), protection_to_execute(request),
                                   exec_place(request))),
        protection_(protection_to_execute(request)) {}

  [[nodiscard]] ExecAddress exec() const noexcept { return ExecAddress{exec_.address()}; }
  [[nodiscard]] std::size_t size() const noexcept { return exec_.size(); }
  void store(std::size_t offset, const std::byte* staged, std::size_t size) noexcept {
    if (!write_all(file_, staged, size, offset)) patch_failed("pwrite-memfd: pwrite");
  }
  void isolate_after_fork(const Mapping& staging) {
    Fd copy = executable_memfd("patchbench-written", size());
    copy_code(copy, staging.bytes(), size());
    exec_.replace(copy, protection_);
    file_ = std::move(copy);
  }

 private:
  Fd file_;
  Mapping exec_;
  int protection_;
};

class PwriteMemfdZone : public StagedZone<MemfdWriter> {
 public:
  static constexpr Fork kFork = Fork::shared;
  static constexpr std::array kRefusedBy = kRefuseMemfd;
  using StagedZone::StagedZone;
};

struct PwriteMemfd {
  static constexpr std::string_view kId = "pwrite-memfd";
  static constexpr std::string_view kSummary =
      "a memfd mapped read-execute only, patched by pwrite";
  using Zone = PwriteMemfdZone;
  static constexpr Dispatch kDispatch = Dispatch::inline_cache;
  static constexpr bool kSmallGrid = true;
};

}  // namespace patchbench
