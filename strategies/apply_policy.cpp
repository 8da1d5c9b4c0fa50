#include "apply_policy.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mapping.hpp"
#include "newer_linux.hpp"
#include "seccomp_filter.hpp"

namespace patchbench {
namespace {

AppliedPolicy not_here(std::string reason) {
  return {.setting = PolicySetting::not_here, .reason = std::move(reason)};
}

/// Of a call that failed with errno's current value, which says whose fault it is.
AppliedPolicy refused(const char* call, const char* what_to_do) {
  const int error = errno;
  std::string reason = call;
  const std::array<std::string_view, 4> rest{": ", std::strerror(error), "; ", what_to_do};
  for (const std::string_view part : rest) reason += part;
  return {.setting = error == EPERM || error == EACCES ? PolicySetting::needs_rights
                                                       : PolicySetting::not_here,
          .reason = std::move(reason)};
}

AppliedPolicy set_mdwe() {
  if (prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) != 0) {
    return refused("prctl(PR_SET_MDWE)", "Linux has it since 6.3");
  }
  return {};
}

// As systemd's MemoryDenyWriteExecute= did before it used PR_SET_MDWE: no mmap that is writable and
// executable, no mprotect or pkey_mprotect to executable, no shmat with SHM_EXEC.
AppliedPolicy set_seccomp_filter() {
  constexpr std::uint32_t kWritableExecutable = PROT_WRITE | PROT_EXEC;
  std::array program{
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 4, 0),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 6, 0),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pkey_mprotect, 5, 0),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_shmat, 6, 0),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kThirdArgument),
      sock_filter BPF_STMT(BPF_ALU | BPF_AND | BPF_K, kWritableExecutable),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kWritableExecutable, 5, 4),
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kThirdArgument),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 3, 2),
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kThirdArgument),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, SHM_EXEC, 1, 0),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
  };
  if (!install_seccomp_filter(program)) {
    return refused("prctl(PR_SET_SECCOMP)", "the kernel needs CONFIG_SECCOMP_FILTER");
  }
  return {};
}

/// The errno with which the mapping is refused; zero where it is not.
int refusal_of_mmap(int protection, int flags, const Fd& file) {
  void* const got = mmap(nullptr, page_size(), protection, flags, file.get(), 0);
  if (got == MAP_FAILED) return errno;
  munmap(got, page_size());
  return 0;
}

