// The vocabulary: what does not compile, and what a patch does when it finds other bytes than it
// states.
#include "code_zone.hpp"

#include <csignal>
#include <type_traits>

#include <patchbench_catch.hpp>

#include "child_findings_test.hpp"
#include "publish.hpp"
#include "rwx.hpp"

namespace patchbench::testing {
namespace {

// A store through an executable address does not compile, and neither does making a writable
// address of it without a zone.
template <class Address>
concept CanBePatched = requires(Address at) {
  patch_word<std::uint32_t>(at, 0U, 0U);
};
template <class Address>
concept CanBeStoredThrough = requires(Address at) {
  *at.data() = std::byte{};
};
template <class Address>
concept CanBeCalled = requires(Address at) {
  at.template as_function<int()>();
};

static_assert(CanBePatched<WritableAddress> && CanBeStoredThrough<WritableAddress>);
static_assert(!CanBePatched<ExecAddress> && !CanBeStoredThrough<ExecAddress>);
static_assert(CanBeCalled<ExecAddress> && !CanBeCalled<WritableAddress>);
static_assert(std::is_same_v<decltype(ExecAddress{}.data()), const std::byte*>);
static_assert(!std::is_constructible_v<WritableAddress, ExecAddress>);
static_assert(!std::is_constructible_v<WritableAddress, decltype(ExecAddress{}.data())>);
static_assert(!std::is_constructible_v<ExecAddress, WritableAddress>);
static_assert(!std::is_assignable_v<WritableAddress&, ExecAddress>);
static_assert(!std::is_convertible_v<std::uintptr_t, ExecAddress>);
static_assert(!std::is_convertible_v<std::uintptr_t, WritableAddress>);
static_assert(!std::is_convertible_v<void*, WritableAddress>);
static_assert(!std::is_convertible_v<ExecAddress, std::uintptr_t>);
static_assert(!std::is_convertible_v<ExecAddress, const void*>);
static_assert(!std::equality_comparable_with<ExecAddress, WritableAddress>);

// A scope stays where it was opened.
static_assert(!std::is_copy_constructible_v<PatchScope<RwxZone>>);
static_assert(!std::is_move_constructible_v<PatchScope<RwxZone>>);

// Each of these lacks one thing.
struct WholeZone {
  static constexpr AliasKind kAlias = AliasKind::same_address;
  explicit WholeZone(const ZoneRequest& /*request*/) {}
  WholeZone(WholeZone&&) = default;
  WholeZone& operator=(WholeZone&&) = default;
  [[nodiscard]] ExecAddress exec() const noexcept { return {}; }
  [[nodiscard]] std::size_t size() const noexcept { return 0; }
  [[nodiscard]] WritableAddress writable(ExecAddress /*at*/) const noexcept { return {}; }
  void begin_patch(ExecAddress /*at*/, std::size_t /*size*/) noexcept {}
  void end_patch(ExecAddress /*at*/, std::size_t /*size*/) noexcept {}
  void seal() {}
  [[nodiscard]] std::string describe() const { return {}; }
};
struct NoRequest : WholeZone {
  NoRequest() : WholeZone(ZoneRequest{}) {}
};
struct WritesWhereItExecutes : WholeZone {
  using WholeZone::WholeZone;
  [[nodiscard]] ExecAddress writable(ExecAddress at) const noexcept { return at; }
};
struct TranslatesPlainPointers : WholeZone {
  using WholeZone::WholeZone;
  [[nodiscard]] WritableAddress writable(std::uintptr_t at) const noexcept {
    return WritableAddress{at};
  }
};
struct BeginMayThrow : WholeZone {
  using WholeZone::WholeZone;
  void begin_patch(ExecAddress /*at*/, std::size_t /*size*/) {}
};
struct EndMayThrow : WholeZone {
  using WholeZone::WholeZone;
  void end_patch(ExecAddress /*at*/, std::size_t /*size*/) {}
};
struct HasNoEnd : WholeZone {
  using WholeZone::WholeZone;
  void end_patch() = delete;
};
struct CannotTellItsAlias : WholeZone {
  using WholeZone::WholeZone;
  static constexpr bool kAlias = true;
};
struct CanBeCopied : WholeZone {
  using WholeZone::WholeZone;
  CanBeCopied(const CanBeCopied& /*other*/) : WholeZone(ZoneRequest{}) {}
  CanBeCopied& operator=(const CanBeCopied& /*other*/) { return *this; }
};
struct CannotBeMoved : WholeZone {
  using WholeZone::WholeZone;
  CannotBeMoved(CannotBeMoved&&) = delete;
  CannotBeMoved& operator=(CannotBeMoved&&) = delete;
};

static_assert(CodeZone<WholeZone>);
static_assert(!CodeZone<NoRequest>);
static_assert(!CodeZone<WritesWhereItExecutes>);
static_assert(!CodeZone<TranslatesPlainPointers>);
static_assert(!CodeZone<BeginMayThrow>);
static_assert(!CodeZone<EndMayThrow>);
static_assert(!CodeZone<HasNoEnd>);
static_assert(!CodeZone<CannotTellItsAlias>);
static_assert(!CodeZone<CanBeCopied>);
static_assert(!CodeZone<CannotBeMoved>);

TEST_CASE("addresses count in bytes") {
  constexpr ExecAddress kAt{std::uintptr_t{0x1000}};
  STATIC_REQUIRE((kAt + 0x10).value() == 0x1010);
  STATIC_REQUIRE((kAt - 0x10).value() == 0xff0);
  STATIC_REQUIRE((kAt + 0x10) - kAt == 0x10);
  STATIC_REQUIRE(kAt - (kAt + 0x10) == -0x10);
  STATIC_REQUIRE(kAt < kAt + 1);
  STATIC_REQUIRE((WritableAddress{std::uintptr_t{0x1000}} + 8).value() == 0x1008);
}

TEST_CASE("a scope opens and closes exactly what it is given") {
  struct Call {
    char what;
    std::uintptr_t at;
    std::size_t size;
    bool operator==(const Call&) const = default;
  };
  struct Recorder {
    std::vector<Call> calls = {};
    [[nodiscard]] ExecAddress exec() const noexcept { return ExecAddress{std::uintptr_t{0x1000}}; }
    [[nodiscard]] std::size_t size() const noexcept { return 0x3000; }
    void begin_patch(ExecAddress at, std::size_t size) noexcept {
      calls.push_back({'(', at.value(), size});
    }
    void end_patch(ExecAddress at, std::size_t size) noexcept {
      calls.push_back({')', at.value(), size});
    }
  };
  Recorder zone;
  {
    const PatchScope scope{zone, ExecAddress{std::uintptr_t{0x1ffc}}, 8};
    CHECK(zone.calls == std::vector<Call>{{'(', 0x1ffc, 8}});
  }
  CHECK(zone.calls == std::vector<Call>{{'(', 0x1ffc, 8}, {')', 0x1ffc, 8}});
  zone.calls.clear();
  { const PatchScope whole{zone}; }
  CHECK(zone.calls == std::vector<Call>{{'(', 0x1000, 0x3000}, {')', 0x1000, 0x3000}});
}

template <class Word>
void check_patch_word_stores(Word old_word, Word new_word) {
  alignas(16) std::array<Word, 3> words{old_word, old_word, old_word};
  patch_word(WritableAddress{&words[1]}, old_word, new_word);
  CHECK(words == std::array<Word, 3>{old_word, new_word, old_word});
}

TEST_CASE("patch_word stores one word and nothing beside it") {
  check_patch_word_stores<std::uint8_t>(0xaa, 0x55);
  check_patch_word_stores<std::uint16_t>(0xaaaa, 0x1234);
  check_patch_word_stores<std::uint32_t>(0xaaaa'aaaa, 0x1234'5678);
  check_patch_word_stores<std::uint64_t>(0xaaaa'aaaa'aaaa'aaaa, 0x1234'5678'9abc'def0);
}

TEST_CASE("patch_word on bytes that it does not expect ends a checking build") {
  const ChildOutcome outcome = run_in_child([] {
    std::uint32_t word = 1;
    patch_word<std::uint32_t>(WritableAddress{&word}, 2, 3);
    return word == 3 ? Report{} : Report{"the word was not stored"};
  });
#ifdef PATCHBENCH_CHECK_PATCHES
  CHECK(outcome.signal() == SIGABRT);
  CHECK(outcome.error_output.find("expected to replace 0x2, found 0x1") != std::string::npos);
#else
  check_found_nothing(outcome);
#endif
}

TEST_CASE("a patch that cannot be made ends the process and says why") {
  const ChildOutcome outcome = run_in_child([]() -> Report {
    errno = ENOMEM;
    patch_failed("mprotect");
  });
  CHECK(outcome.signal() == SIGABRT);
  CHECK(outcome.error_output == "mprotect: Cannot allocate memory\n");
}

}  // namespace
}  // namespace patchbench::testing
