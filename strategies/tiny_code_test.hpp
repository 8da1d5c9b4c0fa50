// strategies/tiny_code_test.hpp - for tests: real machine code in a zone, one function a word.
#pragma once

#include <cstdint>
#include <cstring>

#include "code_zone.hpp"
#include "example/tiny_function.hpp"
#include "publish.hpp"

namespace patchbench::testing {

/// The whole of `int f() { return value; }`: one aligned word, changed by one store.
using CodeWord = std::uint64_t;

/// Stores and publishes a function that returns `value`, inside a scope of the caller's.
template <class Zone>
void store_function(Zone& zone, ExecAddress at, CodeWord replaced, std::uint16_t value) noexcept {
  patch_word(zone.writable(at), replaced, function_returning(value));
  publish(at, zone.writable(at), sizeof(CodeWord), Zone::kAlias);
}

/// The same in a scope of its own.
template <class Zone>
void patch_function(Zone& zone, ExecAddress at, CodeWord replaced, std::uint16_t value) noexcept {
  const PatchScope scope{zone, at, sizeof(CodeWord)};
  store_function(zone, at, replaced, value);
}

[[nodiscard]] inline int call(ExecAddress at) { return at.as_function<int()>()(); }

[[nodiscard]] inline CodeWord word_at(const std::byte* bytes) noexcept {
  CodeWord word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

/// Whether the zone can be patched and the patch is executed; needs the word at `at` to be zero.
template <class Zone>
[[nodiscard]] bool patches_and_executes(Zone& zone, ExecAddress at) {
  patch_function(zone, at, 0, 1);
  const bool first = call(at) == 1;
  patch_function(zone, at, function_returning(1), 2);
  return first && call(at) == 2;
}

}  // namespace patchbench::testing
