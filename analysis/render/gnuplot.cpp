#include "analysis/render/gnuplot.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace patchbench::analysis {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kTimeLimit{60};
constexpr std::size_t kMessageLimit = 2000;  // characters of gnuplot's complaints that are kept

/// spawn's two attributes objects, freed on every way out.
class FileActions {
 public:
  FileActions() { posix_spawn_file_actions_init(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
  posix_spawn_file_actions_t* get() { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

/// What the child says until it closes its end, or false when time was up.
bool read_until_closed(int fd, std::string& text) {
  const auto deadline = Clock::now() + kTimeLimit;
  while (true) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) return false;
    pollfd wait{fd, POLLIN, 0};
    const int ready = ::poll(&wait, 1, static_cast<int>(left.count()));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    std::array<char, 4096> buffer{};
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return true;
    if (text.size() < kMessageLimit) text.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

int wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

std::string one_line(std::string text) {
  for (char& c : text) {
    if (c == '\n' || c == '\t') c = ' ';
  }
  text.erase(text.find_last_not_of(' ') + 1);
  text.erase(0, text.find_first_not_of(' '));
  return text.substr(0, kMessageLimit);
}

}  // namespace

std::string gnuplot_string(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    quoted += control ? ' ' : c;
    if (c == '\'') quoted += c;
  }
  return quoted + "'";
}

std::string gnuplot_tic_string(std::string_view text) {
  std::string doubled;
  for (const char c : text) {
    doubled += c;
    if (c == '%') doubled += c;
  }
  return gnuplot_string(doubled);
}

std::optional<GnuplotFailure> run_gnuplot(const std::filesystem::path& directory,
                                          const std::string& script, const std::string& program) {
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) {
    throw std::system_error(errno, std::generic_category(), "cannot make a pipe to gnuplot");
  }
  FileActions actions;
  posix_spawn_file_actions_addopen(actions.get(), STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(actions.get(), pipe[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(actions.get(), pipe[1], STDERR_FILENO);
  posix_spawn_file_actions_addchdir_np(actions.get(), directory.c_str());
  std::string name = program;
  std::string defaults = "--default-settings";
  std::string file = script;
  std::array<char*, 4> arguments = {name.data(), defaults.data(), file.data(), nullptr};
  pid_t child = 0;
  const int error =
      ::posix_spawnp(&child, name.c_str(), actions.get(), nullptr, arguments.data(), environ);
  ::close(pipe[1]);
  if (error != 0) {
    ::close(pipe[0]);
    const auto kind = error == ENOENT ? GnuplotError::missing : GnuplotError::failed;
    return GnuplotFailure{kind, program + ": " + std::generic_category().message(error)};
  }
  std::string complaint;
  const bool in_time = read_until_closed(pipe[0], complaint);
  ::close(pipe[0]);
  if (!in_time) ::kill(child, SIGKILL);
  const int status = wait_for(child);
  if (!in_time)
    return GnuplotFailure{GnuplotError::failed, program + " did not end within a minute"};
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return std::nullopt;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127 && complaint.empty()) {
    return GnuplotFailure{GnuplotError::missing, program + " could not be executed"};
  }
  return GnuplotFailure{GnuplotError::failed, program + " failed: " + one_line(complaint)};
}

}  // namespace patchbench::analysis
