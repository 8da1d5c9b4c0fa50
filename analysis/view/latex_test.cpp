#include "analysis/view/latex.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <patchbench_catch.hpp>

#include "analysis/counted_results_test.hpp"
#include "analysis/render/latex.hpp"
#include "analysis/sample_results_test.hpp"
#include "analysis/view/lines_test.hpp"
#include "results/matchers_test.hpp"
#include "results/sample_test.hpp"

namespace patchbench::analysis {
namespace {

using results::contains;

TEST_CASE("latex: a value has its key, in full and in short, with its unit") {
  results::Results results = sample_run({.rounds = 12}).results;
  const std::string text = numbers_as_latex(results);
  CHECK_THAT(text, contains("\\pbset{run}{baseline}{value}{rwx}\n"));
  CHECK_THAT(
      text,
      contains("\\pbset{mic/indirect-cell/sites=16384,order=linear,targets=64}{send}{ratio}{"));
  CHECK_THAT(text, contains("\\pbset{mic/indirect-cell/sites=16384}{send}{verdict}{slower}\n"));
  CHECK_THAT(text, contains("\\,ns}\n"));
  CHECK_THAT(text, contains("\\,\\pbmicro s}\n"));  // mprotect-toggle
}

TEST_CASE("latex: a key that would mean two cases is none") {
  const results::Results quick = sample_run({}).results;
  const results::Results standard = sample_run({.standard = true}).results;
  const std::string short_key = "\\pbset{mic/rwx/sites=16384}{send}{value}";
  CHECK_THAT(numbers_as_latex(quick), contains(short_key));
  CHECK_THAT(numbers_as_latex(standard), !contains(short_key));
  // No key twice: LaTeX would take the last.
  std::vector<std::string> keys;
  for (const std::string& line : lines_of(numbers_as_latex(standard))) {
    keys.push_back(line.substr(0, line.rfind('{')));
  }
  std::ranges::sort(keys);
  CHECK(std::ranges::adjacent_find(keys) == keys.end());
}

TEST_CASE("latex: what has no value says why") {
  const std::string text = numbers_as_latex(sample_run({}).results);
  CHECK_THAT(text, contains("\\pblack{mic/sysv-shm/sites=16384}{"));
  CHECK_THAT(text, !contains("\\pbset{mic/sysv-shm/"));
}

TEST_CASE("latex: what no processor counted has its label in its text") {
  results::Results results = results::sample_results();
  results.cells.resize(1);
  results.cells[0].counters = {event("", "simulated", "instructions", "user", "send", 21),
                               event("prefetch", "hardware", "cycles", "user", "send", 1.5),
                               event("vma", "tracepoint", "system-calls", "both", "patch", 2)};
  results.cells[0].counters[2].beside = "busy-thread";
  const std::string text = numbers_as_latex(results);
  CHECK_THAT(text, contains("{send}{instructions:user}{21~(simulated)}\n"));
  CHECK_THAT(text, contains("{send}{cycles:user}{1.5"));
  CHECK_THAT(text, !contains("system-calls"));  // of other circumstances
  results.context.emulated = true;
  const std::string emulated = numbers_as_latex(results);
  CHECK_THAT(emulated, !contains("{send}{value}"));
  CHECK_THAT(emulated, contains("{an emulated run has no times}"));
}

TEST_CASE("latex: special characters are typeset as they are") {
  CHECK(latex_text("50 % of {a_b} & #1 ~ ^ \\ $") ==
        "50 \\% of \\{a\\_b\\} \\& \\#1 \\textasciitilde{} \\textasciicircum{} "
        "\\textbackslash{} \\$");
}

}  // namespace
}  // namespace patchbench::analysis
