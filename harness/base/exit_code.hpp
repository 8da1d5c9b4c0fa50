// harness/base/exit_code.hpp - what bench-run ends with.
#pragma once

namespace patchbench::harness {

inline constexpr int kDone = 0;
inline constexpr int kCellFailed = 1;  // also: the results could not be written
inline constexpr int kBadUsage = 2;
inline constexpr int kInterrupted = 130;

}  // namespace patchbench::harness
