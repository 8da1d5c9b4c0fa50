// The program itself, as a person or a CI job calls it.

#include <algorithm>
#include <filesystem>
#include <functional>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <patchbench_catch.hpp>

#include "analysis/sample_results_test.hpp"
#include "analysis/statistics/run_shift.hpp"
#include "harness/programs/run_program_test.hpp"
#include "results/file.hpp"
#include "results/json.hpp"
#include "results/matchers_test.hpp"
#include "results/scratch_test.hpp"

namespace patchbench::harness {
namespace {

using namespace analysis;

using results::contains;
using results::starts_with;
using Json = nlohmann::ordered_json;

namespace fs = std::filesystem;

Ended bench_compare(const std::string& arguments) {
  return run_program(PATCHBENCH_BENCH_COMPARE, arguments);
}

/// Two runs of the same costs, the second with what `change` makes of it.
class TwoRuns {
 public:
  explicit TwoRuns(const std::function<void(results::Results&)>& change = {}) {
    fs::create_directories(first());
    results::write_results(sample_run({.rounds = 12, .seed = 1}).results, first() / "results.json");
    results::Results other = sample_run({.rounds = 10, .seed = 2}).results;
    if (change) change(other);
    fs::create_directories(second());
    results::write_results(other, second() / "results.json");
  }
  [[nodiscard]] fs::path first() const { return scratch_.path() / "before"; }
  [[nodiscard]] fs::path second() const { return scratch_.path() / "after"; }
  [[nodiscard]] std::string both() const { return first().string() + " " + second().string(); }
  /// The second results file with a damage.
  [[nodiscard]] std::string damaged(const std::function<void(Json&)>& damage) const {
    Json document = Json::parse(results::read_text(second() / "results.json"));
    damage(document);
    return scratch_.file("damaged.json", document.dump()).string();
  }
  [[nodiscard]] const results::ScratchDirectory& scratch() const { return scratch_; }

