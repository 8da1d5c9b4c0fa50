#include "results/json.hpp"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <system_error>
#include <vector>

#include <nlohmann/json.hpp>
#include <patchbench_catch.hpp>

#include "results/file.hpp"
#include "results/matchers_test.hpp"
#include "results/sample_test.hpp"
#include "results/scratch_test.hpp"

namespace patchbench::results {
namespace {

using Document = nlohmann::ordered_json;

std::string error_of(const std::string& text) {
  try {
    (void)from_json_text(text, "some.json");
  } catch (const FormatError& error) {
    return error.what();
  }
  return "no error";
}

std::uint64_t bits(double value) {
  std::uint64_t raw = 0;
  std::memcpy(&raw, &value, sizeof raw);
  return raw;
}

struct Damage {
  const char* what;
  std::function<void(Document&)> apply;
  std::vector<std::string> message;  // all of these stand in the error
};

std::vector<Damage> damages_above_cells() {
  return {
      {"a later schema",
       [](Document& j) { j["schema_version"] = 3; },
       {"schema_version: is 3", "reads versions 1 to 2"}},
      {"schema as text",
       [](Document& j) { j["schema_version"] = "1"; },
       {"schema_version: must be an integer"}},
      {"no schema",
       [](Document& j) { j.erase("schema_version"); },
       {"has no member \"schema_version\""}},
      {"no run", [](Document& j) { j.erase("run"); }, {"has no member \"run\""}},
      {"an empty run id", [](Document& j) { j["run"]["id"] = ""; }, {"run.id: must not be empty"}},
      {"rounds 0", [](Document& j) { j["run"]["rounds"] = 0; }, {"run.rounds", "is 0"}},
      {"rounds 2.5",
       [](Document& j) { j["run"]["rounds"] = 2.5; },
       {"run.rounds: must be an integer"}},
      {"rounds beyond int", [](Document& j) { j["run"]["rounds"] = 1LL << 40; }, {"run.rounds"}},
      {"a delta of everything",
       [](Document& j) { j["run"]["delta"] = 1; },
       {"run.delta: must be below 1"}},
      {"a delta of nothing",
       [](Document& j) { j["run"]["delta"] = 0; },
       {"run.delta: must be above 0"}},
      {"seed -1", [](Document& j) { j["run"]["seed"] = -1; }, {"run.seed", "not negative"}},
      {"interrupted 1",
       [](Document& j) { j["run"]["interrupted"] = 1; },
       {"run.interrupted: must be true or false"}},
      {"context list",
       [](Document& j) { j["context"] = Document::array(); },
       {"context: must be an object"}},
      {"cache number",
       [](Document& j) { j["context"]["cpu"]["caches"]["L1d"] = 48; },
       {"context.cpu.caches.L1d: must be a string"}},
      {"no cpu",
       [](Document& j) { j["context"].erase("cpu"); },
       {"context: has no member \"cpu\""}},
      {"a self-test that passed in spite of a line",
       [](Document& j) { j["context"]["selftest"]["passed"] = true; },
       {"context.selftest.passed: does not agree"}},
      {"a self-test's verdict",
       [](Document& j) { j["context"]["selftest"]["lines"][1]["verdict"] = "slow"; },
       {"context.selftest.lines[1].verdict", "\"slow\""}},
      {"a self-test's sample",
       [](Document& j) { j["context"]["selftest"]["lines"][0]["samples"][0] = 0; },
       {"context.selftest.lines[0].samples[0]: must be above 0"}},
      {"a self-test's rounds",
       [](Document& j) { j["context"]["selftest"]["lines"][0]["rounds"] = -1; },
       {"context.selftest.lines[0].rounds"}},
      {"strategy status",
       [](Document& j) { j["strategies"][1]["status"] = "refused"; },
       {"strategies[1].status", "\"refused\"", "available, denied"}},
      {"errno number",
       [](Document& j) { j["strategies"][1]["errno"] = 13; },
       {"strategies[1].errno: must be a string"}},
      {"cells object",
       [](Document& j) { j["cells"] = Document::object(); },
       {"cells: must be an array"}},
  };
}

std::vector<Damage> damages_in_cells() {
  return {
      {"duplicate id",
       [](Document& j) { j["cells"][1] = j["cells"][0]; },
       {"cells[1].id", "mic/rwx/sites=1024", "second time"}},
      {"id of another strategy",
       [](Document& j) { j["cells"][1]["id"] = "mic/rwxx/sites=1"; },
       {"cells[1].id", "does not begin with", "mic/memfd-dual"}},
      {"no metrics",
       [](Document& j) { j["cells"][0].erase("metrics"); },
       {"cells[0]: has no member \"metrics\""}},
      {"status",
       [](Document& j) { j["cells"][0]["status"] = "fine"; },
       {"cells[0].status", "\"fine\"", "ok, denied"}},
      {"param list",
       [](Document& j) { j["cells"][0]["params"]["sites"] = Document::array(); },
       {"cells[0].params.sites"}},
      {"param 1.5",
       [](Document& j) { j["cells"][0]["params"]["sites"] = 1.5; },
       {"cells[0].params.sites", "integer or a word"}},
      {"negative sample",
       [](Document& j) { j["cells"][0]["metrics"][0]["samples"][2] = -4.5; },
       {"cells[0].metrics[0].samples[2]: must be above 0, is -4.5"}},
      {"a sample of zero",
       [](Document& j) { j["cells"][0]["metrics"][0]["samples"][0] = 0; },
       {"cells[0].metrics[0].samples[0]: must be above 0, is 0"}},
      {"sample as text",
       [](Document& j) { j["cells"][0]["metrics"][0]["samples"][0] = "1"; },
       {"cells[0].metrics[0].samples[0]: must be a number"}},
      {"two samples for three rounds",
       [](Document& j) { j["cells"][0]["metrics"][0]["samples"].erase(0); },
       {"cells[0].metrics[0].samples", "one value a round (3), has 2"}},
      {"interval of one",
       [](Document& j) { j["cells"][0]["metrics"][0]["ci95"] = {1.0}; },
       {"cells[0].metrics[0].ci95", "has 1 values"}},
      {"interval upside down",
       [](Document& j) {
         j["cells"][0]["metrics"][0]["ci95"] = {2.0, 1.0};
       },
       {"cells[0].metrics[0].ci95", "low is above high"}},
      {"metric twice",
       [](Document& j) { j["cells"][0]["metrics"].push_back(j["cells"][0]["metrics"][0]); },
       {"cells[0].metrics", "\"send\" twice"}},
      {"verdict",
       [](Document& j) { j["cells"][1]["ratios"][0]["verdict"] = "better"; },
       {"cells[1].ratios[0].verdict", "\"better\""}},
      {"an interval of one round",
       [](Document& j) { j["cells"][1]["ratios"][0]["n"] = 1; },
       {"cells[1].ratios[0].n: must be at least 2"}},
      {"n beyond rounds",
       [](Document& j) { j["cells"][1]["ratios"][0]["n"] = 4; },
       {"cells[1].ratios[0].n", "is 4"}},
      {"lost round 3 of 3",
       [](Document& j) { j["cells"][0]["lost"][0]["round"] = 3; },
       {"cells[0].lost[0].round", "is 3"}},
      {"a schema before the first",
       [](Document& j) { j["schema_version"] = 0; },
       {"schema_version: is 0", "reads versions 1 to 2"}},
      {"a promise that nobody makes",
       [](Document& j) { j["strategies"][1]["guarantee"] = "maybe"; },
       {"strategies[1].guarantee", "architectural, none, not-needed"}},
      {"a missing counter without a metric",
       [](Document& j) { j["context"]["missing_counters"][0].erase("per"); },
       {"context.missing_counters[0]: has no member \"per\""}},
      {"counter without name",
       [](Document& j) { j["cells"][1]["counters"][0]["name"] = ""; },
       {"cells[1].counters[0].name"}},
      {"negative memory",
       [](Document& j) { j["cells"][1]["memory"]["vmas"] = -1; },
       {"cells[1].memory.vmas"}},
      {"note number",
       [](Document& j) { j["cells"][1]["notes"][0] = 5; },
       {"cells[1].notes[0]: must be a string"}},
  };
}

TEST_CASE("results survive being written and read") {
  const std::string text = to_json_text(sample_results());
  const Results read = from_json_text(text, "sample");
  CHECK(to_json_text(read) == text);
  CHECK(read.run.seed == 18446744073709551615ULL);
  CHECK(read.context.host == "test \"host\"\n");
  CHECK(read.context.turbo == false);
  CHECK_FALSE(read.context.smt.has_value());
  CHECK(read.strategies[1].error == "EACCES");
  CHECK(read.strategies[1].guarantee == Guarantee::none);
  REQUIRE(read.cells.size() == 2);
  const Cell& cell = read.cells[1];
  CHECK(std::get<std::int64_t>(cell.params[0].second) == 1024);
  CHECK(std::get<std::string>(cell.params[1].second) == "linear");
  CHECK(bits(*cell.metrics[0].samples[0]) == bits(0.1 + 0.2));
  CHECK_FALSE(cell.metrics[0].samples[1].has_value());
  CHECK(cell.ratios[0].verdict == Verdict::inconclusive);
  CHECK(cell.ratios[0].ci_free_coverage == 0.5);
  CHECK(cell.counters[0].beside == "busy-thread");
  CHECK(cell.counters[1].beside.empty());
  CHECK(cell.counters[0].time_running == 900);
  CHECK_FALSE(cell.counters[1].value.has_value());
  CHECK(cell.lost[0].status == CellStatus::timeout);
}

TEST_CASE("files that do not say how they counted stay readable") {
  Document document = Document::parse(to_json_text(sample_results()));
  Results read = from_json_text(document.dump(), "sample");
  CHECK(read.context.counting->bracket == sample_results().context.counting->bracket);
  CHECK(read.context.counting->events == sample_results().context.counting->events);
  REQUIRE(read.context.counting->reads.size() == 2);
  CHECK(read.context.counting->reads[0].used);
  CHECK(read.context.counting->reads[1].path == "read");
  CHECK(read.context.counting->reads[1].ns == 900);
  CHECK_FALSE(read.context.counting->reads[1].used);
  document["context"]["counting"].erase("reads");
  document["context"]["counting"].erase("events");
  read = from_json_text(document.dump(), "sample");
  CHECK(read.context.counting->reads.empty());
  CHECK(read.context.counting->events.empty());
  CHECK(read.cells[1].counters[0].samples == std::vector<double>{11, 11.5});
  CHECK(read.cells[1].counters[0].set == "prefetch");
  CHECK(read.cells[1].counters[1].set.empty());
  document["context"].erase("counting");
  for (Document& counter : document["cells"][1]["counters"]) {
    counter.erase("set");
    counter.erase("samples");
  }
  read = from_json_text(document.dump(), "sample");
  CHECK_FALSE(read.context.counting.has_value());
  CHECK(read.cells[1].counters[0].samples.empty());
  CHECK(read.cells[1].counters[0].set.empty());
}

TEST_CASE("what says how it counted is held to it") {
  Document document = Document::parse(to_json_text(sample_results()));
  document["context"]["counting"]["read_ns"] = -1;
  CHECK_THAT(error_of(document.dump()), contains("context.counting.read_ns: must not be negative"));
  document = Document::parse(to_json_text(sample_results()));
  document["cells"][1]["counters"][0]["samples"][1] = "many";
  CHECK_THAT(error_of(document.dump()), contains("counters[0].samples[1]: must be a number"));
}

TEST_CASE("the first files of the schema, which name no simulator, stay readable") {
  Document document = Document::parse(to_json_text(sample_results()));
  CHECK(from_json_text(document.dump(), "sample").context.simulator ==
        "cachegrind of valgrind-1.0");
  document["context"].erase("simulator");
  CHECK_FALSE(from_json_text(document.dump(), "sample").context.simulator.has_value());
  document["context"]["simulator"] = 3;
  CHECK_THAT(error_of(document.dump()), contains("context.simulator: must be a string"));
}

TEST_CASE("the first files of the schema, which name no sources, stay readable") {
  Document document = Document::parse(to_json_text(sample_results()));
  const Context now = from_json_text(document.dump(), "sample").context;
  CHECK(now.sources == sample_results().context.sources);
  CHECK(now.cpu.cores == 4);
  CHECK(now.huge_page_sizes == std::vector<std::int64_t>{2097152, 1073741824});
  for (const char* later : {"sources", "huge_page_sizes", "thp_size"}) {
    document["context"].erase(later);
  }
  document["context"]["cpu"].erase("cores");
  const Context then = from_json_text(document.dump(), "sample").context;
  CHECK(then.sources.empty());
  CHECK_FALSE(then.cpu.cores.has_value());
  CHECK_FALSE(then.huge_page_sizes.has_value());
  document["context"]["host"] = document["context"]["git"] = nullptr;
  CHECK_FALSE(from_json_text(document.dump(), "sample").context.host.has_value());
  document["context"]["sources"] = {{"turbo", 3}};
  CHECK_THAT(error_of(document.dump()), contains("context.sources.turbo: must be a string"));
}

TEST_CASE("a verdict that the first files of the schema call unsure is inconclusive") {
  std::string text = to_json_text(sample_results());
  const auto at = text.find("\"inconclusive\"");
  REQUIRE(at != std::string::npos);
  text.replace(at, std::string_view("\"inconclusive\"").size(), "\"unsure\"");
  CHECK(to_json_text(from_json_text(text, "old")) == to_json_text(sample_results()));
}

TEST_CASE("numbers keep their bits") {
  for (const double value :
       {5e-324, 1e-300, 1.0 / 3, 123456789.123456789, 1e23, std::numeric_limits<double>::max()}) {
    Results results = sample_results();
    results.cells[0].metrics[0].samples[0] = value;
    const Results read = from_json_text(to_json_text(results), "sample");
    CHECK(bits(*read.cells[0].metrics[0].samples[0]) == bits(value));
  }
}

TEST_CASE("what is not finite is refused, in both directions") {
  for (const double value : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    Results results = sample_results();
    results.cells[0].metrics[0].median = value;
    CHECK_THROWS_AS(to_json_text(results), std::invalid_argument);
  }
  const std::string text = to_json_text(sample_results());
  const std::string number = "0.3166666666666667";
  for (const std::string odd : {"NaN", "Infinity", "-Infinity", "1e999"}) {
    std::string damaged = text;
    damaged.replace(damaged.find(number), number.size(), odd);
    CHECK_THAT(error_of(damaged), contains("some.json"));
    CHECK_THAT(error_of(damaged), !contains("no error"));
  }
}

TEST_CASE("damaged results are refused with the place and the reason") {
  std::vector<Damage> damages = damages_above_cells();
  for (auto& damage : damages_in_cells()) damages.push_back(std::move(damage));
  for (const Damage& damage : damages) {
    INFO(damage.what);
    Document document = Document::parse(to_json_text(sample_results()));
    damage.apply(document);
    const std::string error = error_of(document.dump());
    CHECK_THAT(error, starts_with("some.json: "));
    for (const std::string& part : damage.message) CHECK_THAT(error, contains(part));
  }
}

TEST_CASE("a results file cut off anywhere is refused") {
  const std::string text = to_json_text(sample_results());
  for (std::size_t size = 0; size < text.size() - 2; size += 61) {
    CHECK_THAT(error_of(text.substr(0, size)), contains("ends in the middle of its JSON"));
  }
  CHECK_THAT(error_of("{\n\"run\": oops}\n"), contains("line 2") && contains("not JSON"));
  CHECK_THAT(error_of("[]"), contains("must be an object"));
}

TEST_CASE("rounds without a difference and rounds in which a cell is not come back") {
  Results results = sample_results();
  results.cells[0].every = 3;
  results.cells[0].metrics[0].not_above_zero = {0};
  const Results back = from_json_text(to_json_text(results), "memory");
  CHECK(back.cells[0].every == 3);
  CHECK(back.cells[0].metrics[0].not_above_zero == std::vector{0});
}

TEST_CASE("members that came later may be missing") {
  Document document = Document::parse(to_json_text(sample_results()));
  for (Document& cell : document["cells"]) {
    for (const char* member : {"drifts", "bimodal", "variance", "latency_ns", "throughput_ns"})
      cell["metrics"][0].erase(member);
    for (Document& ratio : cell["ratios"]) {
      for (const char* member : {"q_differs", "q_same", "drifts", "bimodal", "undisturbed"})
        ratio.erase(member);
    }
  }
  for (const char* member : {"delta", "time", "flagged", "execute_only", "estimators", "identical"})
    document["run"].erase(member);
  document["context"].erase("selftest");
  for (Document& strategy : document["strategies"]) {
    for (const char* member :
         {"code", "second_view", "role", "summary", "only_workload", "guarantee"})
      strategy.erase(member);
  }
  document.erase("floor");
  document.erase("workloads");
  document.erase("metrics");
  const Results results = from_json_text(document.dump(), "old.json");
  CHECK_FALSE(results.run.delta.has_value());
  CHECK_FALSE(results.run.time.has_value());
  CHECK_FALSE(results.run.flagged.has_value());
  CHECK(results.run.execute_only.empty());
  CHECK_FALSE(results.run.identical.has_value());
  CHECK_FALSE(results.strategies[0].code.has_value());
  CHECK_FALSE(results.strategies[0].second_view.has_value());
  CHECK_FALSE(results.strategies[1].guarantee.has_value());
  CHECK(results.workloads.empty());
  CHECK(results.metrics.empty());
  CHECK(results.cells[1].metrics[0].latency_ns.empty());
  CHECK(results.cells[1].metrics[0].throughput_ns.empty());
  CHECK_FALSE(results.cells[1].ratios[0].undisturbed.has_value());
  CHECK_FALSE(results.context.selftest.has_value());
  CHECK_FALSE(results.cells[1].metrics[0].variance.has_value());
  CHECK_FALSE(results.cells[1].ratios[0].q_differs.has_value());
  CHECK(results.cells[1].ratios[0].n == 2);
  document["cells"][1]["ratios"][0]["q_same"] = 1.5;
  CHECK_THROWS_WITH(from_json_text(document.dump(), "bad.json"),
                    contains("q_same") && contains("at most 1"));
  document["cells"][1]["ratios"][0]["q_same"] = 0.5;
  document["cells"][1]["metrics"][0]["latency_ns"] = {1.0};
  CHECK_THROWS_WITH(from_json_text(document.dump(), "bad.json"),
                    contains("latency_ns") && contains("one value a round"));
}

TEST_CASE("a self-test passes when it has lines and all of them do") {
  SelfTest test;
  CHECK_FALSE(passed(test));
  test.lines.resize(2);
  test.lines[0].passed = true;
  CHECK_FALSE(passed(test));
  test.lines[1].passed = true;
  CHECK(passed(test));
}

TEST_CASE("an integer that version 1 wrote as a word is an integer") {
  Document document = Document::parse(to_json_text(sample_results()));
  document["schema_version"] = 1;
  document["cells"][0]["params"]["sites"] = "1024";
  const Results read = from_json_text(document.dump(), "old.json");
  CHECK(read.cells[0].params == sample_results().cells[0].params);
  CHECK(Document::parse(to_json_text(read))["cells"][0]["params"]["sites"] == 1024);
  CHECK(Document::parse(to_json_text(read))["schema_version"] == kSchemaVersion);
  for (const char* word : {"linear", "", "007", "-0", "+1", "1.5", "64k", "9223372036854775808"}) {
    CHECK(param_value(word) == ParamValue(std::string(word)));
  }
  CHECK(param_value("-64") == ParamValue(std::int64_t{-64}));
}

TEST_CASE("samples stand on one line, objects one a line") {
  Results results = sample_results();
  results.run.rounds = 40;
  for (Cell& cell : results.cells) {
    cell.metrics[0].samples.assign(40, 1.0625);
    cell.metrics[0].latency_ns.clear();
  }
  CHECK_THAT(to_json_text(results), contains("\"samples\": [1.0625,1.0625,1.0625"));
}

TEST_CASE("members that are not known are left alone") {
  Document document = Document::parse(to_json_text(sample_results()));
  document["cells"][0]["later"] = "addition";
  CHECK(error_of(document.dump()) == "no error");
}

TEST_CASE("text that is not UTF-8 does not keep results from being written") {
  Results results = sample_results();
  results.cells[0].reason = "path \xff\xfe";
  CHECK(error_of(to_json_text(results)) == "no error");
}

TEST_CASE("results are read from a file or a run's directory") {
  const ScratchDirectory scratch;
  write_results(sample_results(), scratch.path() / "results.json");
  CHECK(read_results(scratch.path()).run.id == "run-1");
  CHECK(read_results(scratch.path() / "results.json").run.id == "run-1");
  CHECK_THROWS_AS(read_results(scratch.path() / "other.json"), std::system_error);
  CHECK_THROWS_WITH(read_results(scratch.path() / "other.json"), contains("other.json"));
  const auto broken = scratch.file("broken.json", "{\"schema_version\": 1");
  CHECK_THROWS_WITH(read_results(broken), contains("broken.json"));
}

TEST_CASE("replacing results is all or nothing") {
  const ScratchDirectory scratch;
  const auto file = scratch.file("results.json", "old");
  {
    const FileSizeLimit limit(1000);
    CHECK_THROWS_WITH(write_results(sample_results(), file), contains("results.json"));
  }
  CHECK(read_text(file) == "old");
  CHECK(scratch.entries() == 1);
  write_results(sample_results(), file);
  CHECK(read_results(file).run.id == "run-1");
  CHECK(scratch.entries() == 1);
  CHECK_THROWS_AS(write_results(sample_results(), scratch.path() / "none" / "results.json"),
                  std::system_error);
}

TEST_CASE("ids are put together in the declared order of the parameters") {
  const Params params = {{"degree", std::int64_t{4}}, {"order", std::string("random")}};
  CHECK(cell_id("pic", "rwx", params) == "pic/rwx/degree=4,order=random");
  CHECK(cell_id("pic", "rwx", {}) == "pic/rwx");
  CHECK(params_text(params) == "degree=4,order=random");
}

}  // namespace
}  // namespace patchbench::results
