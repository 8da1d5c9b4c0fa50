// workloads/send/architecture_aarch64.hpp - sends on AArch64: layout of what linking changes, and
// its encoders.
//
// Registers: x0 receiver and result, w1 tag word, x19 stream pointer, x20 sum of results, x21
// passes, x22 stride; x9 to x17 are scratch. Whatever is reached by an indirect branch under one
// dispatch begins with `bti c` under all of them, and indirect branches that are not calls go
// through x16 or x17, which `bti c` admits (Arm ARM, BTI instruction).
//
// A send site, 32 bytes:
//
//     inline_cache, unchecked              cell_cache and its variants
//   0 add  x20, x20, x0                    add  x20, x20, x0
//   4 ldr  w1, tag                         adrp x17, cell
//   8 add  x16, x19, #off & ~0xfff         ldr  w1, [x17, #cell.tag]
//  12 ldr  x0, [x16, #off & 0xfff]         add  x16, x19, #off & ~0xfff
//  16 bl   target                          ldr  x0, [x16, #off & 0xfff]
//  20 b    next                            ldr  x17, [x17, #cell.target]
//  24                                      blr  x17
//  28                                      b    next
//
//     tag_cell         target_cell         target_register
//   0 add  x20         add  x20            add  x20
//   4 adrp x17, cell   ldr  w1, tag        ldr  w1, tag
//   8 ldr  w1, [x17]   add  x16            add  x16
//  12 add  x16         ldr  x0             ldr  x0
//  16 ldr  x0          adrp x17, cell      adrp x17, target
//  20 bl   target      ldr  x17, [x17]     add  x17, x17, #target
//  24 b    next        blr  x17            blr  x17
//  28                  b    next           b    next
//
// stub_cell is tag_cell with a call of the site's stub, which jumps through the cell (kStubStride).
//
// Every site branches to the next one, in linear order too: so the room behind a shorter one is
// never executed (a standalone site returns instead, and begins with a landing pad instead of the
// addition). Sites differ in what they execute, because an address takes two instructions
// (site_operations): 5 and the branch for a direct call with a literal, 6 where the tag is in a
// cell, 7 where the target is in a cell or in a register. Whoever compares them states that.
//
// The class tag is a literal, as in Cog: data among code. 112 sites share a pool behind them, and
// together with 64 bytes in front of them they fill 4,096 bytes, so that a site and its literal lie
// in the same page whatever its size. The last site of a pool branches over it. Because pools fill
// pages exactly, the first site is never shifted (site_shift).
//
// What may change while another core may execute it: B and BL among the instructions (Arm ARM DDI
// 0487E.a, B2.2.5 "Concurrent modification and execution of instructions"), so a site's target and
// the jump of a closed PIC; and literals, which are data and need no publishing. The pair of tag
// and target is not protected by that: site_words.hpp says what it takes with more than one
// executor. Everything else (cases of a PIC, the two instructions of target_register) is only
// written while nobody can execute it: there is one mutator, it is the only executor, and it is
// outside the code that it writes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "strategies/code_zone.hpp"
#include "strategies/dispatch.hpp"
#include "workloads/send/codegen.hpp"

