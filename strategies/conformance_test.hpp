// strategies/conformance_test.hpp - the contract of CodeZone as checks that any zone can be put to.
//
// violations_of<Zone>() says what a zone breaks and asserts nothing itself: so the same checks hold
// the strategies to the contract and show, with zones that break it on purpose, that they can fail.
#pragma once

#include <algorithm>
#include <array>
#include <cerrno>
#include <concepts>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "child_process_test.hpp"
#include "code_zone.hpp"
#include "emulator_test.hpp"
#include "mapping.hpp"
#include "policy.hpp"
#include "process_memory_test.hpp"
#include "tiny_code_test.hpp"
#include "zone_traits.hpp"

namespace patchbench::testing {

/// Zones whose code never changes after seal().
template <class Zone>
concept Sealable = requires(const Zone& zone) {
  { zone.sealed() } -> std::same_as<bool>;
};

template <class Zone>
inline constexpr bool kHasSecondView = Zone::kAlias == AliasKind::second_view;

inline constexpr std::size_t kLargestZone = 64 * kMiB;

/// Collects what did not hold. A zone that is thoroughly broken would fill pages with one finding.
class Violations {
 public:
  /// What is found when it does not hold, in parts.
  template <class... Parts>
  void expect(bool held, const Parts&... what) {
    if (!held && found_.size() < kEnough) found_.push_back(text_of({what...}));
  }
  void expect_nothing_gained_since(const Holdings& before, const std::string& when) {
    for (const std::string& gained : gained_since(before)) {
      expect(false, when, " leaves behind: ", gained);
    }
  }
  [[nodiscard]] Report take() { return std::move(found_); }

 private:
  static constexpr std::size_t kEnough = 5;
  Report found_;
};

/// The errno with which a zone is refused, or zero when it is not. Other exceptions pass.
template <class Zone>
[[nodiscard]] int errno_of_refusal(const ZoneRequest& request, std::string* what = nullptr) {
  try {
    const Zone zone{request};
    return 0;
  } catch (const std::system_error& refused) {
    if (what != nullptr) *what = refused.what();
    return refused.code().value();
  }
}

template <class Zone>
void check_reserve(Violations& found) {
  for (const std::size_t asked : {std::size_t{1}, page_size(), page_size() + 1, 5 * page_size()}) {
    const std::size_t pages = (asked + page_size() - 1) / page_size();
    const Zone zone{ZoneRequest{.size = asked}};
    found.expect(zone.size() == pages * page_size(), "size is not the request in whole pages");
    found.expect(zone.exec().value() % page_size() == 0, "the zone does not begin at a page");
    const std::uintptr_t first = zone.writable(zone.exec()).value();
    const std::size_t last = zone.size() - 1;
    found.expect(zone.writable(zone.exec() + last).value() == first + last,
                 "writable() is not one constant distance");
    found.expect((first != zone.exec().value()) == kHasSecondView<Zone>,
                 "kAlias does not tell whether there is a second view");
    found.expect(protection_at((zone.exec() + last).value()) == protection_at(zone.exec().value()),
                 "the last byte is not mapped as the first");
  }
}

template <class Zone>
void fill_with_functions(Zone& zone, std::vector<std::uint16_t>& values) {
  const PatchScope scope{zone};
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<std::uint16_t>(i);
    store_function(zone, zone.exec() + i * sizeof(CodeWord), 0, values[i]);
  }
}

