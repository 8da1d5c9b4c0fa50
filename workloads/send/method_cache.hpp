// workloads/send/method_cache.hpp - the first-level method cache: (class tag, selector) -> entry
// address.
//
// A power of two of entries, three probes, as in OpenSmalltalk's VMs. It is data: generated open
// PICs and the miss path read the same table, at an address that is the same for every strategy.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "workloads/send/object_model.hpp"

namespace patchbench::send {

struct MethodCacheEntry {
  std::uint64_t key;     // selector << 32 | class tag; 0: empty
  std::uint64_t target;  // executable address of the unchecked entry
};
static_assert(sizeof(MethodCacheEntry) == 16, "open PICs scale the index by 16");

inline constexpr unsigned kMethodCacheProbes = 3;

[[nodiscard]] constexpr std::uint64_t method_cache_key(ClassTag tag, Selector selector) noexcept {
  return std::uint64_t{selector} << 32U | tag;
}
inline constexpr std::uint32_t kSelectorHashFactor = 0x9e3779b1U;
inline constexpr unsigned kSelectorHashShift = 8;
/// The part of the hash that is a constant in an open PIC. Fibonacci hashing of the selector.
[[nodiscard]] constexpr std::uint32_t selector_hash(Selector selector) noexcept {
  return (selector * kSelectorHashFactor) >> kSelectorHashShift;
}
/// Probe 0, 1, 2: the tag mixed with the selector's hash, then shifted right by the probe's number.
[[nodiscard]] constexpr std::uint32_t method_cache_index(ClassTag tag, Selector selector,
                                                         unsigned probe,
                                                         std::uint32_t mask) noexcept {
  return ((tag ^ selector_hash(selector)) >> probe) & mask;
}

/// A view of the table; owns nothing. The number of entries is a power of two.
class MethodCache {
 public:
  MethodCache() = default;
  explicit MethodCache(std::span<MethodCacheEntry> entries) noexcept
      : entries_(entries), mask_(static_cast<std::uint32_t>(entries.size() - 1)) {}

  [[nodiscard]] const MethodCacheEntry* base() const noexcept { return entries_.data(); }
  [[nodiscard]] std::uint32_t mask() const noexcept { return mask_; }

  /// The target, or 0.
  [[nodiscard]] std::uint64_t find(ClassTag tag, Selector selector) const noexcept {
    const std::uint64_t key = method_cache_key(tag, selector);
    for (unsigned probe = 0; probe < kMethodCacheProbes; ++probe) {
      const MethodCacheEntry& entry = entries_[method_cache_index(tag, selector, probe, mask_)];
      if (entry.key == key) return entry.target;
    }
    return 0;
  }

  /// Takes the first free of the three places, else the first place, and frees the other two so
  /// that a crowded neighbourhood does not stay crowded with the oldest entries.
  void add(ClassTag tag, Selector selector, std::uint64_t target) noexcept {
    const std::uint64_t key = method_cache_key(tag, selector);
    for (unsigned probe = 0; probe < kMethodCacheProbes; ++probe) {
      MethodCacheEntry& entry = entries_[method_cache_index(tag, selector, probe, mask_)];
      if (entry.key == 0 || entry.key == key) {
        entry = {.key = key, .target = target};
        return;
      }
    }
    for (unsigned probe = 1; probe < kMethodCacheProbes; ++probe) {
      entries_[method_cache_index(tag, selector, probe, mask_)] = {};
    }
    entries_[method_cache_index(tag, selector, 0, mask_)] = {.key = key, .target = target};
  }

  void clear() noexcept {
    for (MethodCacheEntry& entry : entries_) entry = {};
  }

 private:
  std::span<MethodCacheEntry> entries_;
  std::uint32_t mask_ = 0;
};

}  // namespace patchbench::send
