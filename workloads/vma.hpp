// workloads/vma.hpp - what it costs that a zone is many mappings (the kernel's VMAs): pages of
// another protection in its middle, which split it, and snapshots, which are rolled back.
#pragma once

#include <algorithm>
#include <array>
#include <cerrno>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/mman.h>
#include <sys/types.h>

#include "strategies/code_zone.hpp"
#include "strategies/dual_view_zone.hpp"
#include "strategies/landing_pads.hpp"
#include "strategies/mapping.hpp"
#include "strategies/policy.hpp"
#include "strategies/publish.hpp"
#include "strategies/vmas.hpp"
#include "strategies/zone_traits.hpp"
#include "workloads/arena_map.hpp"
#include "workloads/measured_cell.hpp"
#include "workloads/parameters.hpp"
#include "workloads/send/architecture.hpp"
#include "workloads/send/transition_cell.hpp"
#include "workloads/workload.hpp"

namespace patchbench {

/// Which pages of a zone are islands, and which are changed alone.
struct IslandPlan {
  std::size_t pages = 0;               // of the zone: as many as asked for, or as islands need
  std::vector<std::uint32_t> islands;  // none at an edge or beside another; in random order
  std::vector<std::uint32_t> singles;  // the same, where the zone has no islands
  std::vector<bool> is_island;         // of each page
};
[[nodiscard]] IslandPlan plan_islands(std::size_t wanted_pages, std::size_t islands,
                                      std::uint64_t seed);

/// A function for each page that answers its place and its version. Pages have one of kKinds, so
/// that a page in another's place is noticed.
class PageCode {
 public:
  PageCode();
  [[nodiscard]] const send::CodeBytes& code(std::size_t page, unsigned version) const noexcept {
    return code_[version][page % kKinds];
  }
  [[nodiscard]] static std::uint64_t answer(std::size_t page, unsigned version) noexcept {
    return 1 + page % kKinds + version * std::uint64_t{kApart};
  }
  /// A word of the code that is another for each kind and version.
  static constexpr std::size_t kWordAt =
      send::NativeArchitecture::kSumUnit + send::NativeArchitecture::kSumWord;

 private:
  static constexpr std::size_t kKinds = 61;  // no divisor of any stride of pages
  static constexpr unsigned kApart = 1000;

  std::array<std::vector<send::CodeBytes>, 2> code_;
};

/// Of the request. Throws Unsupported that names vm.max_map_count, its value and how many mappings
/// are needed, where this process cannot have them. It tries, on addresses without memory, and says
/// after how many islands the kernel refused.
[[nodiscard]] std::size_t possible_islands(const CellRequest& request);
/// The same of what happened to a zone: `made` islands could be had, or there is no room beside
/// them for what a process maps besides.
[[noreturn]] void throw_too_many_islands(std::size_t islands, std::size_t made);
void require_room_beside_islands(std::size_t islands);

/// Forks a child that leaves at once: between fork(2) and _exit(2) it does nothing. Returns the
/// child, or -1 with errno.
[[nodiscard]] pid_t fork_and_leave() noexcept;
/// `answer` in a child of fork(2): what it returned, or nothing where it crashed.
[[nodiscard]] std::optional<int> exit_status_of(int (*answer)(void* self) noexcept, void* self);
void wait_for_child(pid_t child) noexcept;

/// Whether the kernel holds memory for the page, mapped here or not (mincore(2)).
[[nodiscard]] bool is_resident(ExecAddress page);

/// The zone has a function on each page. An island is a page of the executable view that is not
/// executable (PROT_READ): k of them make 2k + 1 mappings of one.
///
/// In a zone that has its islands:
/// - `vma_split`: making them, an mprotect(2) for each, in random order; ns an island.
/// - `vma_protect_page`: mprotect of one more page and back, where there are no islands; ns a call.
/// - `vma_protect_all`: one mprotect that makes the whole zone one executable mapping again, but
///   System V memory, whose mappings the kernel never merges; ns.
/// - `vma_fork`: fork(2) as the parent sees it. The child leaves at once and is waited for outside
///   of the clock; ns.
/// - `vma_touch`: a load from each page through the executable view, where none is mapped yet
/// (after
///   MADV_DONTNEED). Of private memory that nobody stored to the kernel maps its page of zeros; ns
///   a page.
/// - `vma_teardown`: giving the zone back; ns.
///
/// In a zone that is one mapping, of which as many pages were modified as it would have islands:
/// - `vma_rollback_copy`: each page is stored to under a scope of its own, as a patch is; ns.
/// - `vma_rollback_mprotect`: a snapshot whose pages could not be written until their first store
///   opened them, which makes islands of the writable view: the pages are copied back, then one
///   mprotect closes all. Where the view stays writable outside of scopes; ns.
/// - `vma_snapshot`: all bytes copied to a memfd, which is mapped privately over private memory;
///   ns a page of the zone.
/// - `vma_rollback_dontneed`: MADV_DONTNEED, which drops the modified copies. Private memory; ns.
/// - `vma_rollback_remap`: mmap(2) of the snapshot over the views. Private memory and files; ns.
/// - `vma_punch`: pages are given back and read as zeros, by MADV_DONTNEED of private memory and
///   MADV_REMOVE of shared; at most 1,000 of them; ns a page.
template <class Strategy>
// NOLINTNEXTLINE(cppcoreguidelines-virtual-class-destructor): virtual by a base that depends
class VmaCell final : public MeasuredCell<VmaCell<Strategy>> {
 public:
  using Zone = typename Strategy::Zone;