template <class Zone>
void check_patch_and_execute(Violations& found) {
  constexpr int kRounds = 2000;
  Zone zone{ZoneRequest{.size = 16 * page_size()}};
  std::vector<std::uint16_t> values(zone.size() / sizeof(CodeWord));
  fill_with_functions(zone, values);
  std::mt19937 random{1};
  std::uniform_int_distribution<std::size_t> any_site{0, values.size() - 1};
  for (int round = 0; round < kRounds; ++round) {
    const std::size_t site = any_site(random);
    const std::size_t other = any_site(random);
    const ExecAddress at = zone.exec() + site * sizeof(CodeWord);
    const auto value = static_cast<std::uint16_t>(random());
    patch_function(zone, at, function_returning(values[site]), value);
    values[site] = value;
    found.expect(call(at) == value, "a patched function returns what it did before");
    found.expect(word_at(at.data()) == function_returning(value),
                 "the patch does not read back through the executable view");
    if constexpr (!is_writable_only_in_scope<Zone>()) {
      found.expect(word_at(zone.writable(at).data()) == function_returning(value),
                   "the patch does not read back through the writable view");
    }
    found.expect(call(zone.exec() + other * sizeof(CodeWord)) == values[other],
                 "a patch changed another function");
  }
}

/// Executes the first word whenever somebody asks where it is written. So the old code always runs
/// once more right before the store, and whoever flushes before that has flushed too early.
template <class Zone>
struct ExecutedUntilStored : Zone {
  using Zone::Zone;
  [[nodiscard]] WritableAddress writable(ExecAddress at) const noexcept {
    static_cast<void>(call(at));
    return Zone::writable(at);
  }
};

/// Code of a zone that is written in place may not run while a scope is open.
template <class Zone>
using WatchedZone = std::conditional_t<kHasSecondView<Zone>, ExecutedUntilStored<Zone>, Zone>;

template <class Zone>
void check_nothing_stale(Violations& found) {
  constexpr std::uint16_t kPatches = 200;
  WatchedZone<Zone> zone{ZoneRequest{.size = page_size()}};
  Zone& plain = zone;
  patch_function(plain, zone.exec(), 0, 0);
  int stale = call(zone.exec()) == 0 ? 0 : 1;
  for (std::uint16_t value = 1; value <= kPatches; ++value) {
    patch_function(zone, zone.exec(), function_returning(value - 1), value);
    stale += call(zone.exec()) == value ? 0 : 1;
  }
  found.expect(stale == 0, std::to_string(stale), " of ", std::to_string(kPatches),
               " patches were executed as they had been before");
}

template <class Zone>
void check_views_agree(Violations& found) {
  Zone zone{ZoneRequest{.size = 4 * page_size()}};
  std::vector<std::uint16_t> values(zone.size() / sizeof(CodeWord));
  fill_with_functions(zone, values);
  const PatchScope scope{zone};  // outside of one a zone may have no writable view
  found.expect(std::memcmp(zone.exec().data(), zone.writable(zone.exec()).data(), zone.size()) == 0,
               "the two views show different bytes");
}

/// Where nothing adjoins either view.
template <class Zone>
[[nodiscard]] Placement free_placement(std::size_t size) {
  std::size_t distance = size + kMiB;
  if constexpr (requires { Zone::kAliasOffset; }) distance = Zone::kAliasOffset;
  const std::uintptr_t place = free_place(distance + size);
  return {.exec_at = place, .writable_at = kHasSecondView<Zone> ? place + distance : 0};
}

/// Touches the first and the last page only: this is about addresses, not about memory bandwidth.
/// Placed where nothing adjoins: a zone shorter than it says would otherwise reach its neighbour.
template <class Zone>
void check_every_size(Violations& found) {
  for (std::size_t size = page_size(); size <= kLargestZone; size *= 2) {
    Zone zone{ZoneRequest{.size = size, .placement = free_placement<Zone>(size)}};
    const std::string which = text_of({" in a zone of ", std::to_string(size), " bytes"});
    found.expect(zone.size() == size, "size() is wrong", which);
    found.expect(patches_and_executes(zone, zone.exec()), "the first word fails", which);
    found.expect(patches_and_executes(zone, zone.exec() + (size - sizeof(CodeWord))),
                 "the last word fails", which);
  }
}

template <class Zone>
void check_one_scope_for_many_patches(Violations& found) {
  Zone zone{ZoneRequest{.size = 8 * page_size()}};
  std::vector<std::uint16_t> values(zone.size() / sizeof(CodeWord));
  fill_with_functions(zone, values);
  for (std::size_t i = 0; i < values.size(); ++i) {
    found.expect(call(zone.exec() + i * sizeof(CodeWord)) == values[i],
                 "a function stored in a scope over the whole zone returns something else");
  }
}

