// Why store_code() is not memcpy(): whether this processor executes old code after `rep movsb`. On
// demand, because it counts what happens by chance:
//   strategies_test "[string-stores]"
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <random>
#include <vector>

#include <patchbench_catch.hpp>
#include <sys/mman.h>

#include "code_zone.hpp"
#include "mapping.hpp"

namespace patchbench::testing {
namespace {

constexpr std::size_t kFunctionBytes = 512;
constexpr std::size_t kFunctions = 2048;
constexpr std::size_t kLine = 64;
constexpr int kPasses = 4000;  // over all functions

using Function = std::array<std::byte, kFunctionBytes>;

/// Adds in every unit of 8 bytes but the first and the last; the sum says how many are of which
/// version.
Function adding(std::uint32_t addend) {
  constexpr std::array<std::uint8_t, 8> kFirst = {0x31, 0xc0, 0x0f, 0x1f, 0x44, 0x00, 0x00, 0x90};
  constexpr std::array<std::uint8_t, 8> kLast = {0xc3, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc};
  constexpr std::array<std::uint8_t, 4> kAdd = {0x66, 0x90, 0x48, 0x05};  // nop; add rax, imm32
  Function function{};
  std::memcpy(function.data(), kFirst.data(), kFirst.size());
  for (std::size_t at = 8; at < kFunctionBytes - 8; at += 8) {
    std::memcpy(function.data() + at, kAdd.data(), kAdd.size());
    std::memcpy(function.data() + at + kAdd.size(), &addend, sizeof addend);
  }
  std::memcpy(function.data() + kFunctionBytes - 8, kLast.data(), kLast.size());
  return function;
}

void store_by_string_instruction(std::byte* to, const std::byte* code, std::size_t size) noexcept {
  asm volatile("rep movsb" : "+D"(to), "+S"(code), "+c"(size) : : "memory");
}

struct Seen {
  std::uint64_t stale = 0;        // sums of functions that were wrong
  std::uint64_t wrong_bytes = 0;  // of them, those whose bytes in memory were wrong as well
};

template <class Store>
Seen execute_after(Store store) {
  const Mapping code =
      Mapping::anonymous(kFunctionBytes * kFunctions, PROT_READ | PROT_WRITE | PROT_EXEC, 0);
  const std::array<Function, 2> versions = {adding(1000), adding(1001)};
  std::vector<std::size_t> order(kFunctions);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::mt19937 random(1);
  std::ranges::shuffle(order, random);
  Seen seen;
  for (int pass = 0; pass < kPasses; ++pass) {
    const Function& version = versions[static_cast<std::size_t>(pass % 2)];
    const std::uint64_t sum = (1000U + static_cast<unsigned>(pass % 2)) * (kFunctionBytes / 8 - 2);
    for (const std::size_t number : order) {
      std::byte* at = code.bytes() + number * kFunctionBytes;
      store(at, version.data(), kFunctionBytes);
      if (ExecAddress{at}.as_function<std::uint64_t()>()() == sum) continue;
      ++seen.stale;
      seen.wrong_bytes += std::memcmp(at, version.data(), kFunctionBytes) == 0 ? 0U : 1U;
      // What was executed stays for a while, until each line is stored to once more.
      for (std::size_t line = 0; line < kFunctionBytes; line += kLine) {
        store_code(at + line, version.data() + line, sizeof(std::uint64_t));
      }
    }
  }
  return seen;
}

}  // namespace

TEST_CASE("code that store_code() stored is executed, code that rep movsb stored not always",
          "[.][string-stores]") {
  const Seen stored = execute_after(store_code);
  const Seen copied = execute_after(store_by_string_instruction);
  WARN("of " << kPasses * kFunctions << " functions the old code was executed after store_code(): "
             << stored.stale << ", after rep movsb: " << copied.stale);
  CHECK(stored.stale == 0);
  CHECK(copied.wrong_bytes == 0);
}

}  // namespace patchbench::testing
