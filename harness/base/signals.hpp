// harness/base/signals.hpp - being asked to stop, and hearing of a child's end, at the same place.
#pragma once

#include <csignal>

#include "strategies/mapping.hpp"

namespace patchbench::harness {

/// While it lives, SIGINT, SIGTERM, SIGHUP and SIGCHLD are blocked and read from fd() instead.
/// Those that were ignored before (nohup, a script's background job) stay ignored. One at a time,
/// on the main thread.
class SignalWatch {
 public:
  /// Throws std::system_error.
  SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;
  ~SignalWatch();

  /// Readable when a signal has arrived since the last drain().
  [[nodiscard]] int fd() const { return fd_.get(); }
  /// Takes what has arrived, without waiting.
  void drain();
  /// Ends the watch before the object's end: signals do again what they did before. What has
  /// arrived until now does nothing any more.
  void release();
  /// Whether anyone asked this run to stop, as far as drained.
  [[nodiscard]] bool stop_requested() const { return stop_requested_; }
  /// What a child is to start with.
  [[nodiscard]] const sigset_t& mask_before() const { return before_; }

 private:
  sigset_t before_{};
  Fd fd_;
  bool stop_requested_ = false;
  bool released_ = false;
};

/// A reader that goes away and a file size limit become errors of write(2) instead of the end of
/// the process. For the rest of the process' life, and of its children's.
void turn_write_signals_into_errors();

}  // namespace patchbench::harness
