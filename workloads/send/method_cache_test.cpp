// The method cache's table: where an entry goes, and who has to leave.
#include "workloads/send/method_cache.hpp"

#include <cstdint>
#include <vector>

#include <patchbench_catch.hpp>

namespace patchbench::send {
namespace {

constexpr Selector kWorstSelector = kFirstSelector;  // its hash ends in 16 zero bits: 0x400000

/// Tags whose first probe is entry 4 of 16, second entry 2, third entry 1.
constexpr ClassTag kA = 0x104;
constexpr ClassTag kB = 0x184;
constexpr ClassTag kC = 0x204;
constexpr ClassTag kD = 0x284;

}  // namespace

TEST_CASE("method cache: three probes, each one bit further") {
  CHECK(selector_hash(kWorstSelector) == 0x40'0000);
  // 0x40000001 * 0x9e3779b1 = 0xde3779b1 modulo 2^32.
  CHECK(selector_hash(kFirstSelector + 1) == 0xde'3779);
  CHECK(method_cache_index(kA, kWorstSelector, 0, 15) == 4);
  CHECK(method_cache_index(kA, kWorstSelector, 1, 15) == 2);
  CHECK(method_cache_index(kA, kWorstSelector, 2, 15) == 1);
  CHECK(method_cache_index(kA, kWorstSelector, 0, 0xffff'ffff) == 0x40'0104);
  CHECK(method_cache_index(kA, kWorstSelector, 2, 0xffff'ffff) == 0x10'0041);
  CHECK(method_cache_key(kA, kWorstSelector) == 0x4000'0000'0000'0104);
}

TEST_CASE("method cache: entries take the first free of their three places") {
  std::vector<MethodCacheEntry> entries(16);
  MethodCache cache{entries};
  CHECK(cache.find(kA, kWorstSelector) == 0);
  cache.add(kA, kWorstSelector, 11);
  cache.add(kB, kWorstSelector, 12);
  cache.add(kC, kWorstSelector, 13);
  CHECK(entries[4].target == 11);
  CHECK(entries[2].target == 12);
  CHECK(entries[1].target == 13);
  CHECK(cache.find(kA, kWorstSelector) == 11);
  CHECK(cache.find(kB, kWorstSelector) == 12);
  CHECK(cache.find(kC, kWorstSelector) == 13);
  CHECK(cache.find(kD, kWorstSelector) == 0);
  CHECK(cache.find(kA, kWorstSelector + 1) == 0);
}

TEST_CASE("method cache: a fourth entry takes the first place and empties the other two") {
  std::vector<MethodCacheEntry> entries(16);
  MethodCache cache{entries};
  cache.add(kA, kWorstSelector, 11);
  cache.add(kB, kWorstSelector, 12);
  cache.add(kC, kWorstSelector, 13);
  cache.add(kD, kWorstSelector, 14);
  CHECK(cache.find(kA, kWorstSelector) == 0);
  CHECK(cache.find(kB, kWorstSelector) == 0);
  CHECK(cache.find(kC, kWorstSelector) == 0);
  CHECK(cache.find(kD, kWorstSelector) == 14);
  CHECK(entries[4].target == 14);
  CHECK(entries[2].key == 0);
  CHECK(entries[1].key == 0);
  cache.add(kD, kWorstSelector, 15);
  CHECK(cache.find(kD, kWorstSelector) == 15);
  CHECK(entries[2].key == 0);
}

TEST_CASE("method cache: clearing it forgets everything") {
  std::vector<MethodCacheEntry> entries(16);
  MethodCache cache{entries};
  CHECK(cache.mask() == 15);
  CHECK(cache.base() == entries.data());
  for (ClassTag tag = kFirstHeapTag; tag < kFirstHeapTag + 40; ++tag) {
    cache.add(tag, kWorstSelector, tag);
    CHECK(cache.find(tag, kWorstSelector) == tag);
  }
  cache.clear();
  for (const MethodCacheEntry& entry : entries) {
    CHECK(entry.key == 0);
    CHECK(entry.target == 0);
  }
}

}  // namespace patchbench::send