namespace patchbench::send {

struct AArch64 {  // NOLINT(readability-identifier-naming): the architecture's own name
  // Send sites.
  static constexpr std::size_t kSiteStride = 32;
  static constexpr std::uint32_t kSitesPerPool = 112;
  static constexpr std::size_t kPoolDistance =
      4096;  // from one pool, or its first site, to the next
  static constexpr std::size_t driver_sites_offset() noexcept { return 64; }
  static constexpr std::size_t site_offset(std::uint32_t index) noexcept {
    return index / kSitesPerPool * kPoolDistance + index % kSitesPerPool * kSiteStride;
  }
  static constexpr std::size_t site_shift(std::uint64_t /*draw*/) noexcept { return 0; }
  static constexpr std::size_t first_tag_offset(Dispatch /*dispatch*/,
                                                SiteOrder /*order*/) noexcept {
    return kSitesPerPool * kSiteStride;
  }
  static constexpr std::size_t tag_distance(std::uint32_t index) noexcept {
    return index / kSitesPerPool * kPoolDistance + index % kSitesPerPool * sizeof(ClassTag);
  }
  static constexpr std::uint32_t site_at(std::size_t offset) noexcept {
    return static_cast<std::uint32_t>(offset / kPoolDistance * kSitesPerPool +
                                      offset % kPoolDistance / kSiteStride);
  }
  static constexpr std::size_t pools(std::size_t sites) noexcept {
    return (sites + kSitesPerPool - 1) / kSitesPerPool;
  }
  static constexpr std::size_t sites_size(std::size_t sites) noexcept {
    return pools(sites) * kPoolDistance - driver_sites_offset();
  }
  static constexpr std::size_t site_target_offset(Dispatch dispatch, SiteOrder /*order*/) noexcept {
    return dispatch == Dispatch::tag_cell || calls_stub(dispatch) ? 20 : 16;
  }
  /// From the beginning of a site to the address its call returns to.
  static constexpr std::size_t site_return_offset(Dispatch dispatch, SiteOrder /*order*/) noexcept {
    switch (dispatch) {
      case Dispatch::inline_cache:
      case Dispatch::unchecked:
        return 20;
      case Dispatch::tag_cell:
      case Dispatch::stub_cell:
      case Dispatch::stub_cell_retpoline:
      case Dispatch::stub_cell_lfence:
        return 24;
      case Dispatch::cell_cache:
      case Dispatch::cell_cache_shared:
      case Dispatch::cell_cache_scattered:
      case Dispatch::cell_cache_newest_first:
      case Dispatch::target_cell:
      case Dispatch::target_register:
        return 28;
    }
    return 0;
  }
  /// All up to the call, and the branch to the next site or the return.
  static constexpr unsigned site_operations(Dispatch dispatch, SiteOrder order) noexcept {
    return static_cast<unsigned>(site_return_offset(dispatch, order) / 4) + 1;
  }

  /// A BL; for target_register ADRP x17 and ADD x17, which one store changes together.
  template <Dispatch kDispatch>
  using TargetWord =
      std::conditional_t<kDispatch == Dispatch::target_register, std::uint64_t, std::uint32_t>;
  template <Dispatch kDispatch = Dispatch::inline_cache>
  static TargetWord<kDispatch> encode_target(ExecAddress word, ExecAddress target) noexcept {
    if constexpr (kDispatch == Dispatch::target_register) {
      return encode_address(word, target);
    } else {
      return kBranchAndLink | encode_distance(word, target);
    }
  }
  template <Dispatch kDispatch = Dispatch::inline_cache>
  static ExecAddress decode_target(ExecAddress word, TargetWord<kDispatch> encoded) noexcept {
    if constexpr (kDispatch == Dispatch::target_register) {
      return decode_address(word, encoded);
    } else {
      return decode_jump(word, encoded);
    }
  }

  /// The prologue stands in front of the first site, the epilogue behind the last pool.
  static std::size_t driver_size(std::size_t sites) noexcept {
    return pools(sites) * kPoolDistance + kEpilogueSize;
  }
  static CodeBytes emit_driver(const DriverPlan& plan);
  static CodeBytes emit_call_site();

  // Walks: BL and ADD for a function; ADRP x16, LDR x16, BLR x16 and ADD through a slot. A site
  // returns by x22, which is set before each call; a function by x30. The stride is in x23; with a
  // hook x24 is the list, x25 the hook, x26 self.
  static constexpr std::size_t walk_size(Called called, std::size_t calls,
                                         std::uint32_t stretch) noexcept {
    constexpr std::size_t kHook = 4;
    const std::size_t body = calls * call_size(called) + stretches(calls, stretch) * kHook;
    return (kWalkHeadSize + body + kWalkTailSize + 63) / 64 * 64;
  }
  static CodeBytes emit_walk(const WalkPlan& plan);
  static constexpr std::size_t walk_call_offset(Called called, std::uint32_t index,
                                                std::uint32_t stretch) noexcept {
    const std::size_t hooks = stretch == 0 ? 0 : index / stretch + 1;
    return kWalkHeadSize + index * call_size(called) + hooks * 4;
  }
  static constexpr std::size_t kWalkCallWord = 0;

