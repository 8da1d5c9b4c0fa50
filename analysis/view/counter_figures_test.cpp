#include "analysis/view/counter_figures.hpp"

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <patchbench_catch.hpp>

#include "analysis/counted_results_test.hpp"
#include "analysis/quantity/selection.hpp"
#include "analysis/render/canvas.hpp"
#include "analysis/render/gnuplot.hpp"
#include "results/file.hpp"
#include "results/matchers_test.hpp"
#include "results/scratch_test.hpp"

namespace patchbench::analysis {
namespace {

using results::contains;
using results::starts_with;

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++found;
  }
  return found;
}

/// Bars in the drawing that one of the two files gets.
std::size_t bars_in(const std::string& script) {
  return count(script, "set object rect from first") / 2;
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

TEST_CASE("a tint lies between its colour and white") {
  CHECK(tint("#000000") == "#adadad");
  CHECK(tint("#ffffff") == "#ffffff");
  CHECK(tint("#E69F00") == "#f7e0ad");
}

TEST_CASE("a counter that nobody has is a frame with the reason, never a bar") {
  const BarChart chart = chart_of(measured_run({.pmu = false}), "prefetch");
  CHECK(chart.sections.empty());
  REQUIRE(chart.texts.size() == 1);
  CHECK(chart.texts[0].names ==
        "cycles, instructions, branches, branch-misses, indirect-branch-misses, "
        "frontend-stall-cycles, "
        "decoder-resteers");
  CHECK(chart.texts[0].text == std::string("not available: ") + kNoPmu);
  const std::string script = bar_chart_script(chart);
  CHECK_THAT(script, contains("'not available: this machine shows no performance counters"));
  CHECK(bars_in(script) == 0);
}

TEST_CASE("a counter that nobody has in one operation is a frame there") {
  results::Results results = measured_run();
  for (results::Cell& cell : results.cells) {
    for (results::Counter& counter : cell.counters) {
      if (counter.name == "branches" && counter.per == "patch") {
        counter = without_value(counter, "unavailable", "too short to be counted");
      }
    }
  }
  const BarChart chart = chart_of(results, "prefetch");
  CHECK(chart.texts.empty());
  CHECK(section_titled(chart, "Per send").texts.empty());
  const BarSection& patch = section_titled(chart, "Per patch:");
  REQUIRE(patch.texts.size() == 1);
  CHECK(patch.texts[0].names == "branches");
  CHECK(patch.texts[0].text == "not available: too short to be counted");
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
  const auto names = [](const std::vector<TextPanel>& texts) {
    return std::count_if(texts.begin(), texts.end(),
                         [](const TextPanel& panel) { return panel.names == "dtlb-misses"; });
  };
  CHECK(names(chart.texts) == 1);
  for (const BarSection& section : chart.sections) CHECK(names(section.texts) == 0);
}

TEST_CASE("a strategy without a count has a text in its row, and the reason below") {
  const BarChart chart = chart_of(measured_run(), "vma");
  const BarSection& patch = section_titled(chart, "Per patch:");
  for (const char* id : {"sysv-shm", "file-dual"}) {
    const Bar& bar = bar_of(patch, "tlb-flushes", id);
    CHECK(bar.parts.empty());
    CHECK(bar.missing == "not available");
  }
  const std::string script = bar_chart_script(chart);
  CHECK_THAT(script, contains("not available: sysv-shm: shmat(SHM_EXEC) failed with EPERM"));
  CHECK_THAT(script, contains("not available: file-dual: crashed: killed by SIGBUS"));
  // mprotect-toggle's calls and flushes, alone and beside, of patches and of those that execute;
  // nobody else has any, and its interrupts only beside a busy thread.
  constexpr std::size_t kBars = std::size_t{2} * (2 * 3 + 1);
  CHECK(bars_in(script) == kBars);
}

TEST_CASE("zero is a stroke with a number, and zero for everybody is said once") {
  const BarChart chart = chart_of(measured_run(), "vma");
  const BarSection& patch = section_titled(chart, "Per patch:");
  const Bar& zero = bar_of(patch, "system-calls", "rwx");
  REQUIRE(zero.parts.size() == 1);
  CHECK(zero.parts[0].value == 0);
  REQUIRE(patch.texts.size() == 1);
  CHECK(patch.texts[0].names == "ipis-to-one");
  CHECK(patch.texts[0].text == "0 for every strategy that was counted");
  REQUIRE(chart.texts.size() == 1);
  CHECK(chart.texts[0].names == "minor-faults, mmap-calls");
  CHECK(chart.texts[0].text == "0 for every strategy that was counted, in every operation");
  const std::string script = bar_chart_script(chart);
  CHECK_THAT(script, contains("first 0, first 0.34 nohead front lc rgb '#000000' lw 3"));
  CHECK_THAT(script, contains("set label '0' at first 0, first 0 left"));
}

TEST_CASE("user and kernel are two parts of a bar") {
  const BarChart chart = chart_of(measured_run(), "prefetch");
  const Bar& bar = bar_of(section_titled(chart, "Per patch:"), "cycles", "mprotect-toggle");
  REQUIRE(bar.parts.size() == 2);
  CHECK(bar.parts[0].value == 310);
  CHECK(bar.parts[0].tone == BarTone::solid);
  CHECK(bar.parts[1].value == 5120);
  CHECK(bar.parts[1].tone == BarTone::tinted);
  REQUIRE(bar.range.has_value());
  CHECK((*bar.range)[0] == Approx(5430 * 0.97));
  CHECK((*bar.range)[1] == Approx(5430 * 1.04));
  const std::string script = bar_chart_script(chart);
  CHECK_THAT(script, contains("'310 + 5,120'") && contains("'kernel; numbers: user + kernel'"));
}

TEST_CASE("a kernel that may not be counted leaves user's part, and says so") {
  const BarChart chart = chart_of(measured_run({.kernel = false}), "prefetch");
  const Bar& bar = bar_of(section_titled(chart, "Per patch:"), "cycles (user)", "mprotect-toggle");
  REQUIRE(bar.parts.size() == 1);
  CHECK(bar.missing.empty());
  CHECK(chart.solid_label.empty());
  REQUIRE_FALSE(chart.remarks.empty());
  CHECK_THAT(chart.remarks.back(), starts_with("not available: cycles, kernel, instructions"));
  CHECK_THAT(chart.remarks.back(), contains(kParanoid));
}

TEST_CASE("a multiplexed count is marked wherever it stands") {
  const BarChart chart = chart_of(measured_run({.multiplexed = true}), "icache");
  const BarSection& send = section_titled(chart, "Per send");
  CHECK(bar_of(send, "l1i-misses", "memfd-dual").scaled);
  CHECK_FALSE(bar_of(send, "l1i-misses", "rwx").scaled);
  const std::string script = bar_chart_script(chart);
  CHECK_THAT(script, contains("fs empty border lc rgb '#0072B2' dt 2") && contains("*' at first"));
  CHECK_THAT(script, contains("multiplexed, that is"));
  const std::string whole = bar_chart_script(chart_of(measured_run(), "icache"));
  CHECK_THAT(whole, !contains("multiplexed") && !contains("fs empty border lc rgb '#0072B2' dt 2"));
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
      if (!bar.parts.empty()) CHECK(bar.parts[0].value == 21);
    }
  }
  const BarChart measured = chart_of(results, "prefetch");
  CHECK_THAT(measured.title, !contains("SIMULATED"));
  for (const BarSection& section : measured.sections) {
    const Bar& bar = bar_of(section, "instructions", "rwx");
    CHECK(bar.parts.at(0).value != 21);
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
    CHECK_THAT(bar_chart_script(chart), !contains("kernel-time"));
  }
  results.context.emulated = false;
  CHECK_THAT(bar_chart_script(chart_of(results, "vma")), contains("kernel-time, ns (kernel)"));
  const FigureSet set = make_figures(measured_run({.emulated = true}));
  for (const Figure& figure : set.figures) {
    CHECK_THAT(figure.name, starts_with("counters-"));
    CHECK_THAT(figure.script, contains("EMULATED"));
  }
  CHECK(set.figures.size() == 3);
}