 private:
  results::ScratchDirectory scratch_;
};

/// Where a terminal's width breaks a line is of no account.
std::string on_one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text;
}

void slow_down(results::Results& results, double factor) {
  for (auto& sample : results.cells[1].metrics[0].samples) *sample *= factor;
}

TEST_CASE("bench-compare: exit codes say what CI wants to know") {
  const TwoRuns same;
  const Ended plain = bench_compare(same.both());
  CHECK(plain.code == 0);
  CHECK_THAT(plain.said, contains("Ratios to rwx") && contains("0 faster, 0 slower"));
  const Ended kept = bench_compare(same.both() + " --max-regression=15%");
  CHECK(kept.code == 0);
  CHECK_THAT(on_one_line(kept.said),
             contains("limit 15 %: ") && contains(" metrics can show with these rounds"));
  const Ended open = bench_compare(same.both() + " --max-regression=0.5");
  CHECK(open.code == 4);
  CHECK_THAT(open.said, contains("cannot tell"));
  const TwoRuns slower([](auto& results) { slow_down(results, 1.4); });
  const Ended found = bench_compare(slower.both() + " --max-regression=3%");
  CHECK(found.code == 3);
  CHECK_THAT(found.said, contains("regression: 1 of more than 3 %"));
  CHECK(bench_compare(slower.both()).code == 0);
}

TEST_CASE("bench-compare: other environments are refused by name, or labelled") {
  const auto check = [](const std::string& said, auto change) {
    const TwoRuns runs([&](auto& results) { change(results.context); });
    const Ended refused = bench_compare(runs.both());
    CHECK(refused.code == 2);
    CHECK_THAT(refused.said, contains("the environments differ") && contains("  " + said + "\n") &&
                                 contains("--allow-env-diff"));
    CHECK_THAT(refused.said, !contains("Ratios to"));
    const Ended allowed = bench_compare(runs.both() + " --allow-env-diff");
    CHECK(allowed.code == 0);
    CHECK_THAT(on_one_line(allowed.said),
               contains("ENVIRONMENTS DIFFER") && contains("theirs: " + said + " ") &&
                   contains("Ratios to") && contains("of different environments: 1"));
  };
  check("kernel: Linux 6.1.0 and Linux 6.12", [](auto& c) { c.kernel = "Linux 6.12"; });
  check("governor: unknown and powersave", [](auto& c) { c.governor = "powersave"; });
  check("compiler: g++ 12.2.0 and clang 14", [](auto& c) { c.compiler = "clang 14"; });
  check("flags: -O2 and -O3 -DNDEBUG", [](auto& c) { c.flags = "-O3 -DNDEBUG"; });
}

TEST_CASE("bench-compare: on another processor nothing is faster, slower or a regression") {
  const auto check = [](const std::string& said, auto change) {
    CAPTURE(said);
    const TwoRuns runs([&](auto& results) {
      change(results.context);
      for (auto& cell : results.cells) {
        if (cell.strategy == "rwx") continue;
        for (auto& metric : cell.metrics) {
          for (auto& sample : metric.samples) {
            if (sample) *sample *= 2;
          }
        }
      }
    });
    CHECK(bench_compare(runs.both()).code == 2);
    const Ended allowed = bench_compare(runs.both() + " --allow-env-diff");
    CHECK(allowed.code == 0);
    CHECK_THAT(on_one_line(allowed.said), contains(said) && contains("without verdicts"));
    for (const char* word : {"faster", "slower", "REGRESSION", "verdict |"}) {
      CHECK_THAT(allowed.said, !contains(word));
    }
    const Ended limited = bench_compare(runs.both() + " --allow-env-diff --max-regression=5%");
    CHECK(limited.code == 2);
    CHECK_THAT(limited.said, contains("two processors") && contains("bench-report"));
  };
  check("Made-up CPU @ 3.00GHz and Another", [](auto& c) { c.cpu.model = "Another"; });
  check("x86_64 and aarch64", [](auto& c) { c.arch = "aarch64"; });
}

/// All calibrations times `factor`; none at all for 0.
void set_state(results::Results& results, double factor) {
  for (auto& cell : results.cells) {
    for (auto& metric : cell.metrics) {
      if (factor <= 0) metric.latency_ns.clear();
      for (auto& value : metric.latency_ns) {
        if (value) *value *= factor;
      }
    }
  }
}

TEST_CASE("bench-compare: other states of the machine are refused with both numbers, or labelled") {
  const TwoRuns runs([](auto& results) { set_state(results, 1.08); });
  const Ended refused = bench_compare(runs.both());
  CHECK(refused.code == 2);
  CHECK_THAT(refused.said, contains("one dependent multiplication took 1 ns in ") &&
                               contains("1.08 ns in ") && contains("8.0 % apart") &&
                               contains("two runs a side") && contains("--allow-state-diff") &&
                               !contains("Ratios to"));
  const Ended allowed = bench_compare(runs.both() + " --allow-state-diff");
  CHECK(allowed.code == 0);
  CHECK_THAT(allowed.said, contains("THE MACHINE WAS IN OTHER STATES") && contains("8.0 % apart"));
  CHECK(bench_compare(TwoRuns([](auto& results) { set_state(results, 1.02); }).both()).code == 0);
}

TEST_CASE("bench-compare: a run without calibrations needs a second one beside it") {
  const TwoRuns runs([](auto& results) { set_state(results, 0); });
  const Ended refused = bench_compare(runs.both());
  CHECK(refused.code == 2);
  CHECK_THAT(refused.said, contains("after has no calibrations"));
  const std::string first = runs.first().string();
  const std::string second = runs.second().string();
  const Ended several = bench_compare(first + "," + first + " " + second + "," + second);
  CHECK(several.code == 0);
  CHECK_THAT(on_one_line(several.said),
             contains("12 rounds; sample-") && contains("first run of each side"));
  CHECK(bench_compare(first + ", " + second).code == 2);
  CHECK(bench_compare(first + "," + first + "-no-such " + second).code == 2);
}

TEST_CASE("bench-compare: another host or revision is named, and no reason to refuse") {
  const TwoRuns runs([](auto& results) {
    results.context.host = "elsewhere";
    results.context.git = "fedcba987654";
  });
  const Ended ended = bench_compare(runs.both());
  CHECK(ended.code == 0);
  CHECK_THAT(ended.said, contains("Also different:") && contains("host: sample and elsewhere") &&
                             contains("revision: 0123456789ab and fedcba987654"));
}

TEST_CASE(
    "bench-compare: what is the same is what the runs call so, unless --delta says otherwise") {
  const TwoRuns same;
  CHECK_THAT(bench_compare(same.both()).said, contains("within 3 %"));
  const TwoRuns other([](auto& results) { results.run.delta = 0.015; });
  CHECK_THAT(bench_compare(other.both()).said, contains("within 1.5 %"));
  CHECK_THAT(bench_compare(other.both() + " --delta=4%").said, contains("within 4 %"));
}

TEST_CASE("bench-compare: an emulator's times compare with nothing") {
  const TwoRuns runs([](auto& results) { results.context.emulated = true; });
  for (const char* option : {"", " --allow-env-diff", " --allow-env-diff --absolute"}) {
    const Ended ended = bench_compare(runs.both() + option);
    CHECK(ended.code == 2);
    CHECK_THAT(ended.said, contains("the second is emulated"));
  }
}

TEST_CASE("bench-compare: times only when asked for, and labelled") {
  const TwoRuns runs;
  CHECK_THAT(bench_compare(runs.both()).said, !contains("Absolute times"));
  CHECK_THAT(bench_compare(runs.both() + " --absolute").said, contains("Absolute times"));
}

TEST_CASE("bench-compare: bad results end with 2 and say what is wrong") {
  const TwoRuns runs;
  const std::string first = runs.first().string();
  const auto check = [&](const std::string& second, const std::string& said) {
    CAPTURE(second);
    for (const bool damaged_first : {false, true}) {
      const std::string& one = damaged_first ? second : first;
      const std::string& other = damaged_first ? first : second;
      const Ended ended = bench_compare(fmt::format("{} {}", one, other));
      CHECK(ended.code == 2);
      CHECK_THAT(ended.said, starts_with("bench-compare: ") && contains(said));
    }
  };
  const std::string text = results::read_text(runs.second() / "results.json");
  check(runs.scratch().file("cut.json", text.substr(0, text.size() / 2)).string(),
        "ends in the middle of its JSON");
  check(runs.scratch().file("empty.json", "").string(), "empty.json");
  check(runs.damaged([](Json& j) { j["schema_version"] = 3; }), "reads versions 1");
  check(runs.damaged([](Json& j) { j["cells"][1] = j["cells"][0]; }), "second time");
  check(runs.damaged([](Json& j) { j["cells"] = Json::array(); }), "no case in common");
  check(runs.damaged([](Json& j) { j["cells"][0]["metrics"][0]["samples"][1] = 0; }), "is 0");
  check(runs.damaged([](Json& j) { j["cells"][0]["metrics"][0]["samples"][1] = -2.5; }), "-2.5");
  check("/no/such/run", "/no/such/run");
  check(runs.scratch().path().string(), "results.json");
}

TEST_CASE("bench-compare: bad usage ends with 2 and names the option") {
  const TwoRuns runs;
  const auto check = [](const std::string& arguments, const std::string& said) {
    CAPTURE(arguments);
    const Ended ended = bench_compare(arguments);
    CHECK(ended.code == 2);
    CHECK_THAT(ended.said, contains(said));
  };
  check("", "first is required");
  check(runs.first().string(), "second is required");
  check(runs.both() + " third", "unexpected argument 'third'");
  check(runs.both() + " --max-regresion=3", "did you mean --max-regression?");
  check(runs.both() + " --format=htm", "--format: unknown value 'htm': did you mean 'html'?");
  check(runs.both() + " --delta=", "--delta= has an empty value");
  for (const char* odd : {"fast", "-1", "3%%", "%", "100%", "nan", "inf", "3x"}) {
    check(runs.both() + " --max-regression=" + odd, "--max-regression");
    check(runs.both() + " --delta=" + odd, "--delta");
  }
  check(runs.both() + " --delta=0", "--delta: '0' is not a percentage above 0 and below 100");
  CHECK(bench_compare(runs.both() + " --max-regression=0%").code == 4);
}

TEST_CASE("bench-compare: help and version") {
  const Ended help = bench_compare("--help");
  CHECK(help.code == 0);
  CHECK_THAT(help.said, contains("Examples:") && contains("Exit codes") &&
                            contains("--max-regression") && contains("--allow-env-diff"));
  const auto rounds = [](double scatter, double limit, int runs) {
    return analysis::rounds_needed(scatter, limit, runs).value_or(0);
  };
  CHECK_THAT(on_one_line(help.said),
             contains(fmt::format("needs {} rounds for a limit of 10 % and {} for 5 %; where it "
                                  "scatters by 10 %, {} and {}.",
                                  rounds(0.03, 0.1, 1), rounds(0.03, 0.05, 1), rounds(0.1, 0.1, 1),
                                  rounds(0.1, 0.05, 1))));
  CHECK(rounds(0.001, 0.03, 1) == 0);
  CHECK_THAT(on_one_line(help.said),
             contains(fmt::format("two runs a side need {} each, or {}.", rounds(0.03, 0.03, 2),
                                  rounds(0.1, 0.03, 2))));
  CHECK(bench_compare("--version").code == 0);
  CHECK_THAT(bench_compare("--version").said, starts_with("bench-compare "));
}

}  // namespace
}  // namespace patchbench::harness
