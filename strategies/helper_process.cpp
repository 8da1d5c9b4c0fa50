#include "helper_process.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <utility>

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace patchbench {
namespace {

struct Range {
  std::uint64_t offset;
  std::uint64_t size;
};

/// 0, or the errno of what failed.
using Answer = int;

template <class Message>
bool send_message(int socket, const Message& message) noexcept {
  ssize_t sent = 0;
  do {
    sent = send(socket, &message, sizeof message, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent == static_cast<ssize_t>(sizeof message);
}

template <class Message>
bool receive_message(int socket, Message& message) noexcept {
  ssize_t received = 0;
  do {
    received = recv(socket, &message, sizeof message, 0);
  } while (received < 0 && errno == EINTR);
  return received == static_cast<ssize_t>(sizeof message);
}

// A helper that outlived its parent, or kept its pipes open, would keep others waiting.
void leave_the_parents_life(int socket, pid_t parent) noexcept {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(0);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) std::signal(signal, SIG_IGN);
  const auto kept = static_cast<unsigned>(socket);
  if (kept > 0) close_range(0, kept - 1, 0);
  close_range(kept + 1, ~0U, 0);
}

// In the child of a fork: only what is safe after one in a process with threads.
[[noreturn]] void serve(int socket, pid_t parent, int file, const std::byte* staged,
                        std::size_t size) noexcept {
  void* view = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  const Answer first = view == MAP_FAILED ? errno : 0;
  leave_the_parents_life(socket, parent);
  if (!send_message(socket, first) || first != 0) _exit(1);
  auto* code = static_cast<std::byte*>(view);
  for (Range range{}; receive_message(socket, range);) {
    // Aligned words in one store each, so that an executor sees the old or the new one.
    const std::byte* from = staged + range.offset;
    std::byte* to = code + range.offset;
    std::size_t done = 0;
    while (done < range.size) {
      const bool whole_word =
          (range.offset + done) % sizeof(std::uint64_t) == 0 && range.size - done >= 8;
      if (whole_word) {
        std::atomic_ref(*reinterpret_cast<std::uint64_t*>(to + done))
            .store(*reinterpret_cast<const std::uint64_t*>(from + done), std::memory_order_release);
        done += sizeof(std::uint64_t);
      } else {
        to[done] = from[done];
        ++done;
      }
    }
    if (!send_message(socket, Answer{0})) break;
  }
  _exit(0);
}

}  // namespace

CodeHelper::CodeHelper(const Fd& file, const Mapping& staging) {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw_errno("socketpair");
  }
  socket_ = Fd{ends[0]};
  const Fd other{ends[1]};
  const pid_t parent = getpid();
  process_ = fork();
  if (process_ < 0) throw_errno("fork");
  if (process_ == 0) serve(other.get(), parent, file.get(), staging.bytes(), staging.size());
  Answer answer = ECHILD;
  if (!receive_message(socket_.get(), answer)) answer = ECHILD;
  if (answer != 0) {
    socket_ = Fd{};
    waitpid(process_, nullptr, 0);
    throw_errno("mmap (in the helper process)", answer);
  }
}

CodeHelper::CodeHelper(CodeHelper&& other) noexcept
    : socket_(std::move(other.socket_)), process_(std::exchange(other.process_, -1)) {}

CodeHelper& CodeHelper::operator=(CodeHelper&& other) noexcept {
  std::swap(socket_, other.socket_);
  std::swap(process_, other.process_);
  return *this;
}

CodeHelper::~CodeHelper() {
  if (process_ < 0) return;
  Fd closed{std::move(socket_)};
  closed = Fd{};
  waitpid(process_, nullptr, 0);
}

bool CodeHelper::copy(std::size_t offset, std::size_t size) noexcept {
  Answer answer = 0;
  return send_message(socket_.get(), Range{.offset = offset, .size = size}) &&
         receive_message(socket_.get(), answer);
}

}  // namespace patchbench