template <class Zone>
void check_scope_across_a_page_boundary(Violations& found) {
  Zone zone{ZoneRequest{.size = 4 * page_size()}};
  const ExecAddress above = zone.exec() + 2 * page_size();
  const ExecAddress below = above - sizeof(CodeWord);
  {
    const PatchScope scope{zone, below, 2 * sizeof(CodeWord)};
    store_function(zone, below, 0, 1);
    store_function(zone, above, 0, 2);
  }
  found.expect(call(below) == 1 && call(above) == 2,
               "a patch across a page boundary is not executed");
}

template <class Zone>
void check_placement(Violations& found) {
  const std::size_t size = 4 * page_size();
  const Placement placement = free_placement<Zone>(size);
  for (int again = 0; again < 2; ++again) {  // the second time shows that the place was given back
    Zone zone{ZoneRequest{.size = size, .placement = placement}};
    found.expect(zone.exec().value() == placement.exec_at, "the executable view is elsewhere");
    if constexpr (kHasSecondView<Zone>) {
      found.expect(zone.writable(zone.exec()).value() == placement.writable_at,
                   "the writable view is elsewhere");
    }
    found.expect(patches_and_executes(zone, zone.exec()), "a placed zone does not work");
  }
  const ZoneRequest unaligned{.size = size, .placement = {.exec_at = placement.exec_at + 1}};
  found.expect(errno_of_refusal<Zone>(unaligned) != 0, "a place inside a page is not refused");
}

/// A page of somebody else's in the place of a zone's last page.
class Occupant {
 public:
  explicit Occupant(std::uintptr_t at)
      : page_(Mapping::anonymous(page_size(), PROT_READ | PROT_WRITE, at)) {
    std::memset(page_.address(), kPattern, page_.size());
  }
  [[nodiscard]] bool is_intact() const {
    const std::string expected(page_.size(), static_cast<char>(kPattern));
    return protection_at(reinterpret_cast<std::uintptr_t>(page_.address())) == "rw-p" &&
           std::memcmp(page_.address(), expected.data(), page_.size()) == 0;
  }

 private:
  static constexpr int kPattern = 0x5a;
  Mapping page_;
};

template <class Zone>
void expect_refused_at(Violations& found, std::uintptr_t occupied, const ZoneRequest& request,
                       const std::string& view) {
  const Occupant occupant{occupied};
  const Holdings before = holdings();
  const int error = errno_of_refusal<Zone>(request);
  found.expect(error == EEXIST || error == EINVAL, "an occupied place of the ", view,
               " view gives ", std::to_string(error), " and neither EEXIST nor EINVAL");
  found.expect(occupant.is_intact(), "what occupied the ", view, " view's place was replaced");
  found.expect_nothing_gained_since(before, "being refused");
}

template <class Zone>
void check_occupied_placement(Violations& found) {
  const std::size_t size = 4 * page_size();
  const std::size_t last_page = size - page_size();
  const Placement placement = free_placement<Zone>(size);
  const ZoneRequest request{.size = size, .placement = placement};
  expect_refused_at<Zone>(found, placement.exec_at + last_page, request, "executable");
  if constexpr (kHasSecondView<Zone>) {
    expect_refused_at<Zone>(found, placement.writable_at + last_page, request, "writable");
  }
  const Zone zone{request};
  found.expect(errno_of_refusal<Zone>(request) != 0, "two zones are put in one place");
}

template <class Zone>
void check_move_construction(Violations& found) {
  auto first = std::make_unique<Zone>(ZoneRequest{.size = 2 * page_size()});
  const ExecAddress at = first->exec();
  patch_function(*first, at, 0, 1);
  Zone second{std::move(*first)};
  first.reset();
  found.expect(second.exec() == at && second.size() == 2 * page_size(),
               "a moved zone is somewhere else");
  found.expect(protection_at(at.value()) != "unmapped", "moving a zone unmaps its code");
  found.expect(call(at) == 1, "moving a zone loses its code");
  patch_function(second, at, function_returning(1), 2);
  found.expect(call(at) == 2, "a moved zone cannot be patched");
}

