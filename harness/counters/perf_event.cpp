#include "harness/counters/perf_event.hpp"

#include <array>
#include <cerrno>
#include <system_error>

#include <fmt/format.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/proc.hpp"

namespace patchbench::harness {
namespace {

Fd open_event(std::uint32_t type, std::uint64_t config) {
  perf_event_attr attributes{};
  attributes.size = sizeof attributes;
  attributes.type = type;
  attributes.config = config;
  attributes.disabled = 1;
  attributes.exclude_kernel = 1;
  attributes.exclude_hv = 1;
  attributes.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
  constexpr pid_t kThisThread = 0;
  constexpr int kAnyProcessor = -1;
  constexpr int kNoGroup = -1;
  return Fd(static_cast<int>(syscall(SYS_perf_event_open, &attributes, kThisThread, kAnyProcessor,
                                     kNoGroup, PERF_FLAG_FD_CLOEXEC)));
}

/// What perf_event_open(2) gives as the errors' meaning.
std::string explain_open(int error) {
  if (error == EACCES || error == EPERM) {
    const auto paranoid = read_integer("/proc/sys/kernel/perf_event_paranoid");
    return fmt::format(
        "perf_event_open: not permitted (kernel.perf_event_paranoid is {}; 2 or less allows "
        "counting one's own user code, unless a container's seccomp filter forbids the call)",
        paranoid ? std::to_string(*paranoid) : "unknown");
  }
  if (error == ENOENT || error == EOPNOTSUPP || error == ENODEV) {
    return "perf_event_open: this machine has no counter for the event";
  }
  return "perf_event_open";
}

void control(const Fd& fd, unsigned long request, const char* name) {
  if (ioctl(fd.get(), request, 0) != 0) {
    throw_errno(name);
  }
}

}  // namespace

PerfEvent::PerfEvent(std::uint32_t type, std::uint64_t config) : fd_(open_event(type, config)) {
  if (!fd_) {
    const int error = errno;
    throw std::system_error(error, std::generic_category(), explain_open(error));
  }
}

void PerfEvent::start() {
  control(fd_, PERF_EVENT_IOC_RESET, "ioctl (PERF_EVENT_IOC_RESET)");
  control(fd_, PERF_EVENT_IOC_ENABLE, "ioctl (PERF_EVENT_IOC_ENABLE)");
}

void PerfEvent::stop() { control(fd_, PERF_EVENT_IOC_DISABLE, "ioctl (PERF_EVENT_IOC_DISABLE)"); }

PerfReading PerfEvent::read() const {
  std::array<std::uint64_t, 3> words{};
  const ssize_t got = ::read(fd_.get(), words.data(), sizeof words);
  if (got != static_cast<ssize_t>(sizeof words)) {
    throw_errno("read (a perf event)", got < 0 ? errno : EIO);
  }
  return {.value = words[0], .time_enabled_ns = words[1], .time_running_ns = words[2]};
}

}  // namespace patchbench::harness
