// strategies/dispatch.hpp - the names of the ways in which a send site may reach its target.
//
// A strategy is a zone and one of these. What they mean is the business of workloads/send/; here
// they are only names, so that a strategy is declared in one place.
#pragma once

#include <string_view>

namespace patchbench {

enum class Dispatch {
  inline_cache,       // tag and target are immediates in the code; linking patches code
  cell_cache,         // tag and target are loaded from the site's cell; code never changes
  cell_cache_shared,  // as cell_cache, and all sites share one PIC stub, which gets its slots from
                      // the tag
  cell_cache_scattered,  // as cell_cache, each cell on a cache line of its own, far from the last
  cell_cache_newest_first,  // as cell_cache, a PIC's slots in the order of a patched PIC's cases
  stub_cell,  // tag from the site's cell; direct call to the site's stub, which jumps through the
              // cell; code never changes
  stub_cell_retpoline,  // as stub_cell, the stub's jump a return that is predicted into a loop
  stub_cell_lfence,     // as stub_cell, an LFENCE between the load and the jump
  unchecked,            // as inline_cache, but the call enters behind the class check
  tag_cell,             // tag from a cell, direct call
  target_cell,          // tag as an immediate, call through a cell
  target_register,      // tag as an immediate, target formed in a register, indirect call, no data
};

/// Whether strategies with this dispatch store to code while it runs. (Controls with other ways of
/// keeping tag and target are linked once, before they run.)
[[nodiscard]] constexpr bool patched_at_run_time(Dispatch dispatch) noexcept {
  return dispatch == Dispatch::inline_cache || dispatch == Dispatch::unchecked;
}

/// Whether a strategy or control changes what it executes, code or cells; one that says kPatched
/// = false installs its code once.
template <class Strategy>
[[nodiscard]] constexpr bool is_patched() noexcept {
  if constexpr (requires { Strategy::kPatched; }) {
    return Strategy::kPatched;
  } else {
    return true;
  }
}

/// Whether a site's call is a direct one to a stub of its own, which never changes and jumps
/// through the cell.
[[nodiscard]] constexpr bool calls_stub(Dispatch dispatch) noexcept {
  return dispatch == Dispatch::stub_cell || dispatch == Dispatch::stub_cell_retpoline ||
         dispatch == Dispatch::stub_cell_lfence;
}
/// Whether a site's tag and target are both in its cell, so that linking stores to data alone.
[[nodiscard]] constexpr bool links_cells(Dispatch dispatch) noexcept {
  return dispatch == Dispatch::cell_cache || dispatch == Dispatch::cell_cache_shared ||
         dispatch == Dispatch::cell_cache_scattered ||
         dispatch == Dispatch::cell_cache_newest_first || calls_stub(dispatch);
}
[[nodiscard]] constexpr bool tag_is_in_cell(Dispatch dispatch) noexcept {
  return links_cells(dispatch) || dispatch == Dispatch::tag_cell;
}
[[nodiscard]] constexpr bool target_is_in_cell(Dispatch dispatch) noexcept {
  return links_cells(dispatch) || dispatch == Dispatch::target_cell;
}

/// One word each: the bytes of a linked send depend on the dispatch alone, not on the zone.
[[nodiscard]] constexpr std::string_view to_string(Dispatch dispatch) noexcept {
  switch (dispatch) {
    case Dispatch::inline_cache:
      return "inline-cache";
    case Dispatch::cell_cache:
      return "cell";
    case Dispatch::cell_cache_scattered:
      return "cell-scattered";
    case Dispatch::cell_cache_newest_first:
      return "cell-newest-first";
    case Dispatch::cell_cache_shared:
      return "cell-shared-stub";
    case Dispatch::stub_cell:
      return "stub-cell";
    case Dispatch::stub_cell_retpoline:
      return "stub-cell-retpoline";
    case Dispatch::stub_cell_lfence:
      return "stub-cell-lfence";
    case Dispatch::unchecked:
      return "unchecked";
    case Dispatch::tag_cell:
      return "tag-cell";
    case Dispatch::target_cell:
      return "target-cell";
    case Dispatch::target_register:
      return "target-register";
  }
  return "";
}

}  // namespace patchbench
