// analysis/palette.hpp - what every strategy is called, means and looks like, the same in every
// table and figure.
//
// Colours are those of Okabe & Ito, "Color Universal Design" (2008), plus two greys: they stay
// apart under the common colour deficiencies. A colour may serve twice (a control and a strategy);
// colour and marker together are unique.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "results/model.hpp"

namespace patchbench::analysis {

struct Appearance {
  std::string_view id;       // of an unknown strategy: the text that was asked for
  std::string_view colour;   // "#rrggbb"
  int marker = 0;            // gnuplot point type
  int dash = 1;              // gnuplot dash type, 1 = solid
  bool control = false;      // not a way to patch code, but a yardstick
  std::string_view meaning;  // a sentence
};

/// The known strategies and controls, in presentation order.
[[nodiscard]] std::span<const Appearance> appearances();

/// An unknown id gets a spare style that depends on the id alone and that no known id has.
[[nodiscard]] Appearance appearance(std::string_view id);

/// Known ids in presentation order (strategies, then controls), after them unknown ones in the
/// order in which the run has them: every id in results.strategies and results.cells once.
[[nodiscard]] std::vector<std::string> strategies_in_order(const results::Results& results);

}  // namespace patchbench::analysis
