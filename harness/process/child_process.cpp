#include "harness/process/child_process.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/machine/cpu_list.hpp"
#include "harness/process/leftovers.hpp"
#include "harness/process/spawn.hpp"

namespace patchbench::harness {
namespace {

struct Pipe {
  Fd read;
  Fd write;
};

/// Both ends of the socket by which a child is given its turns.
struct TurnSocket {
  Fd parent;
  Fd child;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw_errno("pipe2");
  const Fd read(ends[0]);
  const Fd write(ends[1]);
  return Pipe{.read = moved_up(read), .write = moved_up(write)};
}

TurnSocket make_turn_socket() {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw_errno("socketpair");
  }
  const Fd parent(ends[0]);
  const Fd child(ends[1]);
  return {.parent = moved_up(parent), .child = moved_up(child)};
}

Execution wrapped(const Wrapper& wrapper) {
  Execution program{.file = wrapper.command.front(), .words = wrapper.command};
  // /proc/self/exe would be the wrapper itself.
  program.words.push_back(std::filesystem::read_symlink("/proc/self/exe").string());
  return program;
}

Execution execution_for(const ChildTask& task, const Wrapper* wrapper) {
  if (wrapper != nullptr) return wrapped(*wrapper);
  return task.program.empty() ? execution_of_self() : execution_of(task.program);
}

pid_t start_program(const ChildTask& task, const Pipe& task_pipe, const Pipe& answer,
                    const Pipe& errors, const Fd& turn, const sigset_t& mask,
                    const Wrapper* wrapper) {
  std::vector<Handover> handed = {{.fd = &errors.write, .as = STDOUT_FILENO},
                                  {.fd = &errors.write, .as = STDERR_FILENO},
                                  {.fd = &task_pipe.read, .as = kTaskFd},
                                  {.fd = &answer.write, .as = kAnswerFd}};
  if (turn) handed.push_back({.fd = &turn, .as = kTurnFd});
  Fd report;
  if (wrapper != nullptr) {
    report = moved_up(*wrapper->report);
    handed.push_back({.fd = &report, .as = kReportFd});
  }
  // The child asks which processors this process may use only once it has its task.
  const OnProcessor started(task.cpu);
  return spawn(execution_for(task, wrapper), kChildArgument, handed, mask,
               wrapper == nullptr ? Addresses::random : Addresses::fixed);
}

void write_task(Fd fd, const ChildTask& task) {
  ChildTask from_here = task;
  from_here.parent = getpid();
  if (task.cpu >= 0 || task.purpose == ChildPurpose::count_events) {
    from_here.processors = allowed_cpus();
  }
  const std::string text = to_json_text(from_here);
  // Far below what a pipe holds, so this cannot block; a child that is already gone shows in how it
  // ended.
  [[maybe_unused]] const ssize_t written = write(fd.get(), text.data(), text.size());
}

/// Takes what is there. False at the end of the stream.
bool take(const Fd& fd, std::string& text) {
  std::array<char, 4096> buffer{};
  for (;;) {
    const ssize_t got = read(fd.get(), buffer.data(), buffer.size());
    if (got > 0) {
      text.append(buffer.data(), static_cast<std::size_t>(got));
    } else if (got == 0) {
      return false;
    } else if (errno != EINTR) {
      return errno == EAGAIN;
    }
  }
}

}  // namespace

ChildProcess::ChildProcess(const ChildTask& task, const SignalWatch& signals,
                           const Wrapper* wrapper) {
  Pipe task_pipe = make_pipe();
  Pipe answer = make_pipe();
  Pipe errors = make_pipe();
  TurnSocket turn;
  if (task.takes_turns) turn = make_turn_socket();
  pid_ = start_program(task, task_pipe, answer, errors, turn.child, signals.mask_before(), wrapper);
  task_pipe.read = Fd();
  write_task(std::move(task_pipe.write), task);
  answer_ = std::move(answer.read);
  errors_ = std::move(errors.read);
  turn_ = std::move(turn.parent);
  fcntl(answer_.get(), F_SETFL, O_NONBLOCK);
  fcntl(errors_.get(), F_SETFL, O_NONBLOCK);
}

void ChildProcess::wait_for_news(SignalWatch& signals, int milliseconds) {
  std::array<pollfd, 4> watched = {pollfd{.fd = signals.fd(), .events = POLLIN, .revents = 0},
                                   pollfd{.fd = answer_.get(), .events = POLLIN, .revents = 0},
                                   pollfd{.fd = errors_.get(), .events = POLLIN, .revents = 0},
                                   pollfd{.fd = turn_.get(), .events = POLLIN, .revents = 0}};
  poll(watched.data(), watched.size(), milliseconds);
  signals.drain();
  reap(WNOHANG);
  take_output();
  hear();
}

void ChildProcess::give_turn() {
  waits_for_.reset();
  const std::uint8_t go = 1;
  [[maybe_unused]] const ssize_t sent = send(turn_.get(), &go, sizeof go, MSG_NOSIGNAL);
}

void ChildProcess::kill_and_reap() {
  if (pid_ >= 0) {
    kill(-pid_, SIGKILL);
    reap(0);
    take_output();
  }
}

void ChildProcess::reap(int options) {
  pid_t got = 0;
  do {
    got = waitpid(pid_, &wait_status_, options);
  } while (got < 0 && errno == EINTR);
  // What a killed child could not remove would outlive this run too.
  if (got == pid_ && WIFSIGNALED(wait_status_)) remove_leftovers(pid_);
  if (got == pid_ || got < 0) pid_ = -1;
}

void ChildProcess::hear() {
  std::uint8_t metric = 0;
  if (ended()) {
    waits_for_.reset();
  } else if (turn_ && recv(turn_.get(), &metric, sizeof metric, MSG_DONTWAIT) == sizeof metric) {
    waits_for_ = metric;
  }
}

void ChildProcess::take_output() {
  if (answer_ && !take(answer_, answer_text_)) answer_ = Fd();
  if (errors_ && !take(errors_, errors_text_)) errors_ = Fd();
  if (errors_text_.size() > 4 * kStderrTail) {
    errors_text_.erase(0, errors_text_.size() - (kStderrTail + 1));
  }
}

}  // namespace patchbench::harness