  explicit VmaCell(const CellRequest& request)
      : plan_(plan_islands(pages_in(count_parameter(request, "kib")), possible_islands(request),
                           request.seed)),
        arena_(map_arena(request.arena, request.zone)),
        request_(arena_.zone_request(plan_.pages * page_size())),
        executable_(protection_to_execute(request_) |
                    (is_writable_and_executable<Zone>() ? PROT_WRITE : 0)) {
    require_base_pages(request_, "mprotect (of one page, which splits a larger one)");
    renew();
    try_calls();
    shatter_or_throw();
    measure_islands();
    measure_rollbacks();
    measure_ends();
  }
  VmaCell(const VmaCell&) = delete;
  VmaCell& operator=(const VmaCell&) = delete;
  ~VmaCell() override { reap(); }

  void check() override {
    check_islands();
    check_fork();
    check_touch();
    check_rollbacks();
    check_punch();
    make_islands();
    expect_mappings(mappings_with_islands(), "islands");
  }

  [[nodiscard]] std::vector<SiteCounter> counters() const override {
    const auto as_number = [](auto count) { return static_cast<double>(count); };
    constexpr const char* kPer = "vma_protect_all";
    return {{"zone-pages", kPer, as_number(plan_.pages)},
            {"mappings-with-islands", kPer, as_number(seen_.with_islands)},
            {"mappings-without-islands", kPer, as_number(seen_.without)},
            {"mappings-afterwards", kPer, as_number(seen_.afterwards)}};
  }
  /// With all pages touched, and the mappings that islands make.
  [[nodiscard]] MemoryUse memory() const override { return memory_; }

 private:
  static constexpr bool kStays =
      !is_staged<Zone>() && !toggles_protection<Zone>() && !is_writable_only_in_scope<Zone>();
  static constexpr bool kSecondView = Zone::kAlias == AliasKind::second_view;
  /// Anonymous memory of this process alone, which a private mapping of a file may replace.
  static constexpr bool kPrivate =
      fork_of<Zone>() == Fork::isolated && !is_staged<Zone>() && !has_protection_key<Zone>();
  /// Two views by mmap(2), which mmap(2) may replace.
  static constexpr bool kDualFile = std::derived_from<Zone, DualViewZone>;
  static constexpr bool kSnapshots = kPrivate || kDualFile;

  // --- what is measured ---

  template <class Prepare, class Run>
  void add(const char* metric, std::size_t operations, Prepare prepare, Run run) {
    // Roughly, and its preparation with it: what takes long is then run once and not twice.
    constexpr double kNsOfPage = 500;
    constexpr double kNsOfIsland = 4000;
    this->measure(metric, static_cast<double>(operations), prepare, run).expected_ns =
        static_cast<double>(plan_.pages) * kNsOfPage +
        static_cast<double>(plan_.islands.size()) * kNsOfIsland;
  }

