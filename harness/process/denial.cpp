#include "harness/process/denial.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

namespace patchbench::harness {
namespace {

struct Advice {
  std::string_view call;  // a prefix; empty: any
  int error_number;
  std::string_view text;
};

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
    Advice{"ftruncate", EFBIG, "the file size limit is too small: ulimit -f unlimited"},
    Advice{"fallocate", EFBIG, "the file size limit is too small: ulimit -f unlimited"},
    Advice{"mmap", EPERM,
           "the file is on a filesystem mounted noexec, or a seccomp filter refuses it: set TMPDIR "
           "to a directory that is not noexec"},
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
    Advice{"", ENOSPC, "the filesystem is full: free some space (df shows which)"},
    Advice{"", ENOSYS, "the kernel is too old for this call, or a sandbox hides it"},
    Advice{"", EMFILE, "too many open files: ulimit -n"},
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

}  // namespace

std::string_view what_to_do(std::string_view call, int error_number) {
  const auto found = std::ranges::find_if(kAdvice, [&](const Advice& advice) {
    return call.starts_with(advice.call) && advice.error_number == error_number;
  });
  return found == kAdvice.end() ? std::string_view{} : found->text;
}

Denial explain(const std::system_error& error) {
  Denial denial{
      .call = std::string(leading_name(error.what())), .error = {}, .reason = error.what()};
  if (!is_errno(error.code())) return denial;
  const int number = error.code().value();
  if (const char* symbol = strerrorname_np(number); symbol != nullptr) denial.error = symbol;
  if (const std::string_view advice = what_to_do(denial.call, number); !advice.empty()) {
    denial.reason += fmt::format("; {}", advice);
  }
  return denial;
}

}  // namespace patchbench::harness
