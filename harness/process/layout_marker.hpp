// harness/process/layout_marker.hpp - which layout of which build an executable is.
#pragma once

namespace patchbench::harness {

/// "patchbench-layout:2:<hash of what was linked>". The same objects make up every layout of a
/// build, so that layouts of one build have the same hash. layout_marker.cpp, which defines this,
/// is compiled for each executable and stands first in it: the bytes that the compiler puts in
/// front of this function are what moves everything behind it.
/// It is the only function there, unoptimised too: the compiler would put as many in front of each.
[[nodiscard]] const char* layout_marker();

}  // namespace patchbench::harness
