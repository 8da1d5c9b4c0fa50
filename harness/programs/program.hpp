// harness/programs/program.hpp - bench-run, but for the catalogue it is given.
#pragma once

#include "harness/plan/catalogue.hpp"
#include "harness/run/settings.hpp"

namespace patchbench::harness {

/// As the first argument: prints layout_marker() and, for each case that can be made, where its
/// code stands modulo 64, "rwx/mic 48". For tests of the layouts.
inline constexpr const char* kLayoutArgument = "--layout";

/// main(): both the parent's and, when started as one, a child's. Returns the exit code; throws
/// nothing.
[[nodiscard]] int program_main(int argc, const char* const* argv, const Catalogue& catalogue,
                               const Settings& settings);

}  // namespace patchbench::harness
