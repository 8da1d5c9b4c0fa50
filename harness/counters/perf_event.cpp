#include "harness/counters/perf_event.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <system_error>

#include <fmt/format.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/machine/calibration.hpp"
#include "harness/machine/proc.hpp"
#include "harness/machine/sandbox.hpp"

namespace patchbench::harness {
namespace {

constexpr const char* kParanoid = "/proc/sys/kernel/perf_event_paranoid";

/// CAP_PERFMON, or CAP_SYS_ADMIN, which includes it.
bool has_capability_of_perf() {
  constexpr unsigned kPerfmon = 38;
  constexpr unsigned kSysAdmin = 21;
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    unsigned long long held = 0;
    if (std::sscanf(line.c_str(), "CapEff: %llx", &held) == 1) {
      return ((held >> kPerfmon) & 1U) != 0 || ((held >> kSysAdmin) & 1U) != 0;
    }
  }
  return false;
}

/// Ubuntu's and Debian's levels above 2 forbid everything without privileges.
std::string explain_permission(const Event& event) {
  const int highest = highest_paranoid(event);
  const auto paranoid = read_integer(kParanoid);
  if (!paranoid) {
    return fmt::format(
        "perf_event_open: not permitted, and {} cannot be read: the kernel was built without "
        "perf events, or a sandbox hides them",
        kParanoid);
  }
  if (*paranoid <= highest || has_capability_of_perf()) {
    return fmt::format(
        "perf_event_open: not permitted, though {} allows it: {} refuses the call; a container "
        "needs a profile that allows perf_event_open (docker run --security-opt seccomp=FILE, or "
        "--cap-add PERFMON for CAP_PERFMON)",
        *paranoid <= highest ? fmt::format("kernel.perf_event_paranoid={}", *paranoid)
                             : std::string("a capability of this process"),
        has_seccomp_filter() ? "a seccomp filter" : "a security module or a sandbox");
  }
  return fmt::format(
      "perf_event_open: not permitted (kernel.perf_event_paranoid is {}; {} or less allows it, as "
      "does the capability CAP_PERFMON: sysctl kernel.perf_event_paranoid={}){}",
      *paranoid, highest, highest,
      has_seccomp_filter() ? "; a seccomp filter is in force here, which may refuse it besides"
                           : "");
}

/// What perf_event_open(2) gives as the errors' meaning.
std::string explain_open(int error, const Event& event) {
  switch (error) {
    case EACCES:
    case EPERM:
      return explain_permission(event);
    case ENOENT:
    case ENODEV:
    case EOPNOTSUPP:
      return "perf_event_open: this machine has no counter for the event";
    case ENOSYS:
      return "perf_event_open: this kernel, or a container's seccomp filter, has no such call";
    default:
      return "perf_event_open";
  }
}

void control(const Fd& fd, unsigned long request, const char* name) {
  if (ioctl(fd.get(), request, 0) != 0) throw_errno(name);
}

}  // namespace

// Documentation/admin-guide/sysctl/kernel.rst of Linux: what is allowed without CAP_PERFMON at
// which level. What it says of tracepoints is of their records, which nothing here asks for: to
// count them takes what the kernel's other events take (perf_trace_event_perm in
// kernel/trace/trace_event_perf.c). Debian adds level 3, Ubuntu 4, which forbid everything.
int highest_paranoid(const Event& event) { return event.scope == "user" ? 2 : 1; }

Fd open_event(const Event& event, const Opening& opening) {
  if (is_killed("perf_event_open")) {
    throw_errno("perf_event_open: a seccomp filter kills it", EPERM);
  }
  perf_event_attr attributes{};
  attributes.size = sizeof attributes;
  attributes.type = event.type;
  attributes.config = event.config;
  attributes.config1 = event.config1 | opening.further_config1;
  attributes.config2 = event.config2;
  attributes.read_format = opening.read_format;
  if (opening.leader < 0) attributes.disabled = 1;
  attributes.exclude_user = event.scope == "kernel" ? 1 : 0;
  attributes.exclude_kernel = event.scope == "user" ? 1 : 0;
  attributes.exclude_hv = 1;
  attributes.inherit = event.beside.empty() ? 0 : 1;
  constexpr pid_t kThisThread = 0;
  constexpr int kAnyProcessor = -1;
  Fd fd(static_cast<int>(syscall(SYS_perf_event_open, &attributes, kThisThread, kAnyProcessor,
                                 opening.leader, PERF_FLAG_FD_CLOEXEC)));
  if (!fd) {
    const int error = errno;
    throw std::system_error(error, std::generic_category(), explain_open(error, event));
  }
  if (!event.filter.empty() &&
      ioctl(fd.get(), PERF_EVENT_IOC_SET_FILTER, event.filter.c_str()) != 0) {
    throw_errno("ioctl (PERF_EVENT_IOC_SET_FILTER)");
  }
  return fd;
}

PerfEvent::PerfEvent(std::uint32_t type, std::uint64_t config) {
  Event event;
  event.scope = "user";
  event.type = type;
  event.config = config;
  fd_ = open_event(
      event, {.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING});
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

int count_cycles() {
  constexpr std::uint64_t kLength = 10'000;
  try {
    PerfEvent cycles(PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES);
    cycles.start();
    multiply_chain(kLength);
    return cycles.read().value > 0 ? 0 : ENODATA;
  } catch (const std::system_error& error) {
    return error.code().value();
  }
}

}  // namespace patchbench::harness