  void measure_islands() {
    if (!plan_.islands.empty()) {
      add(
          "vma_split", plan_.islands.size(), [](VmaCell& cell) { cell.make_whole(); },
          [](VmaCell& cell) { cell.split(); });
    }
    add(
        "vma_protect_page", 2 * plan_.singles.size(), [](VmaCell& cell) { cell.make_islands(); },
        [](VmaCell& cell) { cell.protect_singles(); });
    add(
        "vma_protect_all", 1, [](VmaCell& cell) { cell.make_islands(); },
        [](VmaCell& cell) { cell.protect_all(); });
    add(
        "vma_fork", 1, [](VmaCell& cell) { cell.make_islands(); },
        [](VmaCell& cell) { cell.fork_once(); });
    add(
        "vma_touch", plan_.pages, [](VmaCell& cell) { cell.unmap_pages(); },
        [](VmaCell& cell) { cell.touch(); });
  }

  void measure_rollbacks() {
    if (!plan_.islands.empty()) {
      add(
          "vma_rollback_copy", 1, [](VmaCell& cell) { cell.modify(); },
          [](VmaCell& cell) { cell.roll_back_by_copy(); });
    }
    if constexpr (kStays) {
      add(
          "vma_rollback_mprotect", 1, [](VmaCell& cell) { cell.modify_protected(); },
          [](VmaCell& cell) { cell.roll_back_by_mprotect(); });
    }
    if constexpr (kSnapshots) {
      add(
          "vma_snapshot", plan_.pages, [](VmaCell& cell) { cell.make_whole(); },
          [](VmaCell& cell) { cell.take_snapshot(); });
    }
    if constexpr (kPrivate) {
      if (drops_copies_) {
        add(
            "vma_rollback_dontneed", 1, [](VmaCell& cell) { cell.modify_after_snapshot(); },
            [](VmaCell& cell) { cell.roll_back_by_dontneed(); });
      }
    }
    if constexpr (kSnapshots) {
      add(
          "vma_rollback_remap", 1, [](VmaCell& cell) { cell.modify_after_snapshot(); },
          [](VmaCell& cell) { cell.roll_back_by_remap(); });
    }
  }

  void measure_ends() {
    if (can_punch_ && !plan_.islands.empty()) {
      add(
          "vma_punch", holes().size(), [](VmaCell& cell) { cell.make_fresh(); },
          [](VmaCell& cell) { cell.punch_all(); });
    }
    add(
        "vma_teardown", 1, [](VmaCell& cell) { cell.make_fresh_islands(); },
        [](VmaCell& cell) { cell.zone_.reset(); });
  }

  // --- addresses ---

  [[nodiscard]] static std::size_t pages_in(std::size_t kib) {
    return (kib * 1024 + page_size() - 1) / page_size();
  }
  [[nodiscard]] ExecAddress at(std::size_t page) const noexcept {
    return zone_->exec() + page * page_size();
  }
  [[nodiscard]] void* exec_pointer(std::size_t page) const noexcept {
    return reinterpret_cast<void*>(at(page).value());
  }
  /// No more than tell what one costs: a journalling file system takes a quarter of a millisecond.
  [[nodiscard]] std::span<const std::uint32_t> holes() const noexcept {
    constexpr std::size_t kMostHoles = 1000;
    return std::span{plan_.islands}.first(std::min(kMostHoles, plan_.islands.size()));
  }
  /// Of the view that is stored to.
  [[nodiscard]] std::byte* store_pointer(std::size_t page) const noexcept {
    return zone_->writable(at(page)).data();
  }

  // --- system calls: what is timed is made of these ---

  static void or_fail(bool done, const char* what) noexcept {
    if (!done) patch_failed(what);
  }
  void protect_exec(std::size_t page, int protection) noexcept {
    or_fail(mprotect(exec_pointer(page), page_size(), protection) == 0,
            "mprotect (one page of the zone)");
  }

  void split() noexcept {
    for (const std::uint32_t page : plan_.islands) protect_exec(page, PROT_READ);
    shattered_ = true;
  }
  void protect_singles() noexcept {
    for (const std::uint32_t page : plan_.singles) {
      protect_exec(page, PROT_READ);
      protect_exec(page, executable_);
    }
  }
  void protect_all() noexcept {
    or_fail(mprotect(exec_pointer(0), zone_->size(), executable_) == 0,
            "mprotect (the whole zone)");
    stays_split_ = shattered_ && !merges_;
    shattered_ = false;
  }
  void fork_once() noexcept {
    child_ = fork_and_leave();
    or_fail(child_ > 0, "fork");
  }
  void touch() noexcept {
    std::uint64_t sum = 0;
    for (std::size_t page = 0; page < plan_.pages; ++page) sum += word_of(page);
    touched_ = sum;
  }

