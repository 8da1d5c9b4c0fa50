// Zones that break the contract, one clause each: the conformance checks must say so.
#include <fcntl.h>
#include <patchbench_catch.hpp>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>

#include "conformance_test.hpp"
#include "memfd_dual.hpp"
#include "mprotect_toggle.hpp"
#include "sealed_zone.hpp"
#include "sysv_shm.hpp"

namespace patchbench::testing {
namespace {

/// Adds nothing to a zone; mutants hide one of its members.
template <class Inner>
class Faithful {
 public:
  static constexpr AliasKind kAlias = Inner::kAlias;

  explicit Faithful(const ZoneRequest& request) : inner_(request) {}

  [[nodiscard]] ExecAddress exec() const noexcept { return inner_.exec(); }
  [[nodiscard]] std::size_t size() const noexcept { return inner_.size(); }
  [[nodiscard]] WritableAddress writable(ExecAddress at) const noexcept {
    return inner_.writable(at);
  }
  void begin_patch(ExecAddress at, std::size_t size) noexcept { inner_.begin_patch(at, size); }
  void end_patch(ExecAddress at, std::size_t size) noexcept { inner_.end_patch(at, size); }
  void seal() noexcept { inner_.seal(); }
  [[nodiscard]] bool sealed() const noexcept requires Sealable<Inner> { return inner_.sealed(); }
  [[nodiscard]] std::string describe() const { return inner_.describe(); }

