// strategies/asmjit_dual.hpp - what a virtual machine would pick up instead of writing its own:
// AsmJit's dual mapping, through its public interface.
//
// asmjit::VirtMem::allocDualMapping(), in AsmJit since 2020: a memfd where there is one, else a
// file in /dev/shm or /tmp, mapped twice. It commits pages when they are touched, so that a full
// file system is SIGBUS and not an error. AsmJit chooses the addresses; where a request names
// others, both views are moved there.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "code_zone.hpp"
#include "dispatch.hpp"
#include "policy.hpp"
#include "zone_traits.hpp"

namespace patchbench {

/// Released by its owner, through the library that made it.
class AsmjitMapping {
 public:
  /// Throws std::system_error with AsmJit's own text, or of mremap.
  explicit AsmjitMapping(const ZoneRequest& request);
  AsmjitMapping(AsmjitMapping&& other) noexcept
      : exec_(std::exchange(other.exec_, nullptr)),
        writable_(std::exchange(other.writable_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        landing_pads_(other.landing_pads_) {}
  AsmjitMapping& operator=(AsmjitMapping&& other) noexcept {
    std::swap(exec_, other.exec_);
    std::swap(writable_, other.writable_);
    std::swap(size_, other.size_);
    std::swap(landing_pads_, other.landing_pads_);
    return *this;
  }
  AsmjitMapping(const AsmjitMapping&) = delete;
  AsmjitMapping& operator=(const AsmjitMapping&) = delete;
  ~AsmjitMapping();

  /// Another mapping by AsmJit with the same bytes, at the same addresses.
  void isolate();

  [[nodiscard]] void* exec() const noexcept { return exec_; }
  [[nodiscard]] void* writable() const noexcept { return writable_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  void* exec_ = nullptr;
  void* writable_ = nullptr;
  std::size_t size_ = 0;
  bool landing_pads_ = false;
};

class AsmjitDualZone {
 public:
  static constexpr AliasKind kAlias = AliasKind::second_view;
  static constexpr Fork kFork = Fork::shared;
  static constexpr bool kMadeByLibrary = true;
  static constexpr std::array kRefusedBy = kRefuseMemfd;

  explicit AsmjitDualZone(const ZoneRequest& request)
      : mapping_(request),
        delta_(reinterpret_cast<std::uintptr_t>(mapping_.writable()) -
               reinterpret_cast<std::uintptr_t>(mapping_.exec())) {}

  [[nodiscard]] ExecAddress exec() const noexcept { return ExecAddress{mapping_.exec()}; }
  [[nodiscard]] std::size_t size() const noexcept { return mapping_.size(); }
  [[nodiscard]] WritableAddress writable(ExecAddress at) const noexcept {
    return WritableAddress{at.value() + delta_};
  }
  void begin_patch(ExecAddress /*at*/, std::size_t /*size*/) noexcept {}
  void end_patch(ExecAddress /*at*/, std::size_t /*size*/) noexcept {}
  void seal() noexcept {}
  void isolate_after_fork() { mapping_.isolate(); }
  [[nodiscard]] std::string describe() const { return {}; }

 private:
  AsmjitMapping mapping_;
  std::uintptr_t delta_;
};

struct AsmjitDual {
  static constexpr std::string_view kId = "asmjit-dual";
  static constexpr std::string_view kSummary = "AsmJit's own dual mapping (VirtMem)";
  using Zone = AsmjitDualZone;
  static constexpr Dispatch kDispatch = Dispatch::inline_cache;
  static constexpr bool kSmallGrid = true;
};

}  // namespace patchbench