  void roll_back_by_copy() noexcept {
    for (std::size_t i = 0; i < plan_.islands.size(); ++i) {
      const std::uint32_t page = plan_.islands[i];
      const PatchScope scope{*zone_, at(page), page_size()};
      copy_back(page, i);
    }
    modified_ = false;
  }
  void roll_back_by_mprotect() noexcept {
    const PatchScope scope{*zone_};  // of such zones no system call
    for (std::size_t i = 0; i < plan_.islands.size(); ++i) copy_back(plan_.islands[i], i);
    protect_stores(closed_to_stores());
    modified_ = false;
  }
  void copy_back(std::uint32_t page, std::size_t saved) noexcept {
    const std::size_t size = page_size();
    store_code(store_pointer(page), saved_.data() + saved * size, size);
    publish(at(page), zone_->writable(at(page)), size, Zone::kAlias);
  }

  void take_snapshot() noexcept {
    try {
      FileMemory memory{zone_->size()};
      memory.committed = committed_size(request_);
      snapshot_ = executable_memfd("patchbench-snapshot", memory);
      copy_code(snapshot_, zone_->exec().data(), memory.committed);
    } catch (const std::exception& refused) {
      patch_failed(refused.what());  // it could be had before
    }
    if constexpr (kPrivate) map_snapshot_privately();
    replaced_ = true;
  }
  /// Opened and closed once where patches do that: a private page that was writable is accounted
  /// for ever after, and one that is must not lie among others that are not, or it is never merged
  /// with them.
  void map_snapshot_privately() noexcept {
    map_snapshot(exec_pointer(0), executable_, MAP_PRIVATE);
    if constexpr (toggles_protection<Zone>()) const PatchScope scope{*zone_};
  }
  void map_snapshot(void* to, int protection, int flags) noexcept {
    or_fail(
        mmap(to, zone_->size(), protection, flags | MAP_FIXED, snapshot_.get(), 0) != MAP_FAILED,
        "mmap (a snapshot over the zone)");
  }
  void roll_back_by_dontneed() noexcept {
    or_fail(madvise(exec_pointer(0), zone_->size(), MADV_DONTNEED) == 0, "madvise (MADV_DONTNEED)");
    modified_ = false;
  }
  void roll_back_by_remap() noexcept {
    if constexpr (kPrivate) {
      map_snapshot_privately();
    } else {
      map_snapshot(exec_pointer(0), executable_, MAP_SHARED);
      map_snapshot(store_pointer(0), PROT_READ | PROT_WRITE, MAP_SHARED);
    }
    modified_ = false;
  }

  [[nodiscard]] bool punch(std::size_t page) noexcept {
    if constexpr (fork_of<Zone>() == Fork::isolated) {
      return madvise(exec_pointer(page), page_size(), MADV_DONTNEED) == 0;
    } else {
      // MADV_REMOVE wants a shared view that may be written (madvise(2)).
      const PatchScope scope{*zone_, at(page), page_size()};
      return madvise(store_pointer(page), page_size(), MADV_REMOVE) == 0;
    }
  }
  void punch_all() noexcept {
    for (const std::uint32_t page : holes()) or_fail(punch(page), "madvise (to punch a hole)");
    filled_ = false;
  }

  // --- states, outside of the clock ---

  void reap() noexcept {
    if (child_ > 0) wait_for_child(child_);
    child_ = -1;
  }
  /// New memory, in which every page has its function and was executed.
  void renew() {
    reap();
    zone_.reset();
    shattered_ = stays_split_ = closed_ = replaced_ = modified_ = false;
    snapshot_ = Fd{};
    zone_.emplace(request_);
    fill();
  }
  void fill() {
    store_all();
    filled_ = true;
    expect_code(0, "pages that were filled");
  }
  void store_all() noexcept {
    const PatchScope scope{*zone_};  // over all of it, also where more was reserved than is used
    for (std::size_t page = 0; page < plan_.pages; ++page) store(page, 0);
  }
  /// In a scope of the caller's.
  void store(std::size_t page, unsigned version) noexcept {
    const send::CodeBytes& code = code_.code(page, version);
    store_code(store_pointer(page), code.data(), code.size());
    publish(at(page), zone_->writable(at(page)), code.size(), Zone::kAlias);
  }

