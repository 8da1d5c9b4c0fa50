// analysis/render/html.hpp - a document as one HTML file that needs nothing else: no script, no
// font, no address.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "analysis/render/document.hpp"

namespace patchbench::analysis {

/// Safe as text and inside quoted attributes. Control characters become spaces.
[[nodiscard]] std::string escape_html(std::string_view text);

/// A figure to stand inside the page.
struct InlineFigure {
  std::string name;  // [a-z-]: prefixes the ids of the drawing
  std::string title;
  std::string caption;
  std::string svg;  // a file as gnuplot writes it
};

/// The drawing's <svg> element without prolog and namespaces, scaled to the page's width, titled,
/// and with ids of its own, since every drawing of gnuplot uses the same. Empty when there is no
/// <svg> element in it.
[[nodiscard]] std::string inline_svg(const InlineFigure& figure);

/// `remarks` stand where figures are missing: why.
[[nodiscard]] std::string html_page(const Document& document,
                                    const std::vector<InlineFigure>& figures,
                                    const std::vector<std::string>& remarks);

}  // namespace patchbench::analysis
