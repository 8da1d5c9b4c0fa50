#include "analysis/report.hpp"

#include <string>
#include <system_error>
#include <utility>

#include "analysis/quantity/quantities.hpp"
#include "analysis/render/document.hpp"
#include "analysis/render/gnuplot.hpp"
#include "analysis/render/html.hpp"
#include "analysis/view/figures.hpp"
#include "analysis/view/machines.hpp"
#include "analysis/view/report_document.hpp"
#include "results/file.hpp"

namespace patchbench::analysis {
namespace {

namespace fs = std::filesystem;

void remove_earlier(const Figure& figure, const fs::path& plots) {
  for (const char* ending : {".svg", ".pdf"}) {
    std::error_code ignored;
    fs::remove(plots / (figure.name + ending), ignored);
  }
}

/// gnuplot succeeds without a whole drawing on a full disk.
bool is_whole(const fs::path& svg) {
  return fs::exists(svg) && results::read_text(svg).find("</svg>") != std::string::npos;
}

/// What `gnuplot` came to for the figure: nothing, or why there are no files of it.
std::string draw(const Figure& figure, const fs::path& plots, ReportOutcome& outcome) {
  const fs::path script = plots / (figure.name + ".gp");
  const fs::path svg = plots / (figure.name + ".svg");
  results::write_text_atomically(script, figure.script);
  outcome.files.push_back(script);
  const auto failure = run_gnuplot(plots, script.filename().string());
  if (failure && failure->kind == GnuplotError::missing) {
    return "No figures were drawn as files: gnuplot was not found. Install the package "
           "gnuplot-nox, "
           "then run bench-report on the results.";
  }
  if (failure || !is_whole(svg)) {
    return "The figure " + figure.name + " was not drawn as a file: " +
           (failure ? failure->message : "gnuplot left no whole " + svg.string());
  }
  outcome.files.push_back(svg);
  outcome.files.push_back(plots / (figure.name + ".pdf"));
  return "";
}

/// The page draws its figures itself; the files are for papers, and for readers without scripts.
std::vector<PageFigure> draw_all(const FigureSet& set, const fs::path& plots,
                                 ReportOutcome& outcome) {
  std::vector<PageFigure> figures;
  for (const Figure& figure : set.figures) {
    // A figure of an earlier call must not pass for this one's when gnuplot fails.
    remove_earlier(figure, plots);
    const std::string why = draw(figure, plots, outcome);
    // Without gnuplot all say the same.
    if (!why.empty()) add_once(outcome.warnings, why);
    if (figure.drawn.groups.empty()) continue;
    figures.push_back({figure.name, figure.title, figure.caption, figure.drawn, figure.part,
                       why.empty() ? "plots/" + figure.name + ".svg" : ""});
  }
  return figures;
}

/// Makes the directories and draws; `page` stands first among what was written.
std::vector<PageFigure> draw_beside(const fs::path& page, const FigureSet& set,
                                    ReportOutcome& outcome) {
  const fs::path dir = page.parent_path();
  const fs::path plots = dir / "plots";
  const fs::path& deepest = set.figures.empty() ? dir : plots;
  std::error_code error;
  fs::create_directories(deepest, error);
  if (error) throw std::system_error(error, "cannot create " + deepest.string());
  outcome.files.push_back(page);
  return draw_all(set, plots, outcome);
}

ReportOutcome write_page(const fs::path& page, const FigureSet& set, const Document& document) {
  ReportOutcome outcome;
  const std::vector<PageFigure> figures = draw_beside(page, set, outcome);
  results::write_text_atomically(page, html_page(document, figures, set.absent));
  return outcome;
}

}  // namespace

ReportOutcome write_report(const results::Results& results, const std::filesystem::path& dir) {
  const Quantities run(results);
  return write_page(dir / "report.html", make_figures(run), make_document(run));
}

ReportOutcome write_machines_report(std::span<const results::Results> runs,
                                    const std::filesystem::path& dir) {
  return write_page(dir / "machines.html", machines_figures(runs), machines_document(runs));
}

}  // namespace patchbench::analysis