  // Methods: the class check in 24 bytes, then the body.
  static std::size_t method_stride(std::uint32_t work) noexcept;
  static constexpr std::size_t unchecked_entry_offset() noexcept { return 24; }
  /// Of b <miss trampoline>, behind landing pad, load, operations and return: the only instruction
  /// of a method that depends on where it is.
  static constexpr std::size_t method_jump_offset(std::uint32_t work) noexcept {
    return unchecked_entry_offset() + (std::size_t{3} + work) * 4;
  }
  static CodeBytes emit_method(const MethodPlan& plan);

  // Closed PIC. The first case compares with the tag register; the jump at 28 leads to the newest
  // of the other cases, which lie in front of each other and fall through to the miss. A
  // conditional branch reaches 1 MiB only, so each case skips an unconditional one.
  //    0 bti c
  //    4 class tag of x0 to w16
  //   16 cmp w16, w1
  //   20 b.ne 28
  //   24 b first target
  //   28 b newest case                    <- the one word that makes a case reachable
  //   32 case 5: movz, movk w17, tag; cmp w16, w17; b.ne next; b target
  //   ...
  //  112 case 1
  //  132 b miss trampoline
  static constexpr std::size_t kPicStride = 192;
  static constexpr std::size_t kPicFirstTargetOffset = 24;
  static constexpr std::size_t kPicJumpOffset = 28;
  static constexpr std::size_t kPicCaseSize = 20;
  static constexpr std::size_t kPicMissOffset = 132;
  static constexpr std::size_t kPicSize = 136;
  static CodeBytes emit_pic_prototype();
  /// Case 1 to 5; case 0 is the first one.
  static constexpr std::size_t pic_case_offset(unsigned index) noexcept {
    return 32 + (kMaxPicCases - 1 - index) * kPicCaseSize;
  }
  static std::uint32_t encode_jump(ExecAddress word, ExecAddress target) noexcept {
    return kBranch | encode_distance(word, target);
  }
  static ExecAddress decode_jump(ExecAddress word, std::uint32_t encoded) noexcept {
    // The distance is the low 26 bits, in instructions.
    const auto distance = static_cast<std::int32_t>(encoded << 6U) >> 4;
    return word + static_cast<std::size_t>(distance);
  }
  /// Sets the targets of the first case and of the miss in a copy of the prototype, which is not
  /// reachable yet.
  static void fill_pic(std::byte* pic, ExecAddress at, ExecAddress first_target,
                       ExecAddress miss) noexcept {
    store(pic + kPicFirstTargetOffset, encode_jump(at + kPicFirstTargetOffset, first_target));
    store(pic + kPicMissOffset, encode_jump(at + kPicMissOffset, miss));
  }
  /// Sets one case that is not reachable yet.
  static void fill_pic_case(std::byte* pic, ExecAddress at, unsigned index, ClassTag tag,
                            ExecAddress target) noexcept {
    const std::size_t offset = pic_case_offset(index);
    store(pic + offset, kMovzW17 | (tag & 0xffffU) << 5U);
    store(pic + offset + 4, kMovkW17Upper | tag >> 16U << 5U);
    store(pic + offset + 16, encode_jump(at + (offset + 16), target));
  }

  // Stubs and trampolines. A site's stub is adrp x17, cell; ldr x17, [x17, #cell.target]; br x17.
  // It needs no landing pad: direct calls alone arrive there.
  static constexpr std::size_t stub_stride(Dispatch /*dispatch*/) noexcept { return 16; }
  static constexpr std::size_t stub_size(Dispatch /*dispatch*/) noexcept { return 12; }
  static constexpr unsigned stub_operations(Dispatch /*dispatch*/) noexcept { return 3; }
  /// Of stub_cell alone: the hardened ones are x86-64's.
  static CodeBytes emit_stubs(const StubsPlan& plan);
  // bti c; movz w1, tag; movk w1, tag; b checked entry.
  static constexpr std::size_t kTagStubStride = 16;
  static CodeBytes emit_tag_stub(const TagStubPlan& plan);
  static constexpr std::size_t kCellPicStride = 192;
  static CodeBytes emit_cell_pic(const CellPicPlan& plan);
  static constexpr std::size_t kOpenPicStride = 192;
  static CodeBytes emit_open_pic(const OpenPicPlan& plan);
  static constexpr std::size_t kTrampolineStride = 128;
  static CodeBytes emit_trampoline(const TrampolinePlan& plan);