bool write_file(const char* path, const std::string& text) {
  const Fd file{open(path, O_WRONLY | O_CLOEXEC)};
  return file && write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

/// `id` of outside is `id` inside.
std::string one_to_one(unsigned id) {
  std::string line = std::to_string(id);
  line += ' ';
  line += std::to_string(id);
  line += " 1";
  return line;
}

bool enter_mount_namespace() {
  if (unshare(CLONE_NEWNS) == 0) return true;
  if (errno != EPERM) return false;
  const unsigned user = geteuid();
  const unsigned group = getegid();
  return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && write_file("/proc/self/setgroups", "deny") &&
         write_file("/proc/self/uid_map", one_to_one(user)) &&
         write_file("/proc/self/gid_map", one_to_one(group));
}

// Every mounted file system at once, because a zone may look for a place anywhere.
AppliedPolicy set_noexec() {
  if (!enter_mount_namespace()) {
    return refused("unshare(CLONE_NEWNS)", "it needs root, or user namespaces");
  }
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_NOEXEC;
  attributes.propagation = MS_PRIVATE;
  constexpr unsigned kRecursive = 0x8000;  // AT_RECURSIVE; not in <fcntl.h> without _GNU_SOURCE
  if (syscall(SYS_mount_setattr, AT_FDCWD, "/", kRecursive, &attributes, sizeof attributes) != 0) {
    return refused("mount_setattr(noexec)", "Linux has it since 5.12");
  }
  // A directory is refused with ENODEV where execution is allowed.
  const Fd directory{open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (refusal_of_mmap(PROT_READ | PROT_EXEC, MAP_PRIVATE, directory) != EPERM) {
    return not_here(
        "mounted noexec, and files may be executed: an emulator does not ask the kernel");
  }
  return {};
}

/// Ends `init`, and this process as the other one did.
[[noreturn]] void end_as(pid_t other, pid_t init) {
  int status = 0;
  while (waitpid(other, &status, 0) < 0) {
    if (errno != EINTR) _exit(EXIT_FAILURE);
  }
  kill(init, SIGKILL);  // by hand: it may not have come to ask for this yet
  if (WIFSIGNALED(status)) {
    signal(WTERMSIG(status), SIG_DFL);
    raise(WTERMSIG(status));
  }
  _exit(WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE);
}

[[noreturn]] void wait_for_a_signal() {
  for (;;) pause();
}

// The first process of a PID namespace is its init, which signals from inside do not kill: abort()
// would end otherwise there than elsewhere. So it only waits, and the second one goes on.
AppliedPolicy enter_pid_namespace() {
  if (unshare(CLONE_NEWPID) != 0) return refused("unshare(CLONE_NEWPID)", "it needs root");
  pid_t init = 0;
  for (const bool is_init : {true, false}) {
    const pid_t child = fork();
    if (child < 0) return refused("fork", "see ulimit -u");
    if (child != 0 && !is_init) end_as(child, init);
    init = child;
    if (child == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (is_init) wait_for_a_signal();
    }
  }
  return {};
}

AppliedPolicy set_memfd_noexec() {
  constexpr const char* kSysctl = "/proc/sys/vm/memfd_noexec";
  if (access(kSysctl, F_OK) != 0) return refused(kSysctl, "Linux has it since 6.3");
  if (AppliedPolicy entered = enter_pid_namespace(); entered.setting != PolicySetting::set) {
    return entered;
  }
  if (!write_file(kSysctl, "2")) return refused(kSysctl, "writing it needs root");
  const Fd executable{memfd_create("patchbench-policy", MFD_CLOEXEC | MFD_EXEC)};
  if (executable || errno != EACCES)
    return not_here("vm.memfd_noexec=2 refuses no executable memfd");
  return {};
}

bool enforces_selinux() {
  std::ifstream file("/sys/fs/selinux/enforce");
  int enforces = 0;
  return file >> enforces && enforces == 1;
}

AppliedPolicy look_for_selinux(bool may_execute_tmpfs) {
  constexpr const char* kWhere = "; scripts/selinux-guest boots a kernel that enforces it";
  if (!enforces_selinux())
    return not_here(std::string("this kernel does not enforce SELinux") + kWhere);
  if (refusal_of_mmap(PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, Fd()) !=
      EACCES) {
    return not_here(std::string("the policy that is loaded allows execmem") + kWhere);
  }
  const Fd file = executable_memfd("patchbench-policy", page_size());
  const bool may = refusal_of_mmap(PROT_READ | PROT_EXEC, MAP_SHARED, file) == 0;
  if (may == may_execute_tmpfs) return {};
  return not_here(may ? "the policy that is loaded allows files on tmpfs to be executed"
                      : "the policy that is loaded does not allow files on tmpfs to be executed");
}

AppliedPolicy set_file_size_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_FSIZE, &limit) != 0) return refused("getrlimit(RLIMIT_FSIZE)", "");
  limit.rlim_cur = page_size();
  if (setrlimit(RLIMIT_FSIZE, &limit) != 0) {
    return refused("setrlimit(RLIMIT_FSIZE)", "ulimit -f shows the limit");
  }
  return {};
}

}  // namespace

AppliedPolicy apply(Policy policy) {
  switch (policy) {
    case Policy::mdwe:
      return set_mdwe();
    case Policy::seccomp:
      return set_seccomp_filter();
    case Policy::noexec:
      return set_noexec();
    case Policy::memfd_noexec:
      return set_memfd_noexec();
    case Policy::selinux:
      return look_for_selinux(true);
    case Policy::selinux_no_tmpfs_exec:
      return look_for_selinux(false);
    case Policy::file_size_limit:
      return set_file_size_limit();
  }
  return not_here("no such policy");
}

}  // namespace patchbench