template <class Zone>
void check_move_assignment(Violations& found) {
  auto source = std::make_unique<Zone>(ZoneRequest{.size = 2 * page_size()});
  const ExecAddress at = source->exec();
  patch_function(*source, at, 0, 1);
  Zone target{ZoneRequest{.size = 4 * page_size()}};
  const ExecAddress replaced = target.exec();
  target = std::move(*source);
  source.reset();
  found.expect(target.exec() == at && target.size() == 2 * page_size(),
               "an assigned zone is somewhere else");
  found.expect(protection_at(replaced.value()) == "unmapped", "what was assigned over is kept");
  found.expect(call(at) == 1, "assigning a zone loses its code");
  patch_function(target, at + page_size(), 0, 3);
  found.expect(call(at + page_size()) == 3, "an assigned zone cannot be patched");
}

/// What holds whenever no scope is open.
template <class Zone>
void expect_closed(Violations& found, const Zone& zone, const std::string& when) {
  for (std::size_t offset = 0; offset < zone.size(); offset += page_size()) {
    const std::string code = protection_at((zone.exec() + offset).value());
    found.expect(code.starts_with("r") && code.at(2) == 'x', when, " code is ", code);
    found.expect((code.at(1) == 'w') == is_writable_and_executable<Zone>(), when, " code is ",
                 code);
  }
  if constexpr (kHasSecondView<Zone> && !is_writable_only_in_scope<Zone>()) {
    const std::string data = protection_at(zone.writable(zone.exec()).value());
    found.expect(data == "rw-s" || (is_staged<Zone>() && data == "rw-p"), when,
                 " the writable view is ", data);
  }
}

template <class Zone>
void expect_nothing_both_writable_and_executable(Violations& found, const std::string& when) {
  if constexpr (!is_writable_and_executable<Zone>()) {
    for (const MappedRange& range : mapped_ranges()) {
      found.expect(!range.is_writable() || !range.is_executable(), when, " memory is ",
                   range.protection, " ", range.name);
    }
  }
}

template <class Zone>
void check_protections(Violations& found) {
  Zone zone{ZoneRequest{.size = 4 * page_size()}};
  expect_closed(found, zone, "before any scope");
  expect_nothing_both_writable_and_executable<Zone>(found, "before any scope");
  const ExecAddress site = zone.exec() + 2 * page_size();
  {
    const PatchScope scope{zone, site, sizeof(CodeWord)};
    const std::string data = protection_at(zone.writable(site).value());
    found.expect(data.at(1) == 'w', "in a scope what is patched is ", data);
    const std::string neighbour = protection_at(zone.exec().value());
    found.expect((neighbour.at(2) == 'x') == !opens_whole_zone<Zone>(),
                 "in a scope other pages' code is ", neighbour);
    if constexpr (is_writable_and_executable_in_scope<Zone>()) {
      found.expect(data.at(2) == 'x', "in a scope what is patched cannot be executed: ", data);
    } else {
      expect_nothing_both_writable_and_executable<Zone>(found, "in a scope");
    }
  }
  expect_closed(found, zone, "after a scope");
  { const PatchScope scope{zone}; }
  expect_closed(found, zone, "after a scope over the whole zone");
  expect_nothing_both_writable_and_executable<Zone>(found, "after every scope");
}

/// Huge pages would make strategies differ by more than their mechanism.
template <class Zone>
void check_no_huge_pages(Violations& found) {
  if (access("/sys/kernel/mm/transparent_hugepage", F_OK) != 0) {
    return;  // a kernel without them
  }
  const Zone zone{ZoneRequest{.size = 4 * kMiB}};
  found.expect(has_vm_flag(zone.exec().value(), "nh"), "code may be given huge pages");
  if constexpr (!is_writable_only_in_scope<Zone>()) {  // too small for one
    found.expect(has_vm_flag(zone.writable(zone.exec()).value(), "nh"),
                 "the writable view may be given huge pages");
  }
}

