// What the x86-64 generator emits, and the constants that the patch path goes by.
#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <patchbench_catch.hpp>

#include "workloads/send/architecture_x86_64.hpp"
#include "workloads/send/golden_test.hpp"

namespace patchbench::send {
namespace {

using A = X86_64;

/// Whether `opcode` stands right in front of the 32-bit word at `word`.
bool opcode_before(const CodeBytes& bytes, std::size_t word,
                   const std::vector<std::uint8_t>& opcode) {
  return std::equal(opcode.begin(), opcode.end(), &bytes[word - opcode.size()],
                    [](std::uint8_t a, std::byte b) { return std::byte{a} == b; });
}

/// Where the displacement at `word` of a piece at `at` leads; 0 bytes of the instruction follow it.
ExecAddress destination(const CodeBytes& bytes, ExecAddress at, std::size_t word) {
  return at + word + 4 + static_cast<std::size_t>(static_cast<std::int32_t>(word_at(bytes, word)));
}

struct SiteLayout {
  Dispatch dispatch = Dispatch::inline_cache;
  SiteOrder order = SiteOrder::linear;
  std::size_t shift = 0;
};

std::vector<SiteLayout> every_site_layout() {
  std::vector<SiteLayout> layouts;
  for (const Dispatch dispatch : kDispatches) {
    for (const SiteOrder order : kOrders) {
      for (std::uint64_t draw = 0; draw < A::kSiteShifts; ++draw) {
        layouts.push_back({dispatch, order, A::site_shift(draw)});
      }
    }
  }
  return layouts;
}

/// Where the displacement of a site's `mov edx, [rip + ..]` is.
std::size_t tag_displacement(const CodeBytes& bytes, std::size_t site) {
  for (std::size_t at = site + 2; at < site + A::kSiteStride; ++at) {
    if (opcode_before(bytes, at, {0x8b, 0x15})) return at;
  }
  FAIL("no load of a tag");
  return site;
}

}  // namespace

TEST_CASE("x86-64: every piece has its golden bytes") { check_golden<A>("x86_64"); }

TEST_CASE("x86-64: write the pieces to $PATCHBENCH_PIECES", "[.pieces-x86_64]") {
  write_pieces<A>();
}

TEST_CASE("x86-64: nothing is executed to fill room") { check_no_padding("x86_64"); }

TEST_CASE("x86-64: what a send executes at its site is counted right") {
  check_operations<A>("x86_64");
}

TEST_CASE("x86-64: what a stub executes is counted right") { check_stub_operations<A>("x86_64"); }

TEST_CASE("x86-64: each stub jumps through its site's cell, within a block of 32 bytes") {
  const CodeBytes bytes = stubs<A>();
  REQUIRE(bytes.size() == 2 * A::stub_stride(Dispatch::stub_cell));
  for (std::uint32_t site = 0; site < 2; ++site) {
    const std::size_t begin = site * A::stub_stride(Dispatch::stub_cell);
    CHECK(opcode_before(bytes, begin + 2, {0xff, 0x25}));  // jmp [rip + ..]
    CHECK(destination(bytes, kStubs, begin + 2) ==
          kCells + cell_offset(Dispatch::stub_cell, site, 2) + offsetof(Cell, target));
    CHECK(begin % 32 + A::stub_size(Dispatch::stub_cell) < 32);
  }
}

TEST_CASE("x86-64: hardened stubs load their target, and no prediction of the jump is followed") {
  using Bytes = std::vector<std::uint8_t>;
  const std::map<Dispatch, Bytes> behind_load = {
      {Dispatch::stub_cell_retpoline,
       {0xe8, 7, 0, 0, 0,                                                   // call, over:
        0xf3, 0x90, 0x0f, 0xae, 0xe8,                                       // pause, lfence
        0xeb, 0xf9,                                                         // jmp to pause
        0x4c, 0x89, 0x1c, 0x24, 0xc3}},                                     // mov [rsp], r11; ret
      {Dispatch::stub_cell_lfence, {0x0f, 0xae, 0xe8, 0x41, 0xff, 0xe3}}};  // lfence; jmp r11
  for (const auto& [dispatch, expected] : behind_load) {
    INFO(to_string(dispatch));
    const CodeBytes bytes =
        A::emit_stubs({.dispatch = dispatch, .at = kStubs, .cells = kCells, .sites = 2});
    const std::size_t stride = A::stub_stride(dispatch);
    REQUIRE(bytes.size() == 2 * stride);
    for (std::uint32_t site = 0; site < 2; ++site) {
      const std::size_t load = site * stride;
      CHECK(opcode_before(bytes, load + 3, {0x4c, 0x8b, 0x1d}));  // mov r11, [rip + ..]
      CHECK(destination(bytes, kStubs, load + 3) ==
            kCells + cell_offset(dispatch, site, 2) + offsetof(Cell, target));
      CHECK(opcode_before(bytes, load + 7 + expected.size(), expected));
      CHECK(A::stub_size(dispatch) == 7 + expected.size());
      CHECK(bytes[load + A::stub_size(dispatch)] == std::byte{0xcc});  // int3
    }
  }
}

TEST_CASE("x86-64: dispatches that are compared execute equally many instructions at a site") {
  for (const SiteOrder order : kOrders) {
    const unsigned direct = A::site_operations(Dispatch::inline_cache, order);
    for (const Dispatch dispatch : kDispatches) {
      INFO(name_of(dispatch) << ", " << name_of(order));
      CHECK(A::site_operations(dispatch, order) ==
            direct + (dispatch == Dispatch::target_register ? 1 : 0));
    }
  }
}

TEST_CASE("x86-64: sites are shifted in steps of 8 bytes, and nothing but their place changes") {
  for (std::uint64_t draw = 0; draw < 16; ++draw) {
    const std::size_t shift = A::site_shift(draw);
    CHECK((shift % 8 == 0 && shift < 64 && shift == draw % 8 * 8));
    for (const SiteOrder order : kOrders) {
      for (const Dispatch dispatch : kDispatches) {
        INFO(name_of(dispatch) << ", " << name_of(order) << ", " << shift);
        const CodeBytes bytes = driver<A>(dispatch, order, shift);
        CHECK(bytes.size() <= A::driver_size(2));
        CHECK(bytes.size() == driver<A>(dispatch, order).size() + shift);
        const std::size_t first = A::driver_sites_offset() + shift;
        const bool linear = order == SiteOrder::linear;
        const std::size_t prefixes = !linear ? 0 : dispatch == Dispatch::target_register ? 1 : 3;
        CHECK(opcode_before(bytes, first + prefixes + 3, {0x49, 0x01, 0xc4}));  // add r12, rax
      }
    }
  }
}

TEST_CASE("x86-64: a site's words are where the patch path stores them") {
  const auto [dispatch, order, shift] = GENERATE(from_range(every_site_layout()));
  const CodeBytes bytes = driver<A>(dispatch, order, shift);
  {
    const bool tag_in_cell = tag_is_in_cell(dispatch);
    const bool target_in_cell = target_is_in_cell(dispatch);
    for (std::uint32_t i = 0; i < 2; ++i) {
      INFO(name_of(dispatch) << ", " << name_of(order) << ", shift " << shift << ", site " << i);
      const std::size_t site = A::driver_sites_offset() + shift + i * A::kSiteStride;
      const ExecAddress cell = kCells + cell_offset(dispatch, i, 2);
      const std::size_t target = site + A::site_target_offset(dispatch, order);
      const std::size_t after = site + A::site_return_offset(dispatch, order);
      if (tag_in_cell) {
        const std::size_t displacement = tag_displacement(bytes, site);
        CHECK(destination(bytes, kDriver, displacement) == cell);
      } else {
        const std::size_t tag = site + A::first_tag_offset(dispatch, order);
        const bool linear = order == SiteOrder::linear;
        CHECK(opcode_before(bytes, tag,
                            linear ? std::vector<std::uint8_t>{0x40, 0xc7, 0xc2}
                                   : std::vector<std::uint8_t>{0xba}));  // mov edx, ..
        CHECK(word_at(bytes, tag) == kFirstSelector + (i == 0 ? 0 : 0x123));
      }
      if (target_in_cell && !calls_stub(dispatch)) {
        CHECK(opcode_before(bytes, after - 4, {0xff, 0x15}));  // call [rip + ..]
        CHECK(destination(bytes, kDriver, after - 4) == cell + offsetof(Cell, target));
      } else {
        const ExecAddress called = called_at_first<A>(dispatch, i);
        CHECK(A::decode_target(kDriver + target, word_at(bytes, target)) == called);
        CHECK(destination(bytes, kDriver, target) == called);
        if (dispatch == Dispatch::target_register) {
          CHECK(opcode_before(bytes, target, {0x4c, 0x8d, 0x1d}));  // lea r11, [rip + ..]
          CHECK(opcode_before(bytes, after, {0x41, 0xff, 0xd3}));   // call r11
          CHECK(after == target + (order == SiteOrder::linear ? 8 : 7));
        } else {
          CHECK(opcode_before(bytes, target, {0xe8}));  // call ..
          CHECK(after == target + 4);
        }
      }
    }
  }
}

TEST_CASE("x86-64: each word that linking stores lies in one aligned quadword") {
  STATIC_REQUIRE(A::driver_sites_offset() % 64 == 0);
  STATIC_REQUIRE(64 % A::kSiteStride == 0);
  for (const auto& [dispatch, order, shift] : every_site_layout()) {
    INFO(name_of(dispatch) << ", " << name_of(order) << ", shift " << shift);
    const std::size_t tag = shift + A::first_tag_offset(dispatch, order);
    const std::size_t target = shift + A::site_target_offset(dispatch, order);
    CHECK((in_one_quadword(tag) && tag % 4 == 0));
    CHECK((in_one_quadword(target) && target % 4 == 0));
    CHECK(A::site_return_offset(dispatch, order) <= A::kSiteStride);
  }
  CHECK((in_one_quadword(A::kPicJumpOffset) && A::kPicJumpOffset % 4 == 0));
  CHECK(A::kPicStride % 64 == 0);
}

TEST_CASE(
    "x86-64: pieces keep to their strides, and a method's entries are where they are said to be") {
  CHECK(A::emit_trampoline({.at = kMissTrampoline}).size() == A::kTrampolineStride);
  CHECK(open_pic<A>(1024).size() == A::kOpenPicStride);
  CHECK(cell_pic<A>(false).size() == A::kCellPicStride);
  CHECK(cell_pic<A>(true).size() == A::kCellPicStride);
  CHECK(A::emit_pic_prototype().size() == A::kPicSize);
  CHECK(A::kPicSize <= A::kPicStride);
  for (const Dispatch dispatch : kDispatches) {
    CHECK(driver<A>(dispatch, SiteOrder::linear).size() <= A::driver_size(2));
    CHECK(driver<A>(dispatch, SiteOrder::shuffled).size() <= A::driver_size(2));
    CHECK(driver<A>(dispatch, SiteOrder::standalone).size() <= A::driver_size(2));
  }
  constexpr std::size_t kOperation = 4;
  for (std::uint32_t work = 0; work <= 256; ++work) {
    for (const bool immediate : {false, true}) {
      const CodeBytes bytes = method<A>(3, work, immediate);
      CHECK(bytes.size() == A::method_stride(work));
      CHECK(bytes.size() % 64 == 0);
      const std::size_t body = A::unchecked_entry_offset();
      CHECK(opcode_before(bytes, body - 4, {0x39, 0xd0, 0x0f, 0x85}));  // cmp eax, edx; jne ..
      CHECK(destination(bytes, kMethods, body - 4) == kMissTrampoline);
      // The operations: add or xor rax with a sign-extended byte, 4 bytes each, then the return.
      const std::size_t operations = body + (immediate ? 6 : 4);
      for (std::uint32_t i = 0; i < work; ++i) {
        const BodyOperation operation = body_operation(3, i);
        const std::uint8_t kind = operation.exclusive_or ? 0xf0 : 0xc0;
        REQUIRE(opcode_before(bytes, operations + (i + 1) * kOperation,
                              {0x48, 0x83, kind, operation.constant}));
      }
      CHECK(bytes[operations + work * kOperation] == std::byte{0xc3});
    }
  }
}

TEST_CASE("x86-64: a closed PIC's words lead where its cases say") {
  for (unsigned cases = 2; cases <= kMaxPicCases; ++cases) {
    const CodeBytes pic = closed_pic<A>(cases);
    INFO(cases << " cases");
    CHECK(opcode_before(pic, A::kPicFirstTargetOffset, {0x39, 0xd0, 0x0f, 0x84}));
    CHECK(destination(pic, kPics, A::kPicFirstTargetOffset) == target_of_case<A>(0));
    CHECK(opcode_before(pic, A::kPicJumpOffset, {0xe9}));
    const ExecAddress newest = kPics + A::pic_case_offset(cases - 1);
    CHECK(destination(pic, kPics, A::kPicJumpOffset) == newest);
    CHECK(A::decode_jump(kPics + A::kPicJumpOffset, word_at(pic, A::kPicJumpOffset)) == newest);
    for (unsigned index = 1; index < cases; ++index) {
      const std::size_t at = A::pic_case_offset(index);
      CHECK(opcode_before(pic, at + 1, {0x3d}));
      CHECK(word_at(pic, at + 1) == tag_of_case(index));
      CHECK(opcode_before(pic, at + 7, {0x0f, 0x84}));
      CHECK(destination(pic, kPics, at + 7) == target_of_case<A>(index));
    }
    CHECK(opcode_before(pic, A::kPicMissOffset, {0xe9}));
    CHECK(destination(pic, kPics, A::kPicMissOffset) == kMissTrampoline);
  }
}

TEST_CASE("x86-64: a closed PIC's cases fall through from the newest to the oldest, then miss") {
  for (unsigned index = 2; index < kMaxPicCases; ++index) {
    CHECK(A::pic_case_offset(index) + A::kPicCaseSize == A::pic_case_offset(index - 1));
  }
  CHECK(A::pic_case_offset(kMaxPicCases - 1) == A::kPicJumpOffset + 4);
  CHECK(A::pic_case_offset(1) + A::kPicCaseSize == A::kPicMissOffset - 1);
  CHECK(A::kPicMissOffset + 4 == A::kPicSize);
}

TEST_CASE("x86-64: a direct branch reaches 2 GiB, and one that does not is refused") {
  constexpr std::size_t kReach = INT32_MAX;
  const auto walk_to = [](ExecAddress target) {
    const ExecAddress calls[] = {target};
    return A::emit_walk({.at = kWalks, .called = Called::functions, .calls = calls});
  };
  const ExecAddress call = kWalks + A::walk_call_offset(Called::functions, 0, 0) + A::kWalkCallWord;
  check_reach<A>(call, call + 4 + kReach, 1, walk_to);
  CHECK(destination(walk_to(call + 4 + kReach), kWalks, static_cast<std::size_t>(call - kWalks)) ==
        call + 4 + kReach);
  CHECK(A::reaches(call + kReach, call + kReach + 4 - (kReach + 1)));  // backwards: one byte more
  CHECK_FALSE(A::reaches(call + kReach, call + kReach + 4 - (kReach + 2)));
  // A jump to the miss trampoline, and a conditional one.
  const auto method_with = [](ExecAddress miss) {
    return A::emit_method({.at = kMethods, .miss_trampoline = miss});
  };
  check_reach<A>(kMethods + 13, kMethods + 13 + 4 + kReach, 1, method_with);
}

TEST_CASE("x86-64: data that its instruction does not reach is refused") {
  const auto walk_through = [](ExecAddress slot) {
    const ExecAddress calls[] = {slot};
    return A::emit_walk({.at = kWalks, .called = Called::slots, .calls = calls});
  };
  CHECK_NOTHROW(walk_through(kSlots));
  CHECK_THROWS_WITH(walk_through(kFarAway), Catch::Matchers::Contains("does not reach"));
}

TEST_CASE("x86-64: the displacement of each function's call is one aligned word") {
  for_each_function_call<A>([](const CodeBytes& bytes, std::size_t word, ExecAddress target) {
    CHECK((word % 4 == 0 && in_one_quadword(word)));
    CHECK(opcode_before(bytes, word, {0x49, 0x01, 0xc4, 0xe8}));  // add r12, rax; call ..
    CHECK(destination(bytes, kWalks, word) == target);
  });
}

TEST_CASE("x86-64: a veneer jumps through the quadword behind it") {
  const CodeBytes bytes = veneer<A>();
  REQUIRE(bytes.size() == A::kVeneerStride);
  CHECK(opcode_before(bytes, 2, {0xff, 0x25}));  // jmp [rip + ..]
  CHECK(destination(bytes, kStubs, 2) == kStubs + A::kVeneerSlot);
  CHECK(A::kVeneerSlot % 8 == 0);
  CHECK(word_at(bytes, A::kVeneerSlot) == static_cast<std::uint32_t>(kFarAway.value()));
  CHECK(word_at(bytes, A::kVeneerSlot + 4) == kFarAway.value() >> 32U);
}

TEST_CASE(
    "x86-64: encoded targets are decoded again, backwards too, as far as a direct call reaches") {
  constexpr std::int64_t kReach = INT32_MAX;
  const ExecAddress word{0x2000'0000'0010};
  for (const std::int64_t distance :
       {std::int64_t{0}, std::int64_t{1}, std::int64_t{-1}, std::int64_t{-4}, std::int64_t{64},
        std::int64_t{-0x1234'5678}, std::int64_t{0x1234'5678}, kReach, -kReach - 1}) {
    INFO(distance);
    const ExecAddress target = word + 4 + static_cast<std::size_t>(distance);
    const std::uint32_t encoded = A::encode_target(word, target);
    CHECK(static_cast<std::int32_t>(encoded) == distance);
    CHECK(A::decode_target(word, encoded) == target);
    CHECK(A::decode_jump(word, A::encode_jump(word, target)) == target);
  }
}

}  // namespace patchbench::send