  /// Without a snapshot in the zone's place.
  void make_fresh() {
    if (replaced_) renew();
    make_whole();
  }
  void make_whole() {
    reap();
    const bool is_split_for_good = stays_split_ || (!merges_ && (shattered_ || closed_));
    if (!zone_ || !filled_ || modified_ || is_split_for_good) renew();
    if (shattered_) protect_all();
    if (closed_) protect_stores(open_to_stores());
  }
  void make_islands() {
    reap();
    if (!zone_ || !filled_ || closed_ || modified_) make_whole();
    if (!shattered_) split();
  }
  void make_fresh_islands() {
    if (replaced_) renew();
    make_islands();
  }
  /// What a timed run loaded last is compared here.
  void unmap_pages() {
    expect_touched();
    touched_.reset();
    make_fresh_islands();
    or_fail(madvise(exec_pointer(0), zone_->size(), MADV_DONTNEED) == 0, "madvise (MADV_DONTNEED)");
    filled_ = keeps_bytes_;
  }

  /// In saved_ is what the pages held.
  template <class Open>
  void modify_pages(Open open) {
    saved_.resize(plan_.islands.size() * page_size());
    for (std::size_t i = 0; i < plan_.islands.size(); ++i) {
      const std::uint32_t page = plan_.islands[i];
      std::memcpy(saved_.data() + i * page_size(), at(page).data(), page_size());
      open(page);
      const PatchScope scope{*zone_, at(page), page_size()};
      store(page, 1);
    }
    modified_ = true;
  }
  /// What a timed run rolled back is compared in each of these.
  void modify() {
    if (modified_) return;
    make_whole();
    expect_code(0, "what was rolled back");
    modify_pages([](std::uint32_t) {});
  }
  void modify_protected() {
    if (modified_) return;
    if (!closed_) {
      make_whole();
      protect_stores(closed_to_stores());
    }
    expect_code(0, "what was rolled back, then protected");
    modify_pages([this](std::uint32_t page) {
      if (mprotect(store_pointer(page), page_size(), open_to_stores()) != 0) {
        throw_errno("mprotect (a page that is modified)");
      }
    });
  }
  void modify_after_snapshot() {
    if (modified_) return;
    make_whole();
    // A shared file is the zone's own once it was mapped.
    if (!replaced_ || kDualFile) take_snapshot();
    modify();
  }

  [[nodiscard]] int open_to_stores() const noexcept {
    return kSecondView ? PROT_READ | PROT_WRITE : executable_;
  }
  [[nodiscard]] int closed_to_stores() const noexcept { return open_to_stores() & ~PROT_WRITE; }
  void protect_stores(int protection) noexcept {
    or_fail(mprotect(store_pointer(0), zone_->size(), protection) == 0,
            "mprotect (the whole view that is stored to)");
    closed_ = (protection & PROT_WRITE) == 0;
  }

  // --- set-up that the machine may refuse ---

  /// On single pages, so that refusals are reported here, where they can be.
  void try_calls() {
    const std::uint32_t page = plan_.singles.front();
    const std::int64_t before = count_exec();
    if (mprotect(exec_pointer(page), page_size(), PROT_READ) != 0) throw_errno("mprotect");
    const std::int64_t split_in = count_exec();
    if (mprotect(exec_pointer(page), page_size(), executable_) != 0) {
      throw_errno("mprotect (to read-execute)");
    }
    lists_splits_ = split_in == before + 2;
    merges_ = !lists_splits_ || count_exec() == before;
    if (const pid_t child = fork_and_leave(); child > 0) {
      wait_for_child(child);
    } else {
      throw_errno("fork");
    }
    if (madvise(exec_pointer(page), page_size(), MADV_DONTNEED) != 0) {
      throw_errno("madvise (MADV_DONTNEED)");
    }
    keeps_bytes_ = word_of(page) == word_in_code(page);
    can_punch_ = !is_staged<Zone>() && punch(page) && word_of(page) == 0;
    try_snapshot();
    renew();
    if constexpr (kPrivate) {
      drops_copies_ = executes_what_it_dropped_to();
      renew();
    }
  }
  /// An emulator of user code may go on executing its translation of a copy that was dropped.
  [[nodiscard]] bool executes_what_it_dropped_to() {
    modify_after_snapshot();
    expect_code(1, "pages that were modified");  // so that there is a translation of it
    roll_back_by_dontneed();
    try {
      expect_code(0, "what was dropped to");
      return true;
    } catch (const WrongResult&) {
      return false;
    }
  }
  void try_snapshot() {
    if constexpr (kSnapshots) {
      FileMemory memory{zone_->size()};
      memory.committed = page_size();
      const Fd file = executable_memfd("patchbench-snapshot", memory);
      static_cast<void>(Mapping::shared_view(file, page_size(), executable_ & ~PROT_WRITE, 0));
    }
  }
  void shatter_or_throw() {
    for (std::size_t made = 0; made < plan_.islands.size(); ++made) {
      if (mprotect(exec_pointer(plan_.islands[made]), page_size(), PROT_READ) == 0) continue;
      if (errno != ENOMEM) throw_errno("mprotect (one page of the zone)");
      protect_all();  // the text below takes memory, which may take a mapping
      throw_too_many_islands(plan_.islands.size(), made);
    }
    shattered_ = true;
    require_room_beside_islands(plan_.islands.size());
  }

