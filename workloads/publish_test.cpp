// How often each measurement publishes: counted by the system calls of the mode that makes one.
// The linker puts the function below in the place of the C library's (CMakeLists.txt).
#include "workloads/publish.hpp"

#include <array>
#include <cstdarg>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include <patchbench_catch.hpp>
#include <sys/syscall.h>

#include "workloads/cell_fixture_test.hpp"

namespace {

int barriers = 0;

}  // namespace

// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming)
extern "C" {

long __real_syscall(long number, ...);
/// membarrier(2), for which the C library has no function, is the only one made in this way.
long __wrap_syscall(long number, ...) {
  // As many as any call has; registers that it does not read may hold anything.
  std::array<long, 6> given{};
  va_list arguments;
  va_start(arguments, number);
  for (long& argument : given) argument = va_arg(arguments, long);
  va_end(arguments);
  if (number == SYS_membarrier) ++barriers;
  return __real_syscall(number, given[0], given[1], given[2], given[3], given[4], given[5]);
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)

namespace patchbench {
namespace {

using Counts = std::map<std::string, int>;

/// Of one run of each measurement, without its preparation. What a difference leaves out publishes
/// nothing.
Counts barriers_of(const CellFactory& cell, const std::string& mode, ParamText changes = {}) {
  changes.emplace_back("publish", mode);
  const auto instance = cell.make(small_request(cell.workload, std::move(changes)));
  instance->check();
  Counts counts;
  for (const Measurement& measurement : instance->measurements()) {
    int before = 0;
    for (int turn = 0; turn < 2; ++turn) {  // the first may begin with what another metric left
      if (measurement.prepare != nullptr) measurement.prepare(measurement.self);
      before = barriers;
      measurement.run(measurement.self);
    }
    counts[measurement.metric] = barriers - before;
    if (measurement.without != nullptr) {
      measurement.prepare_without(measurement.self);
      const int before_it = barriers;
      measurement.without(measurement.self);
      CHECK(barriers == before_it);
    }
  }
  return counts;
}

constexpr int kCountedSites = 50;  // of a small request
constexpr int kIsolated = 26;

/// A miss that makes a closed PIC publishes that and then the site. Runs among hits: 163 passes
/// over 50 sites, with 3 misses or 4 patches each; or 26 sites are patched while the other 24 are
/// walked 13 times.
const std::map<std::string, Counts>& expected() {
  static const std::map<std::string, Counts> counts = {
      {"relink",
       {{"patch", kCountedSites},
        {"patch_isolated", kIsolated},
        {"patch_execute", kCountedSites},
        {"patch_execute_among_hits", 163 * 4},
        {"miss", kCountedSites},
        {"miss_among_hits", 163 * 3},
        {"execute", 0}}},
      {"link", {{"link", kCountedSites}, {"miss", 2 * kCountedSites}, {"bulk_patch", 1}}},
      {"publish", {{"publish", 1024}, {"patch", 1024}, {"patch_execute", 1024}, {"execute", 0}}}};
  return counts;
}

}  // namespace

TEST_CASE("publishing: once for each scope where that is asked for", "[any-page-size]") {
  if (!why_unavailable(PublishMode::membarrier).empty()) return;
  const Counts each = {{"patch", kCountedSites},
                       {"patch_execute", kCountedSites},
                       {"miss", kCountedSites},
                       {"execute", 0}};
  const Counts once = {{"patch", kCountedSites / 10},
                       {"patch_execute", kCountedSites / 10},
                       {"miss", kCountedSites},
                       {"execute", 0}};
  for_each_cell([&](const CellFactory& cell) {
    if (cell.workload != "relink" || cell.strategy != "rwx") return;
    CHECK(barriers_of(cell, "membarrier", {{"batch", "10"}}) == each);
    CHECK(barriers_of(cell, "membarrier", {{"batch", "10"}, {"publish_per", "scope"}}) == once);
  });
}

TEST_CASE("publishing: once for each patch, in the cell's mode", "[any-page-size]") {
  if (const std::string reason = why_unavailable(PublishMode::membarrier); !reason.empty()) {
    WARN("skipped: " << reason);
    return;
  }
  for_each_cell([](const CellFactory& cell) {
    const auto counts = expected().find(std::string{cell.workload});
    if (counts == expected().end()) return;
    Counts nothing = counts->second;
    for (auto& [metric, count] : nothing) count = 0;
    const bool patches_code = strategy_info(cell.strategy).patches_code;
    if (strategy_info(cell.strategy).staged) {
      CHECK_THROWS_AS(barriers_of(cell, "membarrier"), Unsupported);
    } else {
      CHECK(barriers_of(cell, "membarrier") == (patches_code ? counts->second : nothing));
    }
    if (!publishing_does_something(PublishMode::none)) nothing.erase("publish");
    CHECK(barriers_of(cell, "none") == nothing);
  });
}

TEST_CASE("publishing: as many functions as make a mebibyte, and enough for the clock") {
  for (const auto& [bytes, count] :
       {std::pair{4U, 1024U}, std::pair{64U, 1024U}, std::pair{4096U, 256U}, std::pair{65536U, 16U},
        std::pair{1U << 20U, 4U}}) {
    INFO(bytes << " bytes");
    const PublishedFunctions functions = published_functions(bytes);
    CHECK(functions.count == count);
    CHECK(functions.patched_size == bytes);
    CHECK(functions.stride % 64 == 0);
    CHECK(functions.patched_at + bytes <= functions.stride);
    CHECK(functions.code[0].size() == functions.stride);
    CHECK(functions.code[1].size() == functions.stride);
    // One for each addend that is patched.
    const std::size_t addends = bytes < 64 ? 1 : bytes / 8 - 2;
    CHECK(functions.result[1] - functions.result[0] == addends);
  }
}

TEST_CASE("publishing: a cell of a mode that this machine lacks is refused with the reason") {
  for (const PublishModeInfo& mode : publish_modes()) {
    const CellRequest request = small_request("publish", {{"publish", std::string{mode.id}}});
    if (const std::string reason = why_unavailable(mode.mode); !reason.empty()) {
      CHECK_THROWS_WITH(prepared_publish_mode(request), reason);
    } else {
      CHECK(prepared_publish_mode(request) == mode.mode);
    }
  }
  CHECK(publish_mode_of({}) == PublishMode::none);
  CHECK(publish_mode_of({{"sites", "3"}}) == PublishMode::none);
}

}  // namespace patchbench
