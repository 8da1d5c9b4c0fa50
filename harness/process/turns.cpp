#include "harness/process/turns.hpp"

#include <cerrno>
#include <stdexcept>

#include <unistd.h>

namespace patchbench::harness {

void Turns::wait_for(std::uint8_t metric) {
  if (!given_) {
    return;
  }
  std::uint8_t go = 0;
  ssize_t got = write(kTurnFd, &metric, sizeof metric);
  while (got > 0) {
    got = read(kTurnFd, &go, sizeof go);
    if (got == sizeof go) {
      return;
    }
    if (got < 0 && errno == EINTR) {
      got = 1;
    }
  }
  throw std::runtime_error("the parent gives no turns any more");
}

}  // namespace patchbench::harness