  // --- the oracle ---

  [[nodiscard]] std::int64_t mappings_with_islands() const noexcept {
    return 2 * static_cast<std::int64_t>(plan_.islands.size()) + 1;
  }
  [[nodiscard]] std::int64_t count_between(std::uintptr_t first) const {
    return count_vmas(first, first + zone_->size()).value_or(0);
  }
  [[nodiscard]] std::int64_t count_exec() const { return count_between(zone_->exec().value()); }
  /// Mappings of System V memory are never merged again, and an emulator of user code may list them
  /// so: there are no fewer than expected.
  void expect_count(std::int64_t found, std::int64_t expected, const char* what) const {
    if (lists_splits_ && (merges_ ? found != expected : found < expected)) {
      throw WrongResult("the zone is " + std::to_string(found) + " mappings after " + what +
                        ", and not " + std::to_string(expected));
    }
  }
  void expect_mappings(std::int64_t expected, const char* what) const {
    expect_count(count_exec(), expected, what);
  }

  [[nodiscard]] std::uint64_t call(std::size_t page) const noexcept {
    return at(page).template as_function<std::uint64_t()>()();
  }
  [[nodiscard]] std::uint32_t word_of(std::size_t page) const noexcept {
    std::uint32_t word = 0;
    std::memcpy(&word, at(page).data() + PageCode::kWordAt, sizeof word);
    return word;
  }
  [[nodiscard]] std::uint32_t word_in_code(std::size_t page) const noexcept {
    std::uint32_t word = 0;
    std::memcpy(&word, code_.code(page, 0).data() + PageCode::kWordAt, sizeof word);
    return word;
  }
  /// Each page by its answer: those of islands in this version, the others in the first. All are
  /// executable.
  void expect_code(unsigned version, const char* what) const {
    for (std::size_t page = 0; page < plan_.pages; ++page) {
      const unsigned expected = plan_.is_island[page] ? version : 0;
      send::expect_equal(call(page), PageCode::answer(page, expected), what);
    }
  }
  void expect_touched() const {
    if (!touched_) return;
    std::uint64_t sum = 0;
    for (std::size_t page = 0; keeps_bytes_ && page < plan_.pages; ++page) {
      sum += word_in_code(page);
    }
    send::expect_equal(*touched_, sum, "what was loaded from all pages");
  }

  void check_islands() {
    make_fresh();
    if (memory_.vmas == 0) memory_ = memory_in_arena(arena_);
    expect_code(0, "pages of one mapping");
    seen_.without = count_exec();
    expect_count(seen_.without, 1, "nothing");
    split();
    seen_.with_islands = count_exec();
    expect_count(seen_.with_islands, mappings_with_islands(), "islands");
    memory_.vmas = count_vmas_in_arena(arena_).value_or(memory_.vmas);
    protect_all();
    seen_.afterwards = count_exec();
    expect_count(seen_.afterwards, 1, "mprotect of all of it");
    expect_code(0, "pages that were islands");
    make_islands();
    protect_singles();
    expect_mappings(mappings_with_islands(), "one page more, and back");
  }

