// analysis/quantity/shootdowns.hpp - how this machine tells another processor of a changed mapping.
//
// By an interrupt, usually. Arm broadcasts invalidations, as does AMD's INVLPGB, and a hypervisor
// may flush for a processor that it is not running: then none is sent, and a patch costs less than
// where it is.
#pragma once

#include "results/model.hpp"

namespace patchbench::analysis {

/// Notes on a cell whose patches change mappings that no interrupt was sent for it beside a busy
/// thread. Nothing where that was not counted.
void note_shootdowns(results::Cell& cell);

}  // namespace patchbench::analysis
