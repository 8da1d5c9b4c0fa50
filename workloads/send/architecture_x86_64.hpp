// workloads/send/architecture_x86_64.hpp - sends on x86-64: layout of what linking changes, and its
// encoders.
//
// Registers: rdi receiver, edx tag word, rax result, r12 sum of results, rbx stream pointer, r13
// passes, r14 stride; eax, ecx, r8, r10 and r11 are scratch.
//
// A send site, 32 bytes, with both words that linking changes on 4-byte boundaries:
//
//     inline_cache, unchecked              cell_cache, cell_cache_shared
//   0 49 01 C4        add r12, rax         0 49 01 C4           add r12, rax
//   3 BA <tag>        mov edx, tag         3 8B 15 <disp>       mov edx, [rip + cell.tag]
//   8 48 8B BB <off>  mov rdi, [rbx+off]   9 48 8B BB <off>     mov rdi, [rbx + off]
//  15 E8 <rel>        call target         16 FF 15 <disp>       call [rip + cell.target]
//  20 (jmp next)                          22 (jmp next)
//
// The instructions around the two words are ordered so that they align without padding; of the
// attribution controls tag_cell needs three and target_register two bytes of it. Each word lies in
// one aligned quadword, so its store is atomic for instruction fetch too (AMD64 APM vol. 2, 7.6.1).
// Nothing else of a site is ever written after installation.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "strategies/code_zone.hpp"
#include "strategies/dispatch.hpp"
#include "workloads/send/codegen.hpp"

namespace patchbench::send {

struct X86_64 {  // NOLINT(readability-identifier-naming): the architecture's own name
  // Send sites.
  static constexpr std::size_t kSiteStride = 32;
  static constexpr std::size_t driver_sites_offset() noexcept { return 64; }
  static constexpr std::size_t site_tag_offset() noexcept { return 4; }
  static constexpr std::size_t site_offset(std::uint32_t index) noexcept {
    return index * kSiteStride;
  }
  static constexpr std::size_t tag_offset(std::uint32_t index) noexcept {
    return site_offset(index) + site_tag_offset();
  }
  static constexpr std::uint32_t site_at(std::size_t offset) noexcept {
    return static_cast<std::uint32_t>(offset / kSiteStride);
  }
  static constexpr std::size_t sites_size(std::size_t sites) noexcept {
    return sites * kSiteStride;
  }
  static constexpr std::size_t site_target_offset(Dispatch dispatch) noexcept {
    return dispatch == Dispatch::tag_cell || dispatch == Dispatch::target_register ? 20 : 16;
  }
  /// From the beginning of a site to the address its call returns to.
  static constexpr std::size_t site_return_offset(Dispatch dispatch) noexcept {
    switch (dispatch) {
      case Dispatch::inline_cache:
      case Dispatch::unchecked:
        return 20;
      case Dispatch::target_cell:
        return 21;
      case Dispatch::cell_cache:
      case Dispatch::cell_cache_shared:
        return 22;
      case Dispatch::tag_cell:
        return 24;
      case Dispatch::target_register:
        return 27;
    }
    return 0;
  }
  template <Dispatch>
  using TargetWord = std::uint32_t;
  /// A rel32 displacement counts from the end of its instruction, where all these words lie.
  template <Dispatch = Dispatch::inline_cache>
  static std::uint32_t encode_target(ExecAddress word, ExecAddress target) noexcept {
    return static_cast<std::uint32_t>(target - (word + 4));
  }
  template <Dispatch = Dispatch::inline_cache>
  static ExecAddress decode_target(ExecAddress word, std::uint32_t encoded) noexcept {
    return word + 4 + static_cast<std::size_t>(static_cast<std::int32_t>(encoded));
  }
  static std::size_t driver_size(std::size_t sites) noexcept {
    return driver_sites_offset() + sites * kSiteStride + 64;
  }
  static CodeBytes emit_driver(const DriverPlan& plan);
  static CodeBytes emit_call_site();

  // Walks. A site adds the result before its own to r12 itself; a function does not. With a hook:
  // rbp hook, r15 list, [rsp] self.
  static constexpr std::size_t walk_size(Called called, std::size_t calls,
                                         std::uint32_t stretch) noexcept {
    constexpr std::size_t kCall = 5;
    constexpr std::size_t kAdd = 3;
    const std::size_t each = called == Called::functions ? kAdd + kCall : kCall;
    const std::size_t body = calls * each + stretches(calls, stretch) * kCall;
    return (kWalkHeadSize + body + kWalkTailSize + 63) / 64 * 64;
  }
  static CodeBytes emit_walk(const WalkPlan& plan);

