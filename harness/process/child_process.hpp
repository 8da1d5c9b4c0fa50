// harness/process/child_process.hpp - a child as a process: its descriptors, its start and its end.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <sys/types.h>

#include "harness/base/signals.hpp"
#include "harness/process/child.hpp"
#include "harness/process/launch.hpp"
#include "strategies/mapping.hpp"

namespace patchbench::harness {

/// A running child. Its owner kills what is left of it.
class ChildProcess {
 public:
  /// Throws std::system_error.
  ChildProcess(const ChildTask& task, const SignalWatch& signals, const Wrapper* wrapper);
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess() { kill_and_reap(); }

  /// Sleeps until something happens or `milliseconds` are over, and takes note of it.
  void wait_for_news(SignalWatch& signals, int milliseconds);

  /// The metric of which it waits to measure a batch; empty while it works and once it has ended.
  [[nodiscard]] std::optional<std::uint8_t> waits_for() const { return waits_for_; }
  /// To a child that waits. One that is gone ends anyway.
  void give_turn();

  [[nodiscard]] bool ended() const { return pid_ < 0; }
  /// As waitpid(2) gives it, once ended.
  [[nodiscard]] int wait_status() const { return wait_status_; }
  [[nodiscard]] const std::string& answer() const { return answer_text_; }
  /// The end of it at least.
  [[nodiscard]] const std::string& stderr_text() const { return errors_text_; }
  void kill_and_reap();

 private:
  void reap(int options);
  void hear();
  void take_output();

  pid_t pid_ = -1;
  int wait_status_ = 0;
  Fd answer_;
  Fd errors_;
  Fd turn_;
  std::optional<std::uint8_t> waits_for_;
  std::string answer_text_;
  std::string errors_text_;
};

}  // namespace patchbench::harness
