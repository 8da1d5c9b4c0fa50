#include "analysis/view/csv.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <patchbench_catch.hpp>

#include "analysis/counted_results_test.hpp"
#include "analysis/sample_results_test.hpp"
#include "analysis/view/lines_test.hpp"
#include "results/sample_test.hpp"

namespace patchbench::analysis {
namespace {

TEST_CASE("one row a sample, lost ones without a value") {
  const std::vector<std::string> expected = {
      "run,workload,strategy,sites,order,metric,unit,round,value",
      "run-1,mic,rwx,1024,linear,send,ns,0,0.30000000000000004",
      "run-1,mic,rwx,1024,linear,send,ns,1,",
      "run-1,mic,rwx,1024,linear,send,ns,2,0.3333333333333333",
      "run-1,mic,memfd-dual,1024,linear,send,ns,0,0.30000000000000004",
      "run-1,mic,memfd-dual,1024,linear,send,ns,1,",
      "run-1,mic,memfd-dual,1024,linear,send,ns,2,0.3333333333333333",
  };
  CHECK(lines_of(samples_as_csv(results::sample_results())) == expected);
}

TEST_CASE("every row has every column, and every sample a row") {
  const results::Results results = sample_run({.rounds = 4}).results;
  const auto lines = lines_of(samples_as_csv(results));
  std::size_t samples = 0;
  for (const auto& cell : results.cells) samples += 4 * cell.metrics.size();
  CHECK(lines.size() == samples + 1);
  const auto commas = [](const std::string& line) { return std::ranges::count(line, ','); };
  for (const std::string& line : lines) CHECK(commas(line) == commas(lines[0]));
  // A parameter that a workload does not have is empty.
  CHECK(lines[0] ==
        "run,workload,strategy,sites,order,targets,degree,classes,cache_entries,batch,size_kib,"
        "metric,unit,round,value");
}

TEST_CASE("what would break a row is quoted") {
  results::Results results = results::sample_results();
  results.run.id = "a \"run\", of\nmine";
  CHECK(samples_as_csv(results).find("\"a \"\"run\"\", of\nmine\",mic,rwx") != std::string::npos);
  results.cells.clear();
  CHECK(samples_as_csv(results) == "run,workload,strategy,metric,unit,round,value\n");
}

TEST_CASE("counters have a file of their own, and simulated ones another") {
  results::Results results = results::sample_results();
  results.cells.resize(1);
  results.cells[0].counters = {event("vma", "tracepoint", "system-calls", "both", "patch", 2),
                               event("prefetch", "hardware", "cycles", "user", "send", 1.5),
                               event("", "simulated", "instructions", "user", "send", 21)};
  results.cells[0].counters[0].samples = {2, 2.25};
  results.cells[0].counters[0].beside = "busy-thread";
  results.cells[0].counters[1] =
      without_value(results.cells[0].counters[1], "unavailable", "no PMU, none at all");
  const std::string header =
      "run,emulated,workload,strategy,sites,order,per,beside,counter,set,source,scope,process,"
      "value,status,time_enabled,time_running,reason";
  const std::vector<std::string> measured = {
      header,
      "run-1,false,mic,rwx,1024,linear,patch,busy-thread,system-calls,vma,tracepoint,both,0,2,ok,,"
      ",",
      "run-1,false,mic,rwx,1024,linear,patch,busy-thread,system-calls,vma,tracepoint,both,1,2.25,"
      "ok,,,",
      "run-1,false,mic,rwx,1024,linear,send,,cycles,prefetch,hardware,user,,,unavailable,,,\"no "
      "PMU, none at all\"",
  };
  CHECK(lines_of(counters_as_csv(results)) == measured);
  const std::vector<std::string> simulated = {
      header,
      "run-1,false,mic,rwx,1024,linear,send,,instructions,,simulated,user,,21,ok,,,",
  };
  CHECK(lines_of(simulated_as_csv(results)) == simulated);
  CHECK(samples_as_csv(results).find("cycles") == std::string::npos);
}

}  // namespace
}  // namespace patchbench::analysis