  // Methods: the class check in 17 bytes, then the body.
  static std::size_t method_stride(std::uint32_t work) noexcept;
  static constexpr std::size_t unchecked_entry_offset() noexcept { return 17; }
  static CodeBytes emit_method(const MethodPlan& plan);

  // Closed PIC. The first case compares with the tag register; the jump at 19 leads to the newest
  // of the other cases, which lie in front of each other and fall through to the miss. So the
  // newest case is tried second and the oldest of them last; a cell PIC tries its slots in the
  // order in which they were taken, without this jump. (Cog grows its closed PICs likewise as far
  // as we know; unverified.)
  //    0 class tag of rdi to eax
  //    9 39 D0         cmp eax, edx
  //   11 0F 84 <rel>   je first target
  //   17 66 90
  //   19 E9 <rel>      jmp newest case           <- the one word that makes a case reachable, at 20
  //   24 case 5: 3D <tag> cmp eax, tag; 0F 84 <rel> je target
  //   ...
  //   68 case 1
  //   79 E9 <rel>      jmp miss trampoline
  static constexpr std::size_t kPicStride = 128;
  static constexpr std::size_t kPicFirstTargetOffset = 13;
  static constexpr std::size_t kPicJumpOffset = 20;
  static constexpr std::size_t kPicCaseSize = 11;
  static constexpr std::size_t kPicMissOffset = 80;
  static constexpr std::size_t kPicSize = 84;
  static CodeBytes emit_pic_prototype();
  /// Case 1 to 5; case 0 is the first one.
  static constexpr std::size_t pic_case_offset(unsigned index) noexcept {
    return 24 + (kMaxPicCases - 1 - index) * kPicCaseSize;
  }
  static std::uint32_t encode_jump(ExecAddress word, ExecAddress target) noexcept {
    return encode_target(word, target);
  }
  static ExecAddress decode_jump(ExecAddress word, std::uint32_t encoded) noexcept {
    return decode_target(word, encoded);
  }
  /// Sets the targets of the first case and of the miss in a copy of the prototype. The copy is not
  /// reachable yet, so its words need neither alignment nor order.
  static void fill_pic(std::byte* pic, ExecAddress at, ExecAddress first_target,
                       ExecAddress miss) noexcept {
    store(pic + kPicFirstTargetOffset, encode_target(at + kPicFirstTargetOffset, first_target));
    store(pic + kPicMissOffset, encode_target(at + kPicMissOffset, miss));
  }
  /// Sets one case that is not reachable yet.
  static void fill_pic_case(std::byte* pic, ExecAddress at, unsigned index, ClassTag tag,
                            ExecAddress target) noexcept {
    const std::size_t offset = pic_case_offset(index);
    store(pic + offset + 1, tag);
    store(pic + offset + 7, encode_target(at + (offset + 7), target));
  }

  // Stubs and trampolines.
  static constexpr std::size_t kCellPicStride = 128;
  static CodeBytes emit_cell_pic(const CellPicPlan& plan);
  static constexpr std::size_t kOpenPicStride = 192;
  static CodeBytes emit_open_pic(const OpenPicPlan& plan);
  static constexpr std::size_t kTrampolineStride = 64;
  static CodeBytes emit_trampoline(const TrampolinePlan& plan);

  static CodeBytes emit_return();

  // A sum: 66 90 (nop), 48 05 <addend> (add rax, addend).
  static constexpr std::size_t kSumUnit = 8;
  static constexpr std::size_t kSumWord = 4;
  static CodeBytes emit_sum(std::span<const std::uint16_t> addends);

  /// rel32 reaches 2 GiB; cells and tables stand 1 GiB behind the code (arena_map.hpp).
  static constexpr std::size_t kMaxZoneSize = std::size_t{1} << 30U;

 private:
  static constexpr std::size_t kWalkHeadSize = 64;
  static constexpr std::size_t kWalkTailSize =
      128;  // at most: the way out, room, the call of a hook

  static void store(std::byte* at, std::uint32_t word) noexcept {
    std::memcpy(at, &word, sizeof word);
  }
};

static_assert(X86_64::site_tag_offset() % 4 == 0 && X86_64::kPicJumpOffset % 4 == 0);

#if defined(__x86_64__)
using NativeArchitecture = X86_64;
#endif

}  // namespace patchbench::send
