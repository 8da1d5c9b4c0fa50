// strategies/code_zone.hpp - the vocabulary of changing code: where it executes, where it is
// written, and the bracket around a change.
//
// A zone reserves memory, maps an executable address to a writable one, and brackets patching. It
// never makes the instruction stream coherent: publish() (publish.hpp) does, because only the
// caller knows when a group of stores is complete.
//
// Threads: a zone has one mutator. Nothing here takes a lock.
#pragma once

#include <atomic>
#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace patchbench {

/// Where code runs. Deliberately gives no way to store: a store through an executable address does
/// not compile.
class ExecAddress {
 public:
  constexpr ExecAddress() = default;
  explicit constexpr ExecAddress(std::uintptr_t value) noexcept : value_(value) {}
  explicit ExecAddress(const void* address) noexcept
      : value_(reinterpret_cast<std::uintptr_t>(address)) {}

  [[nodiscard]] constexpr std::uintptr_t value() const noexcept { return value_; }
  /// For reading only; with a protection that forbids reading (no supported zone has one) it would
  /// fault.
  [[nodiscard]] const std::byte* data() const noexcept {
    return reinterpret_cast<const std::byte*>(value_);
  }
  template <class Function>
  [[nodiscard]] Function* as_function() const noexcept {
    return reinterpret_cast<Function*>(value_);
  }

  friend constexpr ExecAddress operator+(ExecAddress a, std::size_t offset) noexcept {
    return ExecAddress{a.value_ + offset};
  }
  friend constexpr ExecAddress operator-(ExecAddress a, std::size_t offset) noexcept {
    return ExecAddress{a.value_ - offset};
  }
  /// Distance in bytes from b to a.
  friend constexpr std::ptrdiff_t operator-(ExecAddress a, ExecAddress b) noexcept {
    return static_cast<std::ptrdiff_t>(a.value_ - b.value_);
  }
  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 takes a defaulted <=> for a pointer's
  friend constexpr auto operator<=>(ExecAddress, ExecAddress) noexcept = default;

 private:
  std::uintptr_t value_ = 0;
};

/// Where the same bytes are written. Never call through it: under most strategies it is not
/// executable.
class WritableAddress {
 public:
  constexpr WritableAddress() = default;
  explicit constexpr WritableAddress(std::uintptr_t value) noexcept : value_(value) {}
  explicit WritableAddress(void* address) noexcept
      : value_(reinterpret_cast<std::uintptr_t>(address)) {}

  [[nodiscard]] constexpr std::uintptr_t value() const noexcept { return value_; }
  [[nodiscard]] std::byte* data() const noexcept { return reinterpret_cast<std::byte*>(value_); }

  friend constexpr WritableAddress operator+(WritableAddress a, std::size_t offset) noexcept {
    return WritableAddress{a.value_ + offset};
  }
  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 takes a defaulted <=> for a pointer's
  friend constexpr auto operator<=>(WritableAddress, WritableAddress) noexcept = default;

 private:
  std::uintptr_t value_ = 0;
};

/// Whether code is written through the linear address at which it executes. Decides what publish()
/// must do: Intel SDM vol. 3A, "Handling Self- and Cross-Modifying Code", asks for a serialising
/// operation when the linear addresses differ.
enum class AliasKind { same_address, second_view };

/// Where a zone is put. Zero lets the kernel choose. A fixed address is taken with
/// MAP_FIXED_NOREPLACE: an occupied range is an error (EEXIST), never a silent replacement or a
/// silent move.
struct Placement {
  std::uintptr_t exec_at = 0;
  std::uintptr_t writable_at = 0;
};

/// The pages that a zone asks for. What it got is what the kernel says (AnonHugePages,
/// ShmemPmdMapped and KernelPageSize in /proc/self/smaps): asking promises nothing.
enum class Pages {
  base,              // the machine's page_size(); larger ones are forbidden (MADV_NOHUGEPAGE)
  transparent_huge,  // MADV_HUGEPAGE, and MADV_COLLAPSE (Linux 6.1) of what is committed
  hugetlb,           // of the pool of vm.nr_hugepages: MAP_HUGETLB, MFD_HUGETLB, SHM_HUGETLB
};

struct ZoneRequest {
  std::size_t size = 0;  // bytes of addresses; rounded up to whole pages of the kind asked for
  Placement placement = {};
  /// All code in it has landing pads where indirect branches arrive, so that the processor may
  /// check them (landing_pads.hpp).
  bool landing_pads = false;
  /// Bytes from the beginning that will be used first; zero: all. A zone over a file allocates
  /// these when it is made, so that a full file system is an error and not SIGBUS; the rest is
  /// addresses alone until commit() (zone_traits.hpp). Anonymous and System V memory, and a memfd
  /// behind the committed part, has no memory until it is touched.
  std::size_t committed = 0;
  /// Zones that change single pages refuse larger ones (EOPNOTSUPP).
  Pages pages = Pages::base;
  /// What is mapped is mapped with MAP_POPULATE: its pages are read once, or written where the
  /// mapping is private and writable. Zones whose views come from another call refuse (EOPNOTSUPP).
  bool populate = false;
};

