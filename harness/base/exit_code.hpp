// harness/base/exit_code.hpp - what the four programs end with.
#pragma once

namespace patchbench::harness {

inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;  // a case failed, or something could not be written
inline constexpr int kBadUsage = 2;
inline constexpr int kRegression = 3;  // bench-compare
inline constexpr int kCannotTell = 4;  // bench-compare
inline constexpr int kInterrupted = 130;

}  // namespace patchbench::harness
