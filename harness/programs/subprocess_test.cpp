#include "harness/programs/subprocess_test.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/machine/emulator.hpp"
#include "harness/programs/seccomp_test.hpp"

namespace patchbench::harness {
namespace {

std::string read_file(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

std::filesystem::path new_file() {
  std::string name = (std::filesystem::temp_directory_path() / "patchbench-out-XXXXXX").string();
  const int fd = mkstemp(name.data());
  if (fd < 0) throw std::runtime_error("mkstemp failed");
  close(fd);
  return name;
}

void redirect(const std::filesystem::path& file, int to) { dup2(open(file.c_str(), O_WRONLY), to); }

/// What a resumed run counts is written down in it.
bool says_what_to_count(const std::vector<std::string>& arguments) {
  return std::ranges::all_of(arguments,
                             [](const std::string& word) {
                               return word.starts_with("--resume=") ||
                                      word.starts_with("--seed=") || word == "--selftest" ||
                                      word == "--quiet" || word == "--no-report";
                             }) ||
         std::ranges::any_of(
             arguments, [](const std::string& word) { return word.starts_with("--counters"); });
}

[[noreturn]] void become_fake(const Start& start, const std::filesystem::path& output,
                              const std::filesystem::path& errors) {
  redirect(start.silent ? "/dev/full" : output, STDOUT_FILENO);
  redirect(start.silent ? "/dev/full" : errors, STDERR_FILENO);
  if (chdir(start.directory.c_str()) != 0) _exit(126);
  for (const auto& [name, value] : start.variables) setenv(name.c_str(), value.c_str(), 1);
  Execution program = execution_of(start.program);
  std::vector<std::string>& words = program.words;
  words.insert(words.end(), start.arguments.begin(), start.arguments.end());
  if (!says_what_to_count(start.arguments)) words.emplace_back("--counters=none");
  std::vector<char*> arguments(words.size() + 1);  // and a null at the end
  std::ranges::transform(words, arguments.begin(), [](std::string& word) { return word.data(); });
  for (const int signal : start.ignored) std::signal(signal, SIG_IGN);
  if (start.limit) {
    const rlimit limit{.rlim_cur = start.limit->second, .rlim_max = start.limit->second};
    setrlimit(start.limit->first, &limit);
  }
  if (start.perf_event_error != 0 && !filter_call(SYS_perf_event_open, start.perf_event_error)) {
    _exit(kNotFiltered);
  }
  if (start.prepare && !start.prepare()) _exit(kNotFiltered);
  execv(program.file.c_str(), arguments.data());
  _exit(127);
}

}  // namespace

Running::Running(const Start& start) : output_(new_file()), errors_(new_file()) {
  pid_ = fork();
  if (pid_ == 0) become_fake(start, output_, errors_);
  if (pid_ < 0) throw std::runtime_error("fork failed");
}

Running::~Running() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    static_cast<void>(reap(0));
  }
  std::error_code ignored;
  std::filesystem::remove(output_, ignored);
  std::filesystem::remove(errors_, ignored);
}

void Running::send(int signal) const {
  if (pid_ > 0) {  // -1, of one that has been waited for, would mean every process there is
    kill(pid_, signal);
  }
}

bool Running::reap(int options) {
  if (pid_ > 0 && waitpid(pid_, &status_, options) == pid_) pid_ = -1;
  return pid_ < 0;
}

bool Running::wait_until(const std::function<bool()>& condition) {
  while (!condition()) {
    if (reap(WNOHANG)) return condition();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

Finished Running::wait() {
  static_cast<void>(reap(0));
  Finished finished;
  if (WIFEXITED(status_)) {
    finished.exit_code = WEXITSTATUS(status_);
  } else {
    finished.signal = WTERMSIG(status_);
  }
  finished.output = read_file(output_);
  finished.errors = read_file(errors_);
  return finished;
}

Finished run_fake(const Start& start) { return Running(start).wait(); }

}  // namespace patchbench::harness
