// bench-run under a policy.
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <patchbench_catch.hpp>

#include "harness/process/forked.hpp"
#include "harness/programs/look_up_test.hpp"
#include "harness/programs/subprocess_test.hpp"
#include "harness/programs/temporary_directory_test.hpp"
#include "results/json.hpp"
#include "strategies/apply_policy.hpp"

namespace patchbench::harness {
namespace {

struct UnderPolicy {
  explicit UnderPolicy(const std::string& policy) {
    Start start;
    start.program = PATCHBENCH_BENCH_RUN;
    start.arguments = {
        "--policy=" + policy, "--workload=zone",       "--param=kib=64",           "--rounds=1",
        "--no-report",        "--out=" + out.string(), "--strategy=rwx,memfd-dual"};
    finished = run_fake(start);
    if (finished.exit_code == 0) results = results::read_results(out);
  }
  [[nodiscard]] const results::StrategyStatus& strategy(std::string_view id) const {
    const auto found = std::ranges::find(results.strategies, id, &results::StrategyStatus::id);
    REQUIRE(found != results.strategies.end());
    return *found;
  }
  [[nodiscard]] results::CellStatus cell(std::string_view strategy) const {
    const auto found = std::ranges::find(results.cells, strategy, &results::Cell::strategy);
    REQUIRE(found != results.cells.end());
    return found->status;
  }

  TemporaryDirectory directory;
  std::filesystem::path out = directory / "out";
  Finished finished;
  results::Results results;
};

/// Where it cannot, bench-run says so, which is what is left to test.
bool can_be_set(Policy policy) {
  return run_forked([policy] { return apply(policy).reason; }).text.empty();
}

TEST_CASE("a policy is set in what measures, and what it refuses is a row", "[everywhere]") {
  const UnderPolicy run("mdwe");
  INFO(run.finished.errors);
  if (!can_be_set(Policy::mdwe)) {
    CHECK(run.finished.exit_code == 2);
    CHECK(says(run.finished.errors, "--policy=mdwe: it cannot be set here: prctl"));
    return;
  }
  REQUIRE(run.finished.exit_code == 0);
  CHECK(run.results.context.policy == "mdwe");
  CHECK(run.strategy("rwx").status == results::Availability::denied);
  CHECK(run.strategy("rwx").error == "EACCES");
  CHECK(run.cell("rwx") == results::CellStatus::denied);
  CHECK(run.results.baseline == "memfd-dual");
  CHECK(run.cell("memfd-dual") == results::CellStatus::ok);
}

// It is another process than the one that was started which measures.
TEST_CASE("cases are measured in a PID namespace of their own, too") {
  const UnderPolicy run("memfd-noexec");
  INFO(run.finished.errors);
  if (!can_be_set(Policy::memfd_noexec)) {
    CHECK(run.finished.exit_code == 2);
    CHECK(says(run.finished.errors, "--policy=memfd-noexec: it cannot be set here"));
    return;
  }
  REQUIRE(run.finished.exit_code == 0);
  CHECK(run.results.context.policy == "memfd-noexec");
  CHECK(run.cell("rwx") == results::CellStatus::ok);
  CHECK(run.cell("memfd-dual") == results::CellStatus::ok);
}

TEST_CASE("a policy that this kernel does not have is bad usage, and nothing is measured") {
  if (can_be_set(Policy::selinux)) {
    WARN("not tested: this kernel enforces SELinux");
    return;
  }
  const UnderPolicy run("selinux");
  CHECK(run.finished.exit_code == 2);
  CHECK(says(run.finished.errors, "--policy=selinux: it cannot be set here: this kernel"));
  CHECK_FALSE(std::filesystem::exists(run.out));
}

}  // namespace
}  // namespace patchbench::harness
