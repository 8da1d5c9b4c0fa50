// Results that were accepted, whatever they say, can be shown in every form and compared.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "analysis/quantity/compare.hpp"
#include "analysis/quantity/context_difference.hpp"
#include "analysis/render/document.hpp"
#include "analysis/render/markdown.hpp"
#include "analysis/render/terminal.hpp"
#include "analysis/view/comparison_document.hpp"
#include "analysis/view/conclusions.hpp"
#include "analysis/view/csv.hpp"
#include "analysis/view/google_benchmark.hpp"
#include "analysis/view/report_document.hpp"
#include "analysis/view/result.hpp"
#include "results/json.hpp"

namespace {

using patchbench::results::Results;

void show(const Results& results) {
  namespace analysis = patchbench::analysis;
  (void)analysis::terminal_table(results);
  (void)analysis::samples_as_csv(results);
  (void)analysis::google_benchmark_json(results);
  (void)analysis::markdown_page(analysis::make_document(results));
}

void compare_with_itself(const Results& results) {
  namespace analysis = patchbench::analysis;
  analysis::ComparisonReport report;
  try {
    report.comparison = analysis::compare(results, results, {.max_regression = 0.03});
  } catch (const analysis::CompareError&) {
    return;
  }
  report.differences = analysis::context_differences(results.context, results.context);
  report.times = analysis::compare_times(results, results);
  report.orders = analysis::strategy_orders(results, results);
  report.break_evens = analysis::break_evens(results, results);
  (void)analysis::terminal_text(analysis::comparison_document(report), {});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const Results results = patchbench::results::from_json_text(text, "input");
    show(results);
    compare_with_itself(results);
  } catch (const patchbench::results::FormatError&) {
  }
  return 0;
}