/// What every strategy's zone offers.
///
/// - `Zone(request)` reserves. Throws std::system_error that names the call. A zone with one view
///   has no use for Placement::writable_at.
/// - `writable(a)` is the writable address of executable address a: one addition, no branch, no
///   table.
/// - `begin_patch(a, n)` makes [a, a + n) writable. Nothing in it may be executed until
///   `end_patch(a, n)` has made it executable again.
/// - `seal()` ends installation. Zones whose code never changes again drop their writable view; for
///   the others it does nothing.
/// - `describe()` says what was chosen on this machine, for the record. It may be empty.
// By hand, because clang-format 14 tears compound requirements apart.
// clang-format off
template <class Zone>
concept CodeZone =
    std::constructible_from<Zone, const ZoneRequest&> &&
    std::movable<Zone> && !std::copyable<Zone> &&
    requires(Zone zone, const Zone& view, ExecAddress at, std::size_t size) {
      { Zone::kAlias } -> std::convertible_to<AliasKind>;
      { view.exec() } noexcept -> std::same_as<ExecAddress>;
      { view.size() } noexcept -> std::same_as<std::size_t>;
      { view.writable(at) } noexcept -> std::same_as<WritableAddress>;
      { zone.begin_patch(at, size) } noexcept;
      { zone.end_patch(at, size) } noexcept;
      { zone.seal() };
      { view.describe() } -> std::same_as<std::string>;
    };
// clang-format on

/// Keeps [at, at + size) of a zone writable for its lifetime: over one store or over many, because
/// opening it may cost two system calls and a TLB shootdown.
template <class Zone>
class [[nodiscard]] PatchScope {
 public:
  PatchScope(Zone& zone, ExecAddress at, std::size_t size) noexcept
      : zone_(zone), at_(at), size_(size) {
    zone_.begin_patch(at_, size_);
  }
  /// The whole zone.
  explicit PatchScope(Zone& zone) noexcept : PatchScope(zone, zone.exec(), zone.size()) {}
  PatchScope(const PatchScope&) = delete;
  PatchScope& operator=(const PatchScope&) = delete;
  ~PatchScope() { zone_.end_patch(at_, size_); }

 private:
  Zone& zone_;
  ExecAddress at_;
  std::size_t size_;
};

/// A patch path cannot throw and cannot go on: a page that stays writable or unexecutable is a
/// broken VM.
[[noreturn]] inline void patch_failed(const char* what) noexcept {
  std::perror(what);
  std::abort();
}

/// Stores one aligned word of code or of a cell. Aligned stores of up to eight bytes are
/// single-copy atomic on both architectures (AMD64 APM vol. 2, 7.3.2; Arm ARM B2.2.1), so that an
/// executor sees the old or the new word, never a mixture. Release order: stores of one patch
/// become visible in program order.
///
/// `expected` states what is replaced. Debug builds compare, because a patch that lands on other
/// bytes than its author thought is the worst kind of bug to find later.
template <std::unsigned_integral Word>
void patch_word(WritableAddress at, [[maybe_unused]] Word expected, Word desired) noexcept {
  std::atomic_ref<Word> word{*reinterpret_cast<Word*>(at.data())};
#ifdef PATCHBENCH_CHECK_PATCHES
  if (word.load(std::memory_order_relaxed) != expected) {
    std::fprintf(stderr, "patch at %p: expected to replace %#llx, found %#llx\n",
                 static_cast<void*>(at.data()), static_cast<unsigned long long>(expected),
                 static_cast<unsigned long long>(word.load(std::memory_order_relaxed)));
    std::abort();
  }
#endif
  word.store(desired, std::memory_order_release);
}

/// Copies `size` bytes of code that nobody can reach or execute meanwhile, in stores of 16 bytes,
/// then of 8, then of one: each store to a line of executed code costs. Never memcpy(): for more
/// than a few hundred bytes C libraries use `rep movsb`, after which an Intel processor (family 6,
/// model 207) executed lines of the code that had been there before, hundreds of times in 10^7
/// patches, also where one linear address is written and executed. It did not after these stores
/// (docs/publishing.md has the counts).
inline void store_code(std::byte* to, const std::byte* code, std::size_t size) noexcept {
  const auto store = [&]<class Word>(Word word) {
    std::memcpy(&word, code, sizeof word);
    std::memcpy(to, &word, sizeof word);
    // Compilers make memcpy() of a loop that copies, but not of one with this in it.
    asm volatile("" : : : "memory");
    to += sizeof word;
    code += sizeof word;
    size -= sizeof word;
  };
  using Vector = std::uint64_t __attribute__((vector_size(16)));  // SSE2, Advanced SIMD
  while (size >= sizeof(Vector)) store(Vector{});
  while (size >= sizeof(std::uint64_t)) store(std::uint64_t{});
  while (size > 0) store(std::byte{});
}

/// Stores `size` bytes of code that nobody can reach or execute meanwhile: the stores have no order
/// and are not atomic. `expected` as above.
inline void patch_bytes(WritableAddress at, [[maybe_unused]] const std::byte* expected,
                        const std::byte* desired, std::size_t size) noexcept {
#ifdef PATCHBENCH_CHECK_PATCHES
  if (std::memcmp(at.data(), expected, size) != 0) {
    std::fprintf(stderr, "patch of %zu bytes at %p: it replaces others than expected\n", size,
                 static_cast<void*>(at.data()));
    std::abort();
  }
#endif
  store_code(at.data(), desired, size);
}

}  // namespace patchbench
