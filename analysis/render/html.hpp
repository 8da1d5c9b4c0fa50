// analysis/render/html.hpp - a document as one HTML file that needs nothing else: what draws its
// figures and sorts its tables is inside, and no address is asked for anything.
//
// Chapters stand in the order of Part, with a table of contents where there are several. Tables
// scroll in boxes of their own, and become cards on a phone. Without scripts tables are whole, and
// figures are the files that gnuplot drew.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "analysis/render/document.hpp"
#include "analysis/render/vega.hpp"

namespace patchbench::analysis {

/// Safe as text and inside quoted attributes. Control characters become spaces.
[[nodiscard]] std::string escape_html(std::string_view text);

struct PageFigure {
  std::string name;  // [a-z-]
  std::string title;
  std::string caption;
  DrawnChart drawn;
  Part part = Part::answer;
  std::string file = {};  // an SVG beside the page, for readers without scripts; may be empty
};

/// `remarks` stand where figures are missing: why.
[[nodiscard]] std::string html_page(const Document& document,
                                    const std::vector<PageFigure>& figures,
                                    const std::vector<std::string>& remarks);

}  // namespace patchbench::analysis
