// The program itself, as a person calls it.

#include <array>
#include <filesystem>
#include <string>

#include <patchbench_catch.hpp>
#include <stdio.h>
#include <sys/wait.h>

#include "analysis/sample_results_test.hpp"
#include "results/file.hpp"
#include "results/json.hpp"
#include "results/matchers_test.hpp"
#include "results/scratch_test.hpp"

namespace patchbench::analysis {
namespace {

using results::contains;
using results::starts_with;

namespace fs = std::filesystem;

struct Outcome {
  int code = -1;
  std::string said;  // stdout and stderr
};

Outcome bench_report(const std::string& arguments) {
  // The emulator is nothing where the kernel itself executes the program.
  const std::string command =
      std::string(PATCHBENCH_EMULATOR " " PATCHBENCH_BENCH_REPORT " ") + arguments + " 2>&1";
  FILE* pipe = ::popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  Outcome outcome;
  std::array<char, 4096> buffer{};
  for (std::size_t got = 1; got > 0;) {
    got = ::fread(buffer.data(), 1, buffer.size(), pipe);
    outcome.said.append(buffer.data(), got);
  }
  const int status = ::pclose(pipe);
  if (WIFEXITED(status)) outcome.code = WEXITSTATUS(status);
  return outcome;
}

/// A run's directory.
class Run {
 public:
  Run() { results::write_results(sample_run({.rounds = 3}).results, file()); }
  [[nodiscard]] fs::path file() const { return scratch_.path() / "results.json"; }
  [[nodiscard]] const fs::path& path() const { return scratch_.path(); }
  [[nodiscard]] const results::ScratchDirectory& scratch() const { return scratch_; }

 private:
  results::ScratchDirectory scratch_;
};

TEST_CASE("a run's directory gets its report, and again") {
  const Run run;
  for (int turn = 0; turn < 2; ++turn) {
    const Outcome outcome = bench_report(run.path().string());
    CHECK(outcome.code == 0);
    CHECK_THAT(outcome.said, contains("report.html"));
    CHECK_THAT(results::read_text(run.path() / "report.html"), contains("The result"));
  }
}

TEST_CASE("Markdown goes beside the results or where it is told") {
  const Run run;
  CHECK(bench_report(run.file().string() + " --format=markdown").code == 0);
  CHECK_THAT(results::read_text(run.path() / "report.md"), contains("## The result"));
  const fs::path other = run.path() / "a" / "b";
  CHECK(bench_report(run.path().string() + " --format=markdown --out=" + other.string()).code == 0);
  CHECK(fs::exists(other / "report.md"));
}

TEST_CASE("a report of other results is left alone") {
  const Run run;
  const results::ScratchDirectory other;
  const auto report = other.file("report.html", "somebody else's");
  const Outcome outcome = bench_report(run.path().string() + " --out=" + other.path().string());
  CHECK(outcome.code == 2);
  CHECK_THAT(outcome.said, contains("report.html exists") && contains("--out"));
  CHECK(results::read_text(report) == "somebody else's");
  // Results under another name have no directory of their own.
  fs::copy_file(run.file(), other.path() / "copy.json");
  CHECK(bench_report((other.path() / "copy.json").string()).code == 2);
  CHECK(results::read_text(report) == "somebody else's");
}

TEST_CASE("bad usage and bad input end with 2 and say what to do") {
  const Run run;
  const auto check = [](const std::string& arguments, const std::string& said) {
    CAPTURE(arguments);
    const Outcome outcome = bench_report(arguments);
    CHECK(outcome.code == 2);
    CHECK_THAT(outcome.said, contains(said));
  };
  check("", "results is required");
  check("/no/such/run", "/no/such/run does not exist");
  check(run.path().string() + " --format=latex", "markdown");
  check(run.path().string() + " --colour=red", "--colour");
  const results::ScratchDirectory empty;
  check(empty.path().string(), "has no results.json");
  check(empty.file("cut.json", "{\"schema_version\": 1,").string(), "cut.json");
  check(empty.file("later.json", "{\"schema_version\": 9}").string(), "reads version 1");
}

TEST_CASE("an output that cannot be written ends with 1 and names it") {
  const Run run;
  const auto file = run.scratch().file("file", "x");
  for (const char* format : {"html", "markdown"}) {
    const Outcome outcome = bench_report(
        run.path().string() + " --out=" + (file / "below").string() + " --format=" + format);
    CHECK(outcome.code == 1);
    CHECK_THAT(outcome.said, contains("below") && contains("--out"));
  }
}

TEST_CASE("help and version") {
  CHECK(bench_report("--help").code == 0);
  CHECK_THAT(bench_report("--help").said, contains("Examples:") && contains("Exit codes"));
  const Outcome version = bench_report("--version");
  CHECK(version.code == 0);
  CHECK_THAT(version.said, starts_with("bench-report "));
}

}  // namespace
}  // namespace patchbench::analysis
