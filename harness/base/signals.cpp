#include "harness/base/signals.hpp"

#include <cerrno>

#include <sys/signalfd.h>
#include <unistd.h>

namespace patchbench::harness {
namespace {

bool is_ignored(int signal) {
  struct sigaction action {};
  return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

SignalWatch::SignalWatch() {
  // An inherited SIG_IGN would make children vanish before anyone could ask how they ended.
  std::signal(SIGCHLD, SIG_DFL);
  sigset_t watched;
  sigemptyset(&watched);
  sigaddset(&watched, SIGCHLD);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    if (!is_ignored(signal)) sigaddset(&watched, signal);
  }
  fd_ = Fd(signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd_) throw_errno("signalfd");
  if (sigprocmask(SIG_BLOCK, &watched, &before_) != 0) throw_errno("sigprocmask");
}

SignalWatch::~SignalWatch() { release(); }

void SignalWatch::release() {
  if (!released_) {
    released_ = true;
    drain();  // what was heard must not strike again once the mask is back
    sigprocmask(SIG_SETMASK, &before_, nullptr);
  }
}

void SignalWatch::drain() {
  signalfd_siginfo info{};
  for (;;) {
    const ssize_t got = read(fd_.get(), &info, sizeof info);
    if (got < 0 && errno == EINTR) continue;
    if (got != static_cast<ssize_t>(sizeof info)) return;
    stop_requested_ = stop_requested_ || info.ssi_signo != SIGCHLD;
  }
}

void turn_write_signals_into_errors() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

}  // namespace patchbench::harness
