// The program itself, as a person calls it.

#include <filesystem>
#include <functional>
#include <string>

#include <nlohmann/json.hpp>
#include <patchbench_catch.hpp>

#include "analysis/counted_results_test.hpp"
#include "analysis/sample_results_test.hpp"
#include "harness/programs/run_program_test.hpp"
#include "results/file.hpp"
#include "results/json.hpp"
#include "results/matchers_test.hpp"
#include "results/scratch_test.hpp"
#include "results/validator_test.hpp"

namespace patchbench::harness {
namespace {

using namespace analysis;

using results::contains;
using results::starts_with;
using Json = nlohmann::ordered_json;

namespace fs = std::filesystem;

Ended bench_report(const std::string& arguments) {
  return run_program(PATCHBENCH_BENCH_REPORT, arguments);
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

/// Results with simulated counts, or without.
fs::path counted(const results::ScratchDirectory& scratch, const std::string& name, bool emulated,
                 bool with_counts = true) {
  results::Results results = sample_run({.rounds = 3, .emulated = emulated}).results;
  results.context.arch = emulated ? "aarch64" : "x86_64";
  for (results::Cell& cell : results.cells) {
    if (!with_counts || cell.metrics.empty()) continue;
    results::Counter& counter = cell.counters.emplace_back();
    counter.name = "instructions";
    counter.source = "simulated";
    counter.scope = "user";
    counter.per = cell.metrics[0].name;
    counter.value = 22;
    counter.status = "ok";
  }
  fs::path file = scratch.path() / name;
  results::write_results(results, file);
  return file;
}

TEST_CASE("made-up runs of every kind are what the schema says") {
  const results::ScratchDirectory scratch;
  for (const SampleOptions& options :
       {SampleOptions{}, SampleOptions{.rounds = 1}, SampleOptions{.standard = true},
        SampleOptions{.rounds = 12, .deny_sysv = false, .crash_one = false},
        SampleOptions{.emulated = true}}) {
    const auto file = scratch.path() / "results.json";
    results::write_results(sample_run(options).results, file);
    CHECK(results::validator_errors(file).empty());
  }
  CHECK(results::validator_errors(counted(scratch, "counted.json", true)).empty());
  // And the validator can say no.
  const auto bad = scratch.file("bad.json", R"({"schema_version": 1})");
  if (results::validator_errors(scratch.path() / "none.json").empty()) return;  // not installed
  CHECK_THAT(results::validator_errors(bad), contains("'run' is a required property"));
}

TEST_CASE("a run's directory gets its report, and again") {
  const Run run;
  for (int turn = 0; turn < 2; ++turn) {
    const Ended outcome = bench_report(run.path().string());
    CHECK(outcome.code == 0);
    CHECK_THAT(outcome.said, contains("report.html"));
    CHECK_THAT(results::read_text(run.path() / "report.html"), contains("The result"));
  }
}

TEST_CASE("Markdown goes beside the results or where --out says") {
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
  const Ended outcome = bench_report(run.path().string() + " --out=" + other.path().string());
  CHECK(outcome.code == 2);
  CHECK_THAT(outcome.said, contains("report.html exists") && contains("--out"));
  CHECK(results::read_text(report) == "somebody else's");
  // Results under another name have no directory of their own.
  fs::copy_file(run.file(), other.path() / "copy.json");
  CHECK(bench_report((other.path() / "copy.json").string()).code == 2);
  CHECK(results::read_text(report) == "somebody else's");
}

TEST_CASE("samples go into a file of their own, for other programs") {
  const Run run;
  for (const auto& [format, name] :
       {std::pair("csv", "samples.csv"), std::pair("google-benchmark", "google-benchmark.json")}) {
    const std::string option = std::string(" --format=") + format;
    for (int turn = 0; turn < 2; ++turn) {
      const Ended ended = bench_report(run.path().string() + option);
      CHECK(ended.code == 0);
      CHECK_THAT(ended.said, contains(name));
    }
    CHECK_THAT(results::read_text(run.path() / name), contains("indirect-cell"));
    const results::ScratchDirectory other;
    const auto foreign = other.file(name, "somebody else's");
    CHECK(bench_report(run.path().string() + option + " --out=" + other.path().string()).code == 2);
    CHECK(results::read_text(foreign) == "somebody else's");
    const auto emulated = other.path() / "emulated.json";
    results::write_results(sample_run({.rounds = 3, .emulated = true}).results, emulated);
    const Ended refused = bench_report(emulated.string() + option);
    CHECK(refused.code == 2);
    CHECK_THAT(refused.said, contains("an emulator's times mean nothing"));
    const Ended several = bench_report(run.path().string() + " " + run.path().string() + option +
                                       " --out=" + other.path().string());
    CHECK(several.code == 2);
    CHECK_THAT(several.said, contains("one run at a time"));
  }
}

TEST_CASE("counters go into files of their own, each kind into its own") {
  const results::ScratchDirectory scratch;
  results::Results results = measured_run();
  const auto file = scratch.path() / "results.json";
  results::write_results(results, file);
  const std::string command = scratch.path().string() + " --format=csv";
  CHECK(bench_report(command).code == 0);
  CHECK(fs::exists(scratch.path() / "samples.csv"));
  CHECK_THAT(results::read_text(scratch.path() / "counters.csv"), contains("smc-clears"));
  CHECK_FALSE(fs::exists(scratch.path() / "simulated.csv"));
  results.cells.front().counters.push_back(
      event("", "simulated", "instructions", "user", "send", 1));
  results::write_results(results, file);
  CHECK(bench_report(command).code == 0);
  CHECK_THAT(results::read_text(scratch.path() / "simulated.csv"), contains(",simulated,"));
  CHECK_THAT(results::read_text(scratch.path() / "counters.csv"), !contains(",simulated,"));
  const results::ScratchDirectory other;
  (void)other.file("counters.csv", "somebody else's");
  CHECK(bench_report(command + " --out=" + other.path().string()).code == 2);
  CHECK_FALSE(fs::exists(other.path() / "samples.csv"));
}

TEST_CASE("numbers for LaTeX come with the package that reads them, of one run") {
  const results::ScratchDirectory scratch;
  const std::string file = counted(scratch, "x86.json", false, false).string();
  const fs::path out = scratch.path() / "paper";
  const std::string options = " --format=latex --out=" + out.string();
  CHECK(bench_report(file + options).code == 0);
  CHECK_THAT(results::read_text(out / "numbers.tex"), contains("\\pbset{run}{id}"));
  CHECK_THAT(results::read_text(out / "patchbench.sty"), contains("\\ProvidesPackage{patchbench}"));
  const Ended several = bench_report(file + " " + file + options);
  CHECK(several.code == 2);
  CHECK_THAT(several.said, contains("--format=latex takes one run at a time"));
}

TEST_CASE("several results become one page of machines, in both formats") {
  const results::ScratchDirectory scratch;
  const std::string both = counted(scratch, "x86.json", false).string() + " " +
                           counted(scratch, "arm.json", true).string();
  const std::string out = " --out=" + (scratch.path() / "out").string();
  for (const char* format : {"html", "markdown"}) {
    const std::string page = std::string("machines.") + (*format == 'h' ? "html" : "md");
    for (int turn = 0; turn < 2; ++turn) {  // its own page may be replaced
      const Ended outcome = bench_report(both + out + " --format=" + format);
      CHECK(outcome.code == 0);
      CHECK_THAT(outcome.said, contains(page));
    }
    const std::string text = results::read_text(scratch.path() / "out" / page);
    CHECK_THAT(text, contains("aarch64, emulated: instructions") && contains("22.00"));
    CHECK_THAT(text, contains("Which conclusion holds on which machine"));
    CHECK_THAT(text, !contains(" ns") && !contains("REGRESSION"));
  }
  CHECK_FALSE(fs::exists(scratch.path() / "out" / "report.html"));
  const auto foreign = scratch.file("machines.md", "my notes");
  const Ended outcome = bench_report(both + " --format=markdown --out=" + scratch.path().string());
  CHECK(outcome.code == 2);
  CHECK_THAT(outcome.said, contains("machines.md exists"));
  CHECK(results::read_text(foreign) == "my notes");
}

TEST_CASE("several results need a directory, and are at most ten") {
  const results::ScratchDirectory scratch;
  const std::string x86 = counted(scratch, "x86.json", false, false).string();
  const std::string out = " --out=" + (scratch.path() / "out").string();
  const Ended nowhere = bench_report(x86 + " " + x86);
  CHECK(nowhere.code == 2);
  CHECK_THAT(nowhere.said, contains("--out=DIR"));
  std::string many = x86;
  for (int i = 0; i < 9; ++i) many += " " + x86;
  CHECK(bench_report(many + out + " --format=markdown").code == 0);
  const Ended eleven = bench_report(many + " " + x86 + out);
  CHECK(eleven.code == 2);
  CHECK_THAT(eleven.said, contains("11 runs are too many"));
  CHECK_FALSE(fs::exists(scratch.path() / "out" / "machines.html"));
}

TEST_CASE("bad usage and bad input end with 2 and say what to do") {
  const Run run;
  const auto check = [](const std::string& arguments, const std::string& said) {
    CAPTURE(arguments);
    const Ended outcome = bench_report(arguments);
    CHECK(outcome.code == 2);
    CHECK_THAT(outcome.said, contains(said));
  };
  check("", "results is required");
  check("/no/such/run", "/no/such/run does not exist");
  check(run.path().string() + " --format=word", "markdown");
  check(run.path().string() + " --colour=red", "bench-report: unknown option '--colour'");
  const results::ScratchDirectory empty;
  check(empty.path().string(), "has no results.json");
  check(empty.file("later.json", "{\"schema_version\": 9}").string(), "reads versions 1");
}

TEST_CASE("damaged results end with 2 and say what is wrong, whatever becomes of them") {
  const Run run;
  const std::string text = results::read_text(run.file());
  const auto damaged = [&](const std::function<void(Json&)>& damage) {
    Json document = Json::parse(text);
    damage(document);
    return document.dump();
  };
  const auto sample = [&](double value) {
    return damaged([value](Json& j) { j["cells"][0]["metrics"][0]["samples"][1] = value; });
  };
  const auto check = [&](const std::string& content, const std::string& said) {
    const std::string file = run.scratch().file("damaged.json", content).string();
    const std::string out = " --out=" + (run.path() / "out").string();
    for (const char* format : {"html", "markdown", "csv", "google-benchmark"}) {
      const Ended ended = bench_report(file + out + " --format=" + format);
      CAPTURE(format);
      CHECK(ended.code == 2);
      CHECK_THAT(ended.said,
                 starts_with("bench-report: ") && contains("damaged.json") && contains(said));
    }
    CHECK_FALSE(fs::exists(run.path() / "out"));
  };
  check(text.substr(0, text.size() / 2), "ends in the middle of its JSON");
  check("", "damaged.json");
  check(damaged([](Json& j) { j["schema_version"] = 3; }), "reads versions 1");
  check(damaged([](Json& j) { j["cells"][1] = j["cells"][0]; }), "second time");
  check(sample(0), "cells[0].metrics[0].samples[1]");
  check(sample(-2.5), "-2.5");
}

TEST_CASE("an output that cannot be written ends with 1 and names it") {
  const Run run;
  const auto file = run.scratch().file("file", "x");
  for (const char* format : {"html", "markdown", "csv", "google-benchmark"}) {
    const Ended outcome = bench_report(run.path().string() + " --out=" + (file / "below").string() +
                                       " --format=" + format);
    CHECK(outcome.code == 1);
    CHECK_THAT(outcome.said, contains("below") && contains("--out"));
  }
}

TEST_CASE("help and version") {
  CHECK(bench_report("--help").code == 0);
  CHECK_THAT(bench_report("--help").said, contains("Examples:") && contains("Exit codes"));
  const Ended version = bench_report("--version");
  CHECK(version.code == 0);
  CHECK_THAT(version.said, starts_with("bench-report "));
}

}  // namespace
}  // namespace patchbench::harness
