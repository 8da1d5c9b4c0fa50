#include "analysis/quantity/quantities.hpp"

#include <string>

#include <patchbench_catch.hpp>

#include "analysis/counted_results_test.hpp"
#include "results/matchers_test.hpp"

namespace patchbench::analysis {
namespace {

using results::contains;
using results::starts_with;

const results::Params kRelink = {{"sites", std::int64_t{1024}}, {"batch", std::int64_t{1}}};

Key event_of(const char* strategy, const char* beside) {
  return {"relink", kRelink, "patch", beside, strategy, "vma", "tlb-flushes", "both"};
}

TEST_CASE("quantities: a value is found by its key, whatever it is of") {
  const results::Results results = measured_run();
  const Quantities run(results);
  const Quantity time = run.time({"relink", kRelink}, "mprotect-toggle", "patch");
  REQUIRE(time.value);
  CHECK(time.value == time.metric->median);
  CHECK(time.ratio->baseline == "rwx");
  CHECK(run.at(event_of("mprotect-toggle", "")).value == 2);
  CHECK(run.at(event_of("mprotect-toggle", "busy-thread")).value == 5.97);
  Key memory{"relink", kRelink, {}, {}, "rwx", kMemory, "mapped_kib", {}};
  CHECK(run.at(memory).value == 1024);
  CHECK(run.find(memory) != nullptr);
  memory.name = "vmas_open";
  CHECK(run.find(memory) == nullptr);
}

TEST_CASE("quantities: what has no value has a reason") {
  const results::Results results = measured_run();
  const Quantities run(results);
  CHECK_THAT(why(run, run.at(event_of("file-dual", ""))), starts_with("crashed: killed by SIGBUS"));
  CHECK_THAT(why(run, run.time({"relink", kRelink}, "sysv-shm", "patch")),
             contains("seccomp filter"));
  CHECK(why(run, run.time({"relink", {}}, "rwx", "patch")) == "not part of this run");
  CHECK(why(run, run.time({"relink", kRelink}, "rwx", "send")) == "not measured");
  const results::Results closed = measured_run({.tracepoints = false});
  const Quantities without(closed);
  CHECK(why(without, without.at(event_of("rwx", ""))) == kNoTracefs);
  Key other = event_of("rwx", "");
  other.name = "never-asked-for";
  CHECK(why(without, without.at(other)) == kNoTracefs);  // its set says why
}

TEST_CASE("quantities: strategies stand before controls, and everything in the run's order") {
  const results::Results results = measured_run();
  const Quantities run(results);
  const auto& ids = run.strategies();
  const auto at = [&](const char* id) { return std::ranges::find(ids, id); };
  CHECK(at("rwx") == ids.begin());
  CHECK(at("indirect-cell") < at("floor"));
  CHECK(at("again") < ids.end());  // only cells have it
  CHECK(workloads(run).front() == "mic");
  CHECK(param_sets(run, "mic").size() == 2);
  CHECK(run.of(results.cells.front()).front().set == kCells);
  CHECK(run.of(results.cells.back()).back().cell == &results.cells.back());
}

TEST_CASE("strategies stand in the order of the run, before the controls") {
  results::Results results;
  for (const char* id : {"zz-new", "again", "indirect-cell", "yy-new"}) {
    results.cells.emplace_back();
    results.cells.back().strategy = id;
  }
  results.strategies.resize(3);
  results.strategies[0].id = "yy-new";
  results.strategies[0].role = results::Role::control;
  results.strategies[1].id = "memfd-dual";
  results.strategies[2].id = "floor";
  const Quantities run(results);
  CHECK(run.strategies() == std::vector<std::string>{"memfd-dual", "zz-new", "indirect-cell",
                                                     "yy-new", "floor", "again"});
  CHECK(run.is_control("yy-new"));
  // Of those that a file says nothing about the palette does.
  CHECK(run.is_control("floor"));
  CHECK_FALSE(run.is_control("memfd-dual"));
  CHECK_FALSE(run.is_control("zz-new"));
}

TEST_CASE("quantities: an emulator's counts of time are nobody's") {
  results::Results results = measured_run({.emulated = true});
  results.cells[0].counters = {event("", "software", "harness-overhead-ns", "user", "send", 3),
                               event("", "software", "code-bytes", "user", "site", 16)};
  const auto names_of = [&] {
    return distinct(
        Quantities(results), [](const Quantity& one) { return one.set == kFacts; },
        [](const Quantity& one) { return one.name; });
  };
  const auto has = [](const auto& names, const char* name) {
    return std::ranges::find(names, name) != names.end();
  };
  CHECK_FALSE(has(names_of(), "harness-overhead-ns"));
  CHECK(has(names_of(), "code-bytes"));
  results.context.emulated = false;
  CHECK(has(names_of(), "harness-overhead-ns"));
}

}  // namespace
}  // namespace patchbench::analysis
