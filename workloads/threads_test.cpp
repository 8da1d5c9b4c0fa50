// Sends that other threads execute while their sites are patched: does any of them ever pair a tag
// with another class's target?
#include "workloads/threads.hpp"

#include <csignal>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include <patchbench_catch.hpp>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "strategies/mapping.hpp"
#include "strategies/registry.hpp"
#include "workloads/cell_fixture_test.hpp"
#include "workloads/send/architecture.hpp"

namespace patchbench {
namespace {

/// Few sites, so that an executor is in the one that is patched as often as can be.
constexpr const char* kFewSites = "2";

ThreadsRequest request_of(std::string_view protocol, unsigned executors) {
  return {.protocol = send::protocol_of(protocol),
          .executors = executors,
          .sends = 1024,
          .processors = {}};
}

template <class Strategy>
void patch_beside_executors(std::string_view protocol, unsigned executors, std::uint64_t patches,
                            std::uint64_t sends) {
  INFO(Strategy::kId << ", " << protocol << ", executors: " << executors);
  const CellRequest request = small_request("threads", {{"sites", kFewSites}});
  ThreadsCell<Strategy> cell{send::describe_two_class_sites(request),
                             request_of(protocol, executors)};
  cell.check();
  std::uint64_t done = 0;
  std::uint64_t executed = 0;
  while (done < patches || executed < sends) {
    executed += cell.patch_while_executing(1000);
    done += 1000;
  }
  CHECK(cell.wrong() == 0);
}

template <class Strategy>
void under_each_protocol(std::uint64_t patches, std::uint64_t sends) {
  if constexpr (Threads::unsupported<Strategy>().empty()) {
    const StrategyEntry* entry = nullptr;
    for (const StrategyEntry& one : strategies()) {
      if (one.info.id == Strategy::kId) entry = &one;
    }
    REQUIRE(entry != nullptr);
    if (!is_allowed(*entry)) return;
    for (const std::string_view protocol : send::kProtocols) {
      if (!send::why_no_protocol<Strategy>(send::protocol_of(protocol)).empty()) continue;
      if (!send::why_protocol_unavailable(protocol).empty()) continue;
      patch_beside_executors<Strategy>(protocol, 1, patches, sends);
    }
  }
}

template <class... Strategies>
void each_strategy(std::uint64_t patches, std::uint64_t sends, std::tuple<Strategies...>*) {
  (under_each_protocol<Strategies>(patches, sends), ...);
}

}  // namespace

TEST_CASE("threads: no executor pairs a tag with another class's target") {
  each_strategy(1'000, 20'000, static_cast<StrategyList*>(nullptr));
}

TEST_CASE("threads: 10^7 sends and 10^5 patches a strategy and protocol", "[.slow]") {
  each_strategy(100'000, 10'000'000, static_cast<StrategyList*>(nullptr));
}

TEST_CASE("threads: who meets a breakpoint goes on as the new call would") {
  if (const std::string reason = send::Breakpoints::why_unavailable(); !reason.empty()) {
    WARN("not tested: " << reason);
    return;
  }
  const CellRequest request = small_request("threads", {{"sites", kFewSites}});
  ThreadsCell<FileDual> cell{send::describe_two_class_sites(request), request_of("int3", 1)};
  cell.check();
  const std::uint64_t before = send::Breakpoints::hits();
  // Where executor and patching thread share a processor they meet when one loses it.
  for (int turn = 0; turn < 1000 && send::Breakpoints::hits() == before; ++turn) {
    cell.patch_while_executing(200);
  }
  CHECK(send::Breakpoints::hits() > before);
  CHECK(cell.wrong() == 0);
}

TEST_CASE("threads: a breakpoint that nobody announced ends the process, as it would without us") {
  if (!send::Breakpoints::why_unavailable().empty()) return;
  const Mapping code = Mapping::anonymous(page_size(), PROT_READ | PROT_WRITE | PROT_EXEC, {});
  std::memcpy(code.address(), &send::NativeArchitecture::kTrapWord,
              sizeof send::NativeArchitecture::kTrapWord);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const send::Breakpoints ours;
    ExecAddress{code.address()}.as_function<void()>()();
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGTRAP);
}

TEST_CASE("threads: more executors than this machine has processors") {
  patch_beside_executors<Rwx>("stop-the-world", 5, 200, 0);
  patch_beside_executors<IndirectCell>("cells", 5, 200, 0);
}

TEST_CASE("threads: without executors a patch costs what the protocol does by itself") {
  const CellRequest request = small_request("threads");
  ThreadsCell<MemfdDual> cell{send::describe_two_class_sites(request),
                              request_of("stop-the-world", 0)};
  cell.check();
  REQUIRE(cell.measurements().size() == 1);
  CHECK(cell.measurements().front().metric == "patch_beside_executors");
}

TEST_CASE("threads: each measurement runs, and counts what it says") {
  const CellRequest request = small_request("threads");
  ThreadsCell<IndirectCell> cell{send::describe_two_class_sites(request), request_of("cells", 1)};
  cell.check();
  for (const Measurement& measured : cell.measurements()) {
    INFO(measured.metric);
    for (int run = 0; run < 2; ++run) {
      measured.prepare(measured.self);
      measured.run(measured.self);
    }
  }
  const std::vector<SiteCounter> counters = cell.counters();
  const auto max = std::ranges::find(counters, "visible-max-ns", &SiteCounter::name);
  REQUIRE(max != counters.end());
  CHECK(max->value > 0);
}

TEST_CASE("threads: a protocol that a strategy cannot have is refused with its reason") {
  const auto make = [](std::string_view strategy, const char* protocol) {
    const CellFactory* cell = find_cell(strategy, "threads");
    REQUIRE(cell != nullptr);
    const CellRequest request = small_request("threads", {{"protocol", protocol}});
    REQUIRE(cell->unsupported_at != nullptr);
    CHECK_FALSE(cell->unsupported_at(request.params).empty());
    CHECK_THROWS_AS(cell->make(request), Unsupported);
  };
  make("mprotect-toggle", "membarrier");
  make("rwx", "cells");
  make("indirect-cell", "int3");
  make("pwrite-memfd", "membarrier");
}

TEST_CASE("threads: an executor that pairs a tag with another class's target is noticed") {
  const CellRequest request = small_request("threads");
  const send::TwoClassSites sites = send::describe_two_class_sites(request);
  ThreadsCell<Rwx> cell{sites, request_of("stop-the-world", 1)};
  cell.check();
  auto& machine = cell.machine();
  const std::uint32_t never_patched = machine.plan().walks.front().sites.back();
  machine.retarget(never_patched, machine.read_site(never_patched).target,
                   machine.mic_value(never_patched, sites.second[never_patched]).target);
  cell.patch_while_executing(1);
  CHECK(cell.wrong() > 0);
  CHECK_THROWS_AS(cell.counters(), WrongResult);
}

}  // namespace patchbench
