#include "analysis/render/canvas.hpp"

#include <fmt/format.h>

#include "analysis/render/gnuplot.hpp"
#include "analysis/render/wrap.hpp"

namespace patchbench::analysis {

double screen_x(const Size& size, double x) { return x / size.width; }
double screen_y(const Size& size, double y) { return 1 - y / size.height; }

std::string text_at(const Size& size, double x, double y, std::string_view text,
                    std::string_view options) {
  return fmt::format("set label {} at screen {:.5f},{:.5f} {}\n", gnuplot_string(text),
                     screen_x(size, x), screen_y(size, y), options);
}

std::string figure_title(const Size& size, const std::string& title) {
  return text_at(size, kMargin, 24, title, "left font ',16'");
}

std::string margins(const Size& size, const Box& box) {
  return fmt::format(
      "set lmargin at screen {:.5f}\nset rmargin at screen {:.5f}\nset tmargin at screen "
      "{:.5f}\nset bmargin at screen {:.5f}\n",
      screen_x(size, box.left), screen_x(size, box.right), screen_y(size, box.top),
      screen_y(size, box.bottom));
}

std::vector<std::string> wrapped_lines(std::string_view text, std::size_t width,
                                       std::size_t indent) {
  std::vector<std::string> lines;
  std::string whole = wrap(text, width, indent);
  for (std::size_t end = whole.find('\n'); end != std::string::npos; end = whole.find('\n')) {
    lines.push_back(whole.substr(0, end));
    whole.erase(0, end + 1);
  }
  return lines;
}

std::vector<std::string> wrapped_remarks(const std::vector<std::string>& texts) {
  constexpr std::size_t kCharacters = 128;
  std::vector<std::string> all;
  for (const std::string& text : texts) {
    const std::vector<std::string> lines = wrapped_lines(text, kCharacters, 4);
    all.insert(all.end(), lines.begin(), lines.end());
  }
  return all;
}

std::string remark_lines(const Size& size, const std::vector<std::string>& lines) {
  std::string script;
  double y = size.height - kMargin - kRemarkHeight * (static_cast<double>(lines.size()) - 1);
  for (const std::string& line : lines) {
    script +=
        text_at(size, kMargin, y, line, fmt::format("left font ',12' tc rgb '{}'", kFaintText));
    y += kRemarkHeight;
  }
  return script;
}

std::string script_header(const std::string& name) {
  // name is ours, but a comment ends at the line's end and nothing else does.
  return "# Draws " + gnuplot_string(name + ".svg") + " and .pdf: gnuplot " +
         gnuplot_string(name + ".gp") + "\nset encoding utf8\n";
}

std::string both_terminals(const std::string& name, const Size& size, const std::string& drawing) {
  // The drawing twice: gnuplot cannot draw the same multiplot to two files. pdfcairo takes a font
  // size of 1 for 4/3 of a point, unscaled; a pixel at 96 to the inch is 3/4 of a point.
  constexpr double kPdfFontScale = 0.75 * 0.75;
  return fmt::format(
             "set terminal svg size {:.0f},{:.0f} noenhanced font 'sans-serif,{:.0f}' linewidth 1 "
             "background '#ffffff'\n"
             "set output {}\n{}unset output\n",
             size.width, size.height, kFontSize, gnuplot_string(name + ".svg"), drawing) +
         fmt::format(
             "set terminal pdfcairo size {:.3f}in,{:.3f}in noenhanced font 'sans-serif,{:.0f}' "
             "fontscale {} linewidth 1 "
             "background '#ffffff'\nset output {}\n{}unset output\n",
             size.width / 96, size.height / 96, kFontSize, kPdfFontScale,
             gnuplot_string(name + ".pdf"), drawing);
}

}  // namespace patchbench::analysis