bool has_row(const BarSection& section, const char* id) {
  return std::any_of(section.rows.begin(), section.rows.end(),
                     [&](const BarRow& row) { return row.label == id; });
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
             contains("from the lowest to the highest of up to 3 processes that counted a cell") &&
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
  REQUIRE(send.texts.size() == 1);
  CHECK(send.texts[0].names == "branches");
  CHECK_THAT(send.texts[0].text, starts_with("below 0.005 for every strategy"));
  // So is a part that nobody has: one number, not two.
  const Bar& bar = bar_of(send, "cycles (kernel: 0)", "rwx");
  REQUIRE(bar.parts.size() == 1);
  CHECK(bar.parts[0].value == Approx(11.1));
}

TEST_CASE("a number beside a bar ends inside its panel, below zero too") {
  BarChart chart{"below", "Below zero", {}, {}, "", "", {}};
  const Bar less{{{BarTone::solid, -1}}, std::nullopt, false, ""};
  const Bar more{{{BarTone::solid, 1}}, std::nullopt, false, ""};
  chart.sections.push_back({"Per send",
                            {{"rwx", appearance("rwx")}, {"floor", appearance("floor")}},
                            {{"misses", {less, more}}},
                            {}});
  // One panel of 838 pixels, two below zero to above it, and 15 pixels for the number behind.
  CHECK_THAT(bar_chart_script(chart), contains("set xrange [-1:1.03"));
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
  const std::string word(700, 'x');
  const std::vector<std::string> lines = wrapped_remarks({"not available: " + word, word});
  std::string all;
  for (const std::string& line : lines) {
    CHECK(line.size() <= 128);
    all += line;
  }
  CHECK(static_cast<std::size_t>(std::count(all.begin(), all.end(), 'x')) == 2 * word.size());
}

/// True when gnuplot is here and drew them all.
bool draws(const std::vector<Figure>& figures, const std::filesystem::path& directory) {
  for (const Figure& figure : figures) {
    results::write_text_atomically(directory / (figure.name + ".gp"), figure.script);
    const auto failure = run_gnuplot(directory, figure.name + ".gp");
    if (failure && failure->kind == GnuplotError::missing) return false;
    if (failure) FAIL_CHECK(figure.name << ": " << failure->message);
    const std::string svg = results::read_text(directory / (figure.name + ".svg"));
    CHECK_THAT(svg, contains("</svg>") && !contains("<script>"));
    CHECK_THAT(results::read_text(directory / (figure.name + ".pdf")), starts_with("%PDF"));
  }
  return true;
}

TEST_CASE("gnuplot draws every kind of counted run, and names meant to break it") {
  const std::string evil = "e'; system(\"touch evil\") `touch evil` %n\\ $p0s0 <script>";
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
    CHECK(figures.size() == 3);
    if (!draws(figures, scratch.path())) {
      WARN("gnuplot is missing: nothing was drawn");
      return;
    }
  }
  CHECK_FALSE(std::filesystem::exists(scratch.path() / "evil"));
}

}  // namespace
}  // namespace patchbench::analysis