template <class Zone>
void check_seal(Violations& found) {
  Zone zone{ZoneRequest{.size = 2 * page_size()}};
  patch_function(zone, zone.exec(), 0, 1);
  zone.seal();
  found.expect(call(zone.exec()) == 1, "sealing a zone loses its code");
  if constexpr (Sealable<Zone>) {
    const std::string data = protection_at(zone.writable(zone.exec()).value());
    found.expect(zone.sealed(), "a sealed zone does not say so");
    found.expect(data == "unmapped", "in a sealed zone the writable view is ", data);
    zone.seal();
    found.expect(call(zone.exec()) == 1, "sealing a zone twice loses its code");
  } else {
    patch_function(zone, zone.exec(), function_returning(1), 2);
    found.expect(call(zone.exec()) == 2, "seal() stops patches though code goes on changing");
  }
}

template <class Zone>
void check_nothing_left_behind(Violations& found) {
  const Holdings before = holdings();
  for (int i = 0; i < 10; ++i) {
    Zone zone{ZoneRequest{.size = kMiB}};
    found.expect(patches_and_executes(zone, zone.exec()), "a zone does not work");
    if (i % 2 == 1) zone.seal();
  }
  found.expect_nothing_gained_since(before, "destruction");
}

template <class Zone>
void check_impossible_sizes(Violations& found) {
  // Blocks of a disk would be allocated before the largest of these is refused.
  setenv("PATCHBENCH_EXEC_DIR", "/dev/shm", 1);
  constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max();
  const Holdings before = holdings();
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1} << 47U, kMost / 2, kMost - 1, kMost}) {
    std::string what;
    found.expect(errno_of_refusal<Zone>(ZoneRequest{.size = size}, &what) != 0, "a zone of ",
                 std::to_string(size), " bytes is granted");
    found.expect(!what.empty(), "a refusal says nothing");
  }
  found.expect_nothing_gained_since(before, "refusing a size");
}

/// Sets a soft limit of this process for its lifetime.
class SoftLimit {
 public:
  using Resource = decltype(RLIMIT_AS);

  SoftLimit(Resource resource, std::size_t value) : resource_(resource) {
    getrlimit(resource_, &before_);
    const rlimit limit{.rlim_cur = value, .rlim_max = before_.rlim_max};
    if (setrlimit(resource_, &limit) != 0) throw_errno("setrlimit");
  }
  SoftLimit(const SoftLimit&) = delete;
  SoftLimit& operator=(const SoftLimit&) = delete;
  ~SoftLimit() { setrlimit(resource_, &before_); }

 private:
  Resource resource_;
  rlimit before_{};
};

template <class Zone>
void check_address_space_limit(Violations& found) {
  const Holdings before = holdings();
  std::string what;
  int error = 0;
  {
    const SoftLimit limit{RLIMIT_AS, address_space_in_use() + 16 * kMiB};
    error = errno_of_refusal<Zone>(ZoneRequest{.size = kLargestZone}, &what);
  }
  found.expect(error == ENOMEM, "over RLIMIT_AS the error is ", std::to_string(error), ": ", what);
  found.expect(what.starts_with("mmap") || what.starts_with("shmat"),
               "over RLIMIT_AS the error names neither mmap nor shmat: ", what);
  found.expect_nothing_gained_since(before, "being refused by RLIMIT_AS");
}

/// Exceeding it raises SIGXFSZ, which ends a process that does not expect it.
template <class Zone>
void check_file_size_limit(Violations& found) {
  const Holdings before = holdings();
  std::string what;
  int error = 0;
  {
    const SoftLimit limit{RLIMIT_FSIZE, 64 * kKiB};
    error = errno_of_refusal<Zone>(ZoneRequest{.size = kMiB}, &what);
  }
  found.expect(error == 0 || error == EFBIG, "over RLIMIT_FSIZE the error is ",
               std::to_string(error), ": ", what);
  found.expect_nothing_gained_since(before, "being refused by RLIMIT_FSIZE");
}

