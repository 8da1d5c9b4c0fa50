#include "analysis/report.hpp"

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <patchbench_catch.hpp>
#include <stdlib.h>

#include "analysis/render/document.hpp"
#include "analysis/render/html.hpp"
#include "analysis/render/markdown.hpp"
#include "analysis/sample_results_test.hpp"
#include "analysis/view/report_document.hpp"
#include "results/file.hpp"
#include "results/matchers_test.hpp"
#include "results/scratch_test.hpp"

namespace patchbench::analysis {
namespace {

using results::contains;
using results::ends_with;
using results::starts_with;

namespace fs = std::filesystem;

/// While it lives, programs are found in `directory` alone.
class OnlyPath {
 public:
  explicit OnlyPath(const fs::path& directory) {
    if (const char* path = ::getenv("PATH")) path_ = path;
    ::setenv("PATH", directory.c_str(), 1);
  }
  OnlyPath(const OnlyPath&) = delete;
  OnlyPath& operator=(const OnlyPath&) = delete;
  ~OnlyPath() { ::setenv("PATH", path_.c_str(), 1); }

 private:
  std::string path_;
};

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++found;
  return found;
}

/// A page without what stands in its <script> elements.
std::string without_scripts(std::string html) {
  for (std::size_t at = html.find("<script"); at != std::string::npos;
       at = html.find("<script", at)) {
    html.erase(at, html.find("</script>", at) + 9 - at);
  }
  return html;
}

/// Every id="..." and id='...' in a page.
std::vector<std::string> ids_in(const std::string& html) {
  std::vector<std::string> ids;
  for (const char quote : {'"', '\''}) {
    const std::string opening = std::string(" id=") + quote;
    for (std::size_t at = html.find(opening); at != std::string::npos;
         at = html.find(opening, at + 1)) {
      const std::size_t begin = at + opening.size();
      ids.push_back(html.substr(begin, html.find(quote, begin) - begin));
    }
  }
  return ids;
}

TEST_CASE("what HTML would interpret is escaped") {
  CHECK(escape_html("<a href=\"x\">'&'</a>\n") ==
        "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt; ");
}

TEST_CASE("what Markdown would interpret is escaped") {
  CHECK(escape_markdown("a|b *c* <d> [e](f) `g`\n# h") ==
        "a\\|b \\*c\\* \\<d\\> \\[e\\](f) \\`g\\` \\# h");
}

TEST_CASE("a report is one page with everything in it, and nothing from elsewhere") {
  const SampleRun run = sample_run({.rounds = 5, .standard = true});
  const results::ScratchDirectory scratch;
  const ReportOutcome outcome = write_report(run.results, scratch.path());
  const std::string html = results::read_text(scratch.path() / "report.html");
  REQUIRE(outcome.files.front() == scratch.path() / "report.html");
  for (const fs::path& file : outcome.files) CHECK(fs::exists(file));
  for (const char* part :
       {"The result", "What was run", "Strategies", "Controls", "Noise", "Times of every case",
        "What a patch costs", "Break-even", "Lost rounds", "no architectural guarantee", "Context",
        "bench-run --strategy=all", "seccomp filter", "killed by SIGBUS", "/tmp (ext4)",
        "Made-up CPU", "drift over 5 %", "code-bytes per site"}) {
    CHECK_THAT(html, contains(part));
  }
  CHECK_THAT(without_scripts(html), !contains("http") && !contains("EMULATED"));
  CHECK_THAT(html, !contains("sourceMappingURL"));
  CHECK(count(html, "<figure ") == 9);
  if (!outcome.warnings.empty()) {
    WARN(outcome.warnings.front());
    return;
  }
  CHECK(count(html, "<noscript><img src=\"plots/") == 9);
  CHECK(outcome.files.size() == 1 + 3 * 9);
  const auto ids = ids_in(html);
  CHECK(std::set<std::string>(ids.begin(), ids.end()).size() == ids.size());
}

TEST_CASE("facts stand beside their sources, where the results have those") {
  results::Results run = sample_run({.rounds = 3}).results;
  const auto page = [&run] { return markdown_page(make_document(run)); };
  CHECK_THAT(page(), contains("| processor | Made-up CPU @ 3.00GHz | /proc/cpuinfo |"));
  CHECK_THAT(page(), contains("| governor | unknown |  |"));
  run.context.sources.emplace_back("governor", "/sys/.../scaling_governor");
  run.context.sources.emplace_back("mitigations", "/sys/.../vulnerabilities");
  CHECK_THAT(page(), contains("| governor | unknown | /sys/.../scaling"));
  run.context.mitigations.clear();
  CHECK_THAT(page(), contains("| mitigation | unknown | /sys/.../vulnerabilities |"));
  run.context.sources.clear();  // as in the first files of the schema
  CHECK_THAT(page(), contains("| processor | Made-up CPU @ 3.00GHz |\n"));
  CHECK_THAT(page(), !contains("read from"));
}

TEST_CASE("without gnuplot the report has its tables and says which package is missing") {
  const results::ScratchDirectory scratch;
  const OnlyPath nothing_found("/nonexistent");
  const ReportOutcome outcome = write_report(sample_run({.rounds = 3}).results, scratch.path());
  REQUIRE(outcome.warnings.size() == 1);
  CHECK_THAT(outcome.warnings[0], contains("gnuplot-nox"));
  const std::string html = results::read_text(scratch.path() / "report.html");
  CHECK_THAT(html, contains("Times of every case") && !contains("<noscript>"));
}

TEST_CASE("a figure of an earlier report does not pass for this one's") {
  const results::ScratchDirectory scratch;
  fs::create_directories(scratch.path() / "plots");
  (void)scratch.file("plots/send-by-sites.svg", "<svg>old</svg>");
  const OnlyPath nothing_found("/nonexistent");
  (void)write_report(sample_run({.rounds = 3}).results, scratch.path());
  CHECK_FALSE(fs::exists(scratch.path() / "plots" / "send-by-sites.svg"));
}

TEST_CASE("a gnuplot that succeeds without a whole drawing is not believed") {
  const results::ScratchDirectory scratch;
  const results::ScratchDirectory programs;
  const auto half = programs.file("gnuplot", "#!/bin/sh\nprintf '<svg>' > \"${2%.gp}.svg\"\n");
  fs::permissions(half, fs::perms::owner_all);
  const OnlyPath half_gnuplot(programs.path());
  const ReportOutcome outcome = write_report(sample_run({.rounds = 3}).results, scratch.path());
  CHECK(outcome.warnings.size() == 8);
  CHECK_THAT(outcome.warnings.front(), contains("left no whole"));
  CHECK_THAT(results::read_text(scratch.path() / "report.html"), !contains("<noscript>"));
}

TEST_CASE("a directory that cannot be written is an error that names it") {
  const results::ScratchDirectory scratch;
  const auto file = scratch.file("file", "x");
  CHECK_THROWS_WITH(write_report(sample_run({.rounds = 3}).results, file / "below"),
                    contains("below"));
}

TEST_CASE("an emulated run is marked in its title, at every heading, and in Markdown") {
  const Document document = make_document(sample_run({.rounds = 3, .emulated = true}).results);
  const std::string html = html_page(document, {}, {});
  CHECK(count(html, "class=\"emulated\"") == count(html, "<h1") + count(html, "<h2"));
  CHECK_THAT(html, contains("<title>EMULATED"));
  const std::string markdown = markdown_page(document);
  CHECK(count(markdown, "(EMULATED)") == 1 + document.summary.size() + document.rest.size());
}

TEST_CASE("no time of an emulated run is in its report") {
  SampleRun run = sample_run({.rounds = 3, .emulated = true});
  // A value that nothing else has: it must not come through, in no table and in no other form.
  for (auto& cell : run.results.cells) {
    for (auto& metric : cell.metrics) metric.median = 777.25;
    for (auto& ratio : cell.ratios) ratio.median = 0.12345;
    results::Counter& counter = cell.counters.emplace_back();
    counter.name = "harness-overhead-ns";
    counter.source = "software";
    counter.per = "send";
    counter.value = 777.25;
    counter.status = "ok";
  }
  const Document document = make_document(run.results);
  for (const std::string& page : {html_page(document, {}, {}), markdown_page(document)}) {
    CHECK_THAT(page, !contains("777") && !contains("0.1234") && !contains(" ns"));
    CHECK_THAT(page, contains("times mean nothing") && contains("Status of each case"));
    CHECK_THAT(page, contains("code-bytes per site") && contains("mapped KiB"));
  }
  run.results.context.emulated = false;
  CHECK_THAT(markdown_page(make_document(run.results)), contains("777"));
}

TEST_CASE("an emulated run's page says why it has no figures") {
  const results::ScratchDirectory scratch;
  const ReportOutcome outcome =
      write_report(sample_run({.rounds = 3, .emulated = true}).results, scratch.path());
  CHECK(outcome.files.size() == 1);
  CHECK_FALSE(fs::exists(scratch.path() / "plots"));
  CHECK_THAT(results::read_text(scratch.path() / "report.html"), contains("so none is drawn"));
}

TEST_CASE("text from a results file cannot become HTML") {
  SampleRun run = sample_run({.rounds = 3});
  const std::string evil = "<script>alert('x')</script>";
  run.results.run.id = run.results.run.command = evil;
  run.results.context.host = evil;
  run.results.context.libraries = {{evil, evil}};
  run.results.context.warnings = {evil};
  run.results.baseline = evil;
  for (auto& strategy : run.results.strategies) strategy.detail = strategy.reason = evil;
  for (auto& cell : run.results.cells) {
    cell.reason = evil;
    cell.notes = {evil};
    cell.params.emplace_back(evil, evil);
    if (cell.strategy == "floor") cell.strategy = evil;
    for (auto& metric : cell.metrics) metric.unit = evil;
    for (auto& lost : cell.lost) lost.reason = evil;
    for (auto& counter : cell.counters) counter.name = evil;
  }
  const results::ScratchDirectory scratch;
  (void)write_report(run.results, scratch.path());
  const std::string html = results::read_text(scratch.path() / "report.html");
  CHECK_THAT(html, !contains("<script>alert") && contains("&lt;script"));
  CHECK_THAT(markdown_page(make_document(run.results)), !contains(" <script"));
}

TEST_CASE("chapters stand in the order in which they are read, each in the contents") {
  const Document document = make_document(sample_run({.rounds = 5, .standard = true}).results);
  const std::string html = html_page(document, {}, {});
  std::size_t at = 0;
  for (const Part part : {Part::trust, Part::send, Part::patch, Part::break_even, Part::mappings,
                          Part::cases, Part::context}) {
    const std::string title(title_of(part));
    INFO(title);
    const std::size_t found = html.find("<h2>" + title);
    if (part == Part::patch) continue;  // figures alone
    REQUIRE(found != std::string::npos);
    CHECK(found > at);
    CHECK_THAT(html, contains(">" + title + "</a>"));
    at = found;
  }
}

TEST_CASE("a reader filters the table of every case by its columns, and cards have their names") {
  Document document{.title = "x"};
  document.rest.push_back(
      {.title = "t",
       .table = TextTable{.header = {"workload", "a \"b\" </style>"}, .rows = {{{"mic"}, {"1"}}}},
       .filters = {0}});
  const std::string html = html_page(document, {}, {});
  CHECK_THAT(html, contains("<table id=\"t1\" data-filters=\"0\">"));
  CHECK_THAT(html, contains("#t1 td:nth-child(1)::before { content: \"workload\"; }"));
  CHECK(count(html, "</style>") == 1);
}

TEST_CASE("rows are as long as their header") {
  for (const bool standard : {false, true}) {
    const Document document =
        make_document(sample_run({.rounds = 3, .standard = standard}).results);
    for (const auto* sections : {&document.summary, &document.rest}) {
      for (const Section& section : *sections) {
        if (!section.table) continue;
        INFO(section.title);
        for (const auto& row : section.table->rows)
          CHECK(row.size() == section.table->header.size());
      }
    }
  }
}

TEST_CASE("warnings stand first: interruption, failures, a noisy baseline") {
  SampleRun run = sample_run({.rounds = 5, .standard = true});
  run.results.run.interrupted = true;
  std::string all;
  for (const std::string& warning : make_document(run.results).warnings) all += warning + "\n";
  CHECK_THAT(all, contains("was interrupted") && contains("cases failed"));
  CHECK_THAT(all, !contains("differs from itself"));
  for (auto& cell : run.results.cells) {
    if (cell.strategy != "again") continue;
    for (auto& ratio : cell.ratios) ratio.verdict = results::Verdict::slower;
  }
  CHECK_THAT(make_document(run.results).warnings.at(2), contains("differs from itself"));
}

TEST_CASE("an empty run has a report, too") {
  results::Results results;
  results.run.rounds = 1;
  const results::ScratchDirectory scratch;
  CHECK_NOTHROW(write_report(results, scratch.path()));
}

}  // namespace
}  // namespace patchbench::analysis
