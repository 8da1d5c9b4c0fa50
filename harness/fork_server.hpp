// harness/fork_server.hpp - children that are forked from one fresh process instead of each being
// exec'ed.
//
// The dynamic linker and the start of a C++ program cost a child as much as its batches. The
// children of one group, which are compared with each other, are therefore forked from a process
// that is exec'ed for that group (as AFL's fork server does for inputs). Each still has its own
// memory, zone and registers; stack, heap and libraries stand at the same addresses in all of them,
// and at other ones in the next group: what those addresses do is the same on both sides of a
// ratio.
//
// The server makes them children of its own parent (CLONE_PARENT, clone(2)), which waits for them,
// kills them and dies before them as it does with exec'ed ones.
#pragma once

#include <array>
#include <filesystem>
#include <optional>

#include <sys/types.h>

#include "harness/catalogue.hpp"
#include "harness/signals.hpp"
#include "strategies/mapping.hpp"

namespace patchbench::harness {

inline constexpr const char* kForkServerArgument = "--fork-server";

/// The parent's end. The server ends with it.
class ForkServer {
 public:
  /// The descriptors of a child under the numbers kTaskFd, kAnswerFd, standard error and kTurnFd.
  using Descriptors = std::array<const Fd*, 4>;

  /// Starts `program`, an executable of this project (empty: this one), on processor `cpu` (-1: on
  /// any). Throws std::system_error.
  ForkServer(const std::filesystem::path& program, int cpu, const SignalWatch& signals);
  ForkServer(const ForkServer&) = delete;
  ForkServer& operator=(const ForkServer&) = delete;
  ~ForkServer();

  /// A new child of this process. Empty where the kernel, or an emulator, forks none for another
  /// parent, and once the server is gone; it is then asked no more.
  [[nodiscard]] std::optional<pid_t> fork(const Descriptors& descriptors);

 private:
  pid_t pid_ = -1;
  Fd socket_;
  bool works_ = true;
};

/// main() of the server and of every child that it forks: returns their exit code. `layout` as
/// child_main() takes it.
[[nodiscard]] int fork_server_main(const Catalogue& catalogue, std::optional<int> layout);

}  // namespace patchbench::harness
