// strategies/pkey_toggle.hpp - RWX memory that a protection key keeps from being written outside a
// patch scope.
//
// What V8 does on Linux x86-64. pkeys(7), Linux 4.9; x86-64 processors with PKU. Opening is one
// instruction (WRPKRU) and no system call, and concerns the calling thread alone. The mapping is
// writable and executable to the kernel, so whatever refuses RWX memory refuses it.
#pragma once

#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <sys/mman.h>

#include "code_zone.hpp"
#include "dispatch.hpp"
#include "landing_pads.hpp"
#include "mapping.hpp"
#include "policy.hpp"

namespace patchbench {

/// A protection key, freed by its owner.
class ProtectionKey {
 public:
  ProtectionKey() : key_(pkey_alloc(0, PKEY_DISABLE_WRITE)) {
    if (key_ < 0) throw_errno("pkey_alloc");
  }
  ProtectionKey(ProtectionKey&& other) noexcept : key_(std::exchange(other.key_, -1)) {}
  ProtectionKey& operator=(ProtectionKey&& other) noexcept {
    std::swap(key_, other.key_);
    return *this;
  }
  ProtectionKey(const ProtectionKey&) = delete;
  ProtectionKey& operator=(const ProtectionKey&) = delete;
  ~ProtectionKey() {
    if (key_ >= 0) pkey_free(key_);
  }

  [[nodiscard]] int get() const noexcept { return key_; }

 private:
  int key_;
};

class PkeyToggleZone {
 public:
  static constexpr AliasKind kAlias = AliasKind::same_address;
  static constexpr bool kWritableAndExecutable = true;
  static constexpr bool kHasProtectionKey = true;
  static constexpr std::array kRefusedBy = kRefuseRwx;

  /// Whether the processor has keys, the kernel hands them out and the C library can set them.
  [[nodiscard]] static std::string why_unavailable() {
    const int key = pkey_alloc(0, 0);
    if (key < 0) {
      const int error = errno;
      std::string reason = std::generic_category().message(error).insert(0, "pkey_alloc: ");
      if (error == ENOSPC) {  // pkey_alloc(2) has it for all three
        reason += "; the processor or the kernel has no protection keys, or all are taken";
      }
      return reason;
    }
    const bool settable = pkey_set(key, 0) == 0;
    const int error = errno;
    pkey_free(key);
    if (settable) return {};
    return std::generic_category().message(error).insert(0, "pkey_set: ") +
           "; this C library cannot set protection keys on this processor";
  }

  explicit PkeyToggleZone(const ZoneRequest& request)
      : mapping_(Mapping::anonymous(zone_size(request), PROT_WRITE | protection_to_execute(request),
                                    exec_place(request))) {
    const int protection = PROT_WRITE | protection_to_execute(request);
    if (pkey_mprotect(mapping_.address(), mapping_.size(), protection, key_.get()) != 0) {
      throw_errno("pkey_mprotect");
    }
  }

  [[nodiscard]] ExecAddress exec() const noexcept { return ExecAddress{mapping_.address()}; }
  [[nodiscard]] std::size_t size() const noexcept { return mapping_.size(); }
  [[nodiscard]] WritableAddress writable(ExecAddress at) const noexcept {
    return WritableAddress{at.value()};
  }
  void begin_patch(ExecAddress /*at*/, std::size_t /*size*/) noexcept {
    static_cast<void>(pkey_set(key_.get(), 0));  // fails for a key that does not exist, only
  }
  void end_patch(ExecAddress /*at*/, std::size_t /*size*/) noexcept {
    static_cast<void>(pkey_set(key_.get(), PKEY_DISABLE_WRITE));
  }
  void seal() noexcept {}
  [[nodiscard]] std::string describe() const { return {}; }

 private:
  ProtectionKey key_;  // freed after the mapping that has it
  Mapping mapping_;
};

struct PkeyToggle {
  static constexpr std::string_view kId = "pkey-toggle";
  static constexpr std::string_view kSummary =
      "writable and executable memory, guarded by a protection key outside a patch scope";
  using Zone = PkeyToggleZone;
  static constexpr Dispatch kDispatch = Dispatch::inline_cache;
  static constexpr bool kSmallGrid = true;
};

}  // namespace patchbench
