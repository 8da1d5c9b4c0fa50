#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "workloads/send/architecture_aarch64.hpp"
#include "workloads/send/asmjit_aarch64.hpp"
#include "workloads/send/method_cache.hpp"
#include "workloads/send/piece.hpp"

namespace patchbench::send {
namespace {

namespace a64 = asmjit::a64;

struct Filler {
  static void nop(a64::Assembler& a, std::size_t /*room*/) { a.nop(); }
  static void trap(a64::Assembler& a) { a.brk(0); }
};

/// The low 12 bits of an address, which an ADD or a load takes after ADRP.
std::uint64_t in_page(ExecAddress address) { return address.value() & 0xfffU; }

class Piece : public AssembledPiece<a64::Assembler, asmjit::Arch::kAArch64, Filler> {
 public:
  using AssembledPiece::AssembledPiece;

  /// `bti c`, which assemblers know as a hint: cores without it execute it as a NOP.
  void landing_pad() { assembler.hint(34); }
  void jump(ExecAddress target) {
    require_reach(AArch64::reaches(here(), target), here(), target);
    assembler.b(asmjit::imm(target.value()));
  }
  void call(ExecAddress target) {
    require_reach(AArch64::reaches(here(), target), here(), target);
    assembler.bl(asmjit::imm(target.value()));
  }
  /// `to` = the beginning of the address' 4 KiB page.
  void page_of(const a64::Gp& to, ExecAddress address) {
    assembler.adrp(to, asmjit::imm(address.value() & ~std::uintptr_t{0xfff}));
  }
  void address_of(const a64::Gp& to, ExecAddress address) {
    page_of(to, address);
    assembler.add(to, to, in_page(address));
  }
  /// In two instructions whatever the value, so that code has the same length for all values.
  void constant32(const a64::Gp& to, std::uint32_t value) {
    assembler.movz(to, value & 0xffffU);
    assembler.movk(to, value >> 16U, 16);
  }
  /// In four.
  void constant64(const a64::Gp& to, std::uint64_t value) {
    assembler.movz(to, value & 0xffffU);
    for (unsigned shift = 16; shift < 64; shift += 16) {
      assembler.movk(to, value >> shift & 0xffffU, shift);
    }
  }
};

/// w16 = class tag of x0, in 12 bytes. Every check begins with it, so all are the same.
void emit_class_tag(a64::Assembler& a) {
  const asmjit::Label tagged = a.newLabel();
  a.and_(a64::w16, a64::w0, kImmediateBit);
  a.cbnz(a64::w16, tagged);
  a.ldr(a64::w16, a64::ptr(a64::x0));
  a.bind(tagged);
}

/// x17 = page of the cell, where the tag is loaded from it.
void emit_tag(Piece& piece, const DriverPlan& plan, ExecAddress cell,
              const asmjit::Label& literal) {
  if (!tag_is_in_cell(plan.dispatch)) {
    piece.assembler.ldr(a64::w1, a64::ptr(literal));
  } else {
    piece.page_of(a64::x17, cell);
    piece.assembler.ldr(a64::w1, a64::ptr(a64::x17, static_cast<std::int32_t>(in_page(cell))));
  }
}

/// Always two instructions, so that sites do not differ in length.
void emit_receiver(a64::Assembler& a, std::int32_t offset) {
  constexpr std::int32_t kReach = 1 << 24;
  if (offset < 0 || offset >= kReach || offset % static_cast<std::int32_t>(sizeof(Oop)) != 0) {
    throw std::logic_error("a site's receiver is out of the reach of its load");
  }
  a.add(a64::x16, a64::x19, offset >> 12, 12);
  a.ldr(a64::x0, a64::ptr(a64::x16, offset & 0xfff));
}

void emit_target(Piece& piece, const DriverPlan& plan, std::uint32_t index, ExecAddress cell) {
  a64::Assembler& a = piece.assembler;
  const auto target = static_cast<std::int32_t>(in_page(cell) + offsetof(Cell, target));
  switch (plan.dispatch) {
    case Dispatch::inline_cache:
    case Dispatch::unchecked:
    case Dispatch::tag_cell:
      piece.call(plan.miss_trampoline);
      return;
    case Dispatch::stub_cell:
    case Dispatch::stub_cell_retpoline:
    case Dispatch::stub_cell_lfence:
      piece.call(plan.stubs + index * AArch64::stub_stride(plan.dispatch));
      return;
    case Dispatch::target_cell:
      piece.page_of(a64::x17, cell);
      [[fallthrough]];
    case Dispatch::cell_cache:
    case Dispatch::cell_cache_shared:
    case Dispatch::cell_cache_scattered:
    case Dispatch::cell_cache_newest_first:
      a.ldr(a64::x17, a64::ptr(a64::x17, target));
      a.blr(a64::x17);
      return;
    case Dispatch::target_register:
      piece.address_of(a64::x17, plan.miss_trampoline);
      a.blr(a64::x17);
      return;
  }
}

ExecAddress site_address(const DriverPlan& plan, std::uint32_t site) {
  return plan.at + (AArch64::driver_sites_offset() + AArch64::site_offset(site));
}

std::size_t end_offset(const DriverPlan& plan) {
  return AArch64::pools(plan.sites.size()) * AArch64::kPoolDistance;
}

/// Where each pass begins.
ExecAddress first_address(const DriverPlan& plan) {
  return site_address(plan, plan.order == SiteOrder::shuffled ? plan.first_site : 0);
}

/// What follows the send. In linear order a branch too: the room behind a site is not executed.
void emit_way_on(Piece& piece, const DriverPlan& plan, std::uint32_t index) {
  const auto sites = static_cast<std::uint32_t>(plan.sites.size());
  if (plan.order == SiteOrder::standalone) {
    piece.assembler.ret(a64::x22);  // the call has changed x30
  } else {
    const std::uint32_t next =
        plan.order == SiteOrder::shuffled ? plan.sites[index].next : index + 1;
    piece.jump(next == sites ? plan.at + end_offset(plan) : site_address(plan, next));
  }
}

void emit_site(Piece& piece, const DriverPlan& plan, std::uint32_t index,
               const asmjit::Label& literal) {
  const ExecAddress cell = plan.cells + cell_offset(plan.dispatch, index, plan.sites.size());
  const std::size_t begin = piece.offset();
  // A standalone site is entered by an indirect call, and has no result before its own.
  if (plan.order == SiteOrder::standalone) {
    piece.landing_pad();
  } else {
    piece.assembler.add(a64::x20, a64::x20, a64::x0);
  }
  emit_tag(piece, plan, cell, literal);
  emit_receiver(piece.assembler, plan.sites[index].receiver_offset);
  emit_target(piece, plan, index, cell);
  emit_way_on(piece, plan, index);
  piece.trap_to(begin + AArch64::kSiteStride);
}

/// The sites of one pool, then their literals. `first` is the index of the first one.
void emit_pool(Piece& piece, const DriverPlan& plan, std::uint32_t first) {
  const std::size_t begin = piece.offset();
  const auto sites = static_cast<std::uint32_t>(plan.sites.size());
  const std::uint32_t end = std::min(first + AArch64::kSitesPerPool, sites);
  std::vector<asmjit::Label> literals(AArch64::kSitesPerPool);
  for (std::uint32_t i = first; i < end; ++i) {
    literals[i - first] = piece.assembler.newLabel();
    emit_site(piece, plan, i, literals[i - first]);
  }
  piece.trap_to(begin + AArch64::kSitesPerPool * AArch64::kSiteStride);
  for (std::uint32_t i = first; i < first + AArch64::kSitesPerPool; ++i) {
    const bool used = i < end && !tag_is_in_cell(plan.dispatch);
    const ClassTag tag = used ? plan.selectors[i] : kNoClass;
    if (i < end) piece.assembler.bind(literals[i - first]);
    piece.assembler.embed(&tag, sizeof tag);
  }
}

void emit_prologue(Piece& piece, const DriverPlan& plan) {
  const asmjit::Label pass = piece.assembler.newLabel();
  a64::Assembler& a = piece.assembler;
  piece.landing_pad();
  a.stp(a64::x29, a64::x30, a64::ptr_pre(a64::sp, -48));
  a.mov(a64::x29, a64::sp);
  a.stp(a64::x19, a64::x20, a64::ptr(a64::sp, 16));
  a.stp(a64::x21, a64::x22, a64::ptr(a64::sp, 32));
  a.mov(a64::x19, a64::x0);
  a.mov(a64::x21, a64::x1);
  a.mov(a64::x22, a64::x2);
  a.mov(a64::x20, a64::xzr);
  a.mov(a64::x0, a64::xzr);
  a.cbnz(a64::x21, pass);
  piece.jump(plan.at + (end_offset(plan) + 4 * sizeof(std::uint32_t)));  // `done`, see below
  a.bind(pass);
  piece.jump(first_address(plan));
}

/// Four instructions that go on to the next pass, then `done`. Conditional branches do not reach
/// over a long driver.
void emit_epilogue(Piece& piece, const DriverPlan& plan) {
  a64::Assembler& a = piece.assembler;
  const asmjit::Label done = a.newLabel();
  a.add(a64::x19, a64::x19, a64::x22);
  a.sub(a64::x21, a64::x21, 1);
  a.cbz(a64::x21, done);
  piece.jump(first_address(plan));
  a.bind(done);
  a.add(a64::x0, a64::x20, a64::x0);
  a.ldp(a64::x19, a64::x20, a64::ptr(a64::sp, 16));
  a.ldp(a64::x21, a64::x22, a64::ptr(a64::sp, 32));
  a.ldp(a64::x29, a64::x30, a64::ptr_post(a64::sp, 48));
  a.ret(a64::x30);
}

void emit_body(a64::Assembler& a, const MethodPlan& plan) {
  if (plan.immediate_receiver) {
    a.asr(a64::x0, a64::x0, 1);
  } else {
    a.ldr(a64::x0, a64::ptr(a64::x0, offsetof(Object, value)));
  }
  for (std::uint32_t i = 0; i < plan.work; ++i) {
    const BodyOperation operation = body_operation(plan.method, i);
    if (operation.exclusive_or) {
      a.eor(a64::x0, a64::x0, operation.constant);
    } else {
      a.add(a64::x0, a64::x0, operation.constant);
    }
  }
  a.ret(a64::x30);
}

/// One probe: jumps through the entry when its key is x11. The entry's index is w12 >> shift; x10
/// is the table.
void emit_probe(a64::Assembler& a, unsigned shift, std::uint32_t mask) {
  const asmjit::Label next = a.newLabel();
  if (mask == 0) {  // not among the constants that AND can hold
    a.mov(a64::w13, a64::wzr);
  } else if (shift == 0) {
    a.and_(a64::w13, a64::w12, mask);
  } else {
    a.lsr(a64::w13, a64::w12, shift);
    a.and_(a64::w13, a64::w13, mask);
  }
  a.add(a64::x14, a64::x10, a64::x13, a64::lsl(4));
  a.ldp(a64::x15, a64::x17, a64::ptr(a64::x14));
  a.cmp(a64::x15, a64::x11);
  a.b_ne(next);
  a.br(a64::x17);
  a.bind(next);
}

// --- walks ---

constexpr std::int32_t kWalkFrame = 80;

void emit_walk_head(Piece& piece, bool hooked, const asmjit::Label& pass,
                    const asmjit::Label& out) {
  a64::Assembler& a = piece.assembler;
  piece.landing_pad();
  a.stp(a64::x29, a64::x30, a64::ptr_pre(a64::sp, -kWalkFrame));
  a.mov(a64::x29, a64::sp);
  a.stp(a64::x19, a64::x20, a64::ptr(a64::sp, 16));
  a.stp(a64::x21, a64::x22, a64::ptr(a64::sp, 32));
  a.stp(a64::x23, a64::x24, a64::ptr(a64::sp, 48));
  if (hooked) {
    a.stp(a64::x25, a64::x26, a64::ptr(a64::sp, 64));
    a.mov(a64::x24, a64::x3);
    a.mov(a64::x25, a64::x4);
    a.mov(a64::x26, a64::x5);
  }
  a.mov(a64::x19, a64::x0);
  a.mov(a64::x21, a64::x1);
  a.mov(a64::x23, a64::x2);
  a.mov(a64::x20, a64::xzr);
  a.cbnz(a64::x21, pass);
  a.b(out);  // a conditional branch may not reach it
}

void emit_walk_end(a64::Assembler& a, bool hooked, const asmjit::Label& pass,
                   const asmjit::Label& out) {
  a.add(a64::x19, a64::x19, a64::x23);
  a.sub(a64::x21, a64::x21, 1);
  a.cbz(a64::x21, out);
  a.b(pass);
  a.bind(out);
  a.mov(a64::x0, a64::x20);
  if (hooked) a.ldp(a64::x25, a64::x26, a64::ptr(a64::sp, 64));
  a.ldp(a64::x23, a64::x24, a64::ptr(a64::sp, 48));
  a.ldp(a64::x21, a64::x22, a64::ptr(a64::sp, 32));
  a.ldp(a64::x19, a64::x20, a64::ptr(a64::sp, 16));
  a.ldp(a64::x29, a64::x30, a64::ptr_post(a64::sp, kWalkFrame));
  a.ret(a64::x30);
}

/// Called by the walk.
void emit_call_of_hook(a64::Assembler& a) {
  a.stp(a64::x29, a64::x30, a64::ptr_pre(a64::sp, -16));
  a.mov(a64::x29, a64::sp);
  a.ldr(a64::w1, a64::ptr_post(a64::x24, sizeof(std::uint32_t)));
  a.mov(a64::x0, a64::x26);
  a.blr(a64::x25);
  a.ldp(a64::x29, a64::x30, a64::ptr_post(a64::sp, 16));
  a.ret(a64::x30);
}

/// A call, and its result to the sum.
void emit_walk_call(Piece& piece, Called called, ExecAddress target) {
  constexpr std::size_t kInstruction = 4;
  if (called == Called::sites) {  // x22 = behind the call
    piece.assembler.adr(a64::x22, asmjit::imm((piece.here() + 2 * kInstruction).value()));
  }
  if (called == Called::slots) {
    a64::Assembler& a = piece.assembler;
    piece.page_of(a64::x16, target);
    a.ldr(a64::x16, a64::ptr(a64::x16, static_cast<std::int32_t>(in_page(target))));
    a.blr(a64::x16);
  } else {
    piece.call(target);
  }
  piece.assembler.add(a64::x20, a64::x20, a64::x0);
}

}  // namespace

CodeBytes AArch64::emit_walk(const WalkPlan& plan) {
  Piece piece{plan.at};
  a64::Assembler& a = piece.assembler;
  const bool hooked = plan.stretch != 0;
  const asmjit::Label pass = a.newLabel();
  const asmjit::Label out = a.newLabel();
  const asmjit::Label hook = a.newLabel();
  emit_walk_head(piece, hooked, pass, out);
  piece.trap_to(kWalkHeadSize);
  a.bind(pass);
  for (std::size_t i = 0; i < plan.calls.size(); ++i) {
    if (hooked && i % plan.stretch == 0) a.bl(hook);
    emit_walk_call(piece, plan.called, plan.calls[i]);
  }
  emit_walk_end(a, hooked, pass, out);
  if (hooked) {
    piece.trap_to((piece.offset() + 63) / 64 * 64);
    a.bind(hook);
    emit_call_of_hook(a);
  }
  piece.trap_to(walk_size(plan.called, plan.calls.size(), plan.stretch));
  return piece.finish();
}

CodeBytes AArch64::emit_veneer(const VeneerPlan& plan) {
  Piece piece{plan.at};
  a64::Assembler& a = piece.assembler;
  const asmjit::Label slot = a.newLabel();
  a.ldr(a64::x16, a64::ptr(slot));
  a.br(a64::x16);
  a.bind(slot);
  const std::uint64_t target = plan.target.value();
  a.embed(&target, sizeof target);
  return piece.finish();
}

CodeBytes AArch64::emit_driver(const DriverPlan& plan) {
  Piece piece{plan.at};
  emit_prologue(piece, plan);
  const auto sites = static_cast<std::uint32_t>(plan.sites.size());
  for (std::uint32_t first = 0; first < sites; first += kSitesPerPool) {
    const std::size_t begin = first / kSitesPerPool * kPoolDistance + driver_sites_offset();
    piece.trap_to(begin);
    emit_pool(piece, plan, first);
  }
  emit_epilogue(piece, plan);
  return piece.finish();
}

CodeBytes AArch64::emit_call_site() {
  Piece piece{ExecAddress{std::uintptr_t{0x1000}}};
  a64::Assembler& a = piece.assembler;
  const asmjit::Label back = a.newLabel();
  piece.landing_pad();
  a.stp(a64::x29, a64::x30, a64::ptr_pre(a64::sp, -48));
  a.mov(a64::x29, a64::sp);
  a.stp(a64::x19, a64::x20, a64::ptr(a64::sp, 16));
  a.str(a64::x22, a64::ptr(a64::sp, 32));
  a.mov(a64::x19, a64::x0);
  a.adr(a64::x22, back);
  a.blr(a64::x1);
  a.bind(back);
  a.ldr(a64::x22, a64::ptr(a64::sp, 32));
  a.ldp(a64::x19, a64::x20, a64::ptr(a64::sp, 16));
  a.ldp(a64::x29, a64::x30, a64::ptr_post(a64::sp, 48));
  a.ret(a64::x30);
  return piece.finish();
}

CodeBytes AArch64::emit_return() {
  Piece piece{ExecAddress{std::uintptr_t{0x1000}}};
  piece.landing_pad();
  piece.assembler.ret(a64::x30);
  return piece.finish();
}

CodeBytes AArch64::emit_sum(std::span<const std::uint16_t> addends) {
  Piece piece{ExecAddress{std::uintptr_t{0x1000}}};
  a64::Assembler& a = piece.assembler;
  piece.landing_pad();
  a.mov(a64::x0, a64::xzr);
  for (const std::uint16_t addend : addends) {
    a.nop();
    a.add(a64::x0, a64::x0, addend);
  }
  a.ret(a64::x30);
  piece.trap_to((addends.size() + 2) * kSumUnit);
  return piece.finish();
}

std::size_t AArch64::method_stride(std::uint32_t work) noexcept {
  constexpr std::size_t kInstruction = 4;
  // Landing pad, load, return, and the branch to the miss trampoline.
  const std::size_t size = unchecked_entry_offset() + (4 + work) * kInstruction;
  return (size + 63) / 64 * 64;
}

CodeBytes AArch64::emit_method(const MethodPlan& plan) {
  Piece piece{plan.at};
  a64::Assembler& a = piece.assembler;
  const asmjit::Label miss = a.newLabel();
  piece.landing_pad();
  emit_class_tag(a);
  a.cmp(a64::w16, a64::w1);
  a.b_ne(miss);
  piece.pad_to(unchecked_entry_offset());
  piece.landing_pad();
  emit_body(a, plan);
  // A conditional branch reaches 1 MiB, the trampoline may be further away.
  a.bind(miss);
  piece.jump(plan.miss_trampoline);
  piece.trap_to(method_stride(plan.work));
  return piece.finish();
}

CodeBytes AArch64::emit_pic_prototype() {
  // Displacements are filled in for each copy; the prototype's own lead to its beginning.
  constexpr ExecAddress kNowhere{std::uintptr_t{0x1000}};
  Piece piece{kNowhere};
  a64::Assembler& a = piece.assembler;
  piece.landing_pad();
  emit_class_tag(a);
  a.cmp(a64::w16, a64::w1);
  const asmjit::Label others = a.newLabel();
  a.b_ne(others);
  piece.jump(kNowhere);
  a.bind(others);
  piece.jump(kNowhere);
  for (unsigned index = kMaxPicCases - 1; index >= 1; --index) {
    const asmjit::Label next = a.newLabel();
    piece.constant32(a64::w17, kNoClass);
    a.cmp(a64::w16, a64::w17);
    a.b_ne(next);
    piece.jump(kNowhere);
    a.bind(next);
  }
  piece.jump(kNowhere);
  piece.trap_to(kPicSize);
  return piece.finish();
}

CodeBytes AArch64::emit_cell_pic(const CellPicPlan& plan) {
  Piece piece{plan.at};
  a64::Assembler& a = piece.assembler;
  piece.landing_pad();
  emit_class_tag(a);
  piece.address_of(a64::x15, plan.slots);
  if (plan.shared) {
    a.add(a64::x15, a64::x15, a64::x1);  // loading w1 has cleared the upper half
  }
  for (unsigned index = 0; index < kMaxPicCases; ++index) {
    const asmjit::Label next = a.newLabel();
    a.ldp(a64::x14, a64::x17, a64::ptr(a64::x15, static_cast<std::int32_t>(index * sizeof(Cell))));
    a.cmp(a64::w16, a64::w14);
    a.b_ne(next);
    a.br(a64::x17);
    a.bind(next);
  }
  piece.jump(plan.miss_trampoline);
  piece.trap_to(kCellPicStride);
  return piece.finish();
}

CodeBytes AArch64::emit_stubs(const StubsPlan& plan) {
  if (plan.dispatch != Dispatch::stub_cell) {
    throw std::logic_error("AArch64 has no stub that is hardened against branch target injection");
  }
  Piece piece{plan.at};
  a64::Assembler& a = piece.assembler;
  for (std::uint32_t i = 0; i < plan.sites; ++i) {
    const ExecAddress cell = plan.cells + cell_offset(plan.dispatch, i, plan.sites);
    piece.page_of(a64::x17, cell);
    a.ldr(a64::x17,
          a64::ptr(a64::x17, static_cast<std::int32_t>(in_page(cell) + offsetof(Cell, target))));
    a.br(a64::x17);
    piece.trap_to((i + 1) * stub_stride(plan.dispatch));
  }
  return piece.finish();
}

CodeBytes AArch64::emit_tag_stub(const TagStubPlan& plan) {
  Piece piece{plan.at};
  piece.landing_pad();
  piece.constant32(a64::w1, plan.tag);
  piece.jump(plan.checked_entry);
  piece.trap_to(kTagStubStride);
  return piece.finish();
}

CodeBytes AArch64::emit_open_pic(const OpenPicPlan& plan) {
  Piece piece{plan.at};
  a64::Assembler& a = piece.assembler;
  piece.landing_pad();
  const bool is_generic = plan.selector == 0;
  emit_class_tag(a);
  static_assert(method_cache_key(0, 1) == std::uint64_t{1} << 32U);
  if (is_generic) {
    // The key of the class tag in x16 with the selector in w1.
    a.orr(a64::x11, a64::x16, a64::x1, a64::lsl(32));
    piece.constant32(a64::w12, kSelectorHashFactor);
    a.mul(a64::w12, a64::w1, a64::w12);
    a.lsr(a64::w12, a64::w12, kSelectorHashShift);
  } else {
    a.movz(a64::x11, plan.selector & 0xffffU, 32);
    a.movk(a64::x11, plan.selector >> 16U, 48);
    a.orr(a64::x11, a64::x11, a64::x16);
    piece.constant32(a64::w12, selector_hash(plan.selector));
  }
  a.eor(a64::w12, a64::w12, a64::w16);
  piece.address_of(a64::x10, plan.method_cache);
  for (unsigned probe = 0; probe < kMethodCacheProbes; ++probe) emit_probe(a, probe, plan.mask);
  if (!is_generic) piece.constant32(a64::w1, plan.selector);
  piece.jump(plan.open_miss_trampoline);
  piece.trap_to(kOpenPicStride);
  return piece.finish();
}

CodeBytes AArch64::emit_trampoline(const TrampolinePlan& plan) {
  Piece piece{plan.at};
  a64::Assembler& a = piece.assembler;
  // Entered with the site's return address in x30 and left by a branch with it still there: calls
  // and returns stay paired.
  piece.landing_pad();
  a.stp(a64::x29, a64::x30, a64::ptr_pre(a64::sp, -32));
  a.mov(a64::x29, a64::sp);
  a.str(a64::x0, a64::ptr(a64::sp, 16));
  a.mov(a64::x3, a64::x30);
  a.mov(a64::w2, a64::w1);
  a.mov(a64::x1, a64::x0);
  piece.constant64(a64::x0, reinterpret_cast<std::uintptr_t>(plan.machine));
  piece.constant64(a64::x16, reinterpret_cast<std::uintptr_t>(plan.function));
  a.blr(a64::x16);
  a.mov(a64::x16, a64::x0);
  a.ldr(a64::x0, a64::ptr(a64::sp, 16));
  a.ldp(a64::x29, a64::x30, a64::ptr_post(a64::sp, 32));
  a.br(a64::x16);
  piece.trap_to(kTrampolineStride);
  return piece.finish();
}

}  // namespace patchbench::send
