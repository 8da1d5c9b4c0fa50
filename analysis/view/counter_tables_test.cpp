#include <algorithm>
#include <string>
#include <vector>

#include <patchbench_catch.hpp>

#include "analysis/counted_results_test.hpp"
#include "analysis/render/html.hpp"
#include "analysis/render/markdown.hpp"
#include "analysis/view/counters.hpp"
#include "analysis/view/report_document.hpp"
#include "results/matchers_test.hpp"

namespace patchbench::analysis {
namespace {

using results::contains;
using results::starts_with;

const Section& titled(const std::vector<Section>& sections, const std::string& title) {
  for (const Section& section : sections) {
    if (section.title == title) return section;
  }
  FAIL("no section " << title);
  return sections.front();
}

std::string text_of(const std::vector<std::string>& paragraphs) {
  std::string text;
  for (const std::string& paragraph : paragraphs) text += paragraph + "\n";
  return text;
}

/// The entry of the strategy's row whose third column begins with `counted`.
std::string entry(const TextTable& table, const std::string& counted, const std::string& strategy,
                  const std::string& column) {
  const auto found = std::ranges::find(table.header, column);
  if (found == table.header.end()) return "no column";
  const auto index = static_cast<std::size_t>(found - table.header.begin());
  for (const auto& row : table.rows) {
    if (row[2].text == counted && row[3].text == strategy) return row[index].text;
  }
  return "no row";
}

TEST_CASE("every set has a table: a row a strategy, a column an event and scope") {
  const std::vector<Section> sections = counter_sections(measured_run());
  REQUIRE(sections.size() == 3);
  const Section& prefetch = titled(sections, "Counters: front end");
  REQUIRE(prefetch.table.has_value());
  CHECK(entry(*prefetch.table, "per patch", "mprotect-toggle", "cycles, kernel") ==
        "5,120 [4,966, 5,325]");
  CHECK(entry(*prefetch.table, "per patch", "rwx", "cycles, user") == "34.00 [32.98, 35.36]");
  CHECK(entry(*prefetch.table, "per patch", "floor", "cycles, user") == "no row");
  CHECK(entry(*prefetch.table, "per send", "again", "cycles, user") == "11.10 [10.77, 11.54]");
  const Section& vma = titled(sections, "Counters: mappings");
  REQUIRE(vma.table.has_value());
  CHECK(entry(*vma.table, "per patch", "rwx", "tlb-flushes") == "0.00");
  CHECK(entry(*vma.table, "per patch, beside a busy thread", "mprotect-toggle", "tlb-flushes") ==
        "5.97 [5.79, 6.21]");
}

TEST_CASE("what a strategy lacks is a mark and a footnote") {
  const std::vector<Section> sections = counter_sections(measured_run());
  const Section& vma = titled(sections, "Counters: mappings");
  CHECK(entry(*vma.table, "per patch", "sysv-shm", "system-calls") == "- [1]");
  CHECK(entry(*vma.table, "per patch", "file-dual", "system-calls") == "- [2]");
  REQUIRE(vma.footnotes.size() == 2);
  CHECK_THAT(vma.footnotes[0], starts_with("[1] not available: shmat(SHM_EXEC) failed"));
  CHECK_THAT(vma.footnotes[1], starts_with("[2] not available: crashed: killed by SIGBUS"));
  for (const std::string& page : {markdown_page(make_document(measured_run())),
                                  html_page(make_document(measured_run()), {}, {})}) {
    CHECK_THAT(page, contains("killed by SIGBUS"));
  }
}

TEST_CASE("what was not counted is one sentence, with its reason and what would count it") {
  const auto sentence = [](const results::Results& run) {
    return not_counted_sentence(Quantities(run));
  };
  CHECK(sentence(measured_run()).empty());  // each set has counts
  const std::string nothing = sentence(sample_run().results);
  CHECK_THAT(nothing, starts_with("This run counted no events.") && contains("--counters=auto") &&
                          contains("--counters=simulated"));
  const std::string no_pmu = sentence(measured_run({.pmu = false}));
  CHECK_THAT(no_pmu, starts_with("Not counted for any strategy: ") && contains("cycles") &&
                         contains(kNoPmu) && contains("perf_event_paranoid=1"));
  CHECK_THAT(no_pmu, !contains("system-calls"));  // vma has counts
}

TEST_CASE("what nobody was to count in an operation is no footnote") {
  results::Results results = measured_run();
  for (results::Cell& cell : results.cells) {
    if (cell.status != results::CellStatus::ok) continue;
    cell.counters.push_back(event("vma", "hardware", "dtlb-misses", "user", "patch", 3));
  }
  const std::vector<Section> sections = counter_sections(results);
  const Section& vma = titled(sections, "Counters: mappings");
  CHECK(entry(*vma.table, "per patch", "rwx", "dtlb-misses, user") == "3.00");
  CHECK(entry(*vma.table, "per patch, beside a busy thread", "rwx", "dtlb-misses, user").empty());
  CHECK(vma.footnotes.size() == 2);
}

TEST_CASE("columns that nobody has are one sentence a reason") {
  const std::vector<Section> sections =
      counter_sections(measured_run({.pmu = false, .tracepoints = false}));
  const Section& prefetch = titled(sections, "Counters: front end");
  CHECK_FALSE(prefetch.table.has_value());
  const std::string text = text_of(prefetch.paragraphs);
  CHECK_THAT(text, contains("Not available for any strategy: cycles, user; cycles, kernel; "));
  CHECK_THAT(text, contains(kNoPmu));
  const Section& vma = titled(sections, "Counters: mappings");
  REQUIRE(vma.table.has_value());
  CHECK(vma.table->header.size() == 5);
  CHECK(vma.table->header.back() == "minor-faults, user");
  CHECK_THAT(text_of(vma.paragraphs), contains(kNoTracefs) && !contains("System calls"));
}

TEST_CASE("what was found is said with this run's numbers alone") {
  const std::vector<Section> sections = counter_sections(measured_run());
  const std::string text = text_of(titled(sections, "Counters: mappings").paragraphs);
  CHECK_THAT(text, contains("System calls per patch (relink, sites=1024, batch=1): 0 for rwx, "
                            "memfd-dual, indirect-cell; 2 [1.94, 2.08] for mprotect-toggle. Beside "
                            "a busy thread: 0 for rwx, memfd-dual, indirect-cell; 2 [1.94, 2.08] "
                            "for mprotect-toggle."));
  CHECK_THAT(text, contains("Interrupts sent to one other processor per patch (relink, sites=1024, "
                            "batch=1): 0 for all of rwx, memfd-dual, mprotect-toggle, "
                            "indirect-cell. Beside a busy thread: 0 for rwx, memfd-dual, "
                            "indirect-cell; 1.98 [1.92, 2.06] for mprotect-toggle."));
  results::Results results = measured_run();
  for (results::Cell& cell : results.cells) {
    for (results::Counter& counter : cell.counters) {
      if (counter.name == "system-calls" && cell.strategy == "rwx") counter.status = "multiplexed";
    }
  }
  CHECK_THAT(text_of(titled(counter_sections(results), "Counters: mappings").paragraphs),
             contains("System calls per patch (relink, sites=1024, batch=1): 0 for memfd-dual, "));
}

/// Of the first-level instruction cache, as the section of that set says it; empty where it does
/// not.
std::string misses_finding(const results::Results& results) {
  const std::vector<Section> sections = counter_sections(results);
  for (const std::string& text : titled(sections, "Counters: instruction cache").paragraphs) {
    if (text.starts_with("Misses of the first-level")) return text;
  }
  return "";
}

/// Changes what was counted of l1i-misses in a patch with its execution; its kernel's part becomes
/// 0.
template <typename Change>
results::Results with_misses(Change change) {
  results::Results results = measured_run();
  for (results::Cell& cell : results.cells) {
    for (results::Counter& counter : cell.counters) {
      if (counter.name != "l1i-misses" || counter.per != "patch_execute") continue;
      if (!counter.value) continue;
      counter.samples = {0, 0, 0};
      if (counter.scope == "user") counter.samples = {100, 103, 104};
      if (counter.scope == "user") change(cell.strategy, counter.samples);
      counter.value = counter.samples.at(counter.samples.size() / 2);
    }
  }
  return results;
}

TEST_CASE("hardware events differ where ranges lie further apart than the baseline from its twin") {
  using Samples = std::vector<double>;
  // Twins: 100 to 104 and 101 to 106, of which two are at most 6 apart.
  const auto with = [](const Samples& cells, const Samples& toggle) {
    return misses_finding(with_misses([&](const std::string& id, Samples& samples) {
      if (id == "again") samples = {101, 105, 106};
      if (id == "indirect-cell") samples = cells;
      if (id == "mprotect-toggle") samples = toggle;
    }));
  };
  CHECK(with({90, 92, 93.5}, {105, 110, 109}) ==
        "Misses of the first-level instruction cache per patch_execute (relink, sites=1024, "
        "batch=1): 90 to 93.5 for indirect-cell; 100 to 110 for rwx, memfd-dual, mprotect-toggle "
        "(rwx and its twin again: up to 6 apart).");
  CHECK(with({90, 92, 94}, {105, 110, 109}).empty());
  CHECK_THAT(with({99, 102, 98}, {111, 114, 112}),
             contains("98 to 104 for indirect-cell, rwx, memfd-dual; 111 to 114 for mprotect"));
  // What lies between two joins them.
  CHECK(with({116, 115, 117}, {105, 110, 109}).empty());
}

TEST_CASE("hardware events say nothing of few processes, nor without the baseline's twin") {
  using Samples = std::vector<double>;
  const auto far = [](const std::string& id, Samples& samples) {
    if (id == "indirect-cell") samples = {9, 9, 9};
  };
  CHECK_THAT(misses_finding(with_misses(far)), contains("9 to 9 for indirect-cell; 100 to 104"));
  results::Results none = with_misses(far);
  std::erase_if(none.cells, [](const results::Cell& cell) { return cell.strategy == "again"; });
  CHECK(misses_finding(none).empty());
  const auto two = [&](const std::string& id, Samples& samples) {
    far(id, samples);
    if (id == "again" || id == "memfd-dual") samples.pop_back();
  };
  CHECK(misses_finding(with_misses(two)).empty());
  CHECK_THAT(misses_finding(with_misses([&](const std::string& id, Samples& samples) {
               far(id, samples);
               if (id == "memfd-dual") samples.pop_back();
             })),
             contains("for indirect-cell; 100 to 104 for rwx, mprotect-toggle ("));
}

TEST_CASE("of one process a cell the kernel's counts are said, and hardware's are not") {
  results::Results results = measured_run();
  for (results::Cell& cell : results.cells) {
    for (results::Counter& counter : cell.counters) {
      if (counter.value) counter.samples = {*counter.value};
    }
  }
  const std::vector<Section> sections = counter_sections(results);
  const std::string misses = text_of(titled(sections, "Counters: instruction cache").paragraphs);
  CHECK_THAT(misses, contains("Hardware events were counted in 1 process a case: too few") &&
                         !contains("Misses of") && !contains("Restarts"));
  const std::string calls = text_of(titled(sections, "Counters: mappings").paragraphs);
  CHECK_THAT(calls, contains("0 for rwx, memfd-dual, indirect-cell; 2 for mprotect-toggle.") &&
                        !contains("Hardware events"));
  const std::vector<std::string> lines = counter_summary(results);
  CHECK(std::ranges::count_if(lines, [](const std::string& line) {
          return line.starts_with("Hardware events were counted in 1 process");
        }) == 1);
  CHECK_THAT(text_of(counter_summary(measured_run())),
             contains("lowest to highest of 3 processes"));
}

TEST_CASE("how it was counted stands beside what was counted") {
  const std::vector<Section> sections = counter_sections(measured_run());
  const std::string text = text_of(titled(sections, "Counters: instruction cache").paragraphs);
  CHECK_THAT(text, contains("hardware: l1i-misses, itlb-misses, smc-clears"));
  CHECK_THAT(text, contains("libpfm 4.13.0") && contains("in 3 processes a case"));
  CHECK_THAT(text,
             contains("made-up PMU, 4 counters at a time") && contains("412.00 ns a reading"));
  CHECK_THAT(text, !contains("EMULATED"));
  CHECK_THAT(text_of(counter_sections(measured_run({.emulated = true})).front().paragraphs),
             contains("EMULATED"));
}

TEST_CASE("a multiplexed value has a star, and the star a footnote") {
  const std::vector<Section> sections = counter_sections(measured_run({.multiplexed = true}));
  const Section& icache = titled(sections, "Counters: instruction cache");
  CHECK_THAT(entry(*icache.table, "per send", "memfd-dual", "l1i-misses, user"),
             results::ends_with("]*"));
  CHECK_THAT(entry(*icache.table, "per send", "rwx", "l1i-misses, user"), !contains("*"));
  CHECK_THAT(icache.footnotes.back(), starts_with("* multiplexed"));
}

TEST_CASE("operations beyond the chosen ones stand in a table for reference") {
  CHECK(counter_details(sample_run({.rounds = 3}).results).empty());
  const std::vector<Section> details = counter_details(measured_run({.standard = true}));
  const Section& vma = titled(details, "Counters: mappings, every operation");
  CHECK(vma.detail);
  CHECK(entry(*vma.table, "per miss", "rwx", "system-calls") == "0.00");
}

TEST_CASE("events do not stand beside bytes and memory, nor simulated ones among measured ones") {
  results::Results results = measured_run();
  for (results::Cell& cell : results.cells) {
    if (cell.status != results::CellStatus::ok) continue;
    cell.counters.push_back(event("", "simulated", "instructions", "user", "send", 21));
  }
  const Document document = make_document(results);
  bool memory = false;
  for (const Section& section : document.rest) {
    if (section.title != "Bytes and memory of every case") continue;
    memory = true;
    for (const std::string& title : section.table->header) {
      CHECK_THAT(title, !contains("cycles") && !contains("system-calls") && !contains("faults"));
    }
  }
  CHECK(memory);
  for (const Section& section : counter_sections(results)) {
    CHECK_THAT(text_of(section.paragraphs), !contains("simulated"));
    for (const auto& row : section.table->rows) {
      for (const TextCell& cell : row) CHECK(cell.text != "21.00");
    }
  }
}

}  // namespace
}  // namespace patchbench::analysis
