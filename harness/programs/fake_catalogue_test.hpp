// harness/programs/fake_catalogue_test.hpp - cells that do what cells must not.
//
// Those that work count to 200 in each run, 100 sends or 10 patches, and to 1,000 before each run
// of patches.
//
// Strategies rwx, memfd-dual, file-dual and slow work, and so do the controls floor and tag-cell
// (of mic alone); the others fail, each in its own way. Workloads mic (sites, order, work) and zone
// (kib).
#pragma once

#include "harness/plan/catalogue.hpp"

namespace patchbench::harness {

/// The file that FAKE_TRACE names, if any, gets the process id (a pid_t) of each run of a cell that
/// works, in the order in which they begin.
///
/// `hang` writes its process id to the file that FAKE_MARK names, if any, before it hangs. Probes
/// of the strategies that the environment variable FAKE_DENY lists (ID,ID) are refused with EACCES.
[[nodiscard]] Catalogue fake_catalogue();

}  // namespace patchbench::harness
