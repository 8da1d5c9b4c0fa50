// strategies/dispatch.hpp - the names of the ways in which a send site may reach its target.
//
// A strategy is a zone and one of these. What they mean is the business of workloads/send/; here
// they are only names, so that a strategy is declared in one place.
#pragma once

namespace patchbench {

enum class Dispatch {
  inline_cache,          // tag and target are immediates in the code; linking patches code
  cell_cache,            // tag and target are loaded from the site's cell; code never changes
  cell_cache_shared,     // as cell_cache, and all sites share one PIC stub that is told its slots
  cell_cache_scattered,  // as cell_cache, each cell on a cache line of its own, far from the last
  cell_cache_newest_first,  // as cell_cache, a PIC's slots in the order of a patched PIC's cases
  unchecked,                // as inline_cache, but the call enters behind the class check
  tag_cell,                 // tag from a cell, direct call
  target_cell,              // tag as an immediate, call through a cell
  target_register,  // tag as an immediate, target formed in a register, indirect call, no data
};

/// Whether strategies with this dispatch store to code while it runs. (Controls with other ways of
/// keeping tag and target are linked once, before they run.)
[[nodiscard]] constexpr bool patched_at_run_time(Dispatch dispatch) noexcept {
  return dispatch == Dispatch::inline_cache || dispatch == Dispatch::unchecked;
}

/// Whether a site's tag and target are both in its cell, so that linking stores to data alone.
[[nodiscard]] constexpr bool links_cells(Dispatch dispatch) noexcept {
  return dispatch == Dispatch::cell_cache || dispatch == Dispatch::cell_cache_shared ||
         dispatch == Dispatch::cell_cache_scattered ||
         dispatch == Dispatch::cell_cache_newest_first;
}
[[nodiscard]] constexpr bool tag_is_in_cell(Dispatch dispatch) noexcept {
  return links_cells(dispatch) || dispatch == Dispatch::tag_cell;
}
[[nodiscard]] constexpr bool target_is_in_cell(Dispatch dispatch) noexcept {
  return links_cells(dispatch) || dispatch == Dispatch::target_cell;
}

}  // namespace patchbench
