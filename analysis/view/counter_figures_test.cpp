#include "analysis/view/counter_figures.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <patchbench_catch.hpp>

#include "analysis/counted_results_test.hpp"
#include "analysis/quantity/selection.hpp"
#include "analysis/render/numbers.hpp"
#include "analysis/view/draws_test.hpp"
#include "results/matchers_test.hpp"
#include "results/scratch_test.hpp"

namespace patchbench::analysis {
namespace {

using results::contains;
using results::ends_with;
using results::starts_with;

/// Those that are seen as more than a stroke.
std::size_t bars_in(const BarChart& chart) {
  std::size_t found = 0;
  for (const BarSection& section : chart.sections) {
    for (const BarPanel& panel : section.panels) {
      found += static_cast<std::size_t>(std::ranges::count_if(
          panel.bars, [](const Bar& bar) { return bar.total.value_or(0) != 0; }));
    }
  }
  return found;
}

BarChart chart_of(const results::Results& results, const std::string& id) {
  for (const EventSet& set : event_sets(results)) {
    if (set.id == id) return counter_chart(results, set);
  }
  FAIL("no set " << id);
  return {};
}

const BarSection& section_titled(const BarChart& chart, const std::string& beginning) {
  for (const BarSection& section : chart.sections) {
    if (section.title.starts_with(beginning)) return section;
  }
  FAIL("no section " << beginning);
  return chart.sections.front();
}

const BarPanel& panel_titled(const BarSection& section, const std::string& title) {
  for (const BarPanel& panel : section.panels) {
    if (panel.title == title) return panel;
  }
  FAIL("no panel " << title);
  return section.panels.front();
}

const Bar& bar_of(const BarSection& section, const std::string& title, const std::string& id) {
  const BarPanel& panel = panel_titled(section, title);
  REQUIRE(panel.bars.size() == section.rows.size());
  for (std::size_t row = 0; row < section.rows.size(); ++row) {
    if (section.rows[row].label == id) return panel.bars[row];
  }
  FAIL("no row " << id);
  return panel.bars.front();
}

TEST_CASE("numbers beside bars tell zero from almost zero") {
  CHECK(bar_number(0) == "0");
  CHECK(bar_number(2) == "2");
  CHECK(bar_number(0.0001) == "<0.001");
  CHECK(bar_number(-0.0001) == ">-0.001");
  CHECK(bar_number(0.0213) == "0.021");
  CHECK(bar_number(1.984) == "1.98");
  CHECK(bar_number(5210.4) == "5,210");
  CHECK(bar_number(123456) == "123,456");
}

TEST_CASE("a counter that nobody has is a sentence with the reason, never a bar") {
  const BarChart chart = chart_of(measured_run({.pmu = false}), "prefetch");
  CHECK(chart.sections.empty());
  CHECK(chart.remarks.at(0) ==
        std::string("cycles, instructions, branches, branch-misses, indirect-branch-misses, "
                    "frontend-stall-cycles, decoder-resteers: not available: ") +
            kNoPmu);
  CHECK_THAT(chart_script(chart), contains("this machine shows no performance counters"));
}

TEST_CASE("a counter that nobody has in one operation is a sentence there") {
  results::Results results = measured_run();
  for (results::Cell& cell : results.cells) {
    for (results::Counter& counter : cell.counters) {
      if (counter.name == "branches" && counter.per == "patch") {
        counter = without_value(counter, "unavailable", "too short to be counted");
      }
    }
  }
  const BarChart chart = chart_of(results, "prefetch");
  CHECK(section_titled(chart, "Per send").notes.empty());
  const BarSection& patch = section_titled(chart, "Per patch:");
  CHECK(patch.notes ==
        std::vector<std::string>{"branches: not available: too short to be counted"});
  for (const BarPanel& panel : patch.panels) CHECK(panel.title != "branches");
}

TEST_CASE("what nobody was to count beside a busy thread is not missing there") {
  results::Results results = measured_run();
  for (results::Cell& cell : results.cells) {
    if (cell.status != results::CellStatus::ok) continue;
    for (const char* per : {"send", "patch", "patch_execute"}) {
      const results::Counter asked = event("vma", "hardware", "dtlb-misses", "user", per, 0);
      cell.counters.push_back(without_value(asked, "unavailable", "no such event here"));
    }
  }
  const BarChart chart = chart_of(results, "vma");
  const auto names = [](const std::vector<std::string>& texts) {
    return std::ranges::count_if(
        texts, [](const std::string& text) { return text.starts_with("dtlb-misses: "); });
  };
  CHECK(names(chart.remarks) == 1);
  for (const BarSection& section : chart.sections) CHECK(names(section.notes) == 0);
}

TEST_CASE("a strategy without a count has a text in its row, and the reason below") {
  const BarChart chart = chart_of(measured_run(), "vma");
  const BarSection& patch = section_titled(chart, "Per patch:");
  for (const char* id : {"sysv-shm", "file-dual"}) {
    const Bar& bar = bar_of(patch, "tlb-flushes", id);
    CHECK_FALSE(bar.total);
    CHECK(bar.text == "not available");
  }
  const std::string script = chart_script(chart);
  CHECK_THAT(script, contains("not available: sysv-shm: shmat(SHM_EXEC) failed with EPERM"));
  CHECK_THAT(script, contains("not available: file-dual: crashed: killed by SIGBUS"));
  // mprotect-toggle's calls and flushes, alone and beside, of patches and of those that execute;
  // nobody else has any, and its interrupts only beside a busy thread.
  constexpr std::size_t kBars = std::size_t{2} * (2 * 3 + 1);
  CHECK(bars_in(chart) == kBars);
}

TEST_CASE("zero is a stroke with a number, and zero for everybody is said once") {
  const BarChart chart = chart_of(measured_run(), "vma");
  const BarSection& patch = section_titled(chart, "Per patch:");
  const Bar& zero = bar_of(patch, "system-calls", "rwx");
  CHECK(zero.total == 0.0);
  CHECK(patch.notes ==
        std::vector<std::string>{"ipis-to-one: 0 for every strategy that was counted"});
  CHECK(chart.remarks.at(0) ==
        "minor-faults, mmap-calls: 0 for every strategy that was counted, in every operation");
  const std::string script = chart_script(chart);
  CHECK_THAT(script, contains("\n0 0 0 0 0 0x000000 ") && contains(" \"0\" 0x000000\n"));
  CHECK_THAT(script, contains("(abs($3)<0.005148?0.005148:$3)"));
}

TEST_CASE("user and kernel are two parts of a bar") {
  const BarChart chart = chart_of(measured_run(), "prefetch");
  const Bar& bar = bar_of(section_titled(chart, "Per patch:"), "cycles", "mprotect-toggle");
  CHECK(bar.total == 5430.0);
  CHECK(bar.solid == 310);
  REQUIRE(bar.range.has_value());
  CHECK((*bar.range)[0] == Approx(5430 * 0.97));
  CHECK((*bar.range)[1] == Approx(5430 * 1.04));
  const std::string script = chart_script(chart);
  CHECK_THAT(script, contains("\"310 + 5,120\"") && contains("'kernel; numbers: user + kernel'"));
}

TEST_CASE("a kernel that may not be counted leaves user's part, and says so") {
  const BarChart chart = chart_of(measured_run({.kernel = false}), "prefetch");
  const Bar& bar = bar_of(section_titled(chart, "Per patch:"), "cycles (user)", "mprotect-toggle");
  CHECK(bar.total == 310.0);
  CHECK(bar.text == "310");
  CHECK(chart.legend.empty());
  const auto kernel = std::ranges::find_if(chart.remarks, [](const std::string& line) {
    return line.starts_with("not available: cycles, kernel, instructions");
  });
  REQUIRE(kernel != chart.remarks.end());
  CHECK_THAT(*kernel, contains(kParanoid));
}

TEST_CASE("a multiplexed count is marked wherever it stands") {
  const BarChart chart = chart_of(measured_run({.multiplexed = true}), "icache");
  const BarSection& send = section_titled(chart, "Per send");
  CHECK_THAT(bar_of(send, "l1i-misses", "memfd-dual").text, ends_with("*"));
  CHECK_THAT(bar_of(send, "l1i-misses", "rwx").text, !contains("*"));
  CHECK_THAT(chart_script(chart), contains("*\" 0x000000") && contains("*: multiplexed, that is"));
  const std::string whole = chart_script(chart_of(measured_run(), "icache"));
  CHECK_THAT(whole, !contains("multiplexed") && !contains("*\" 0x"));
}

TEST_CASE("simulated counts have a figure of their own, and it says what they are") {
  results::Results results = measured_run();
  results.context.simulator = "a model of 1999";
  for (results::Cell& cell : results.cells) {
    if (cell.workload == "mic") {
      cell.counters.push_back(event("", "simulated", "instructions", "user", "send", 21));
    }
  }
  const BarChart simulated = chart_of(results, "simulated");
  CHECK_THAT(simulated.title, starts_with("SIMULATED"));
  CHECK(simulated.remarks.at(0) == "simulated by a model of 1999");
  for (const BarSection& section : simulated.sections) {
    REQUIRE(section.panels.size() == 1);
    for (const Bar& bar : section.panels[0].bars) {
      if (bar.total) CHECK(bar.total == 21.0);
    }
  }
  const BarChart measured = chart_of(results, "prefetch");
  CHECK_THAT(measured.title, !contains("SIMULATED"));
  for (const BarSection& section : measured.sections) {
    const Bar& bar = bar_of(section, "instructions", "rwx");
    CHECK(bar.total != 21.0);
  }
}

TEST_CASE("what an emulator's processor counted says so, and has no times") {
  results::Results results = measured_run({.emulated = true});
  for (results::Cell& cell : results.cells) {
    cell.counters.push_back(event("vma", "software", "kernel-time-ns", "kernel", "send", 12));
  }
  for (const char* id : {"prefetch", "icache", "vma"}) {
    const BarChart chart = chart_of(results, id);
    CHECK_THAT(chart.title, starts_with("EMULATED"));
    CHECK_THAT(chart.remarks.at(0), starts_with("emulated: "));
    CHECK_THAT(chart_script(chart), !contains("kernel-time"));
  }
  results.context.emulated = false;
  CHECK_THAT(chart_script(chart_of(results, "vma")), contains("kernel-time, ns (kernel)"));
  const FigureSet set = make_figures(measured_run({.emulated = true}));
  for (const Figure& figure : set.figures) {
    CHECK_THAT(figure.name, starts_with("counters-"));
    CHECK_THAT(figure.script, contains("EMULATED"));
  }
  CHECK(set.figures.size() == 3);
}

bool has_row(const BarSection& section, const char* id) {
  return std::ranges::any_of(section.rows, [&](const ChartRow& row) { return row.label == id; });
}

TEST_CASE("rows are the strategies that the operation has, and the baseline's twin") {
  results::Results results = measured_run();
  const BarChart chart = chart_of(results, "prefetch");
  const BarSection& send = section_titled(chart, "Per send");
  CHECK(has_row(send, "floor"));
  CHECK(has_row(send, "target-register"));
  CHECK(has_row(send, "again"));
  CHECK_FALSE(has_row(section_titled(chart, "Per patch:"), "floor"));
  for (results::Cell& cell : results.cells) {
    if (cell.workload == "mic") {
      cell.counters.push_back(event("", "simulated", "instructions", "user", "send", 21));
    }
  }
  const BarChart simulated = chart_of(results, "simulated");
  CHECK_FALSE(has_row(section_titled(simulated, "Per send"), "again"));
}

TEST_CASE("a figure says what its lines are, and of how many processes") {
  results::Results results = measured_run();
  const auto texts = [&] {
    const Figure figure = counter_figures(results).at(0);
    CHECK(figure.name == "counters-prefetch");
    return std::pair{figure.caption, figure.script};
  };
  CHECK_THAT(texts().first,
             contains("from the lowest to the highest of up to 3 processes that counted a case") &&
                 contains("again is rwx counted a second time") && !contains("overlap"));
  CHECK_THAT(texts().second, contains("the highest of up to 3 processes"));
  for (results::Cell& cell : results.cells) {
    for (results::Counter& counter : cell.counters) {
      if (counter.value) counter.samples = {*counter.value};
    }
  }
  CHECK_THAT(texts().first, contains("in 1 process: no spread is known") && !contains("lowest"));
  CHECK_THAT(texts().second, contains("in 1 process: no spread is known"));
}

TEST_CASE("few operations are drawn of a run that has many") {
  const BarChart chart = chart_of(measured_run({.standard = true}), "vma");
  std::vector<std::string> titles;
  for (const BarSection& section : chart.sections) titles.push_back(section.title);
  REQUIRE(titles.size() == 6);
  CHECK_THAT(titles[0], starts_with("Per send: mic (sites=1024"));
  CHECK_THAT(titles[1], starts_with("Per send: mic (sites=16384"));
  CHECK_THAT(titles[2], starts_with("Per patch: relink (sites=1024, batch=1)"));
  CHECK_THAT(titles[3], starts_with("Per patch, beside a busy thread: relink"));
  CHECK_THAT(titles[4], starts_with("Per patch_execute: relink"));
}

TEST_CASE("next to nothing is said, and fills no panel of a scale of its own") {
  results::Results results = measured_run();
  for (results::Cell& cell : results.cells) {
    for (results::Counter& counter : cell.counters) {
      if (counter.name == "branches" && counter.value && counter.per == "send") {
        counter.value = cell.strategy == "rwx" ? -0.0042 : 0.0001;
      }
      if (counter.name == "cycles" && counter.scope == "kernel" && counter.value) counter.value = 0;
    }
  }
  const BarChart chart = chart_of(results, "prefetch");
  const BarSection& send = section_titled(chart, "Per send");
  REQUIRE(send.notes.size() == 1);
  CHECK_THAT(send.notes[0], starts_with("branches: below 0.005 for every strategy"));
  // So is a part that nobody has: one number, not two.
  const Bar& bar = bar_of(send, "cycles (kernel: 0)", "rwx");
  CHECK(bar.total.value() == Approx(11.1));
  CHECK(bar.text == "11.1");
}

TEST_CASE("numbers stand in a column of their own, which no bar reaches") {
  BarChart chart;
  const Bar less{-1, -1, std::nullopt, 0, "-1"};
  const Bar more{1, 1, Interval{0.5, 3}, 0, "1.00"};
  chart.sections.push_back(
      {"Per send", {{"rwx", "rwx"}, {"floor", "floor"}}, {{"misses", "", {less, more}}}, {}});
  const std::string script = chart_script(chart);
  CHECK_THAT(script, contains("set xrange [-1:3]\n"));
  CHECK_THAT(script, contains(" 3 \"-1\" ") && contains(" 3 \"1.00\" "));
}

TEST_CASE("panels that are compared have one scale") {
  const BarChart chart = chart_of(measured_run(), "vma");
  const auto scale = [&](const char* section) {
    return panel_titled(section_titled(chart, section), "tlb-flushes").scale;
  };
  CHECK(scale("Per patch:") == scale("Per patch, beside a busy thread:"));
  CHECK(scale("Per patch:") != scale("Per patch_execute:"));
}

TEST_CASE("a set that no file of ours has becomes no name of a file") {
  results::Results results = sample_run({.rounds = 3}).results;
  results.cells.front().counters.push_back(
      event("../../evil", "hardware", "cycles", "user", "send", 1));
  const std::vector<Figure> figures = counter_figures(results);
  REQUIRE(figures.size() == 1);
  CHECK(figures[0].name == "counters-events");
}

TEST_CASE("a remark that is one long word ends") {
  LineChart chart;
  chart.x_tics = {{1, "1"}};
  chart.panels.resize(1);
  chart.remarks = {"not available: " + std::string(700, '@'), std::string(700, '@')};
  const std::string script = chart_script(chart);
  CHECK(std::ranges::count(script, '@') == 1400);
  CHECK_THAT(script, !contains(std::string(129, '@')));
}

TEST_CASE("gnuplot draws every kind of counted run, and names meant to break it") {
  const std::string evil = "e'; } { system(\"touch evil\") `touch evil` %n\\ $p0s0 <script>";
  results::Results broken = measured_run();
  for (results::Cell& cell : broken.cells) {
    if (cell.strategy == "memfd-dual") cell.strategy = evil;
    for (results::Counter& counter : cell.counters) {
      if (counter.name == "cycles") counter.name = evil;
      if (counter.name == "branches") counter = without_value(counter, "unavailable", evil);
      if (counter.name == "decoder-resteers" && counter.value) counter.value = -*counter.value;
    }
  }
  const results::ScratchDirectory scratch;
  for (const results::Results& results :
       {measured_run(), measured_run({.standard = true}), measured_run({.multiplexed = true}),
        measured_run({.pmu = false, .kernel = false, .tracepoints = false}), broken}) {
    const std::vector<Figure> figures = counter_figures(results);
    const bool hardware = results.context.counting && results.context.counting->pmu;
    CHECK(figures.size() == (hardware ? 3 : 1));  // page faults are counted anywhere
    for (const Figure& figure : figures) {
      if (!draws(figure, scratch)) {
        WARN("gnuplot is missing: nothing was drawn");
        return;
      }
    }
  }
  CHECK_FALSE(std::filesystem::exists(scratch.path() / "evil"));
}

}  // namespace
}  // namespace patchbench::analysis
