#include "harness/process/denial.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <tuple>

#include <fmt/format.h>
#include <sys/resource.h>

#include "harness/machine/proc.hpp"
#include "strategies/vmas.hpp"

namespace patchbench::harness {
namespace {

struct Advice {
  std::string_view call;  // a prefix; empty: any
  int error_number;
  std::string_view text;
};

constexpr std::string_view kHugetlbPool =
    "the pool of huge pages has too few: sysctl vm.nr_hugepages shows and sets how many it has";

// The first that fits. Which policy gives which errno was measured for each strategy (MDWE and
// SELinux EACCES, seccomp filters and noexec EPERM).
constexpr std::array kAdvice = {
    Advice{"memfd_create", EACCES,
           "sysctl vm.memfd_noexec=2 refuses executable memfds; 1 or 0 allows them"},
    Advice{"shm", EACCES, "a security policy refuses executable SysV segments (SELinux execmem)"},
    Advice{"shm", EPERM,
           "a seccomp filter refuses executable SysV segments (systemd MemoryDenyWriteExecute=)"},
    Advice{"shm", ENOSPC,
           "the limits kernel.shmmni or kernel.shmall are reached; ipcs -m shows the segments"},
    Advice{"shm", EINVAL, "larger than kernel.shmmax, or the address is taken"},
    Advice{"mmap (pages of the hugetlb pool", ENOMEM, kHugetlbPool},
    Advice{"fallocate (pages of the hugetlb pool", ENOSPC, kHugetlbPool},
    Advice{"ftruncate", EFBIG, "the file size limit is too small: ulimit -f unlimited"},
    Advice{"fallocate", EFBIG, "the file size limit is too small: ulimit -f unlimited"},
    Advice{"fallocate (no directory", EPERM,
           "a seccomp filter refuses fallocate: allow it in the sandbox's profile"},
    Advice{"mmap (no directory", EPERM,
           "every directory that was tried is on a filesystem mounted noexec, or a seccomp filter "
           "refuses executable mappings: set TMPDIR to a directory that is not noexec"},
    Advice{
        "mmap (read-execute view of a file in /dev/shm", EPERM,
        "/dev/shm is mounted noexec (mount -o remount,exec /dev/shm), or a seccomp filter refuses "
        "executable mappings"},
    Advice{"mmap", EPERM,
           "no filesystem is involved: a seccomp filter refuses memory that is executable (systemd "
           "MemoryDenyWriteExecute=, or a container's profile)"},
    Advice{"m", EACCES,
           "a security policy refuses memory that is or was writable to become executable (SELinux "
           "execmem, systemd MemoryDenyWriteExecute=, PR_SET_MDWE)"},
    Advice{"m", EPERM,
           "a seccomp filter refuses writable memory to become executable (systemd "
           "MemoryDenyWriteExecute=)"},
    Advice{"", EEXIST, "the address that this round chose is taken by something else"},
    Advice{"", ENOMEM,
           "not enough memory or address space, or too many mappings: see ulimit -v and sysctl "
           "vm.max_map_count"},
    Advice{"pkey_alloc", ENOSPC,
           "the processor or the kernel has no protection keys, or all are taken"},
    Advice{"", ENOSPC, "the filesystem is full: free some space (df shows which)"},
    Advice{"", ENOSYS, "the kernel is too old for this call, or a sandbox hides it"},
    Advice{"", EAGAIN,
           "no further process may be started: see ulimit -u, and pids.max of the control group"},
    Advice{"", EMFILE, "too many open files: ulimit -n"},
    Advice{"", EROFS, "the filesystem is read-only: name a writable directory"},
};

bool is_errno(const std::error_code& code) {
  return code.category() == std::generic_category() || code.category() == std::system_category();
}

/// "mmap(RWX, 4096): Permission denied" -> "mmap"
std::string_view leading_name(std::string_view text) {
  const auto is_part = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  return {text.data(),
          static_cast<std::size_t>(std::ranges::find_if_not(text, is_part) - text.begin())};
}

/// Where fewer than `more` mappings are left: which limit that is. Empty where it is not near.
std::string mappings_nearly_used(std::int64_t more) {
  const auto most = read_integer("/proc/sys/vm/max_map_count");
  const auto used = count_vmas(0, kEndOfAddresses);
  if (!most || !used || *used + more <= *most) return {};
  return fmt::format(
      "vm.max_map_count allows {} mappings and {} are in use; a page that is toggled in the middle "
      "of a mapping takes two more: sysctl vm.max_map_count={}",
      *most, *used, 4 * *most);
}

}  // namespace

std::string_view what_to_do(std::string_view what, int error_number) {
  const auto found = std::ranges::find_if(kAdvice, [&](const Advice& advice) {
    return what.starts_with(advice.call) && advice.error_number == error_number;
  });
  return found == kAdvice.end() ? std::string_view{} : found->text;
}

void require_room_to_toggle() {
  constexpr std::int64_t kTwoAndSomeOfTheAllocator = 8;
  const std::string none_left = mappings_nearly_used(kTwoAndSomeOfTheAllocator);
  if (none_left.empty()) return;
  throw std::system_error(ENOMEM, std::generic_category(),
                          fmt::format("mprotect (not tried: {})", none_left));
}

std::string limit_behind_enomem() {
  constexpr std::int64_t kGivenBackMeanwhile = 16;
  std::string none_left = mappings_nearly_used(kGivenBackMeanwhile);
  if (!none_left.empty()) return none_left;
  for (const auto& [resource, name, option] :
       {std::tuple(RLIMIT_AS, "RLIMIT_AS", "-v"), std::tuple(RLIMIT_DATA, "RLIMIT_DATA", "-d")}) {
    rlimit limit{};
    if (getrlimit(resource, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
      constexpr rlim_t kKib = 1024;
      return fmt::format("{} is {} KiB here: ulimit {} unlimited", name, limit.rlim_cur / kKib,
                         option);
    }
  }
  constexpr std::int64_t kStrict = 2;
  if (read_integer("/proc/sys/vm/overcommit_memory") == kStrict) {
    return "vm.overcommit_memory=2 grants no more than vm.overcommit_ratio allows: sysctl "
           "vm.overcommit_memory=0";
  }
  return {};
}

Denial explain(const std::system_error& error) {
  Denial denial{
      .call = std::string(leading_name(error.what())), .error = {}, .reason = error.what()};
  if (!is_errno(error.code())) return denial;
  const int number = error.code().value();
  if (const char* symbol = strerrorname_np(number); symbol != nullptr) denial.error = symbol;
  // One that was not made was kept back because of a limit that what() names.
  if (denial.reason.find("(not tried") != std::string::npos) return denial;
  const std::string limit = number == ENOMEM ? limit_behind_enomem() : std::string();
  const std::string_view advice = limit.empty() ? what_to_do(denial.reason, number) : limit;
  if (!advice.empty()) denial.reason += fmt::format("; {}", advice);
  return denial;
}

}  // namespace patchbench::harness
