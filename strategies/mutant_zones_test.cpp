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

struct GrantsNothing : Faithful<MprotectToggleZone> {
  explicit GrantsNothing(const ZoneRequest& request)
      : Faithful({.size = request.size == 0 ? 1 : request.size, .placement = request.placement}) {}
};

struct DiesOfHugeRequests : Faithful<MprotectToggleZone> {
  static const ZoneRequest& trusted(const ZoneRequest& request) {
    if (request.size > std::numeric_limits<std::size_t>::max() / 4) {
      std::abort();
    }
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
    mmap(nullptr, page_size(), PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  }
};

/// What KeepsSegment left behind, in memory shared with the children, so that the test can clear up
/// after it.
class KeptSegments {
 public:
  KeptSegments() {
    void* page =
        mmap(nullptr, page_size(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) {
      throw_errno("mmap");
    }
    ids_ = static_cast<int*>(page);
  }
  KeptSegments(const KeptSegments&) = delete;
  KeptSegments& operator=(const KeptSegments&) = delete;
  ~KeptSegments() {
    for (std::size_t i = 1; i <= count(); ++i) {
      shmctl(ids_[i], IPC_RMID, nullptr);
    }
    munmap(ids_, page_size());
  }
  void add(int id) { ids_[++ids_[0]] = id; }
  [[nodiscard]] std::size_t count() const { return static_cast<std::size_t>(ids_[0]); }

 private:
  int* ids_ = nullptr;  // the number of ids, then the ids; one child at a time writes
};

KeptSegments* kept_segments = nullptr;

struct KeepsSegment : Faithful<SysvShmZone> {
  explicit KeepsSegment(const ZoneRequest& request) : Faithful(request) {
    kept_segments->add(shmget(IPC_PRIVATE, page_size(), IPC_CREAT | 0600));
  }
};

/// Whether one of the violations is of the check that is there for it.
bool found_by(std::string_view check, const Report& violations) {
  return std::ranges::any_of(violations, [check](const std::string& violation) {
    return violation.starts_with(std::string(check) + ": ");
  });
}

template <class Zone>
void require_caught(std::string_view check) {
  const Report violations = violations_of<Zone>();
  INFO("expected a violation of '" << check << "', found " << violations.size());
  CAPTURE(violations);
  CHECK(found_by(check, violations));
}

TEST_CASE("a zone that only passes on to another one violates nothing") {
  CHECK(violations_of<Faithful<MemfdDualZone>>() == Report{});
  CHECK(violations_of<Faithful<MprotectToggleZone>>() == Report{});
  CHECK(violations_of<Faithful<SealedZone>>() == Report{});
}

TEST_CASE("a broken writable view is noticed") {
  require_caught<ViewOffByFour>("patch and execute");
  require_caught<WritesThroughExec>("patch and execute");
  require_caught<TwoMemories>("patch and execute");
}

TEST_CASE("a broken bracket is noticed") {
  require_caught<DropsBegin>("patch and execute");
  require_caught<DropsEnd>("patch and execute");
  require_caught<OpensFirstPageOnly>("scope across a page boundary");
  require_caught<OpensEverything>("protections");
  require_caught<StaysWritable>("protections");
}

TEST_CASE("a zone in the wrong place or of the wrong size is noticed") {
  require_caught<IgnoresPlacement>("placement");
  require_caught<ReplacesOccupant>("occupied placement");
  require_caught<ShortByAPage>("every size");
  require_caught<GrantsNothing>("impossible sizes");
  require_caught<DiesOfHugeRequests>("impossible sizes");
}

TEST_CASE("a zone that loses its code or its view is noticed") {
  require_caught<MovesWithoutItsCode>("move construction");
  require_caught<NeverSeals>("seal");
  require_caught<SealsWhatGoesOnChanging>("seal");
  require_caught<AsksForHugePages>("no huge pages");
}

TEST_CASE("what a zone leaves behind is noticed") {
  require_caught<KeepsDescriptor>("nothing left behind");
  require_caught<KeepsMapping>("nothing left behind");
}

TEST_CASE("a segment that outlives its process is noticed") {
  KeptSegments kept;
  kept_segments = &kept;
  require_caught<KeepsSegment>("nothing outlives the process");
  CHECK(kept.count() > 0);
}

}  // namespace
}  // namespace patchbench::testing