 protected:
  Inner inner_;
};

struct ViewOffByFour : Faithful<MemfdDualZone> {
  using Faithful::Faithful;
  [[nodiscard]] WritableAddress writable(ExecAddress at) const noexcept {
    return Faithful::writable(at) + 4;
  }
};

struct WritesThroughExec : Faithful<MemfdDualZone> {
  using Faithful::Faithful;
  [[nodiscard]] WritableAddress writable(ExecAddress at) const noexcept {
    return WritableAddress{at.value()};
  }
};

struct TwoMemories : Faithful<MemfdDualZone> {
  explicit TwoMemories(const ZoneRequest& request)
      : Faithful(request), other({.size = request.size}) {}
  [[nodiscard]] WritableAddress writable(ExecAddress at) const noexcept {
    return other.writable(other.exec() + static_cast<std::size_t>(at - exec()));
  }
  MemfdDualZone other;
};

struct DropsBegin : Faithful<MprotectToggleZone> {
  using Faithful::Faithful;
  void begin_patch(ExecAddress /*at*/, std::size_t /*size*/) noexcept {}
};

struct DropsEnd : Faithful<MprotectToggleZone> {
  using Faithful::Faithful;
  void end_patch(ExecAddress /*at*/, std::size_t /*size*/) noexcept {}
};

struct OpensFirstPageOnly : Faithful<MprotectToggleZone> {
  using Faithful::Faithful;
  void begin_patch(ExecAddress at, std::size_t /*size*/) noexcept {
    Faithful::begin_patch(at, sizeof(CodeWord));
  }
};

struct OpensEverything : Faithful<MprotectToggleZone> {
  using Faithful::Faithful;
  void begin_patch(ExecAddress /*at*/, std::size_t /*size*/) noexcept {
    Faithful::begin_patch(exec(), size());
  }
  void end_patch(ExecAddress /*at*/, std::size_t /*size*/) noexcept {
    Faithful::end_patch(exec(), size());
  }
};

struct StaysWritable : Faithful<MprotectToggleZone> {
  using Faithful::Faithful;
  void end_patch(ExecAddress /*at*/, std::size_t /*size*/) noexcept {
    mprotect(exec().as_function<void>(), size(), PROT_READ | PROT_WRITE | PROT_EXEC);
  }
};

struct IgnoresPlacement : Faithful<MemfdDualZone> {
  explicit IgnoresPlacement(const ZoneRequest& request) : Faithful({.size = request.size}) {}
};

struct ReplacesOccupant : Faithful<MprotectToggleZone> {
  static const ZoneRequest& cleared(const ZoneRequest& request) {
    munmap(reinterpret_cast<void*>(request.placement.exec_at), request.size);
    return request;
  }
  explicit ReplacesOccupant(const ZoneRequest& request) : Faithful(cleared(request)) {}
};

struct ShortByAPage : Faithful<MprotectToggleZone> {
  explicit ShortByAPage(const ZoneRequest& request)
      : Faithful({.size = request.size > page_size() ? request.size - page_size() : request.size,
                  .placement = request.placement}),
        claimed(round_up_to_pages(request.size)) {}
  [[nodiscard]] std::size_t size() const noexcept { return claimed; }
  std::size_t claimed;
};

struct SizeInBytes : Faithful<MprotectToggleZone> {
  explicit SizeInBytes(const ZoneRequest& request) : Faithful(request), asked(request.size) {}
  [[nodiscard]] std::size_t size() const noexcept { return asked; }
  std::size_t asked;
};

struct GrantsNothing : Faithful<MprotectToggleZone> {
  explicit GrantsNothing(const ZoneRequest& request)
      : Faithful({.size = request.size == 0 ? 1 : request.size, .placement = request.placement}) {}
};

struct DiesOfHugeRequests : Faithful<MprotectToggleZone> {
  static const ZoneRequest& trusted(const ZoneRequest& request) {
    if (request.size > std::numeric_limits<std::size_t>::max() / 4) std::abort();
    return request;
  }
  explicit DiesOfHugeRequests(const ZoneRequest& request) : Faithful(trusted(request)) {}
};

struct MovesWithoutItsCode : Faithful<MemfdDualZone> {
  using Faithful::Faithful;
  MovesWithoutItsCode(MovesWithoutItsCode&& other) noexcept : Faithful({.size = other.size()}) {}
  MovesWithoutItsCode& operator=(MovesWithoutItsCode&& other) noexcept = default;
};

struct NeverSeals : Faithful<SealedZone> {
  using Faithful::Faithful;
  void seal() noexcept {}
  [[nodiscard]] bool sealed() const noexcept { return true; }
};

struct SealsWhatGoesOnChanging : Faithful<MemfdDualZone> {
  using Faithful::Faithful;
  void seal() noexcept { munmap(writable(exec()).data(), size()); }
};

struct AsksForHugePages : Faithful<MemfdDualZone> {
  explicit AsksForHugePages(const ZoneRequest& request) : Faithful(request) {
    madvise(writable(exec()).data(), size(), MADV_HUGEPAGE);
  }
};

struct KeepsDescriptor : Faithful<MemfdDualZone> {
  explicit KeepsDescriptor(const ZoneRequest& request) : Faithful(request) {
    static_cast<void>(open("/dev/null", O_RDONLY | O_CLOEXEC));
  }
};

struct KeepsMapping : Faithful<MemfdDualZone> {
  explicit KeepsMapping(const ZoneRequest& request) : Faithful(request) {
    static_cast<void>(
        mmap(nullptr, page_size(), PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  }
};

/// What KeepsSegment left behind, in memory shared with the children, so that the test can clear up
/// after it.
class KeptSegments {
 public:
  KeptSegments() {
    void* page =
        mmap(nullptr, page_size(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) throw_errno("mmap");
    ids_ = static_cast<int*>(page);
  }
  KeptSegments(const KeptSegments&) = delete;
  KeptSegments& operator=(const KeptSegments&) = delete;
  ~KeptSegments() {
    for (int i = 1; i <= ids_[0]; ++i) shmctl(ids_[i], IPC_RMID, nullptr);
    munmap(ids_, page_size());
  }
  void add(int id) { ids_[++ids_[0]] = id; }

 private:
  int* ids_ = nullptr;  // the number of ids, then the ids; one child at a time writes
};

KeptSegments* kept_segments = nullptr;

struct KeepsSegment : Faithful<SysvShmZone> {
  explicit KeepsSegment(const ZoneRequest& request) : Faithful(request) {
    kept_segments->add(shmget(IPC_PRIVATE, page_size(), IPC_CREAT | 0600));
  }
};

struct AssignsNothing : Faithful<MemfdDualZone> {
  using Faithful::Faithful;
  AssignsNothing(AssignsNothing&& other) noexcept = default;
  AssignsNothing& operator=(AssignsNothing&& /*other*/) noexcept { return *this; }
};

struct HidesTheCause : Faithful<MprotectToggleZone> {
  explicit HidesTheCause(const ZoneRequest& request) try : Faithful(request) {
  } catch (const std::system_error&) {
    throw_errno("no zone", EINVAL);
  }
};

struct IgnoresFileSizeLimit : Faithful<MprotectToggleZone> {
  explicit IgnoresFileSizeLimit(const ZoneRequest& request) : Faithful(request) {
    const Fd file{memfd_create("unlimited", MFD_CLOEXEC)};
    if (ftruncate(file.get(), static_cast<off_t>(request.size)) != 0) throw_errno("ftruncate");
  }
};

// Not made earlier: the stray stores of other broken zones would find their way into shared memory.
Report violations_of_kept_segments() {
  KeptSegments kept;
  kept_segments = &kept;
  return violations_of<KeepsSegment>();
}

struct Broken {
  std::string_view name;
  std::string_view caught_by;  // the name of the check that is there for it
  Report (*violations)();
};

constexpr std::array kBroken{
    Broken{"a size in bytes", "reserve", violations_of<SizeInBytes>},
    Broken{"a view off by four", "patch and execute", violations_of<ViewOffByFour>},
    Broken{"writing through the executable view", "patch and execute",
           violations_of<WritesThroughExec>},
    Broken{"a view of another memory", "nothing stale", violations_of<TwoMemories>},
    Broken{"views of two memories", "views agree", violations_of<TwoMemories>},
    Broken{"a dropped begin_patch", "patch and execute", violations_of<DropsBegin>},
    Broken{"a dropped end_patch", "patch and execute", violations_of<DropsEnd>},
    Broken{"opening the first page only", "scope across a page boundary",
           violations_of<OpensFirstPageOnly>},
    Broken{"opening one page at most", "one scope for many patches",
           violations_of<OpensFirstPageOnly>},
    Broken{"opening everything", "protections", violations_of<OpensEverything>},
    Broken{"staying writable", "protections", violations_of<StaysWritable>},
    Broken{"a page less than asked for", "every size", violations_of<ShortByAPage>},
    Broken{"an ignored placement", "placement", violations_of<IgnoresPlacement>},
    Broken{"replacing what is there", "occupied placement", violations_of<ReplacesOccupant>},
    Broken{"a size of zero", "impossible sizes", violations_of<GrantsNothing>},
    Broken{"a crash on a huge size", "impossible sizes", violations_of<DiesOfHugeRequests>},
    Broken{"a move without the code", "move construction", violations_of<MovesWithoutItsCode>},
    Broken{"an assignment of nothing", "move assignment", violations_of<AssignsNothing>},
    Broken{"a view that outlives seal()", "seal", violations_of<NeverSeals>},
    Broken{"a seal on code that changes", "seal", violations_of<SealsWhatGoesOnChanging>},
    Broken{"huge pages", "no huge pages", violations_of<AsksForHugePages>},
    Broken{"a kept descriptor", "nothing left behind", violations_of<KeepsDescriptor>},
    Broken{"a kept mapping", "nothing left behind", violations_of<KeepsMapping>},
    Broken{"an error that names no call", "address space limit", violations_of<HidesTheCause>},
    Broken{"an ignored file size limit", "file size limit", violations_of<IgnoresFileSizeLimit>},
    Broken{"a kept segment", "nothing outlives the process", violations_of_kept_segments},
};

bool caught(const Broken& broken, const Report& violations) {
  return std::ranges::any_of(violations, [&broken](const std::string& violation) {
    return violation.starts_with(text_of({broken.caught_by, ": "}));
  });
}

TEST_CASE("a zone that only passes on to another one violates nothing") {
  CHECK(violations_of<Faithful<MemfdDualZone>>() == kNothing);
  CHECK(violations_of<Faithful<MprotectToggleZone>>() == kNothing);
  CHECK(violations_of<Faithful<SealedZone>>() == kNothing);
}

TEST_CASE("a zone that breaks a clause of the contract is noticed") {
  for (const Broken& broken : kBroken) {
    if (!why_not(broken.caught_by).empty()) continue;
    const Report violations = broken.violations();
    INFO(broken.name << " is to be noticed by '" << broken.caught_by << "'");
    CAPTURE(violations);
    CHECK(caught(broken, violations));
  }
}

TEST_CASE("every check notices at least one broken zone") {
  for (const Check& check : kChecks<MemfdDualZone>) {
    INFO(check.name);
    CHECK(std::ranges::count(kBroken, check.name, &Broken::caught_by) > 0);
  }
}

}  // namespace
}  // namespace patchbench::testing
