#include "analysis/report.hpp"

#include <string>
#include <system_error>
#include <utility>

#include "analysis/quantity/quantities.hpp"
#include "analysis/render/document.hpp"
#include "analysis/render/gnuplot.hpp"
#include "analysis/render/html.hpp"
#include "analysis/view/figures.hpp"
#include "analysis/view/report_document.hpp"
#include "results/file.hpp"

namespace patchbench::analysis {
namespace {

namespace fs = std::filesystem;

struct Drawn {
  std::vector<InlineFigure> figures;
  std::vector<std::string> remarks;
};

void remove_earlier(const Figure& figure, const fs::path& plots) {
  for (const char* ending : {".svg", ".pdf"}) {
    std::error_code ignored;
    fs::remove(plots / (figure.name + ending), ignored);
  }
}

/// Empty when gnuplot succeeded but left no whole drawing, as on a full disk.
std::string finished_drawing(const fs::path& svg) {
  if (!fs::exists(svg)) return "";
  std::string text = results::read_text(svg);
  return text.find("</svg>") == std::string::npos ? "" : text;
}

void note(const std::string& text, Drawn& drawn, ReportOutcome& outcome) {
  outcome.warnings.push_back(text);
  drawn.remarks.push_back(text);
}

/// False when there is no gnuplot at all, and trying the next figure is useless.
bool draw(const Figure& figure, const fs::path& plots, Drawn& drawn, ReportOutcome& outcome) {
  // A figure of an earlier call must not pass for this one's when gnuplot fails.
  remove_earlier(figure, plots);
  const fs::path script = plots / (figure.name + ".gp");
  const fs::path svg = plots / (figure.name + ".svg");
  results::write_text_atomically(script, figure.script);
  outcome.files.push_back(script);
  const auto failure = run_gnuplot(plots, script.filename().string());
  if (failure && failure->kind == GnuplotError::missing) {
    note(
        "No figures were drawn: gnuplot was not found. Install the package gnuplot-nox, then run "
        "bench-report on the results.",
        drawn, outcome);
    return false;
  }
  std::string drawing = failure ? "" : finished_drawing(svg);
  if (drawing.empty()) {
    const std::string reason = failure ? failure->message : "gnuplot left no whole " + svg.string();
    note("The figure " + figure.name + " was not drawn: " + reason, drawn, outcome);
    return true;
  }
  outcome.files.push_back(svg);
  outcome.files.push_back(plots / (figure.name + ".pdf"));
  drawn.figures.push_back({figure.name, figure.title, figure.caption, std::move(drawing)});
  return true;
}

Drawn draw_all(const FigureSet& set, const fs::path& plots, ReportOutcome& outcome) {
  Drawn drawn;
  for (const Figure& figure : set.figures) {
    if (!draw(figure, plots, drawn, outcome)) break;
  }
  drawn.remarks.insert(drawn.remarks.end(), set.absent.begin(), set.absent.end());
  return drawn;
}

}  // namespace

ReportOutcome write_report(const results::Results& results, const std::filesystem::path& dir) {
  const Quantities run(results);
  const FigureSet set = make_figures(run);
  const fs::path plots = dir / "plots";
  const fs::path& deepest = set.figures.empty() ? dir : plots;
  std::error_code error;
  fs::create_directories(deepest, error);
  if (error) throw std::system_error(error, "cannot create " + deepest.string());
  ReportOutcome outcome;
  outcome.files.push_back(dir / "report.html");
  const Drawn drawn = draw_all(set, plots, outcome);
  const std::string page = html_page(make_document(run), drawn.figures, drawn.remarks);
  results::write_text_atomically(dir / "report.html", page);
  return outcome;
}

}  // namespace patchbench::analysis
