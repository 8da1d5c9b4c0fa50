#include "analysis/render/gnuplot.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace patchbench::analysis {
namespace {

constexpr int kTimeLimit = 60'000;           // in milliseconds
constexpr std::size_t kMessageLimit = 2000;  // characters of gnuplot's complaints that are kept

/// Starts it with its words going to `output`; 0 or an errno.
int spawn(pid_t& child, std::string program, const std::filesystem::path& directory,
          std::string script, int output) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
  posix_spawn_file_actions_addchdir_np(&actions, directory.c_str());
  std::string defaults = "--default-settings";
  std::array<char*, 4> arguments = {program.data(), defaults.data(), script.data(), nullptr};
  const int error =
      ::posix_spawnp(&child, program.c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

/// False when it had to be killed.
bool ends_in_time(pid_t child) {
  pollfd end{static_cast<int>(::syscall(SYS_pidfd_open, child, 0)), POLLIN, 0};
  if (end.fd < 0) return true;  // a kernel before 5.3: without a limit
  int ready = -1;
  do ready = ::poll(&end, 1, kTimeLimit);
  while (ready < 0 && errno == EINTR);
  ::close(end.fd);
  if (ready == 0) ::kill(child, SIGKILL);
  return ready != 0;
}

/// Its beginning, as one line.
std::string words_in(int output) {
  std::string text(kMessageLimit, ' ');
  text.resize(
      static_cast<std::size_t>(std::max<ssize_t>(0, ::pread(output, text.data(), text.size(), 0))));
  std::ranges::replace_if(
      text, [](char c) { return c == '\n' || c == '\t'; }, ' ');
  text.erase(text.find_last_not_of(' ') + 1);
  return text.erase(0, text.find_first_not_of(' '));
}

}  // namespace

std::string gnuplot_string(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    if (c == '\n') quoted += R"('."\n".')";
    if (c != '\n') quoted += control ? ' ' : c;
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
  const int output = ::memfd_create("gnuplot's words", MFD_CLOEXEC);
  if (output < 0)
    throw std::system_error(errno, std::generic_category(), "memfd_create for gnuplot");
  pid_t child = 0;
  const int error = spawn(child, program, directory, script, output);
  bool in_time = true;
  int status = 0;
  if (error == 0) {
    in_time = ends_in_time(child);
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
  }
  const std::string complaint = words_in(output);
  ::close(output);
  using enum GnuplotError;
  if (error != 0) {
    return GnuplotFailure{error == ENOENT ? missing : failed,
                          program + ": " + std::generic_category().message(error)};
  }
  if (!in_time) return GnuplotFailure{failed, program + " did not end within a minute"};
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return std::nullopt;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127 && complaint.empty()) {
    return GnuplotFailure{missing, program + " could not be executed"};
  }
  return GnuplotFailure{failed, program + " failed: " + complaint};
}

}  // namespace patchbench::analysis
