#include "analysis/view/figures.hpp"

#include <set>
#include <string>
#include <utility>

#include <patchbench_catch.hpp>

#include "analysis/render/chart.hpp"
#include "analysis/render/gnuplot.hpp"
#include "analysis/render/palette.hpp"
#include "analysis/sample_results_test.hpp"
#include "analysis/view/draws_test.hpp"
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

const Figure* find_figure(const FigureSet& set, const std::string& name) {
  for (const Figure& figure : set.figures) {
    if (figure.name == name) return &figure;
  }
  return nullptr;
}

TEST_CASE("colour and marker together are unique, and strategies differ in colour") {
  std::set<std::pair<std::string_view, int>> styles;
  std::set<std::string_view> colours;
  std::set<std::string_view> ids;
  for (const Appearance& look : appearances()) {
    CAPTURE(look.id);
    CHECK(ids.insert(look.id).second);
    CHECK(styles.insert({look.colour, look.marker}).second);
    if (!look.control) CHECK(colours.insert(look.colour).second);
    CHECK(appearance(look.id).marker == look.marker);
  }
}

TEST_CASE("an unknown strategy has a style of its own, always the same") {
  for (const char* id : {"pkey", "pwrite", "membarrier-dual", "", "x"}) {
    const Appearance look = appearance(id);
    CHECK(look.colour == appearance(id).colour);
    CHECK(look.marker == appearance(id).marker);
    CHECK_FALSE(look.control);
    for (const Appearance& known : appearances()) {
      CHECK_FALSE((known.colour == look.colour && known.marker == look.marker));
    }
  }
  CHECK((appearance("pkey").colour != appearance("pwrite").colour ||
         appearance("pkey").marker != appearance("pwrite").marker));
}

TEST_CASE("text enters a gnuplot script as a string and nothing else") {
  CHECK(gnuplot_string("it's") == "'it''s'");
  CHECK(gnuplot_string("a\nb\tc") == R"('a'."\n".'b c')");
  CHECK(gnuplot_string("`id` @x \\n %d") == "'`id` @x \\n %d'");
  CHECK(gnuplot_tic_string("50%") == "'50%%'");
}

LineChart line_through(double first, double second) {
  LineChart chart;
  chart.x_tics = {{1, "1"}, {2, "2"}};
  chart.panels.push_back({"", {{"rwx", {{1, first, {}}, {2, second, {}}}}}});
  return chart;
}

TEST_CASE("costs that differ much have a logarithmic axis with labels") {
  CHECK_THAT(chart_script(line_through(2, 60)),
             contains("set logscale y 10") && contains(",1,2,5,10,20,50,"));
  CHECK_THAT(chart_script(line_through(2, 60000)), contains("set ytics nomirror scale 0.5 10\n"));
  CHECK_THAT(chart_script(line_through(2, 3)), !contains("logscale"));
}

TEST_CASE("panels have one axis, and equal x stand one over another") {
  LineChart chart = line_through(2, 3);
  chart.panels.push_back(
      {"", {{"rwx", {{1, 4, {}}, {2, 5, {}}}}, {"floor", {{2, {}, {}}, {1, 4, {}}}}}});
  const std::string script = chart_script(chart);
  CHECK(count(script, "set yrange [1.55:5.45]") == 2);
  CHECK_THAT(script, contains("\n1 4 4 4\n2 5 5 5\n") && contains("\n2 NaN NaN NaN\n1 4 4 4\n"));
}

TEST_CASE("every figure has its cells, its labels and what is missing") {
  const SampleRun run = sample_run({.rounds = 5, .standard = true});
  const FigureSet set = make_figures(run.results);
  CHECK(set.absent.empty());
  REQUIRE(set.figures.size() == 9);
  const Figure* sites = find_figure(set, "send-by-sites");
  REQUIRE(sites != nullptr);
  for (const char* part :
       {"'ns per send'", "'order=linear, targets=64'", "'order=shuffled, targets=sites'", "'64k'",
        "'floor'", "'indirect-cell'", "not available: sysv-shm: ", "seccomp filter",
        "NAME = 'send-by-sites'"}) {
    CHECK_THAT(sites->script, contains(part));
  }
  const Figure* patch = find_figure(set, "patch-cost");
  REQUIRE(patch != nullptr);
  CHECK_THAT(patch->script, contains("\"not available: denied\""));
  CHECK_THAT(patch->script, contains("\"not available: crashed\""));
  CHECK_THAT(patch->script, contains("killed by SIGBUS"));
  CHECK_THAT(patch->script, contains("set logscale x"));
  const Figure* ratio = find_figure(set, "send-ratio");
  REQUIRE(ratio != nullptr);
  CHECK_THAT(ratio->script, contains("'send cost / rwx'") && !contains("title 'rwx'"));
  CHECK_THAT(ratio->script, contains("set arrow from graph 0,first 1"));
  const Figure* break_even = find_figure(set, "break-even");
  REQUIRE(break_even != nullptr);
  CHECK_THAT(break_even->script, contains("'1,000,000'") && !contains("'floor'"));
  const Figure* batch = find_figure(set, "patch-by-batch");
  REQUIRE(batch != nullptr);
  CHECK_THAT(batch->script, contains("'256' 256"));
  const Figure* degree = find_figure(set, "send-by-degree");
  REQUIRE(degree != nullptr);
  CHECK_THAT(degree->script, contains(R"('16'."\n".'open')"));
  CHECK_THAT(degree->script, contains("'4,096'"));
  const Figure* attribution = find_figure(set, "attribution");
  REQUIRE(attribution != nullptr);
  CHECK_THAT(attribution->script, contains("'target-register'"));
  CHECK_THAT(attribution->script, !contains("'memfd-dual'"));
}

