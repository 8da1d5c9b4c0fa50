#include "harness/programs/seccomp_test.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

namespace patchbench::harness {
namespace {

bool install(std::span<sock_filter> filter) {
  const sock_fprog program{.len = static_cast<unsigned short>(filter.size()),
                           .filter = filter.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

}  // namespace

bool filter_call(long number, int error) {
  const std::uint32_t action = error == kKill
                                   ? SECCOMP_RET_KILL_PROCESS
                                   : SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error);
  std::array filter = {
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(number), 0, 1),
      sock_filter BPF_STMT(BPF_RET | BPF_K, action),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  return install(filter);
}

bool filter_writable_and_executable() {
  constexpr std::uint32_t kBoth = PROT_WRITE | PROT_EXEC;
  constexpr std::uint32_t kProtection = offsetof(seccomp_data, args) + 2 * sizeof(std::uint64_t);
  std::array filter = {sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                       sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 0, 4),
                       sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kProtection),
                       sock_filter BPF_STMT(BPF_ALU | BPF_AND | BPF_K, kBoth),
                       sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kBoth, 0, 1),
                       sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
                       sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  return install(filter);
}

}  // namespace patchbench::harness