  /// The child executes what is executable, with the islands that its parent has.
  void check_fork() {
    make_islands();
    const auto answer = [](void* self) noexcept {
      const VmaCell& cell = VmaCell::cell(self);
      for (std::size_t page = 0; page < cell.plan_.pages; ++page) {
        if (cell.plan_.is_island[page]) continue;
        if (cell.call(page) != PageCode::answer(page, 0)) return 1;
      }
      return 0;
    };
    if (exit_status_of(answer, this) != 0) {
      throw WrongResult("a child of fork does not execute the code of its parent");
    }
    expect_mappings(mappings_with_islands(), "fork");
  }

  void check_touch() {
    unmap_pages();
    touch();
    expect_touched();
    expect_mappings(mappings_with_islands(), "all pages were loaded from");
  }

  template <class Modify, class RollBack>
  void check_rollback(Modify modify_so, RollBack roll_back, const char* what) {
    modify_so();
    expect_code(1, "pages that were modified");
    roll_back();
    expect_code(0, what);
    expect_mappings(1, what);
  }
  void check_rollbacks() {
    make_whole();
    check_rollback([this] { modify(); }, [this] { roll_back_by_copy(); }, "a rollback by copying");
    if constexpr (kStays) {
      check_rollback([this] { modify_protected(); }, [this] { roll_back_by_mprotect(); },
                     "a rollback by copying and mprotect");
      expect_count(count_between(zone_->writable(zone_->exec()).value()), 1,
                   "a rollback of the writable view");
    }
    if constexpr (kPrivate) {
      if (drops_copies_) {
        check_rollback([this] { modify_after_snapshot(); }, [this] { roll_back_by_dontneed(); },
                       "a rollback by MADV_DONTNEED");
      }
    }
    if constexpr (kSnapshots) {
      check_rollback([this] { modify_after_snapshot(); }, [this] { roll_back_by_remap(); },
                     "a rollback by mmap");
    }
  }

  void check_punch() {
    if (!can_punch_) return;
    make_fresh();
    punch_all();
    for (const std::uint32_t page : holes()) {
      // A file's page may be part of a larger folio, which stays in the page cache.
      const bool has_memory = !is_in_file_system<Zone>() && is_resident(at(page));
      if (has_memory) throw WrongResult("a page that was punched out has memory");
    }
    const std::vector<std::byte> zeros(page_size());
    for (const std::uint32_t page : holes()) {
      if (std::memcmp(at(page).data(), zeros.data(), zeros.size()) != 0) {
        throw WrongResult("a page that was punched out is not zero");
      }
    }
    expect_mappings(1, "holes");
  }

  struct Seen {
    std::int64_t without = 0;
    std::int64_t with_islands = 0;
    std::int64_t afterwards = 0;  // when they are executable again
  };

  IslandPlan plan_;
  PageCode code_;
  ArenaMap arena_;
  ZoneRequest request_;
  int executable_;  // protection of the executable view
  std::optional<Zone> zone_;
  bool lists_splits_ = false;  // the kernel's list shows a page that was split off
  bool merges_ = true;         // and that it is part of one mapping again
  bool drops_copies_ = false;  // MADV_DONTNEED brings a snapshot's code back; private memory alone
  bool keeps_bytes_ = false;   // MADV_DONTNEED of the executable view loses none
  bool can_punch_ = false;
  bool shattered_ = false;    // the islands are there
  bool stays_split_ = false;  // and were there, where nothing merges what they split
  bool closed_ = false;       // the view that is stored to is protected
  bool filled_ = false;       // every page holds its function
  bool modified_ = false;     // the islands' pages hold their second version
  bool replaced_ = false;     // a snapshot is mapped, or will be
  Fd snapshot_;
  std::vector<std::byte> saved_;
  std::optional<std::uint64_t> touched_;
  pid_t child_ = -1;
  Seen seen_;
  MemoryUse memory_;
};

struct Vma {
  static constexpr std::string_view kId = "vma";

  static WorkloadInfo info();
  template <class Strategy>
  static constexpr std::string_view unsupported() {
    return send::unless_code_is_patched<Strategy>(
        "what it changes is data: its zone's mappings are measured under the strategy that has it");
  }
  template <class Strategy>
  static std::unique_ptr<Instance> make(const CellRequest& request) {
    return std::make_unique<VmaCell<Strategy>>(request);
  }
};

}  // namespace patchbench
