// analysis/render/canvas.hpp - a figure's paper: pixels, texts and files in gnuplot's words.
//
// Layout is in pixels of the SVG, from the top left; the PDF has the same proportions at 96 pixels
// an inch. Texts enter a script through gnuplot_string.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace patchbench::analysis {

inline constexpr double kFontSize = 13;
inline constexpr double kTitleHeight = 46;
inline constexpr double kRemarkHeight = 17;
inline constexpr double kMargin = 14;
inline constexpr std::string_view kFrame = "#888888";
inline constexpr std::string_view kFaintText = "#666666";

struct Size {
  double width = 0;
  double height = 0;
};

struct Box {
  double left = 0;
  double top = 0;
  double right = 0;
  double bottom = 0;
};

/// As shares of the canvas, from the bottom left.
[[nodiscard]] double screen_x(const Size& size, double x);
[[nodiscard]] double screen_y(const Size& size, double y);

/// `options` as `set label` takes them: "left font ',12'".
[[nodiscard]] std::string text_at(const Size& size, double x, double y, std::string_view text,
                                  std::string_view options);
[[nodiscard]] std::string figure_title(const Size& size, const std::string& title);
/// Where the next plot's axes are.
[[nodiscard]] std::string margins(const Size& size, const Box& box);

/// As wrap() breaks it.
[[nodiscard]] std::vector<std::string> wrapped_lines(std::string_view text, std::size_t width,
                                                     std::size_t indent);
/// Sentences as lines of the canvas' width.
[[nodiscard]] std::vector<std::string> wrapped_remarks(const std::vector<std::string>& texts);
/// At the bottom of the canvas.
[[nodiscard]] std::string remark_lines(const Size& size, const std::vector<std::string>& lines);

[[nodiscard]] std::string script_header(const std::string& name);
/// `drawing` to NAME.svg and to NAME.pdf.
[[nodiscard]] std::string both_terminals(const std::string& name, const Size& size,
                                         const std::string& drawing);

}  // namespace patchbench::analysis