  static constexpr std::uint32_t kTrapWord = 0xd420'0000;  // brk #0
  static CodeBytes emit_return();

  // A sum: nop, add x0, x0, #addend.
  static constexpr std::size_t kSumUnit = 8;
  static constexpr std::size_t kSumWord = 4;
  static CodeBytes emit_sum(std::span<const std::uint16_t> addends);

  /// 26 bits, in instructions.
  static constexpr bool reaches(ExecAddress word, ExecAddress target) noexcept {
    constexpr std::ptrdiff_t kReach = std::ptrdiff_t{128} << 20U;
    const std::ptrdiff_t distance = target - word;
    return distance >= -kReach && distance < kReach;
  }
  // A veneer: ldr x16, #8; br x16; the target. Direct calls alone arrive there: no landing pad.
  static constexpr std::size_t kVeneerStride = 16;
  static constexpr std::size_t kVeneerSlot = 8;
  static CodeBytes emit_veneer(const VeneerPlan& plan);

  /// B and BL reach 128 MiB. A zone of sends is no larger: it has no veneers.
  static constexpr std::size_t kMaxZoneSize = std::size_t{128} << 20U;

 private:
  static constexpr std::uint32_t kBranch = 0x1400'0000;
  static constexpr std::uint32_t kBranchAndLink = 0x9400'0000;
  static constexpr std::uint32_t kMovzW17 = 0x5280'0011;
  static constexpr std::uint32_t kMovkW17Upper = 0x72a0'0011;
  static constexpr std::uint32_t kAdrpX17 = 0x9000'0011;
  static constexpr std::uint32_t kAddX17X17 = 0x9100'0231;
  static constexpr std::size_t kEpilogueSize = 64;
  static constexpr std::size_t kWalkHeadSize = 64;
  static constexpr std::size_t call_size(Called called) noexcept {
    switch (called) {
      case Called::sites:
        return 12;
      case Called::functions:
        return 8;
      case Called::slots:
        return 16;
    }
    return 0;
  }
  static constexpr std::size_t kWalkTailSize =
      192;  // at most: the way out, room, the call of a hook

  static std::uint32_t encode_distance(ExecAddress word, ExecAddress target) noexcept {
    return static_cast<std::uint32_t>(target - word) >> 2U & 0x03ff'ffffU;
  }
  /// ADRP counts pages of 4 KiB, whatever the machine's page size; its two low bits stand apart.
  static std::uint64_t encode_address(ExecAddress word, ExecAddress target) noexcept {
    const auto pages = static_cast<std::uint32_t>((target.value() >> 12U) - (word.value() >> 12U));
    const std::uint32_t adrp = kAdrpX17 | (pages & 3U) << 29U | (pages >> 2U & 0x7'ffffU) << 5U;
    const auto add = kAddX17X17 | static_cast<std::uint32_t>(target.value() & 0xfffU) << 10U;
    return std::uint64_t{add} << 32U | adrp;
  }
  static ExecAddress decode_address(ExecAddress word, std::uint64_t encoded) noexcept {
    const auto adrp = static_cast<std::uint32_t>(encoded);
    const std::uint32_t pages = (adrp >> 5U & 0x7'ffffU) << 2U | (adrp >> 29U & 3U);
    const auto distance = static_cast<std::int64_t>(std::uint64_t{pages} << 43U) >> 31;
    const std::uintptr_t page = word.value() & ~std::uintptr_t{0xfff};
    return ExecAddress{page + static_cast<std::uintptr_t>(distance) +
                       static_cast<std::uintptr_t>(encoded >> 42U & 0xfffU)};
  }
  static void store(std::byte* at, std::uint32_t word) noexcept {
    std::memcpy(at, &word, sizeof word);
  }
};

static_assert(AArch64::driver_sites_offset() +
                  AArch64::kSitesPerPool * (AArch64::kSiteStride + sizeof(ClassTag)) ==
              AArch64::kPoolDistance);
static_assert(Architecture<AArch64>);

#if defined(__aarch64__)
using NativeArchitecture = AArch64;
#endif

}  // namespace patchbench::send
