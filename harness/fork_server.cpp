#include "harness/fork_server.hpp"

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "harness/child.hpp"
#include "harness/child_process.hpp"
#include "harness/emulator.hpp"
#include "harness/spawn.hpp"
#include "harness/timing.hpp"
#include "harness/turns.hpp"

namespace patchbench::harness {
namespace {

/// The server's end of the socket: a request is one byte and the child's descriptors, the answer
/// its process id or -1.
constexpr int kServerFd = 3;

constexpr std::array<int, 4> kNumbers = {kTaskFd, kAnswerFd, STDERR_FILENO, kTurnFd};
using Numbers = std::array<int, kNumbers.size()>;

/// Room for kNumbers descriptors beside a message (cmsg(3)).
struct Ancillary {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(Numbers))> bytes{};
};

struct Message {
  Ancillary ancillary;
  char request = 0;
  iovec data{.iov_base = &request, .iov_len = sizeof request};
  msghdr header{};

  Message() {
    header.msg_iov = &data;
    header.msg_iovlen = 1;
    header.msg_control = ancillary.bytes.data();
    header.msg_controllen = ancillary.bytes.size();
  }
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;
};

bool send_descriptors(const Fd& socket, const Numbers& numbers) {
  Message message;
  cmsghdr* const head = CMSG_FIRSTHDR(&message.header);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(sizeof numbers);
  std::memcpy(CMSG_DATA(head), numbers.data(), sizeof numbers);
  return sendmsg(socket.get(), &message.header, MSG_NOSIGNAL) == sizeof message.request;
}

/// Empty at the end: the parent is gone, or wants no more children.
std::optional<Numbers> receive_descriptors() {
  Message message;
  ssize_t got = 0;
  do {
    got = recvmsg(kServerFd, &message.header, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  const cmsghdr* const head = got > 0 ? CMSG_FIRSTHDR(&message.header) : nullptr;
  if (head == nullptr || head->cmsg_len != CMSG_LEN(sizeof(Numbers))) {
    return std::nullopt;
  }
  Numbers numbers{};
  std::memcpy(numbers.data(), CMSG_DATA(head), sizeof numbers);
  return numbers;
}

/// As fork(2), but the new process is a child of this one's parent. Of what libc's fork() does for
/// a process with one thread only the thread's id matters here (abort(3) uses it): the kernel
/// writes it where libc has it, which the kernel knows since libc started (set_tid_address(2)).
/// Empty where it does not say where that is (PR_GET_TID_ADDRESS needs CONFIG_CHECKPOINT_RESTORE).
std::optional<pid_t> fork_sibling() {
  int* thread_id = nullptr;
  if (prctl(PR_GET_TID_ADDRESS, &thread_id) != 0 || thread_id == nullptr) {
    return std::nullopt;
  }
  // Architectures differ in which of the last two is the thread id's address; the other is unused.
  const long pid =
      syscall(SYS_clone, CLONE_PARENT | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD,
              nullptr, nullptr, thread_id, thread_id);
  return pid < 0 ? std::nullopt : std::optional(static_cast<pid_t>(pid));
}

/// From whatever was free to where a child finds them.
void take_places(const Numbers& numbers) {
  constexpr int kAbove = 10;
  Numbers high{};
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    high.at(i) = fcntl(numbers.at(i), F_DUPFD_CLOEXEC, kAbove);
    close(numbers.at(i));
  }
  close(kServerFd);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    dup2(high.at(i), kNumbers.at(i));
    close(high.at(i));
  }
  dup2(STDERR_FILENO, STDOUT_FILENO);
}

}  // namespace

ForkServer::ForkServer(const std::filesystem::path& program, int cpu, const SignalWatch& signals) {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw_errno("socketpair (to a process that forks children)");
  }
  const Fd own(ends[0]);
  const Fd low(ends[1]);
  socket_ = moved_up(own);
  const Fd other = moved_up(low);
  const OnProcessor started(cpu);
  pid_ = spawn(program.empty() ? execution_of_self() : execution_of(program), kForkServerArgument,
               std::array{Handover{.fd = &other, .as = kServerFd}}, signals.mask_before());
}

ForkServer::~ForkServer() {
  socket_ = Fd();
  kill(pid_, SIGKILL);  // it has nothing to tidy up
  int status = 0;
  static_cast<void>(wait_for_process(pid_, status, 0));
}

std::optional<pid_t> ForkServer::fork(const Descriptors& descriptors) {
  if (!works_) {
    return std::nullopt;
  }
  Numbers numbers{};
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    numbers.at(i) = descriptors.at(i)->get();
  }
  pid_t pid = -1;
  works_ = send_descriptors(socket_, numbers) &&
           recv(socket_.get(), &pid, sizeof pid, 0) == sizeof pid && pid > 0;
  if (!works_) {
    return std::nullopt;
  }
  setpgid(pid, pid);  // as it does itself, whoever is first: it can be killed as a group from here
  return pid;
}

int fork_server_main(const Catalogue& catalogue, std::optional<int> layout) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  describe_machine_to_benchmark();
  while (const std::optional<Numbers> numbers = receive_descriptors()) {
    const pid_t pid = fork_sibling().value_or(-1);
    if (pid == 0) {
      setpgid(0, 0);
      take_places(*numbers);
      return child_main(catalogue, layout);
    }
    for (const int number : *numbers) {
      close(number);
    }
    if (send(kServerFd, &pid, sizeof pid, MSG_NOSIGNAL) != sizeof pid) {
      break;
    }
  }
  return 0;
}

}  // namespace patchbench::harness
