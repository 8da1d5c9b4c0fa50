// harness/process/turns.hpp - the child's side of taking turns with the other children of its
// group.
//
// All cells that are compared with each other (one workload, one set of parameters) are alive at
// the same time, pinned to the same processor, and measure one batch each in turn. A state of the
// machine that lasts longer than a lap, a few milliseconds, is then the same for all of them:
// tango's pairing, with a process of its own for each side (launch.hpp has the parent's side).
#pragma once

#include <cstdint>

namespace patchbench::harness {

/// A socket whose other end is the parent's. The child writes the index of the metric that it is
/// about to measure and waits for a byte before each batch.
inline constexpr int kTurnFd = 6;

class Turns {
 public:
  /// Without a parent that gives turns, it is always this child's turn.
  explicit Turns(bool given) : given_(given) {}

  /// Before each batch of the metric with this index: returns when it may be measured. Throws
  /// std::runtime_error when the parent is gone.
  void wait_for(std::uint8_t metric);
  /// Whether another process may have had the processor's caches since the last batch.
  [[nodiscard]] bool are_given() const { return given_; }

 private:
  bool given_;
};

}  // namespace patchbench::harness
