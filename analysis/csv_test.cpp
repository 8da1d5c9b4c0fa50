#include "analysis/csv.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <patchbench_catch.hpp>

#include "analysis/sample_results_test.hpp"
#include "results/sample_test.hpp"

namespace patchbench::analysis {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t from = 0; from < text.size();) {
    const std::size_t end = text.find('\n', from);
    lines.push_back(text.substr(from, end - from));
    from = end + 1;
  }
  return lines;
}

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
  const auto commas = [](const std::string& line) {
    return std::count(line.begin(), line.end(), ',');
  };
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

}  // namespace
}  // namespace patchbench::analysis
