// --counters=SET,EVENT from outside: over cells whose instructions are known, over real ones, and
// on machines that count nothing.
#include <algorithm>
#include <cerrno>
#include <cmath>
#include <filesystem>
#include <limits>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include <patchbench_catch.hpp>

#include "harness/programs/look_up_test.hpp"
#include "harness/programs/subprocess_test.hpp"
#include "harness/programs/temporary_directory_test.hpp"
#include "results/journal.hpp"
#include "results/json.hpp"
#include "results/validator_test.hpp"

namespace patchbench::harness {
namespace {

using results::Counter;

/// A run into DIR/out, one round, without a report.
class MeasuredRun {
 public:
  explicit MeasuredRun(std::vector<std::string> arguments, Start start = {}) {
    start.arguments = std::move(arguments);
    start.arguments.insert(start.arguments.end(), {"--rounds=1", "--no-report", "--out=" + out()});
    finished = run_fake(start);
  }

  [[nodiscard]] std::string out() const { return (directory / "out").string(); }
  [[nodiscard]] results::Results results() const {
    INFO(finished.errors);
    REQUIRE(finished.exit_code == 0);
    CHECK(results::validator_errors(out()).empty());
    return results::read_results(out());
  }

  TemporaryDirectory directory;
  Finished finished;
};

struct Asked {
  std::string_view name;
  std::string_view scope;
  std::string_view per;
  std::string_view source = "hardware";
};

const Counter* find(const results::Results& results, std::string_view cell, const Asked& asked) {
  const auto found = std::ranges::find_if(
      results.cells, [cell](const results::Cell& one) { return one.id.starts_with(cell); });
  REQUIRE(found != results.cells.end());
  const auto counter = std::ranges::find_if(found->counters, [&](const Counter& one) {
    return one.name == asked.name && one.scope == asked.scope && one.per == asked.per &&
           one.source == asked.source;
  });
  return counter == found->counters.end() ? nullptr : &*counter;
}

const Counter& counter_of(const results::Results& results, std::string_view cell,
                          const Asked& asked) {
  INFO(cell << ": " << asked.name << " " << asked.scope << " per " << asked.per);
  const Counter* counter = find(results, cell, asked);
  REQUIRE(counter != nullptr);
  return *counter;
}

/// Whether the machine counted it; if not, the reason is there and nothing else.
bool counted(const Counter& counter) {
  if (counter.status == "ok" || counter.status == "multiplexed") {
    CHECK(counter.value.has_value());
    return true;
  }
  CHECK_FALSE(counter.value.has_value());
  CHECK_FALSE(counter.reason.empty());
  WARN("not tested: " << counter.name << ": " << counter.reason);
  return false;
}

constexpr const char* kFakeCell = "zone/rwx/";

MeasuredRun fake(const char* counters, Start start = {}) {
  return MeasuredRun({"--strategy=rwx", "--workload=zone", counters}, std::move(start));
}

}  // namespace

TEST_CASE("known work has known counts, and what prepares it is not counted", "[everywhere]") {
  const MeasuredRun run = fake("--counters=instructions");
  const results::Results results = run.results();
  const Counter& send = counter_of(results, kFakeCell, {"instructions", "user", "send"});
  const Counter& patch = counter_of(results, kFakeCell, {"instructions", "user", "patch"});
  if (!counted(send)) return;
  // 200 additions in memory: 100 sends, or 10 patches; what prepares a patch are 1,000.
  const double addition = *send.value * 100 / 200;
  CHECK(addition >= 1);
  CHECK(addition < (PATCHBENCH_SANITIZED ? 200 : 20));
  CHECK(std::abs(*patch.value * 10 / 200 - addition) < 0.2 * addition);
  CHECK(send.samples == std::vector<double>{*send.value});
  CHECK(send.set.empty());  // asked for by its own name
  CHECK(send.time_enabled.has_value());
  REQUIRE(results.context.counting.has_value());
  CHECK(results.context.counting->rounds == 1);
  CHECK(results.context.counting->counters > 0);
  CHECK(results.context.counting->read_path.has_value());
  CHECK(results.context.counting->read_ns > 0);
}

TEST_CASE(
    "events of every source are read by the cheapest path, and the record says what each costs") {
  const results::Results results = fake("--counters=instructions,minor-faults").results();
  REQUIRE(results.context.counting.has_value());
  const results::Counting& counting = *results.context.counting;
  for (const char* source : {"hardware", "software"}) {
    double used = 0;
    double cheapest = std::numeric_limits<double>::infinity();
    for (const results::ReadCost& read : counting.reads) {
      if (read.source == source) {
        cheapest = std::min(cheapest, read.ns);
        used += read.used ? read.ns : 0;
      }
    }
    if (cheapest == std::numeric_limits<double>::infinity()) {
      WARN("not tested: nothing of source " << source << " is counted here");
      continue;
    }
    INFO(source);
    CHECK(used == cheapest);
  }
  const bool by_instruction = counting.read_path.has_value() && *counting.read_path != "read";
  CHECK(by_instruction == std::ranges::any_of(counting.reads, [](const results::ReadCost& read) {
          return read.used && read.path != "read";
        }));
}

TEST_CASE("the time that a run announces has its counting in it") {
  const auto announced_s = [](const char* counters) {
    const Finished finished =
        run_fake({.arguments = {"--strategy=rwx", "--workload=zone", "--preset=paper", "--dry-run",
                                "--rounds=1", counters}});
    REQUIRE(finished.exit_code == 0);
    std::smatch match;
    REQUIRE(std::regex_search(finished.output, match, std::regex("about ([0-9]+):([0-9]+)")));
    return 60 * std::stoi(match[1]) + std::stoi(match[2]);
  };
  CHECK(announced_s("--counters=cpu-time-ns") > announced_s("--counters=none"));
}

TEST_CASE("a set is rows for user code and for the kernel, each with a value or a reason") {
  const MeasuredRun run = fake("--counters=auto");
  const results::Results results = run.results();
  for (const char* name : {"cycles", "indirect-branch-misses", "l1i-misses", "smc-clears"}) {
    for (const char* scope : {"user", "kernel"}) {
      const Counter& counter = counter_of(results, kFakeCell, {name, scope, "send"});
      static_cast<void>(counted(counter));
      CHECK((counter.set == "prefetch" || counter.set == "icache"));
    }
  }
  // More than any processor counts at once, and none of them in turns.
  for (const Counter& counter : results.cells.front().counters) {
    CHECK(counter.status != "multiplexed");
  }
}

TEST_CASE("modifiers choose whose events are counted") {
  const results::Results results = fake("--counters=cycles:u,PAGE-FAULTS:k").results();
  static_cast<void>(counter_of(results, kFakeCell, {"cycles", "user", "send"}));
  CHECK(find(results, kFakeCell, {"cycles", "kernel", "send"}) == nullptr);
  static_cast<void>(counter_of(results, kFakeCell, {"PAGE-FAULTS", "kernel", "send", "software"}));
  CHECK(find(results, kFakeCell, {"PAGE-FAULTS", "user", "send", "software"}) == nullptr);
}

TEST_CASE("counts are the same whether a simulator or the processor counts instructions") {
  const MeasuredRun run({"--strategy=rwx,indirect-cell", "--workload=mic", "--param", "sites=64",
                         "--counters=prefetch,simulated"},
                        {.program = PATCHBENCH_BENCH_RUN});
  const results::Results results = run.results();
  for (const char* cell : {"mic/rwx/", "mic/indirect-cell/", "mic/floor/"}) {
    INFO(cell);
    const Counter& measured = counter_of(results, cell, {"instructions", "user", "send"});
    const Counter& simulated =
        counter_of(results, cell, {"instructions", "user", "send", "simulated"});
    if (!counted(measured) || !counted(simulated)) return;
    CHECK(std::abs(*measured.value - *simulated.value) < 0.02 * *simulated.value);
  }
  // A call through a cell is an indirect branch; a linked send has none.
  const Counter& linked = counter_of(results, "mic/rwx/", {"indirect-branches", "user", "send"});
  const Counter& cell =
      counter_of(results, "mic/indirect-cell/", {"indirect-branches", "user", "send"});
  if (counted(linked) && counted(cell) && !results.context.emulated) {
    CHECK(*linked.value < 0.1);
    CHECK(std::abs(*cell.value - 1) < 0.1);
  }
}

TEST_CASE("the kernel's share of a patch is counted apart") {
  const MeasuredRun run({"--strategy=rwx,mprotect-toggle", "--workload=relink", "--param",
                         "sites=64", "batch=1", "--counters=instructions"},
                        {.program = PATCHBENCH_BENCH_RUN});
  const results::Results results = run.results();
  const Counter& toggle =
      counter_of(results, "relink/mprotect-toggle/", {"instructions", "kernel", "patch"});
  const Counter& rwx = counter_of(results, "relink/rwx/", {"instructions", "kernel", "patch"});
  if (counted(toggle) && counted(rwx)) {
    CHECK(*toggle.value > 500);
    CHECK(*rwx.value < 50);
  }
}

TEST_CASE("a machine that may not count is no failure, and says what to do") {
  struct Refusal {
    int error;
    std::string_view words;
  };
  for (const Refusal& refusal :
       {Refusal{EACCES, "kernel.perf_event_paranoid"}, Refusal{EPERM, "CAP_PERFMON"},
        Refusal{ENOSYS, "no such call"}, Refusal{ENOENT, "no counter for the event"}}) {
    INFO(refusal.error);
    const MeasuredRun run = fake("--counters=auto", {.perf_event_error = refusal.error});
    if (run.finished.exit_code == kNotFiltered) {
      WARN("not tested: this kernel takes no seccomp filter");
      return;
    }
    const results::Results results = run.results();
    const Counter& cycles = counter_of(results, kFakeCell, {"cycles", "user", "send"});
    CHECK(cycles.status == "unavailable");
    CHECK_FALSE(cycles.value.has_value());
    CHECK(says(cycles.reason, refusal.words));
    REQUIRE(results.context.counting.has_value());
    CHECK_FALSE(results.context.counting->counters.has_value());
    CHECK_FALSE(results.context.counting->read_path.has_value());
    CHECK_FALSE(says(run.finished.errors, "perf_event"));  // nobody asked for it
  }
}

TEST_CASE("a resumed run counts what was not counted") {
  const MeasuredRun run = fake("--counters=cycles");
  results::Results results = run.results();
  const std::filesystem::path journal = std::filesystem::path(run.out()) / "samples.jsonl";
  const auto entries = results::read_journal(journal);
  const auto is_counted = [](const results::JournalEntry& entry) {
    return entry.counted == "measured";
  };
  const auto lines = std::ranges::count_if(entries, is_counted);
  CHECK(lines > 1);

  std::filesystem::remove(journal);
  {
    results::JournalWriter writer(journal);
    bool first = true;
    for (const results::JournalEntry& entry : entries) {
      if (!is_counted(entry) || first) {
        first = first && !is_counted(entry);
        writer.append(entry);
      }
    }
  }
  results.run.interrupted = true;
  results::write_results(results, std::filesystem::path(run.out()) / "results.json");
  const Finished resumed =
      run_fake({.arguments = {"--resume=" + run.out(), "--quiet", "--no-report"}});
  INFO(resumed.errors);
  CHECK(resumed.exit_code == 0);
  const auto again = results::read_journal(journal);
  CHECK(std::ranges::count_if(again, is_counted) == lines);
  CHECK(again.size() == entries.size());
}

}  // namespace patchbench::harness
