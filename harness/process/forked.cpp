#include "harness/process/forked.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string_view>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "strategies/mapping.hpp"

namespace patchbench::harness {
namespace {

constexpr unsigned kPatienceSeconds = 60;
constexpr int kReturned = 42;  // unlike the exit codes of sanitizers and of the C library

void be_a_child_that_may_crash() {
  const rlimit no_core_file{};
  setrlimit(RLIMIT_CORE, &no_core_file);
  for (const int number : {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGINT, SIGSEGV, SIGTERM, SIGXFSZ}) {
    signal(number, SIG_DFL);
  }
  alarm(kPatienceSeconds);
  // A crash is an answer here, and whoever asked has it.
  const Fd nowhere{open("/dev/null", O_WRONLY | O_CLOEXEC)};
  if (nowhere) dup2(nowhere.get(), STDERR_FILENO);
}

void write_all(const Fd& to, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(to.get(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) _exit(EXIT_FAILURE);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

/// Where `body` forks, what it returns is written by the one that returns; the other never comes
/// here.
[[noreturn]] void be_the_child(const std::function<std::string()>& body, const Fd& answer) {
  be_a_child_that_may_crash();
  try {
    write_all(answer, body());
  } catch (const std::exception& error) {
    write_all(answer, error.what());
    _exit(EXIT_FAILURE);
  }
  _exit(kReturned);
}

std::string read_all(const Fd& from) {
  std::string text;
  std::array<char, 4096> buffer{};
  for (;;) {
    const ssize_t got = read(from.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

std::string ending_of(int status, const std::string& text) {
  if (WIFSIGNALED(status)) {
    const char* name = sigabbrev_np(WTERMSIG(status));
    return fmt::format("SIG{}", name != nullptr ? name : std::to_string(WTERMSIG(status)));
  }
  if (WEXITSTATUS(status) == kReturned) return {};
  return text.empty() ? fmt::format("exit code {}", WEXITSTATUS(status)) : text;
}

}  // namespace

Forked run_forked(const std::function<std::string()>& body) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw_errno("pipe2");
  const Fd read_end(ends[0]);
  Fd write_end(ends[1]);
  const pid_t child = fork();
  if (child < 0) throw_errno("fork");
  if (child == 0) be_the_child(body, write_end);
  write_end = Fd();
  Forked forked{.text = read_all(read_end), .ending = {}};
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) throw_errno("waitpid");
  }
  forked.ending = ending_of(status, forked.text);
  if (!forked.returned()) forked.text.clear();
  return forked;
}

}  // namespace patchbench::harness
