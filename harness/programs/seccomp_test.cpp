#include "harness/programs/seccomp_test.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

#include <sys/mman.h>
#include <sys/syscall.h>

#include "strategies/seccomp_filter.hpp"

namespace patchbench::harness {
bool filter_call(long number, int error) {
  const std::uint32_t action = error == kKill
                                   ? SECCOMP_RET_KILL_PROCESS
                                   : SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error);
  std::array filter = {
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(number), 0, 1),
      sock_filter BPF_STMT(BPF_RET | BPF_K, action),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  return install_seccomp_filter(filter);
}

bool filter_writable_and_executable() {
  constexpr std::uint32_t kBoth = PROT_WRITE | PROT_EXEC;
  std::array filter = {sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                       sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 0, 4),
                       sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kThirdArgument),
                       sock_filter BPF_STMT(BPF_ALU | BPF_AND | BPF_K, kBoth),
                       sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kBoth, 0, 1),
                       sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
                       sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  return install_seccomp_filter(filter);
}

}  // namespace patchbench::harness