/// SysV segments outlive processes unless the kernel was asked otherwise while one was alive.
template <class Zone>
void check_nothing_outlives_the_process(Violations& found) {
  {
    const Zone zone{ZoneRequest{.size = kMiB}};
    for (const Segment& segment : segments_created_by(getpid())) {
      found.expect(segment.goes_with_last_user, "a living zone's segment is not marked IPC_RMID");
    }
  }
  const auto dies_of = [](int signal) {
    return run_in_child([signal]() -> Report {
      Zone zone{ZoneRequest{.size = kMiB}};
      static_cast<void>(patches_and_executes(zone, zone.exec()));
      if (signal != 0) raise(signal);
      _exit(0);  // runs no destructor
    });
  };
  for (const int signal : {0, SIGKILL, SIGABRT}) {
    const ChildOutcome outcome = dies_of(signal);
    found.expect(outcome.signal() == signal, "a process with a zone was ", outcome.ending());
    found.expect(segments_created_by(outcome.pid).empty(), "a process that was ", outcome.ending(),
                 " left a SysV segment");
  }
}

struct Check {
  std::string_view name;
  void (*run)(Violations&);
};

template <class Zone>
inline constexpr std::array kChecks{
    Check{"reserve", check_reserve<Zone>},
    Check{"patch and execute", check_patch_and_execute<Zone>},
    Check{"nothing stale", check_nothing_stale<Zone>},
    Check{"views agree", check_views_agree<Zone>},
    Check{"every size", check_every_size<Zone>},
    Check{"one scope for many patches", check_one_scope_for_many_patches<Zone>},
    Check{"scope across a page boundary", check_scope_across_a_page_boundary<Zone>},
    Check{"placement", check_placement<Zone>},
    Check{"occupied placement", check_occupied_placement<Zone>},
    Check{"move construction", check_move_construction<Zone>},
    Check{"move assignment", check_move_assignment<Zone>},
    Check{"protections", check_protections<Zone>},
    Check{"no huge pages", check_no_huge_pages<Zone>},
    Check{"seal", check_seal<Zone>},
    Check{"nothing left behind", check_nothing_left_behind<Zone>},
    Check{"impossible sizes", check_impossible_sizes<Zone>},
    Check{"address space limit", check_address_space_limit<Zone>},
    Check{"file size limit", check_file_size_limit<Zone>},
    Check{"nothing outlives the process", check_nothing_outlives_the_process<Zone>},
};

/// Why a check says nothing about zones on this machine; empty where it does.
[[nodiscard]] inline std::string_view why_not(std::string_view check) {
  if (in_qemu_user() && check == "no huge pages") {
    return "qemu-user keeps MADV_NOHUGEPAGE to itself";
  }
  if (in_qemu_user() && check == "address space limit") {
    return "qemu-user keeps RLIMIT_AS to itself";
  }
  return {};
}

/// What one check finds. It runs in a child: a crash is a violation and not the end of the test.
[[nodiscard]] inline Report violations_of(const Check& check) {
  if (!why_not(check.name).empty()) return {};
  const ChildOutcome outcome = run_in_child([&check] {
    Violations found;
    check.run(found);
    return found.take();
  });
  Report violations;
  for (const std::string& line : outcome.report) {
    violations.push_back(text_of({check.name, ": ", line}));
  }
  if (!outcome.finished()) {
    violations.push_back(text_of({check.name, ": ", outcome.ending(), " ", outcome.error_output}));
  }
  return violations;
}

/// Everything that a zone breaks, "check: what"; empty for a zone that keeps the contract.
template <CodeZone Zone>
[[nodiscard]] Report violations_of() {
  Report all;
  for (const Check& check : kChecks<Zone>) {
    std::ranges::move(violations_of(check), std::back_inserter(all));
  }
  return all;
}

}  // namespace patchbench::testing