TEST_CASE("modes of publishing are rows of one figure, where a run has more than one") {
  results::Results results = sample_run({.rounds = 5}).results;
  CHECK(find_figure(make_figures(results), "patch-by-publish") == nullptr);
  const std::vector<results::Cell> cells = results.cells;
  for (results::Cell cell : cells) {
    if (cell.workload == "relink") {
      cell.params.emplace_back("publish", "cpuid");
      cell.id = results::cell_id(cell.workload, cell.strategy, cell.params);
      results.cells.push_back(cell);
      cell.params.back().second = "serialize";
      cell.id = results::cell_id(cell.workload, cell.strategy, cell.params);
      cell.status = results::CellStatus::unsupported;
      cell.reason = "this processor lacks it";
      cell.metrics.clear();
      results.cells.push_back(std::move(cell));
    }
  }
  const FigureSet set = make_figures(results);
  const Figure* modes = find_figure(set, "patch-by-publish");
  REQUIRE(modes != nullptr);
  for (const char* part : {"'rwx, none'", "'rwx, cpuid'", "'memfd-dual, cpuid'",
                           "'sysv-shm, cpuid'", "\"not available: denied\""}) {
    CHECK_THAT(modes->script, contains(part));
  }
  CHECK_THAT(modes->script, contains("this processor lacks it"));
  CHECK_THAT(modes->script, !contains("'rwx, serialize'"));
  const Figure* patch = find_figure(set, "patch-cost");
  REQUIRE(patch != nullptr);
  CHECK_THAT(patch->script, !contains("cpuid"));
}

TEST_CASE("the same strategy has the same colour in every figure") {
  const FigureSet set = make_figures(sample_run({.rounds = 3, .standard = true}).results);
  for (const char* name : {"send-by-sites", "patch-cost", "send-by-degree", "attribution"}) {
    const Figure* figure = find_figure(set, name);
    REQUIRE(figure != nullptr);
    CHECK_THAT(figure->script, contains("lc rgb '#E69F00' pt 14") || contains(" 0xE69F00 14 "));
  }
}

TEST_CASE("figures without cells are named, not drawn") {
  SampleRun run = sample_run({.rounds = 3});
  std::erase_if(run.results.cells,
                [](const results::Cell& cell) { return cell.workload != "link"; });
  const FigureSet set = make_figures(run.results);
  CHECK(set.figures.empty());
  CHECK(set.absent.size() == 3);
}

TEST_CASE("an emulated run has no figure, because every figure shows times") {
  const FigureSet set =
      make_figures(sample_run({.rounds = 3, .standard = true, .emulated = true}).results);
  CHECK(set.figures.empty());
  REQUIRE(set.absent.size() == 1);
  CHECK_THAT(set.absent[0], starts_with("EMULATED: times mean nothing"));
}

TEST_CASE("gnuplot draws every figure of every kind of run") {
  for (const bool standard : {false, true}) {
    SampleRun run = sample_run({.rounds = 3, .standard = standard});
    const results::ScratchDirectory scratch;
    for (const Figure& figure : make_figures(run.results).figures) {
      if (!draws(figure, scratch)) {
        WARN("gnuplot is missing: nothing was drawn");
        return;
      }
    }
  }
}

TEST_CASE("gnuplot draws figures in which everything failed, and ids meant to break it") {
  const std::string evil = "e'; } { system(\"touch evil\") `touch evil` %n\\ $p0s0 <script>";
  SampleRun run = sample_run({.rounds = 3});
  for (auto& cell : run.results.cells) {
    if (cell.strategy == "memfd-dual") cell.strategy = evil;
    for (auto& [name, value] : cell.params) {
      if (name == "order") value = evil;
    }
    if (cell.strategy != evil) cell.status = results::CellStatus::failed;
    cell.reason = evil;
  }
  const results::ScratchDirectory scratch;
  const FigureSet some = make_figures(run.results);
  for (auto& cell : run.results.cells) cell.status = results::CellStatus::failed;
  const FigureSet none = make_figures(run.results);
  for (const FigureSet* set : {&some, &none}) {
    CHECK(set->figures.size() == 7);
    for (const Figure& figure : set->figures) {
      if (!draws(figure, scratch)) return;
      CHECK_THAT(results::read_text(scratch.path() / (figure.name + ".svg")),
                 contains("touch evil"));
    }
  }
  CHECK_FALSE(std::filesystem::exists(scratch.path() / "evil"));
}

TEST_CASE("a gnuplot that is missing, and a script that fails, are distinguished") {
  const results::ScratchDirectory scratch;
  (void)scratch.file("bad.gp", "this is not gnuplot\n");
  const auto missing = run_gnuplot(scratch.path(), "bad.gp", "no-such-program-anywhere");
  REQUIRE(missing.has_value());
  CHECK(missing->kind == GnuplotError::missing);
  const auto failed = run_gnuplot(scratch.path(), "bad.gp");
  REQUIRE(failed.has_value());
  if (failed->kind == GnuplotError::failed)
    CHECK_THAT(failed->message, contains("invalid command"));
}

}  // namespace
}  // namespace patchbench::analysis
