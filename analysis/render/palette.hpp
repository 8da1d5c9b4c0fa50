// analysis/render/palette.hpp - what every strategy looks like, the same in every figure.
//
// Colours are those of Okabe & Ito, "Color Universal Design" (2008), plus two greys: they stay
// apart under the common colour deficiencies. A colour may serve twice (a control and a strategy);
// colour and marker together are unique. Markers are open, and lines of strategies differ in their
// dashes, so that neither hides another where strategies cost the same.
#pragma once

#include <span>
#include <string_view>

namespace patchbench::analysis {

struct Appearance {
  std::string_view id;      // of an unknown strategy: the text that was asked for
  std::string_view colour;  // "#rrggbb"
  int marker = 0;           // gnuplot point type
  int dash = 1;             // gnuplot dash type
  bool control = false;     // for files that do not say what is one
};

/// Those with a style of their own.
[[nodiscard]] std::span<const Appearance> appearances();

/// An unknown id gets a style that depends on the id alone and that no known id has.
[[nodiscard]] Appearance appearance(std::string_view id);

/// A marker in the square from -1 to 1, as the data of an SVG path.
[[nodiscard]] std::string_view marker_path(int marker);

/// A dash as lengths of strokes and gaps, in pixels. What is solid has a gap of no length.
[[nodiscard]] std::span<const int> dash_lengths(int dash);

}  // namespace patchbench::analysis
