#include "analysis/view/google_benchmark.hpp"

#include <algorithm>
#include <set>
#include <string>

#include <nlohmann/json.hpp>
#include <patchbench_catch.hpp>

#include "analysis/counted_results_test.hpp"
#include "analysis/sample_results_test.hpp"
#include "results/sample_test.hpp"

namespace patchbench::analysis {
namespace {

using Json = nlohmann::ordered_json;

Json document_of(const results::Results& results) {
  return Json::parse(google_benchmark_json(results));
}

TEST_CASE("a sample is an iteration, and the median over rounds an aggregate") {
  const Json document = document_of(results::sample_results());
  const Json& entries = document["benchmarks"];
  REQUIRE(entries.size() == 6);  // two cells; each two samples, a lost round, and a median
  const std::string name = "mic/rwx/sites=1024,order=linear/send";
  CHECK(entries[1] == Json{{"name", name},
                           {"family_index", 0},
                           {"per_family_instance_index", 0},
                           {"run_name", name},
                           {"run_type", "iteration"},
                           {"repetitions", 2},
                           {"repetition_index", 1},
                           {"threads", 1},
                           {"iterations", 1},
                           {"real_time", 1.0 / 3},
                           {"cpu_time", 1.0 / 3},
                           {"time_unit", "ns"}});
  CHECK(entries[2]["name"] == name + "_median");
  CHECK(entries[2]["run_name"] == name);
  CHECK(entries[2]["aggregate_name"] == "median");
  CHECK(entries[2]["iterations"] == 2);
  CHECK(entries[2]["real_time"].get<double>() == (0.1 + 0.2 + 1.0 / 3) / 2);
  CHECK(entries[3]["family_index"] == 1);
}

TEST_CASE("the context says what google/benchmark's would, and nothing that is not known") {
  const Json context = document_of(results::sample_results())["context"];
  CHECK(context["date"] == "2025-01-02T03:04:05+00:00");
  CHECK(context["executable"] == "bench-run");
  CHECK(context["aslr_enabled"] == true);
  CHECK(context["caches"] == Json::parse(R"([{"type":"Data","level":1,"size":49152},
                                             {"type":"Unified","level":2,"size":2097152}])"));
  CHECK(context["load_avg"] == Json{0.125});
  CHECK(context["library_build_type"] == "release");
  CHECK(context["json_schema_version"] == 1);
  CHECK_FALSE(context.contains("num_cpus"));
  CHECK_FALSE(context.contains("cpu_scaling_enabled"));
  results::Results known = results::sample_results();
  known.context.governor = "performance";
  CHECK(document_of(known)["context"]["cpu_scaling_enabled"] == false);
  known.context.governor = "schedutil";
  CHECK(document_of(known)["context"]["cpu_scaling_enabled"] == true);
  known.context.cpu.caches = {{"L1i", "32K"}, {"L3", "105M"}, {"L2", "odd"}, {"x", "1K"}};
  CHECK(document_of(known)["context"]["caches"].size() == 2);
  CHECK(document_of(known)["context"]["caches"][0]["type"] == "Instruction");
}

TEST_CASE("what was not measured, or is no time, has no entry") {
  results::Results results = results::sample_results();
  results.cells[0].status = results::CellStatus::crashed;
  results.cells[1].metrics[0].unit = "cycles";
  CHECK(document_of(results)["benchmarks"].empty());
}

TEST_CASE("families are workload, strategy and metric, instances their parameters") {
  const Json document = document_of(sample_run({.rounds = 3}).results);
  std::set<std::string> names;
  std::set<std::pair<int, int>> places;
  for (const Json& entry : document["benchmarks"]) {
    if (entry["run_type"] != "aggregate") continue;
    names.insert(entry["name"].get<std::string>());
    places.emplace(entry["family_index"].get<int>(), entry["per_family_instance_index"].get<int>());
  }
  CHECK(names.size() == places.size());
  CHECK(names.size() > 50);
  // mic has two numbers of sites: two instances of one family.
  CHECK(places.contains({0, 1}));
  CHECK_FALSE(places.contains({0, 2}));
}

TEST_CASE("what was measured whole stands in the aggregate, and nothing simulated does") {
  results::Results results = results::sample_results();
  results::Cell& cell = results.cells[0];
  cell.counters = {event("prefetch", "hardware", "cycles", "user", "send", 11.5),
                   event("prefetch", "hardware", "cycles", "kernel", "send", 0.5),
                   event("vma", "tracepoint", "system-calls", "both", "send", 0),
                   event("vma", "tracepoint", "tlb-flushes", "both", "send", 3),
                   event("icache", "hardware", "l1i-misses", "user", "send", 9),
                   event("icache", "hardware", "itlb-misses", "user", "patch", 9),
                   event("", "simulated", "instructions", "user", "send", 21),
                   event("vma", "tracepoint", "name", "both", "send", 1)};
  cell.counters[3].beside = "busy-thread";
  cell.counters[4].status = "multiplexed";
  const Json document = document_of(results);
  const Json& median = document["benchmarks"][2];
  CHECK(median["cycles:u"] == 11.5);
  CHECK(median["cycles:k"] == 0.5);
  CHECK(median["system-calls"] == 0.0);
  CHECK(median["name"] == "mic/rwx/sites=1024,order=linear/send_median");
  for (const Json& entry : document["benchmarks"]) {
    for (const char* name : {"tlb-flushes", "l1i-misses:u", "itlb-misses:u", "instructions:u"}) {
      CHECK_FALSE(entry.contains(name));
    }
  }
  CHECK_FALSE(document["benchmarks"][1].contains("cycles:u"));
}

}  // namespace
}  // namespace patchbench::analysis
