// What the AArch64 generator emits, and the constants that the patch path goes by. Runs on any
// host.
#include <cstdint>
#include <string>
#include <vector>

#include <patchbench_catch.hpp>

#include "workloads/send/architecture_aarch64.hpp"
#include "workloads/send/golden_test.hpp"

namespace patchbench::send {
namespace {

using A = AArch64;

// Instructions as the Arm ARM's C6.2 encodes them, without their operands.
constexpr std::uint32_t kBtiC = 0xd503'245f;
constexpr std::uint32_t kBrk = 0xd420'0000;
constexpr std::uint32_t kRet = 0xd65f'03c0;

bool is_b(std::uint32_t word) { return word >> 26U == 0b000101; }
bool is_bl(std::uint32_t word) { return word >> 26U == 0b100101; }
bool is_blr_x17(std::uint32_t word) { return word == 0xd63f'0220; }
bool is_br_x16_or_x17(std::uint32_t word) { return word == 0xd61f'0200 || word == 0xd61f'0220; }
bool is_br(std::uint32_t word) { return (word & 0xffff'fc1f) == 0xd61f'0000; }
bool is_b_ne(std::uint32_t word) { return (word & 0xff00'001f) == 0x5400'0001; }
bool is_ldr_literal_w1(std::uint32_t word) { return (word & 0xff00'001f) == 0x1800'0001; }
bool is_adrp_x17(std::uint32_t word) { return (word & 0x9f00'001f) == 0x9000'0011; }

/// A field of `bits` bits at `low`, sign-extended.
std::int64_t signed_field(std::uint32_t word, unsigned low, unsigned bits) {
  const auto field = static_cast<std::int64_t>(word >> low & ((std::uint64_t{1} << bits) - 1));
  const std::int64_t sign = std::int64_t{1} << (bits - 1);
  return (field ^ sign) - sign;
}

/// Where the B or BL at `offset` of a piece at `at` leads.
ExecAddress destination(const CodeBytes& bytes, ExecAddress at, std::size_t offset) {
  const std::int64_t distance = signed_field(word_at(bytes, offset), 0, 26) * 4;
  return at + offset + static_cast<std::size_t>(distance);
}

/// The offset that the conditional branch or the literal load at `offset` names.
std::size_t near_destination(const CodeBytes& bytes, std::size_t offset) {
  return offset + static_cast<std::size_t>(signed_field(word_at(bytes, offset), 5, 19) * 4);
}

/// The page that the ADRP at `offset` of a piece at `at` names.
std::uintptr_t page_named(const CodeBytes& bytes, ExecAddress at, std::size_t offset) {
  const std::uint32_t word = word_at(bytes, offset);
  const std::int64_t pages = signed_field(word, 5, 19) * 4 + (word >> 29U & 3U);
  return ((at + offset).value() & ~std::uintptr_t{0xfff}) +
         static_cast<std::uintptr_t>(pages * 4096);
}

bool has_literal(Dispatch dispatch) { return !tag_is_in_cell(dispatch); }

/// From the first site; the same under all dispatches and orders.
std::size_t tag_offset(std::uint32_t index) {
  return A::first_tag_offset(Dispatch::inline_cache, SiteOrder::linear) + A::tag_distance(index);
}

bool has_direct_call(Dispatch dispatch) {
  return dispatch == Dispatch::inline_cache || dispatch == Dispatch::unchecked ||
         dispatch == Dispatch::tag_cell || calls_stub(dispatch);
}

/// Drivers of so many sites whose selectors are numbered.
class Sites {
 public:
  explicit Sites(std::uint32_t count) : sites_(count) {
    for (std::uint32_t i = 0; i < count; ++i) {
      sites_[i].receiver_offset = static_cast<std::int32_t>(i * sizeof(Oop));
      sites_[i].next = i + 1;
      selectors_.push_back(kFirstSelector + i);
    }
  }
  [[nodiscard]] CodeBytes driver(Dispatch dispatch, SiteOrder order) const {
    return A::emit_driver({.dispatch = dispatch,
                           .order = order,
                           .at = kDriver,
                           .cells = kCells,
                           .stubs = kStubs,
                           .sites = sites_,
                           .selectors = selectors_,
                           .miss_trampoline = kMissTrampoline});
  }

 private:
  std::vector<SitePlan> sites_;
  std::vector<Selector> selectors_;
};

std::size_t in_driver(std::uint32_t site) {
  return A::driver_sites_offset() + A::site_offset(site);
}

}  // namespace

TEST_CASE("AArch64: every piece has its golden bytes") { check_golden<A>("aarch64"); }

TEST_CASE("AArch64: write the pieces to $PATCHBENCH_PIECES", "[.pieces-aarch64]") {
  write_pieces<A>();
}

TEST_CASE("AArch64: sites, their literals and the way back from a return address") {
  for (std::uint32_t i = 0; i < 70'000; ++i) {
    const std::size_t site = in_driver(i);
    const std::size_t tag = A::driver_sites_offset() + tag_offset(i);
    // In one page of 4 KiB, and so in one of any size; the driver begins with one.
    REQUIRE(site / 4096 == tag / 4096);
    REQUIRE(site + A::kSiteStride <= tag);
    REQUIRE(site % A::kSiteStride == 0);
    REQUIRE(tag % sizeof(ClassTag) == 0);
    REQUIRE(A::site_at(A::site_offset(i)) == i);
    REQUIRE(tag_offset(i) + sizeof(ClassTag) <= A::sites_size(i + 1));
  }
}

TEST_CASE("AArch64: a site's words are where the patch path stores them, in every pool") {
  constexpr std::uint32_t kCount = 3 * A::kSitesPerPool + 5;
  const Sites sites{kCount};
  for (const Dispatch dispatch : kDispatches) {
    const CodeBytes bytes = sites.driver(dispatch, SiteOrder::linear);
    for (std::uint32_t i = 0; i < kCount; ++i) {
      INFO(name_of(dispatch) << ", site " << i);
      const std::size_t site = in_driver(i);
      const std::size_t tag = A::driver_sites_offset() + tag_offset(i);
      const ExecAddress cell = kCells + cell_offset(dispatch, i, kCount);
      REQUIRE(word_at(bytes, tag) == (has_literal(dispatch) ? kFirstSelector + i : kNoClass));
      if (has_literal(dispatch)) {
        REQUIRE(is_ldr_literal_w1(word_at(bytes, site + 4)));
        REQUIRE(near_destination(bytes, site + 4) == tag);
      } else {
        REQUIRE(is_adrp_x17(word_at(bytes, site + 4)));
        REQUIRE(page_named(bytes, kDriver, site + 4) == (cell.value() & ~std::uintptr_t{0xfff}));
      }
      const std::size_t target = site + A::site_target_offset(dispatch, SiteOrder::linear);
      const std::size_t after = site + A::site_return_offset(dispatch, SiteOrder::linear);
      if (has_direct_call(dispatch)) {
        REQUIRE(after == target + 4);
        REQUIRE(is_bl(word_at(bytes, target)));
        const ExecAddress called = called_at_first<A>(dispatch, i);
        REQUIRE(destination(bytes, kDriver, target) == called);
        REQUIRE(A::decode_target(kDriver + target, word_at(bytes, target)) == called);
      } else {
        REQUIRE(is_blr_x17(word_at(bytes, after - 4)));
      }
      if (dispatch == Dispatch::target_register) {
        REQUIRE((target % 8 == 0 && after == target + 12));
        const std::uint64_t pair =
            std::uint64_t{word_at(bytes, target + 4)} << 32U | word_at(bytes, target);
        REQUIRE(A::decode_target<Dispatch::target_register>(kDriver + target, pair) ==
                kMissTrampoline);
        REQUIRE(page_named(bytes, kDriver, target) == kMissTrampoline.value());
      }
    }
  }
}

TEST_CASE("AArch64: nothing is executed to fill room") { check_no_padding("aarch64"); }

TEST_CASE("AArch64: what a send executes at its site is counted right") {
  check_operations<A>("aarch64");
}

TEST_CASE("AArch64: what a stub executes is counted right") { check_stub_operations<A>("aarch64"); }

TEST_CASE("AArch64: each stub jumps through its site's cell, also where that is in another page") {
  constexpr std::uint32_t kCount = 600;  // cells in three pages of 4 KiB
  const CodeBytes bytes = A::emit_stubs({.at = kStubs, .cells = kCells, .sites = kCount});
  REQUIRE(bytes.size() == kCount * A::stub_stride(Dispatch::stub_cell));
  for (std::uint32_t site = 0; site < kCount; ++site) {
    INFO("stub of site " << site);
    const std::size_t begin = site * A::stub_stride(Dispatch::stub_cell);
    const ExecAddress slot =
        kCells + cell_offset(Dispatch::stub_cell, site, kCount) + offsetof(Cell, target);
    REQUIRE(is_adrp_x17(word_at(bytes, begin)));
    REQUIRE(page_named(bytes, kStubs, begin) == (slot.value() & ~std::uintptr_t{0xfff}));
    const std::uint32_t load = word_at(bytes, begin + 4);
    REQUIRE((load & 0xffc0'03ffU) == 0xf940'0231U);  // ldr x17, [x17, #..]
    REQUIRE((load >> 10U & 0xfffU) * 8 == (slot.value() & 0xfffU));
    REQUIRE(word_at(bytes, begin + 8) == 0xd61f'0220U);  // br x17
    REQUIRE(word_at(bytes, begin + 12) == kBrk);
  }
}

TEST_CASE("AArch64: pools fill pages, so no site is shifted") {
  for (std::uint64_t draw = 0; draw < 16; ++draw) CHECK(A::site_shift(draw) == 0);
}

TEST_CASE("AArch64: every site branches to the next, the last of a pool over the literals") {
  const Sites sites{2 * A::kSitesPerPool};
  for (const Dispatch dispatch : kDispatches) {
    const CodeBytes bytes = sites.driver(dispatch, SiteOrder::linear);
    for (std::uint32_t i = 0; i < 2 * A::kSitesPerPool; ++i) {
      INFO(name_of(dispatch) << ", site " << i);
      const std::size_t way_on = in_driver(i) + A::site_return_offset(dispatch, SiteOrder::linear);
      REQUIRE(is_b(word_at(bytes, way_on)));
      const std::size_t next =
          i + 1 == 2 * A::kSitesPerPool ? 2 * A::kPoolDistance : in_driver(i + 1);
      REQUIRE(destination(bytes, kDriver, way_on) == kDriver + next);
      for (std::size_t room = way_on + 4; room < in_driver(i) + A::kSiteStride; room += 4) {
        REQUIRE(word_at(bytes, room) == kBrk);
      }
    }
  }
}

TEST_CASE("AArch64: a landing pad stands wherever an indirect branch arrives") {
  CHECK(word_at(A::emit_call_site(), 0) == kBtiC);
  CHECK(word_at(A::emit_return(), 0) == kBtiC);
  CHECK(word_at(A::emit_sum({}), 0) == kBtiC);
  CHECK(word_at(A::emit_pic_prototype(), 0) == kBtiC);
  CHECK(word_at(cell_pic<A>(false), 0) == kBtiC);
  CHECK(word_at(open_pic<A>(16), 0) == kBtiC);
  CHECK(word_at(trampoline<A>(), 0) == kBtiC);
  for (const Dispatch dispatch : kDispatches) {
    CHECK(word_at(driver<A>(dispatch, SiteOrder::linear), 0) == kBtiC);
    CHECK(word_at(driver<A>(dispatch, SiteOrder::standalone), A::driver_sites_offset()) == kBtiC);
  }
  const CodeBytes code = method<A>(3, 8, false);
  CHECK(word_at(code, 0) == kBtiC);
  CHECK(word_at(code, A::unchecked_entry_offset()) == kBtiC);
}

TEST_CASE("AArch64: an indirect branch that is no call goes through x16 or x17") {
  for (const Emitted& emitted : everything<A>()) {
    INFO(emitted.name);
    for (std::size_t offset = 0; offset < emitted.bytes.size(); offset += 4) {
      const std::uint32_t word = word_at(emitted.bytes, offset);
      CHECK((!is_br(word) || is_br_x16_or_x17(word)));
    }
  }
}

TEST_CASE("AArch64: each word that linking stores lies in one aligned quadword") {
  for (const Dispatch dispatch : kDispatches) {
    INFO(name_of(dispatch));
    const std::size_t target = A::site_target_offset(dispatch, SiteOrder::linear);
    const std::size_t size = dispatch == Dispatch::target_register ? 8 : 4;
    CHECK(target % size == 0);
    CHECK(A::site_return_offset(dispatch, SiteOrder::linear) <= A::kSiteStride);
  }
  CHECK(A::kPicJumpOffset % 4 == 0);
  CHECK(A::kPicStride % 64 == 0);
}

TEST_CASE(
    "AArch64: pieces keep to their strides, and a method's entries are where they are said to be") {
  CHECK(trampoline<A>().size() == A::kTrampolineStride);
  CHECK(open_pic<A>(1024).size() == A::kOpenPicStride);
  CHECK(cell_pic<A>(false).size() == A::kCellPicStride);
  CHECK(cell_pic<A>(true).size() == A::kCellPicStride);
  CHECK(A::emit_pic_prototype().size() == A::kPicSize);
  CHECK(A::kPicSize <= A::kPicStride);
  for (const std::uint32_t count : {1U, 2U, 111U, 112U, 113U, 500U}) {
    for (const Dispatch dispatch : kDispatches) {
      for (const SiteOrder order :
           {SiteOrder::linear, SiteOrder::shuffled, SiteOrder::standalone}) {
        CHECK(Sites{count}.driver(dispatch, order).size() <= A::driver_size(count));
      }
    }
  }
  for (std::uint32_t work = 0; work <= 256; ++work) {
    for (const bool immediate : {false, true}) {
      const CodeBytes bytes = method<A>(3, work, immediate);
      CHECK(bytes.size() == A::method_stride(work));
      CHECK(bytes.size() % 64 == 0);
      const std::size_t body = A::unchecked_entry_offset();
      CHECK(word_at(bytes, body - 8) == 0x6b01'021f);  // cmp w16, w1
      REQUIRE(is_b_ne(word_at(bytes, body - 4)));
      const std::size_t ret = body + 8 + std::size_t{work} * 4;
      CHECK(word_at(bytes, ret) == kRet);
      CHECK(near_destination(bytes, body - 4) == ret + 4);
      CHECK(is_b(word_at(bytes, ret + 4)));
      CHECK(destination(bytes, kMethods, ret + 4) == kMissTrampoline);
    }
  }
}

TEST_CASE("AArch64: a closed PIC's words lead where its cases say") {
  for (unsigned cases = 2; cases <= kMaxPicCases; ++cases) {
    const CodeBytes pic = closed_pic<A>(cases);
    INFO(cases << " cases");
    CHECK(word_at(pic, A::kPicFirstTargetOffset - 8) == 0x6b01'021f);  // cmp w16, w1
    REQUIRE(is_b_ne(word_at(pic, A::kPicFirstTargetOffset - 4)));
    CHECK(near_destination(pic, A::kPicFirstTargetOffset - 4) == A::kPicJumpOffset);
    REQUIRE(is_b(word_at(pic, A::kPicFirstTargetOffset)));
    CHECK(destination(pic, kPics, A::kPicFirstTargetOffset) == target_of_case<A>(0));
    const ExecAddress newest = kPics + A::pic_case_offset(cases - 1);
    REQUIRE(is_b(word_at(pic, A::kPicJumpOffset)));
    CHECK(destination(pic, kPics, A::kPicJumpOffset) == newest);
    CHECK(A::decode_jump(kPics + A::kPicJumpOffset, word_at(pic, A::kPicJumpOffset)) == newest);
    for (unsigned index = 1; index < cases; ++index) {
      const std::size_t at = A::pic_case_offset(index);
      // movz w17, #low; movk w17, #high, lsl #16
      CHECK(word_at(pic, at) == (0x5280'0011U | (tag_of_case(index) & 0xffffU) << 5U));
      CHECK(word_at(pic, at + 4) == (0x72a0'0011U | tag_of_case(index) >> 16U << 5U));
      CHECK(word_at(pic, at + 8) == 0x6b11'021f);  // cmp w16, w17
      REQUIRE(is_b_ne(word_at(pic, at + 12)));
      CHECK(near_destination(pic, at + 12) == at + A::kPicCaseSize);
      REQUIRE(is_b(word_at(pic, at + 16)));
      CHECK(destination(pic, kPics, at + 16) == target_of_case<A>(index));
    }
    REQUIRE(is_b(word_at(pic, A::kPicMissOffset)));
    CHECK(destination(pic, kPics, A::kPicMissOffset) == kMissTrampoline);
  }
}

TEST_CASE("AArch64: a case of a closed PIC holds a tag of 32 bits") {
  CodeBytes pic = A::emit_pic_prototype();
  constexpr ClassTag kTag = 0xfedc'ba98;
  A::fill_pic_case(pic.data(), kPics, 1, kTag, kMethods);
  const std::size_t at = A::pic_case_offset(1);
  CHECK((word_at(pic, at) >> 5U & 0xffffU) == (kTag & 0xffffU));
  CHECK((word_at(pic, at + 4) >> 5U & 0xffffU) == kTag >> 16U);
}

TEST_CASE("AArch64: a closed PIC's cases fall through from the newest to the oldest, then miss") {
  for (unsigned index = 2; index < kMaxPicCases; ++index) {
    CHECK(A::pic_case_offset(index) + A::kPicCaseSize == A::pic_case_offset(index - 1));
  }
  CHECK(A::pic_case_offset(kMaxPicCases - 1) == A::kPicJumpOffset + 4);
  CHECK(A::pic_case_offset(1) + A::kPicCaseSize == A::kPicMissOffset);
  CHECK(A::kPicMissOffset + 4 == A::kPicSize);
}

TEST_CASE("AArch64: a direct branch reaches 128 MiB, and one that does not is refused") {
  constexpr std::size_t kReach = std::size_t{128} << 20U;
  const auto walk_to = [](ExecAddress target) {
    const ExecAddress calls[] = {target};
    return A::emit_walk({.at = kWalks, .called = Called::functions, .calls = calls});
  };
  const ExecAddress call = kWalks + A::walk_call_offset(Called::functions, 0, 0) + A::kWalkCallWord;
  check_reach<A>(call, call + (kReach - 4), 4, walk_to);
  CHECK(destination(walk_to(call + (kReach - 4)), kWalks,
                    static_cast<std::size_t>(call - kWalks)) == call + (kReach - 4));
  CHECK(A::reaches(call + kReach, call));
  CHECK_FALSE(A::reaches(call + kReach + 4, call));
  // The branch to the miss trampoline, which is a method's last instruction.
  const auto method_with = [](ExecAddress miss) {
    return A::emit_method({.at = kMethods, .miss_trampoline = miss});
  };
  const ExecAddress jump = kMethods + (A::unchecked_entry_offset() + 12);
  check_reach<A>(jump, jump + (kReach - 4), 4, method_with);
}

TEST_CASE("AArch64: each call of a walk is where the patch path looks for it") {
  for_each_function_call<A>([](const CodeBytes& bytes, std::size_t word, ExecAddress target) {
    REQUIRE(is_bl(word_at(bytes, word)));
    CHECK(destination(bytes, kWalks, word) == target);
  });
}

TEST_CASE("AArch64: a veneer jumps through the quadword behind it") {
  const CodeBytes bytes = veneer<A>();
  REQUIRE(bytes.size() == A::kVeneerStride);
  CHECK(word_at(bytes, 0) == 0x5800'0050U);  // ldr x16, #8
  CHECK(near_destination(bytes, 0) == A::kVeneerSlot);
  CHECK(word_at(bytes, 4) == 0xd61f'0200U);  // br x16
  CHECK(A::kVeneerSlot % 8 == 0);
  CHECK(word_at(bytes, A::kVeneerSlot) == static_cast<std::uint32_t>(kFarAway.value()));
  CHECK(word_at(bytes, A::kVeneerSlot + 4) == kFarAway.value() >> 32U);
}

TEST_CASE(
    "AArch64: encoded targets are decoded again, backwards too, as far as a direct call reaches") {
  constexpr std::int64_t kReach = std::int64_t{128} << 20U;
  const ExecAddress word{0x2000'0000'0010};
  for (const std::int64_t distance :
       {std::int64_t{0}, std::int64_t{4}, std::int64_t{-4}, std::int64_t{64},
        std::int64_t{-0x123'4568}, std::int64_t{0x123'4568}, kReach - 4, -kReach}) {
    INFO(distance);
    const ExecAddress target = word + static_cast<std::size_t>(distance);
    const std::uint32_t encoded = A::encode_target(word, target);
    CHECK(is_bl(encoded));
    CHECK(signed_field(encoded, 0, 26) * 4 == distance);
    CHECK(A::decode_target(word, encoded) == target);
    CHECK(is_b(A::encode_jump(word, target)));
    CHECK(A::decode_jump(word, A::encode_jump(word, target)) == target);
  }
  CHECK(A::kMaxZoneSize == static_cast<std::size_t>(kReach));
}

TEST_CASE("AArch64: an address in two instructions is decoded again, whatever its low bits") {
  constexpr std::int64_t kReach = std::int64_t{4} << 30U;
  const ExecAddress word{0x2000'0000'0ff8};
  for (const std::int64_t distance :
       {std::int64_t{0}, std::int64_t{1}, std::int64_t{-1}, std::int64_t{0x1008},
        std::int64_t{-0xff9}, std::int64_t{0x1234'5678}, std::int64_t{-0x1234'5678},
        kReach - 0x1000, -kReach + 0x1000}) {
    INFO(distance);
    const ExecAddress target = word + static_cast<std::size_t>(distance);
    const auto encoded = A::encode_target<Dispatch::target_register>(word, target);
    CHECK(is_adrp_x17(static_cast<std::uint32_t>(encoded)));
    CHECK((encoded >> 32U & 0xffc0'03ffU) == 0x9100'0231U);  // add x17, x17, #..
    CHECK(A::decode_target<Dispatch::target_register>(word, encoded) == target);
  }
}

TEST_CASE("AArch64: a receiver that its load does not reach is refused") {
  const SitePlan sites[] = {{.receiver_offset = 1 << 24}};
  const Selector selectors[] = {kFirstSelector};
  CHECK_THROWS_AS(A::emit_driver({.at = kDriver,
                                  .cells = kCells,
                                  .sites = sites,
                                  .selectors = selectors,
                                  .miss_trampoline = kMissTrampoline}),
                  std::logic_error);
}

TEST_CASE("AArch64: room between pieces stops whoever runs into it") {
  const CodeBytes bytes = Sites{3}.driver(Dispatch::inline_cache, SiteOrder::linear);
  CHECK(word_at(bytes, in_driver(3)) == kBrk);
  CHECK(word_at(method<A>(1, 1, false), A::method_stride(1) - 4) == kBrk);
}

}  // namespace patchbench::send
